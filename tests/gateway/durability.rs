//! What is promised only once it is on disk: acceptance before a receipt, a disclosure's record before a page. Every write
//! is tested twice: failed, and failed after it was stored.
//!
//! Held: a call that could not be recorded says UNAVAILABLE and shows nothing; what was stored all the same is found by the
//! next start, once, and sending again gives its receipt; a full queue refuses single calls and holds streams back; what a stream has
//! refused keeps nothing behind it waiting.

use std::time::Duration;

use causeway_journal::v1::Operation;
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::submit_stream_response::Verdict;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::calls::{items, pull, reason, released, request, submit, within};
use crate::harness::{Persist, Stated, World, documents, own_log_only};
use crate::metrics::{number, scrape};

const SYSTEM: &str = "gb-nca/case-management";
const AGREEMENT: &str = "ISA-AL-2026-014";

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

fn unavailable() -> (Code, String) {
    (Code::Unavailable, "journal-unavailable".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_that_cannot_be_stored_is_not_accepted() {
    if !own_log_only("what its own log does not take is in the shared one") {
        return;
    }
    for persist in [Persist::No, Persist::Yes] {
        let world = World::new();
        let gateway = world.start().await;
        let mut ingest = gateway.ingest(SYSTEM).await;
        world.fail_appends(0, persist);
        let status = submit(&mut ingest, "lost?", &documents::profile()).await.expect_err("the disk is gone");
        assert_eq!(told(&status), unavailable(), "{persist:?}");
        // Nothing is accepted any more, and no refusal goes unrecorded either: until somebody looks, all of it stops.
        world.faults().clear();
        let status = submit(&mut ingest, "later", &documents::route()).await.expect_err("it has stopped");
        assert_eq!(told(&status), unavailable(), "{persist:?}");
        let mut feed = gateway.feed("al-police/feed").await;
        let wrong = pull(&mut feed, "no cursor", 1).await.expect_err("its refusal cannot be recorded");
        assert_eq!(told(&wrong), unavailable(), "{persist:?}");
        gateway.stop().await;

        let gateway = world.start().await;
        let mut ingest = gateway.ingest(SYSTEM).await;
        let stored = world.journal().read(|state| state.records().count());
        assert_eq!(stored, usize::from(persist == Persist::Yes), "{persist:?}");
        let wanted = v1::GetReceiptRequest { submission_id: "lost?".into() };
        assert_eq!(ingest.get_receipt(wanted).await.is_ok(), persist == Persist::Yes);
        let receipt = submit(&mut ingest, "lost?", &documents::profile()).await.expect("sent again");
        assert_eq!(receipt.version, 1);
        assert_eq!(world.journal().read(|state| state.records().count()), 1, "{persist:?}: once, in either case");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_where_the_journal_stops() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    world.faults().fail_operation(Operation::Collection, Persist::No);
    let messages: Vec<_> = (0..20)
        .map(|n| v1::SubmitStreamRequest { submission: Some(request(&format!("{n}"), &documents::profile())) })
        .collect();
    let answer = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("the stream opens");
    let status = answer.into_inner().message().await.expect_err("no verdict was durable");
    assert_eq!(told(&status), unavailable());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_disclosure_cannot_be_written_is_not_sent() {
    if !own_log_only("what its own log does not take is in the shared one") {
        return;
    }
    for persist in [Persist::No, Persist::Yes] {
        let world = World::new();
        let gateway = world.start().await;
        let receipt = submit(&mut gateway.ingest(SYSTEM).await, "1", &documents::profile()).await.expect("accepted");
        world.journal().settle(AGREEMENT, 1).await;
        world.journal().settle("ISA-VN-2026-021", 1).await;
        let mut feed = gateway.feed("al-police/feed").await;
        world.faults().fail_operation(Operation::Disclosure, persist);
        let status = pull(&mut feed, "", 10).await.expect_err("nothing leaves unrecorded");
        assert_eq!(told(&status), unavailable(), "{persist:?}");
        assert!(!format!("{status:?}").contains(&receipt.record_id));
        // The same by the other way out.
        let wanted = v1::WatchRequest { agreement: String::new(), cursor: String::new(), limit: 10 };
        let mut watch = feed.watch(wanted).await.expect("it opens").into_inner();
        assert_eq!(told(&watch.message().await.expect_err("nothing leaves unrecorded")), unavailable());
        gateway.stop().await;

        world.faults().clear();
        let gateway = world.start().await;
        let disclosures = || {
            let entries = world.journal().entries();
            entries.iter().filter(|seen| seen.entry.operation() == Operation::Disclosure).count()
        };
        assert_eq!(disclosures(), usize::from(persist == Persist::Yes), "at most one too many, never one too few");
        let all = items(&mut gateway.feed("al-police/feed").await).await;
        assert_eq!(all.iter().filter_map(released).count(), 1, "after the restart it leaves");
        assert_eq!(disclosures(), 1 + usize::from(persist == Persist::Yes));
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_cannot_be_recorded_is_not_given() {
    let world = World::new();
    let gateway = world.start().await;
    let mut wrong = gateway.ingest("gb-nca/audit").await;
    let status = submit(&mut wrong, "1", &documents::profile()).await.expect_err("not its role");
    assert_eq!(status.code(), Code::PermissionDenied);
    world.fail_appends(0, Persist::No);
    let status = submit(&mut wrong, "2", &documents::profile()).await.expect_err("not its role");
    assert_eq!(told(&status), unavailable());
    gateway.stop().await;
}

/// Submits again while the queue is full: the releaser has its place in it, too.
async fn submit_until_there_is_room(ingest: &mut IngestServiceClient<Stated>, id: &str) -> v1::Receipt {
    within("room in the queue", async {
        loop {
            match submit(ingest, id, &documents::profile()).await {
                Ok(receipt) => return receipt,
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}"),
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_single_calls_with_a_delay_and_loses_nothing() {
    if !own_log_only("a node has sixteen frames under way before its queue fills") {
        return;
    }
    let world = World::with(|setup| setup.configure(|config| config.limits.queue_depth = 1));
    let gateway = world.start().await;
    let ingest = gateway.ingest(SYSTEM).await;
    let hold = world.faults().hold();
    let mut first = ingest.clone();
    let plug = tokio::spawn(async move { submit(&mut first, "plug", &documents::profile()).await });
    hold.reached().await;
    let mut calls: FuturesUnordered<_> = (0..8)
        .map(|n| {
            let mut ingest = ingest.clone();
            async move { (n, submit(&mut ingest, &format!("{n}"), &documents::profile()).await) }
        })
        .collect();
    // The sequencer waits for the disk with the first, one waits for the sequencer, and there is no more room.
    let mut refused = Vec::new();
    while refused.len() < 7 {
        let (n, answer) = within("a refusal", calls.next()).await.expect("there are eight");
        let status = answer.expect_err("it cannot have been accepted");
        assert_eq!(told(&status), (Code::ResourceExhausted, "queue-full".to_owned()));
        let delay = status.get_error_details().retry_info().expect("it says when").retry_delay.expect("a delay");
        assert!(delay > Duration::ZERO && delay < Duration::from_secs(60), "{delay:?}");
        refused.push(n);
    }
    drop(hold);
    plug.await.expect("no panic").expect("accepted");
    let (_, last) = calls.next().await.expect("the one that had room");
    last.expect("accepted");
    for n in refused {
        submit_until_there_is_room(&mut ingest.clone(), &format!("{n}")).await;
    }
    assert_eq!(world.journal().read(|state| state.records().count()), 9);
    world.clock().advance(61);
    let summary = world.journal().entry("a summary", |seen| seen.entry.reason == "overload").await.entry;
    assert!(summary.count >= 7, "what was refused is counted: {summary:?}");
    assert_eq!(summary.actor.expect("a system").system, "case-management");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_holds_a_stream_back() {
    if !own_log_only("a node has sixteen frames under way before its queue fills") {
        return;
    }
    let world = World::with(|setup| setup.configure(|config| config.limits.queue_depth = 1));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut single = gateway.ingest(SYSTEM).await;
    let hold = world.faults().hold();
    let mut first = single.clone();
    let plug = tokio::spawn(async move { submit(&mut first, "plug", &documents::profile()).await });
    hold.reached().await;
    let messages: Vec<_> = (0..100)
        .map(|n| v1::SubmitStreamRequest { submission: Some(request(&format!("{n}"), &documents::route())) })
        .collect();
    let answer = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("the stream opens");
    // Of two single calls one meets the full queue; so does what is in the stream, and waits.
    let full = |status: &Status| status.code() == Code::ResourceExhausted;
    let mut calls: FuturesUnordered<_> = (0..2)
        .map(|n| {
            let mut single = single.clone();
            async move { submit(&mut single, &format!("single {n}"), &documents::profile()).await }
        })
        .collect();
    let refused = within("a refusal", calls.next()).await.expect("there are two");
    assert!(refused.is_err_and(|status| full(&status)));
    drop(hold);
    let mut verdicts = answer.into_inner();
    for index in 0..100 {
        let verdict = within("a verdict", verdicts.message()).await.expect("the stream goes on");
        let verdict = verdict.expect("a verdict for each");
        assert_eq!(verdict.index, index);
        assert!(matches!(verdict.verdict, Some(Verdict::Receipt(_))), "{verdict:?}");
    }
    plug.await.expect("no panic").expect("accepted");
    while calls.next().await.is_some() {}
    submit_until_there_is_room(&mut single, "after").await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_while_its_refusals_wait_for_the_disk() {
    if !own_log_only("a node has sixteen frames under way before drafts wait in its queue") {
        return;
    }
    const RECORDS: u64 = 64;
    let world = World::with(|setup| {
        setup.configure(|config| config.metrics = Some("127.0.0.1:0".parse().expect("an address")))
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let hold = world.faults().hold();
    let mut first = ingest.clone();
    let plug = tokio::spawn(async move { submit(&mut first, "plug", &documents::profile()).await });
    hold.reached().await;
    let broken = documents::with(documents::route(), json!({"no_such_member": true}));
    let messages: Vec<_> =
        (0..RECORDS)
            .map(|n| {
                if n % 2 == 0 {
                    request(&format!("{n}"), &broken)
                } else {
                    request(&format!("{n}"), &documents::route())
                }
            })
            .map(|submission| v1::SubmitStreamRequest { submission: Some(submission) })
            .collect();
    let answer = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("the stream opens");
    within("all of them in the queue", async {
        while number(&scrape(&gateway).await, "causeway_append_queue_drafts") < Some(RECORDS) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    drop(hold);
    let mut verdicts = answer.into_inner();
    for index in 0..RECORDS {
        let verdict = within("a verdict", verdicts.message()).await.expect("the stream goes on").expect("for each");
        assert_eq!(verdict.index, index);
        assert_eq!(matches!(verdict.verdict, Some(Verdict::Refusal(_))), index % 2 == 0, "{verdict:?}");
    }
    plug.await.expect("no panic").expect("accepted");
    gateway.stop().await;
}
