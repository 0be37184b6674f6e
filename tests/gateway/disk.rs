//! A disk that fills or fails. Held: under the headroom nothing is accepted and no record leaves, what takes back goes on, each of it
//! is said once in an entry and in the health, and it all ends by itself when there is room; a journal that an error has stopped is
//! opened again by a new start, with everything that was acknowledged.

use std::time::Duration;

use causeway_exchange::Condition;
use causeway_gateway::Error;
use causeway_journal::v1::{Entry, Operation};
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, pull, reason, released, request, submit, withdraw, within};
use crate::harness::{Gateway, Persist, World, documents, own_log_only};
use crate::metrics::{number, scrape};
use crate::rollback::until_health;

const SYSTEM: &str = "gb-nca/case-management";
const HEADROOM: u64 = 256 << 20;
const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

/// Waits until whoever watches the health is told this.
async fn health(gateway: &Gateway, wanted: i32) {
    until_health(&gateway.channel(SYSTEM).await, wanted).await;
}

fn is_disk_low(status: &Status) -> bool {
    let delay = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
    status.code() == Code::Unavailable
        && reason(status) == "disk-low"
        && delay.is_some_and(|delay| delay > Duration::ZERO)
}

fn noted(world: &World, reason: &str) -> usize {
    world.journal().entries().iter().filter(|seen| seen.entry.reason == reason).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn short_of_room_it_takes_back_and_refuses_and_goes_on_by_itself_when_there_is_some() {
    let world = World::with(|setup| {
        setup.configure(|config| config.metrics = Some("127.0.0.1:0".parse().expect("an address")))
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let shown = submit(&mut ingest, "shown", &documents::profile()).await.expect("accepted");
    let waits = submit(&mut ingest, "waits", &documents::route()).await.expect("accepted");
    released_in(&world, ALBANIA, &waits).await;

    world.faults().leave_free(HEADROOM - 1);
    health(&gateway, NOT_SERVING).await;
    assert_eq!(gateway.exchange().condition(), Condition::DiskLow);
    let shown_there = scrape(&gateway).await;
    assert_eq!(number(&shown_there, "causeway_disk_free_bytes{volume=\"journal\"}"), Some(HEADROOM - 1));
    assert_eq!(number(&shown_there, "causeway_journal_condition{condition=\"disk-low\"}"), Some(1));
    assert_eq!(number(&shown_there, "causeway_journal_condition{condition=\"writable\"}"), Some(0));
    world.journal().entry("that it says so", |seen| seen.entry.reason == "disk-low").await;
    let refused = submit(&mut ingest, "later", &documents::profile()).await.expect_err("there is no room");
    assert!(is_disk_low(&refused), "{refused:?}");
    let refused = pull(&mut feed, "", 10).await.expect_err("a disclosure could not be recorded");
    assert!(is_disk_low(&refused), "{refused:?}");
    let stream =
        tokio_stream::iter([v1::SubmitStreamRequest { submission: Some(request("later", &documents::profile())) }]);
    let mut verdicts = ingest.submit_stream(stream).await.expect("it opens").into_inner();
    let ended = within("the end", verdicts.message()).await.expect_err("it ends");
    assert!(is_disk_low(&ended), "{ended:?}");
    // What takes back is recorded, and its partner hears of it, with the place of what it does not get now.
    withdraw(&mut ingest, "gone", &shown.record_id, 1).await.expect("a withdrawal is worth the room");
    let page = pull(&mut feed, "", 10).await.expect("it holds a withdrawal");
    assert!(page.items.iter().all(|item| released(item).is_none()), "no record leaves");
    assert!(page.items.iter().any(|item| matches!(item.content, Some(v1::item::Content::Withdrawn(_)))));
    let bad = submit(&mut ingest, "bad", &serde_json::json!({"legs": 1})).await.expect_err("no record");
    assert_eq!(bad.code(), Code::InvalidArgument, "a refusal is recorded, and given");

    world.faults().leave_free(HEADROOM / 4 - 1);
    within("that it has looked again", async {
        while gateway.exchange().free_bytes().journal >= Some(HEADROOM / 4) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = withdraw(&mut ingest, "route gone", &waits.record_id, 1).await.expect_err("for nothing at all");
    assert!(is_disk_low(&refused), "{refused:?}");
    world.faults().leave_free(2 * HEADROOM);
    health(&gateway, SERVING).await;
    world.journal().entry("that there is room", |seen| seen.entry.reason == "disk-room").await;
    let later = submit(&mut ingest, "later", &documents::profile()).await.expect("there is room, and no restart");
    released_in(&world, ALBANIA, &later).await;
    assert_eq!(items(&mut feed).await.iter().filter_map(released).count(), 2, "what waited too");
    assert_eq!((noted(&world, "disk-low"), noted(&world, "disk-room")), (1, 1));
    world.clock().advance(61);
    for (system, refused) in [("case-management", 3), ("feed", 1)] {
        let of = |entry: &Entry| entry.actor.as_ref().is_some_and(|actor| actor.system == system);
        let summary = world.journal().entry("a summary", |seen| seen.entry.reason == "overload" && of(&seen.entry));
        assert_eq!(summary.await.entry.count, refused, "what was refused {system} for want of room is counted");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_does_not_answer_is_said_and_refused_and_goes_on_by_itself() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let held = world.faults().hold();
    let waits = {
        let mut ingest = ingest.clone();
        tokio::spawn(async move { submit(&mut ingest, "waits", &documents::profile()).await })
    };
    held.reached().await;
    health(&gateway, NOT_SERVING).await;
    assert_eq!(gateway.exchange().condition(), Condition::Stalled);
    let refused = submit(&mut ingest, "later", &documents::profile()).await.expect_err("it could not be recorded");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "journal-unavailable"));
    assert!(refused.get_error_details().retry_info().is_some(), "{refused:?}");
    drop(held);
    within("its answer", waits).await.expect("no panic").expect("it is accepted after all");
    health(&gateway, SERVING).await;
    submit(&mut ingest, "later", &documents::profile()).await.expect("and so is what came too early");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_never_answers_is_given_up_and_what_was_acknowledged_is_there_for_the_next_start() {
    if !own_log_only("what its own log does not take is in the shared one") {
        return;
    }
    let world = World::with(|setup| setup.configure(|config| config.disk.give_up = Duration::from_millis(1)));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    submit(&mut ingest, "before", &documents::profile()).await.expect("accepted");
    let held = world.faults().hold();
    let waits = tokio::spawn(async move { submit(&mut ingest, "waits", &documents::profile()).await });
    held.reached().await;
    assert!(matches!(gateway.fallen().await, Err(Error::Stuck)), "it does not wait for its own threads");
    // What would end with the process goes on in this one, and lets go of the files.
    drop(held);
    let _ = within("its end", waits).await.expect("no panic");
    let gateway = world.start().await;
    let wanted = v1::GetReceiptRequest { submission_id: "before".into() };
    gateway.ingest(SYSTEM).await.get_receipt(wanted).await.expect("there");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_half_of_what_is_kept_back_nobody_uses_up_the_rest() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let receipt = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &receipt).await;
    withdraw(&mut ingest, "gone", &receipt.record_id, 1).await.expect("withdrawn");
    world.faults().leave_free(HEADROOM / 2 - 1);
    health(&gateway, NOT_SERVING).await;
    world.journal().entry("that it says so", |seen| seen.entry.reason == "disk-low").await;
    let refused = submit(&mut ingest, "bad", &serde_json::json!({"legs": 1})).await.expect_err("no record");
    assert!(is_disk_low(&refused), "a refusal that anyone can cause is summed up: {refused:?}");
    // A partner that reads a withdrawal again and again.
    let (size, mut told) = (world.journal().size(), 0);
    let refused = loop {
        match pull(&mut feed, "", 10).await {
            Ok(page) => assert!(page.items.iter().all(|item| released(item).is_none())),
            Err(refused) => break refused,
        }
        told += 1;
        assert!(told < 1_000, "it uses up what is kept for others");
    };
    assert!(is_disk_low(&refused) && told >= 256, "{told}: {refused:?}");
    assert!(world.journal().size() - size < 300);
    let again = withdraw(&mut ingest, "again", &receipt.record_id, 1).await.expect_err("it is gone");
    assert!(is_disk_low(&again), "{again:?}");
    world.faults().leave_free(2 * HEADROOM);
    health(&gateway, SERVING).await;
    assert!(pull(&mut feed, "", 10).await.is_ok());
    world.clock().advance(61);
    for (system, least) in [("case-management", 2), ("feed", 1)] {
        let of = |entry: &Entry| entry.actor.as_ref().is_some_and(|actor| actor.system == system);
        let summary = world.journal().entry("a summary", |seen| seen.entry.reason == "overload" && of(&seen.entry));
        assert_eq!(summary.await.entry.count, least, "{system}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_while_there_is_little_room_serves_what_can_be() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let receipt = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    world.faults().leave_free(HEADROOM - 1);
    let gateway = world.start().await;
    health(&gateway, NOT_SERVING).await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    withdraw(&mut ingest, "gone", &receipt.record_id, 1).await.expect("withdrawn");
    assert!(is_disk_low(&submit(&mut ingest, "two", &documents::profile()).await.expect_err("no room")));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_an_error_has_stopped_is_opened_again_once_its_disk_takes_something() {
    if !own_log_only("what its own log does not take is in the shared one") {
        return;
    }
    for persist in [Persist::No, Persist::Yes] {
        let world = World::with(|setup| setup.configure(|config| config.disk.reopen = Duration::from_millis(1)));
        let gateway = world.start().await;
        let mut ingest = gateway.ingest(SYSTEM).await;
        submit(&mut ingest, "before", &documents::profile()).await.expect("accepted");
        // The volume takes nothing either, until somebody has looked.
        world.faults().leave_free(0);
        world.faults().fail_operation(Operation::Collection, persist);
        let lost = submit(&mut ingest, "while", &documents::profile()).await.expect_err("the disk is gone");
        assert_eq!(lost.code(), Code::Unavailable);
        health(&gateway, NOT_SERVING).await;
        world.faults().clear();
        world.faults().leave_free(u64::MAX - 1);
        match gateway.fallen().await {
            Err(Error::Reopen(reason)) => assert!(reason.contains("the test pulled"), "{reason}"),
            other => panic!("{other:?}"),
        }
        let gateway = world.start().await;
        let mut ingest = gateway.ingest(SYSTEM).await;
        for (id, is_there) in [("before", true), ("while", persist == Persist::Yes)] {
            let wanted = v1::GetReceiptRequest { submission_id: id.into() };
            assert_eq!(ingest.get_receipt(wanted).await.is_ok(), is_there, "{id}, {persist:?}");
        }
        let mut verdicts = {
            let again = v1::SubmitStreamRequest { submission: Some(request("while", &documents::profile())) };
            ingest.submit_stream(tokio_stream::iter([again])).await.expect("it opens").into_inner()
        };
        let verdict = within("a verdict", verdicts.message()).await.expect("no error").expect("one");
        assert!(matches!(verdict.verdict, Some(Verdict::Receipt(_))), "{verdict:?}");
        gateway.stop().await;
    }
}
