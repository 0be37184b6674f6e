//! Quotas: so many records in a day and so many requests in a second, and no withdrawal held back by either.

mod groups;
mod numbers;

use std::time::Duration;

use causeway_journal::v1::Decision;
use causeway_model::{Date, Timestamp};
use causeway_proto::v1;
use causeway_proto::v1::item::Content;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::feed::evidence::Partner;
use crate::feed::{ALBANIA, submit_each, verifier_key};
use crate::harness::calls::{pull, reason, request, send, withdraw, within};
use crate::harness::{World, documents};

fn world(quota: &'static str) -> World {
    World::with(|setup| {
        setup.agreement(ALBANIA, |text| text.replacen("[identity]", &format!("[quota]\n{quota}\n\n[identity]"), 1));
    })
}

/// What each item of a page is served as: `r`eleased, `w`ithdrawn or `d`eferred.
fn served(page: &v1::Page) -> String {
    let letter = |item: &v1::Item| match item.content.as_ref().expect("content") {
        Content::Released(_) => 'r',
        Content::Withdrawn(_) => 'w',
        Content::Deferred(_) => 'd',
    };
    page.items.iter().map(letter).collect()
}

fn delay(status: &Status) -> Duration {
    let details = status.get_error_details();
    details.retry_info().and_then(|info| info.retry_delay).expect("it says when to come again")
}

fn midnight() -> Timestamp {
    Date::new(2026, 11, 22).expect("a day").start()
}

async fn submit_profiles(world: &World, gateway: &crate::harness::Gateway, count: usize) -> Vec<v1::Receipt> {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipts = submit_each(&mut ingest, &vec![documents::profile(); count]).await;
    world.journal().settle(ALBANIA, count as u64).await;
    receipts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_the_days_records_is_put_off_and_withdrawals_are_not() {
    let world = world("records_per_day = 3");
    let gateway = world.start().await;
    let receipts = submit_profiles(&world, &gateway, 5).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let key = verifier_key(&gateway).await;
    let mut partner = Partner::new("al-police", &key);
    let first = pull(&mut feed, "", 2).await.expect("a page");
    partner.read(&first).expect("proved");
    assert_eq!((served(&first).as_str(), first.ahead_cursor.as_str(), first.quota_renewed_at_micros), ("rr", "", 0));
    let second = pull(&mut feed, &first.next_cursor, 100).await.expect("a page");
    let entry = partner.clone().read(&second).expect("what is put off is proved as well").expect("an entry");
    assert_eq!((served(&second).as_str(), entry.count), ("rdd", 1));
    assert_eq!(second.quota_renewed_at_micros, midnight().0);
    assert_ne!(second.ahead_cursor, second.next_cursor);
    // Nothing but what is put off: the call is refused, and says until when.
    let size = world.journal().size();
    let refused = pull(&mut feed, &second.next_cursor, 100).await.expect_err("the quota is used up");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "quota-exceeded"));
    assert_eq!(delay(&refused), Duration::from_secs(12 * 3600));
    let left: Vec<_> = world.journal().entries_from(size).into_iter().map(|seen| seen.entry).collect();
    assert_eq!(
        left.iter().map(|entry| (entry.decision(), entry.reason.as_str())).collect::<Vec<_>>(),
        [(Decision::Denied, "quota-exceeded")]
    );
    assert_eq!(pull(&mut feed, &second.ahead_cursor, 100).await.expect("the end").items, [], "ahead there is nothing");
    // A withdrawal gets through: ahead of what is put off, and behind a page of nothing else.
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    withdraw(&mut ingest, "gone", &receipts[0].record_id, 1).await.expect("withdrawn");
    let ahead = pull(&mut feed, &second.ahead_cursor, 100).await.expect("the withdrawal");
    assert_eq!((served(&ahead).as_str(), ahead.items[0].position), ("w", 6));
    let short = pull(&mut feed, &second.next_cursor, 1).await.expect("a withdrawal is further on");
    assert_eq!(served(&short), "d");
    let whole = pull(&mut feed, &second.next_cursor, 100).await.expect("and here it is");
    assert_eq!(served(&whole), "ddw");
    // The quota is in the journal, so a restart gives nothing more; a new day does.
    gateway.stop().await;
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(served(&pull(&mut feed, &first.next_cursor, 100).await.expect("a page")), "dddw");
    world.clock().set(midnight());
    let rest = pull(&mut feed, &first.next_cursor, 100).await.expect("the rest");
    assert_eq!(served(&rest), "rrrw");
    partner.read(&rest).expect("positions are what they were");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_replaces_an_earlier_item_is_never_put_off() {
    let world = world("records_per_day = 1");
    let gateway = world.start().await;
    let receipts = submit_profiles(&world, &gateway, 2).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let first = pull(&mut feed, "", 1).await.expect("the day's record");
    assert_eq!(served(&first), "r");
    let refused = pull(&mut feed, &first.next_cursor, 100).await.expect_err("nothing has to be told");
    assert_eq!(reason(&refused), "quota-exceeded");
    let corrected = documents::with(documents::profile(), serde_json::json!({ "gender": "male" }));
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut correction = request("corrected", &corrected);
    (correction.record_id, correction.expected_version) = (receipts[0].record_id.clone(), 1);
    send(&mut ingest, correction).await.expect("accepted");
    world.journal().settle(ALBANIA, 3).await;
    // It is told where it is, and that it is further on.
    let short = pull(&mut feed, &first.next_cursor, 1).await.expect("a correction is further on");
    assert_eq!(served(&short), "d");
    let rest = pull(&mut feed, &first.next_cursor, 100).await.expect("and here it is");
    assert_eq!(served(&rest), "dr");
    let Some(Content::Released(shown)) = &rest.items[1].content else { panic!("{rest:?}") };
    assert_eq!(shown.replaces_item_id, first.items[0].item_id, "the partner does not hear that its copy is wrong");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_made_at_once_do_not_take_the_same_of_a_quota() {
    let world = world("records_per_day = 10");
    let gateway = world.start().await;
    submit_profiles(&world, &gateway, 12).await;
    let feed = gateway.feed("al-police/feed").await;
    let pulls: Vec<_> = (0..8)
        .map(|_| {
            let mut feed = feed.clone();
            tokio::spawn(async move { pull(&mut feed, "", 6).await })
        })
        .collect();
    let mut shown = 0;
    for one in pulls {
        match one.await.expect("no panic") {
            Ok(page) => shown += served(&page).matches('r').count(),
            Err(status) => assert_eq!(reason(&status), "quota-exceeded"),
        }
    }
    assert_eq!(shown, 10, "the day's records, each counted whenever it leaves");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_second_are_counted_and_acknowledging_is_free() {
    let world = world("requests_per_second = 2");
    let gateway = world.start().await;
    submit_profiles(&world, &gateway, 2).await;
    let mut feed = gateway.feed("al-police/feed").await;
    for _ in 0..2 {
        pull(&mut feed, "", 0).await.expect("two in a second");
    }
    let refused = pull(&mut feed, "", 0).await.expect_err("not three");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "rate-exceeded"));
    assert_eq!(delay(&refused), Duration::from_millis(500));
    let numbers = v1::CountRequest { table: "t1".into(), ..v1::CountRequest::default() };
    assert_eq!(reason(&feed.count(numbers).await.expect_err("they share it")), "rate-exceeded");
    let tables = feed.list_tables(v1::ListTablesRequest::default()).await.expect_err("and these");
    assert_eq!(reason(&tables), "rate-exceeded");
    let watch = feed.watch(v1::WatchRequest::default()).await.expect_err("a watch is opened by a request");
    assert_eq!((watch.code(), reason(&watch).as_str()), (Code::ResourceExhausted, "rate-exceeded"));
    for _ in 0..3 {
        let taken = v1::AcknowledgeRequest { up_to_position: 2, ..v1::AcknowledgeRequest::default() };
        feed.acknowledge(taken).await.expect("always");
    }
    let noon = Date::new(2026, 11, 21).expect("a day").start().plus_seconds(12 * 3600);
    world.clock().set(Timestamp(noon.0 + 500_000));
    pull(&mut feed, "", 0).await.expect("half a second is worth one");
    pull(&mut feed, "", 0).await.expect_err("and no more");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_told_once_what_is_put_off_hears_of_withdrawals_and_goes_on_at_midnight() {
    let world = world("records_per_day = 2");
    let gateway = world.start().await;
    let receipts = submit_profiles(&world, &gateway, 4).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let from = v1::WatchRequest { limit: 3, ..v1::WatchRequest::default() };
    let mut watch = feed.watch(from).await.expect("a watch").into_inner();
    let mut seen = Vec::new();
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    loop {
        let answer = within("a page of the watch", watch.message()).await.expect("it goes on").expect("a page");
        let page = answer.page.expect("a page");
        if page.items.is_empty() {
            continue;
        }
        seen.push((page.items[0].position, served(&page)));
        match seen.len() {
            2 => drop(withdraw(&mut ingest, "gone", &receipts[0].record_id, 1).await.expect("withdrawn")),
            3 => world.clock().set(midnight()),
            4 => break,
            _ => {}
        }
    }
    let expected = [(1, "rrd"), (4, "d"), (5, "w"), (3, "rrw")];
    let expected: Vec<_> = expected.map(|(position, served)| (position, served.to_owned())).into();
    assert_eq!(seen, expected, "from what was put off, and no page in between");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_not_published_are_refused_in_clear_words() {
    let world = World::new();
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let asked = |agreement: &str, table: &str, dimensions: &[&str]| v1::CountRequest {
        agreement: agreement.into(),
        table: table.into(),
        period: String::new(),
        dimensions: dimensions.iter().map(|name| (*name).to_owned()).collect(),
    };
    let five = ["nationality", "age_band", "gender", "stage", "quarter"];
    let size = world.journal().size();
    for (request, code, expected) in [
        (asked("", "t1", &[]), Code::NotFound, "unknown-table"),
        (asked("", "t1", &five), Code::InvalidArgument, "too-many-dimensions"),
        (asked("ISA-VN-2026-021", "t1", &[]), Code::NotFound, "unknown-feed"),
        (asked("ISA-XX-2026-999", "t1", &[]), Code::NotFound, "unknown-feed"),
        (asked("", "table", &[]), Code::InvalidArgument, "field-malformed"),
    ] {
        let refused = feed.count(request).await.expect_err(expected);
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, expected));
    }
    let listed = feed.list_tables(v1::ListTablesRequest::default()).await.expect("there are none").into_inner();
    assert_eq!(listed.tables, []);
    let said = world.journal().entries_from(size);
    let said: Vec<_> = said.iter().map(|seen| (seen.entry.decision(), seen.entry.reason.as_str())).collect();
    assert_eq!(
        said,
        [
            (Decision::Denied, "unknown-table"),
            (Decision::Denied, "too-many-dimensions"),
            (Decision::Denied, "unknown-feed"),
            (Decision::Denied, "unknown-feed"),
            (Decision::Allowed, "tables-listed")
        ]
    );
    gateway.stop().await;
}
