//! Witnesses at other organisations: what they cosign, what stops without them, and what they remember.

mod handover;
mod history;
mod liar;
mod over_restarts;
pub(crate) mod party;

use std::time::Duration;

use causeway_journal::{
    Policy, REASON_DISCLOSURES_STOPPED, REASON_WITNESSES_AWAY, REASON_WITNESSES_BACK, v1 as journal,
};
use causeway_proto::v1;
use causeway_proto::v1::item::Content;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::feed::{ALBANIA, submit_each};
use crate::harness::calls::{pull, reason, released, request, send, submit, withdraw, within};
use crate::harness::{Gateway, World, documents};
use liar::Lie;
use party::{ALARM, Authority, Party, STOP, ask, log_key, one_of_one, two_of_three};

/// Waits until a quorum has cosigned a checkpoint of at least this size; gives its note.
async fn witnessed(gateway: &Gateway, size: u64) -> String {
    let exchange = gateway.exchange();
    let reached = async {
        loop {
            let changed = exchange.witnessed().changed();
            if let Some(newest) = exchange.witnessed().newest().filter(|newest| newest.size >= size) {
                return newest.note.to_string();
            }
            changed.await;
        }
    };
    within("a witnessed checkpoint", reached).await
}

/// Waits for the entry that says how the witnesses stand.
async fn said(world: &World, reason: &str) -> journal::Entry {
    world.journal().entry(reason, |seen| seen.entry.reason == reason).await.entry
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

#[track_caller]
fn away<T: std::fmt::Debug>(answer: Result<T, Status>) {
    let status = answer.expect_err("the witnesses are away");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "witnesses-away"));
    let delay = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
    assert_eq!(delay, Some(Duration::from_secs(60)), "it says when to come again");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_are_enough_whichever_one_is_down() {
    let (world, mut parties) = two_of_three().await;
    let gateway = world.start().await;
    let policy: String = parties.iter().map(Party::line).collect();
    let policy = format!("log {}\n{policy}group enough 2 one two three\nquorum enough\n", log_key(&world));
    let policy = Policy::parse(&policy).expect("a policy");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for party in &mut parties {
        party.stop().await;
        let (down, id) = (&party.name, format!("without {}", party.name));
        submit(&mut ingest, &id, &documents::profile()).await.expect("accepted");
        let note = witnessed(&gateway, world.journal().size()).await;
        let verdict = policy.check(&note).expect("it verifies as anybody reads it");
        assert!(verdict.quorum && verdict.cosigned.iter().all(|(name, _)| name != down), "{verdict:?}");
        let wanted = v1::GetCheckpointRequest { witnessed: true, ..v1::GetCheckpointRequest::default() };
        let given = gateway.audit("gb-nca/audit").await.get_checkpoint(wanted).await.expect("given out").into_inner();
        assert!(policy.check(&given.checkpoint).expect("verifies").quorum, "{given:?}");
        party.start().await;
    }
    gateway.stop().await;
    let gateway = world.start().await;
    let kept = gateway.exchange().witnessed().checkpoint().expect("it was kept over the restart");
    assert!(policy.check(&kept).expect("verifies").quorum);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_comes_an_alarm_then_withdrawals_only_and_then_all_that_was_put_off() {
    let (world, mut parties) = two_of_three().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipts = submit_each(&mut ingest, &vec![documents::profile(); 3]).await;
    world.journal().settle(ALBANIA, 3).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let first = pull(&mut feed, "", 2).await.expect("a page");
    assert_eq!(served(&first), "rr");
    witnessed(&gateway, world.journal().size()).await;

    parties[0].stop().await;
    parties[1].stop().await;
    world.clock().advance(ALARM);
    let alarm = said(&world, REASON_WITNESSES_AWAY).await;
    assert_eq!((alarm.operation(), alarm.decision()), (journal::Operation::Administration, journal::Decision::Allowed));
    assert_eq!(served(&pull(&mut feed, "", 1).await.expect("an alarm stops nothing")), "r");
    world.clock().advance(STOP - ALARM - 1);
    assert_eq!(served(&pull(&mut feed, "", 1).await.expect("not yet")), "r");
    world.clock().advance(1);
    away(pull(&mut feed, "", 100).await);
    said(&world, REASON_DISCLOSURES_STOPPED).await;
    let numbers = v1::CountRequest { table: "t1".into(), ..v1::CountRequest::default() };
    away(feed.count(numbers).await);
    away(feed.list_tables(v1::ListTablesRequest::default()).await);

    // What is submitted, corrected and withdrawn goes on, and so does what a partner must be told.
    let corrected = documents::with(documents::profile(), json!({ "gender": "male" }));
    let mut correction = request("corrected", &corrected);
    (correction.record_id, correction.expected_version) = (receipts[1].record_id.clone(), 1);
    send(&mut ingest, correction).await.expect("accepted");
    world.journal().settle(ALBANIA, 4).await;
    withdraw(&mut ingest, "gone", &receipts[0].record_id, 1).await.expect("withdrawn");
    world.journal().settle(ALBANIA, 5).await;
    let page = pull(&mut feed, &first.next_cursor, 100).await.expect("withdrawals are served");
    assert_eq!(served(&page), "dww", "one is put off, the correction is served as the withdrawal of what it replaces");
    let Some(Content::Withdrawn(withdrawn)) = &page.items[1].content else { panic!("{page:?}") };
    assert_eq!(withdrawn.item_id, first.items[1].item_id);
    let up_to = v1::AcknowledgeRequest { up_to_position: 5, ..v1::AcknowledgeRequest::default() };
    feed.acknowledge(up_to).await.expect("acknowledging goes on");
    assert_eq!(served(&pull(&mut feed, &page.ahead_cursor, 100).await.expect("ahead there is nothing")), "");
    gateway
        .audit("gb-nca/audit")
        .await
        .get_checkpoint(v1::GetCheckpointRequest::default())
        .await
        .expect("so does audit");

    // A restart sets nothing back.
    gateway.stop().await;
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    away(feed.list_tables(v1::ListTablesRequest::default()).await);
    assert!(gateway.exchange().quorum_age().expect("witnesses") >= Duration::from_secs(STOP));

    parties[0].start().await;
    witnessed(&gateway, world.journal().size()).await;
    said(&world, REASON_WITNESSES_BACK).await;
    // A start goes over all records: what was served as a withdrawal of what it replaces may have a position of its own by now.
    let mut shown = Vec::new();
    within("what was put off", async {
        while shown.len() < 2 {
            let changed = gateway.exchange().changed();
            let rest = pull(&mut feed, &page.next_cursor, 100).await.expect("disclosures go on");
            shown = rest.items.iter().filter_map(released).map(|document| document["gender"].clone()).collect();
            if shown.len() < 2 {
                changed.await;
            }
        }
    })
    .await;
    assert_eq!(shown, [documents::profile()["gender"].clone(), json!("male")], "nothing was lost");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_back_to_what_was_put_off_when_the_witnesses_are_back() {
    let (world, mut party) = one_of_one().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    witnessed(&gateway, 1).await;
    party.stop().await;
    world.clock().advance(STOP);
    said(&world, REASON_DISCLOSURES_STOPPED).await;
    submit(&mut ingest, "put off", &documents::profile()).await.expect("accepted");
    world.journal().settle(ALBANIA, 1).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("a watch").into_inner();
    let mut next = async || loop {
        let answer = within("a page of the watch", watch.message()).await.expect("it goes on").expect("a page");
        let page = answer.page.expect("a page");
        if !page.items.is_empty() {
            return served(&page);
        }
    };
    assert_eq!(next().await, "d");
    party.start().await;
    witnessed(&gateway, world.journal().size()).await;
    world.clock().advance(60);
    assert_eq!(next().await, "r");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn liars_neither_halt_nor_hold_up_nor_count() {
    let mut world = World::new();
    let authority = Authority::new();
    let honest = Party::begin(&world, &authority, "honest").await;
    let mut lines = vec![honest.line()];
    for lie in Lie::ALL {
        lines.push(liar::begin(lie).await);
    }
    let names: Vec<String> = Lie::ALL.iter().map(|lie| lie.name()).collect();
    // One of the liars would be enough, if it cosigned; the honest one is.
    ask(&mut world, &authority, &lines, &format!("group any any honest {}\nquorum any", names.join(" ")));
    let began = tokio::time::Instant::now();
    let gateway = world.start().await;
    assert!(began.elapsed() < liar::PATIENCE, "the start waits for nobody longer than it says");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for number in 0..3 {
        submit(&mut ingest, &format!("{number}"), &documents::profile()).await.expect("accepted");
        let note = witnessed(&gateway, world.journal().size()).await;
        for name in &names {
            assert!(!note.contains(&format!("{name}.example")), "{note}");
        }
    }
    assert!(gateway.exchange().is_healthy());
    assert_eq!(party::evidence(&world), Vec::<String>::new(), "a number is no evidence");
    let up = gateway.exchange().measures().witnesses.expect("witnesses").up;
    let up: Vec<&str> = up.iter().filter(|(_, up)| *up).map(|(name, _)| name.as_str()).collect();
    assert_eq!(up, ["honest"]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_in_the_policy_that_is_no_tls_server_of_the_stated_roots_is_not_believed() {
    let mut world = World::new();
    let (stated, other) = (Authority::new(), Authority::new());
    let stranger = Party::begin(&world, &other, "stranger").await;
    ask(&mut world, &stated, &[stranger.line()], "quorum stranger");
    let gateway = world.start().await;
    world.clock().advance(ALARM);
    said(&world, REASON_WITNESSES_AWAY).await;
    assert_eq!(gateway.exchange().witnessed().checkpoint(), None);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_show_how_the_witnesses_stand() {
    let (mut world, mut party) = one_of_one().await;
    world.config().metrics = Some("127.0.0.1:0".parse().expect("an address"));
    let gateway = world.start().await;
    witnessed(&gateway, world.journal().size()).await;
    party.stop().await;
    world.clock().advance(ALARM);
    said(&world, REASON_WITNESSES_AWAY).await;
    let text = crate::metrics::scrape(&gateway).await;
    let number = |series: &str| crate::metrics::number(&text, series).unwrap_or_else(|| panic!("{series}: {text}"));
    assert!(number("causeway_witness_quorum_age_seconds") >= ALARM);
    assert!(number("causeway_witnessed_size") > 0);
    assert!(number("causeway_witness_up{witness=\"only\"}") <= 1);
    gateway.stop().await;
}
