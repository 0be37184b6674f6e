//! A clock that jumps. Held: no entry is of a time before the one before it; while the clock is behind the journal, or has jumped
//! ahead, nothing is accepted or disclosed and the health says so; put right, it goes on at once, and nothing was lost, withdrawn or
//! erased by a date that was none.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use causeway_exchange::Condition;
use causeway_journal::v1::Entry;
use causeway_model::Timestamp;
use serde_json::json;
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, pull, reason, released, submit, within};
use crate::harness::{Gateway, World, documents};

const SYSTEM: &str = "gb-nca/case-management";
const YEAR: u64 = 366 * 24 * 3600;

/// Waits until the gateway has seen how its clock is.
pub(crate) async fn seen(gateway: &Gateway, wanted: Condition) {
    within(wanted.word(), async {
        while gateway.exchange().condition() != wanted {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Starts a gateway that has rested for long, whose start waits until its clock has run on for ten minutes.
pub(crate) async fn start_after_a_long_rest(world: &World) -> Gateway {
    let mut start = pin!(world.start());
    let begun = world.time().now();
    let gateway = loop {
        tokio::select! {
            gateway = &mut start => break gateway,
            () = sleep(Duration::from_millis(200)) => world.clock().advance(100),
        }
    };
    assert!(world.time().now() >= begun.plus_seconds(600), "it has not waited");
    gateway
}

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

fn unavailable() -> (Code, String) {
    (Code::Unavailable, "journal-unavailable".to_owned())
}

fn times_never_go_back(world: &World) {
    let entries = world.journal().entries();
    assert!(entries.windows(2).all(|pair| pair[0].entry.time_micros <= pair[1].entry.time_micros));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_is_waited_for_and_no_entry_goes_back_with_it() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let newest = world.journal().read(|state| state.last_time());
    // A little behind, as after a correction: entries take the newest one's time.
    world.clock().put(Timestamp(newest.0 - 4_000_000));
    submit(&mut ingest, "two", &documents::profile()).await.expect("accepted within five seconds");
    assert_eq!(world.journal().read(|state| state.last_time()), newest);
    world.clock().put(Timestamp(newest.0 - 600_000_000));
    seen(&gateway, Condition::ClockBehind).await;
    let refused = submit(&mut ingest, "three", &documents::profile()).await.expect_err("ten minutes behind");
    assert_eq!(told(&refused), unavailable());
    assert!(refused.message().contains("clock"), "{}", refused.message());
    // What was on its way before that is through by now.
    let size = world.journal().size();
    submit(&mut ingest, "three", &documents::profile()).await.expect_err("still");
    gateway.exchange().tick().await;
    assert_eq!(world.journal().size(), size, "nothing was written");
    // It catches up as it runs.
    world.clock().advance(596);
    submit(&mut ingest, "three", &documents::profile()).await.expect("accepted");
    assert_eq!(gateway.exchange().condition(), Condition::Writable);
    times_never_go_back(&world);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ahead_writes_erases_and_withdraws_nothing_and_put_back_it_goes_on_at_once() {
    let world = World::new();
    for system in [SYSTEM, "al-police/feed"] {
        world.lasting(system);
    }
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut feed = gateway.feed("al-police/feed").await;
    // Retention would erase it and the agreement would be over in a year.
    let record = documents::with(documents::profile(), json!({ "retain_until": "2027-03-01" }));
    let receipt = submit(&mut ingest, "one", &record).await.expect("accepted");
    released_in(&world, ALBANIA, &receipt).await;
    let right = world.time().now();
    world.clock().put(Timestamp(right.plus_seconds(YEAR).0));
    seen(&gateway, Condition::ClockAhead).await;
    let refused = submit(&mut ingest, "two", &record).await.expect_err("a year ahead");
    assert_eq!(told(&refused), unavailable());
    // What was on its way before that is through by now.
    let size = world.journal().size();
    let refused = pull(&mut feed, "", 10).await.expect_err("nothing leaves under a wrong clock");
    assert_eq!(told(&refused), unavailable());
    // The keeper and the releaser have had their turn.
    for _ in 0..2 {
        gateway.exchange().tick().await;
    }
    assert_eq!(world.journal().size(), size, "nothing was written");
    world.clock().put(right);
    seen(&gateway, Condition::Writable).await;
    submit(&mut ingest, "two", &documents::profile()).await.expect("accepted, and no restart");
    let after = items(&mut gateway.feed("al-police/feed").await).await;
    assert!(after.iter().filter_map(released).count() >= 1, "nothing was withdrawn");
    let newest = world.journal().read(|state| state.last_time());
    assert!(newest.0 < right.plus_seconds(3600).0, "no entry is of next year");
    // Whoever was refused meanwhile is in a summary, of a period of the right time.
    world.clock().advance(61);
    for system in ["case-management", "feed"] {
        let of = |entry: &Entry| entry.actor.as_ref().is_some_and(|actor| actor.system == system);
        let summary = world.journal().entry("a summary", |seen| seen.entry.reason == "overload" && of(&seen.entry));
        let period = summary.await.entry.period.expect("of a minute");
        assert!(period.from_micros <= period.to_micros && period.to_micros < right.plus_seconds(3600).0, "{period:?}");
    }
    times_never_go_back(&world);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_summary_ends_after_its_own_entry_however_often_the_clock_is_set_wrong_and_right() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let right = world.time().now();
    let (clock, over) = (world.clock().clone(), Arc::new(AtomicBool::new(false)));
    let is_over = Arc::clone(&over);
    let hand = std::thread::spawn(move || {
        while !is_over.load(Ordering::Relaxed) {
            for time in [right.plus_seconds(YEAR), right] {
                clock.put(time);
                std::thread::sleep(Duration::from_micros(150));
            }
        }
        clock.put(right);
    });
    for number in 0..200 {
        // Some are accepted, and some refused, which is summed up.
        let _ = submit(&mut ingest, &format!("number {number}"), &documents::profile()).await;
        gateway.exchange().tick().await;
    }
    over.store(true, Ordering::Relaxed);
    hand.join().expect("it ends");
    seen(&gateway, Condition::Writable).await;
    world.clock().advance(61);
    world.journal().entry("a summary", |seen| seen.entry.period.is_some()).await;
    for seen in world.journal().entries() {
        let Some(period) = &seen.entry.period else { continue };
        assert!(period.to_micros <= seen.entry.time_micros, "{period:?} in an entry of {}", seen.entry.time_micros);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_under_a_clock_that_is_far_ahead_writes_nothing_before_that_is_put_right() {
    let world = World::new();
    let gateway = world.start().await;
    submit(&mut gateway.ingest(SYSTEM).await, "one", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    let (right, size) = (world.time().now(), world.journal().size());
    world.clock().put(Timestamp(right.plus_seconds(YEAR).0));
    let start = world.start();
    let mut start = pin!(start);
    tokio::select! {
        _ = &mut start => panic!("it relies on a clock that is a year ahead"),
        () = sleep(Duration::from_secs(3)) => {}
    }
    world.clock().put(right);
    let gateway = within("the start", start).await;
    submit(&mut gateway.ingest(SYSTEM).await, "two", &documents::profile()).await.expect("accepted");
    let newest = world.journal().read(|state| state.last_time());
    assert!(newest.0 < right.plus_seconds(3600).0, "no entry is of next year");
    assert!(world.journal().size() > size);
    gateway.stop().await;
}
