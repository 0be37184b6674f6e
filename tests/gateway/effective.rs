//! Effective dates: a later version of an agreement that is brought in before its first day waits for it, and nothing changes until
//! then.

use causeway_journal::State;
use causeway_journal::v1::{DocumentKind, Operation};
use causeway_model::{AgreementId, Date, Timestamp};
use causeway_proto::v1;
use serde_json::{Value, json};
use tonic::{Code, Streaming};

use crate::feed::{ALBANIA, released_in};
use crate::governance::office::{self, Document, NCA, assert_refused, suspend, suspension};
use crate::harness::calls::{items, pull, released, submit, within};
use crate::harness::{Gateway, World, documents};

const SUBMITTER: &str = "gb-nca/case-management";

/// The day after the one on which the worlds of these tests begin, and the moment at which it does.
const FIRST_DAY: &str = "2026-11-22";

fn first_moment() -> Timestamp {
    Date::new(2026, 11, 22).expect("a day").start()
}

/// The second version: from that day on, and without the gender.
fn second(world: &World) -> Document {
    Document::next(world, ALBANIA, 2, |text| {
        let text = text.replacen("valid_from = 2026-01-01", &format!("valid_from = {FIRST_DAY}"), 1);
        text.lines().filter(|line| !line.starts_with("\"gender\"")).map(|line| format!("{line}\n")).collect()
    })
}

fn in_force(state: &State) -> u32 {
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    state.agreement(&id).expect("there from the start").version
}

fn profile() -> Value {
    documents::with(documents::profile(), json!({ "gender": "female" }))
}

/// What the feed shows, and under which version.
async fn shown(gateway: &Gateway) -> (u32, Vec<Value>) {
    let mut feed = gateway.feed("al-police/feed").await;
    let version = pull(&mut feed, "", 0).await.expect("a page").agreement_version;
    (version, items(&mut feed).await.iter().filter_map(released).collect())
}

/// The next page with a document that a watch brings, as long as it is not cut.
async fn next(watch: &mut Streaming<v1::WatchResponse>) -> v1::Page {
    loop {
        let page = within("a page", watch.message()).await.expect("it is not cut").expect("it goes on");
        let page = page.page.expect("a page");
        if page.items.iter().any(|item| released(item).is_some()) {
            return page;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_waits_for_its_first_day_and_the_earlier_one_goes_on_until_then() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let first = submit(&mut ingest, "first", &profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &first).await;

    office::bring(&world, &gateway, &second(&world)).await;
    let looked = office::propose(&gateway, &second(&world)).await.expect("looked at");
    assert_eq!((looked.version_in_force, looked.faults), (1, vec!["version 2 waits for its first day already".into()]));
    let third = Document::next(&world, ALBANIA, 3, str::to_owned);
    let looked = office::propose(&gateway, &third).await.expect("looked at");
    assert_eq!((looked.version_in_force, looked.faults.len()), (1, 0), "a third may take its place");
    let before = world.journal().size();
    let again = office::send(&gateway, second(&world).signed(&world, &NCA)).await;
    assert_refused(&world, before, again, Code::AlreadyExists, "version-not-later");
    let (version, documents) = shown(&gateway).await;
    assert_eq!((version, documents.len()), (1, 1), "what was shown goes on being shown");
    assert!(documents[0].get("gender").is_some());

    // A restart forgets neither of them.
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("a watch").into_inner();
    assert_eq!(next(&mut watch).await.agreement_version, 1);
    world.clock().set(Timestamp(first_moment().0 - 2_000_000));
    submit(&mut ingest, "second", &profile()).await.expect("accepted");
    let page = next(&mut watch).await;
    let last = page.items.last().and_then(released).expect("it is shown");
    assert!(
        page.agreement_version == 1 && last.get("gender").is_some(),
        "the day before, still under the first version"
    );

    // Nothing happens on the day but that it comes.
    let before = world.journal().size();
    world.clock().set(first_moment());
    world.journal().until("the second version", |state| in_force(state) == 2).await;
    let began = world.journal().entries_from(before).into_iter().next().expect("an entry").entry;
    assert_eq!((began.operation(), began.reason.as_str()), (Operation::Administration, "agreement-began"));
    let recipient = began.recipient.expect("it names the agreement");
    assert_eq!((recipient.agreement.as_str(), recipient.agreement_version), (ALBANIA, 2));
    office::evaluated(&world, ALBANIA, 2).await;
    let page = next(&mut watch).await;
    assert_eq!(page.agreement_version, 2, "the watch goes on into the second version");
    for _ in 0..2 {
        let (version, documents) = shown(&gateway).await;
        assert_eq!((version, documents.len()), (2, 2));
        assert!(documents.iter().all(|document| document.get("gender").is_none()), "{documents:?}");
    }
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(shown(&gateway).await.0, 2);
    let said = world.journal().entries().into_iter().filter(|seen| seen.entry.reason == "agreement-began").count();
    assert_eq!(said, 1, "once");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_cannot_be_suspended_and_what_is_in_force_can() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let record = submit(&mut ingest, "record", &profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &record).await;
    office::bring(&world, &gateway, &second(&world)).await;
    let of = |version| suspension(&world, DocumentKind::Agreement, ALBANIA, version, NCA[0]);
    let before = world.journal().size();
    assert_refused(&world, before, suspend(&gateway, of(2)).await, Code::AlreadyExists, "version-not-in-force");
    suspend(&gateway, of(1)).await.expect("suspended");
    let shown_of = items(&mut gateway.feed("al-police/feed").await).await;
    assert!(!shown_of.is_empty() && shown_of.iter().all(|item| released(item).is_none()), "{shown_of:?}");
    gateway.stop().await;
}
