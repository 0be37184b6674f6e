//! Whether the order and the moment in which a daily feed's items come say anything about the order in which their records were
//! submitted.
//!
//! Days of records are submitted one after the other, at times spread over the day, and pulled the next day. Three statistics over
//! all days, each standardised under the hypothesis that every order of a day's batch is as likely as any other, and each close to
//! normal at these sizes:
//! - the rank correlation (Spearman's rho) of a record's place in the order of submission with its place in the feed: of mean 0 and
//!   variance 1 / (n - 1) a day;
//! - the same with the order of the item ids, which the partner could sort by;
//! - the number of neighbours in the feed whose submissions are in the same order (runs of two): of mean (n - 1) / 2 and variance
//!   (n + 1) / 12 a day.
//!
//! Each fails beyond [`BOUND`]: a true shuffle does so with a probability of 1e-6 for each statistic, 3e-6 for a run of this test.

mod cells;

use causeway_model::{AgreementId, Date, Timestamp};
use causeway_proto::v1;
use serde_json::json;

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, pull, released, submit};
use crate::harness::{Setup, World, documents};

/// Standard deviations beyond which a normal variable lies with a probability of 1e-6, both sides together.
const BOUND: f64 = 4.8916;

const DAYS: usize = 6;
/// Records a day; `confidence` tells them apart, which goes up to 100.
const RECORDS: usize = 100;
/// Between two submissions: a day's records are spread over twelve hours of it.
const SECONDS_BETWEEN: u64 = 12 * 3600 / RECORDS as u64;

/// The clauses of an agreement release once a day, as is the default.
fn daily(text: &str) -> String {
    let stays = |line: &&str| !line.starts_with("release = ") && !line.starts_with("release_reason = ");
    text.lines().filter(stays).map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn order_and_time_in_a_daily_feed_say_nothing_about_the_order_of_submission() {
    let first = Date::new(2026, 11, 23).expect("a day").start();
    let world = World::with(|setup: &mut Setup| {
        setup.agreement(ALBANIA, daily);
        setup.now = first.plus_seconds(9 * 3600);
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut seen = 0;
    let (mut in_feed, mut by_id) = (Vec::new(), Vec::new());
    for day in 0..DAYS {
        let midnight = |days: usize| first.plus_seconds(days as u64 * 24 * 3600);
        world.clock().set(midnight(day).plus_seconds(9 * 3600));
        let mut last = None;
        for number in 0..RECORDS {
            let record = documents::with(documents::route(), json!({ "confidence": number }));
            last = Some(submit(&mut ingest, &format!("{day}-{number}"), &record).await.expect("accepted"));
            world.clock().advance(SECONDS_BETWEEN);
        }
        // The other agreement releases at once: when it has the last record, all have been considered.
        let last = last.expect("there is one");
        released_in(&world, VIET_NAM, &last).await;
        assert_eq!(pull(&mut feed, "", 1).await.expect("a page").newest_position, seen, "something left by day");
        world.clock().set(Timestamp(midnight(day + 1).0 - 1));
        let before_midnight = world.journal().size();
        let marked = submit(&mut ingest, &format!("{day}-marker"), &marker()).await.expect("accepted");
        released_in(&world, VIET_NAM, &marked).await;
        assert_eq!(world.journal().positions(ALBANIA), seen, "something left before midnight");

        world.clock().set(midnight(day + 1));
        world.journal().settle(ALBANIA, seen + RECORDS as u64).await;
        let batch: Vec<v1::Item> = items(&mut feed).await.into_iter().filter(|item| item.position > seen).collect();
        assert_eq!(batch.len(), RECORDS, "the whole batch, and nothing else");
        seen += RECORDS as u64;
        assert_eq!(moments(&world, before_midnight), [midnight(day + 1).0], "a batch leaves at one moment");
        in_feed.push(order(batch.iter()));
        let mut sorted: Vec<&v1::Item> = batch.iter().collect();
        sorted.sort_by_key(|item| &item.item_id);
        by_id.push(order(sorted.into_iter()));
    }
    gateway.stop().await;
    for (what, score) in [
        ("the order of the feed follows that of submission", correlation(&in_feed)),
        ("the order of the item ids follows that of submission", correlation(&by_id)),
        ("neighbours of the feed were submitted one after the other", ascents(&in_feed)),
    ] {
        assert!(score.abs() < BOUND, "{what}: {score} standard deviations over {in_feed:?}");
    }
}

/// A record that the other partner alone is to have.
fn marker() -> serde_json::Value {
    documents::with(documents::route(), json!({ "releasable_to": ["VN"] }))
}

/// The places in the order of submission, as the items come.
fn order<'i>(items: impl Iterator<Item = &'i v1::Item>) -> Vec<usize> {
    let place = |item| released(item).expect("released")["confidence"].as_u64().expect("it is listed");
    items.map(|item| usize::try_from(place(item)).expect("up to 100")).collect()
}

/// The times of the entries, after a size of the log, that released something into the daily feed; each once.
fn moments(world: &World, after: u64) -> Vec<u64> {
    let id: AgreementId = ALBANIA.parse().expect("an agreement");
    let made = world.journal().entries_from(after).into_iter().filter(|seen| {
        seen.entry.releases.as_ref().is_some_and(|batch| batch.feed == id.to_string() && !batch.releases.is_empty())
    });
    let mut times: Vec<u64> = made.map(|seen| seen.entry.time_micros).collect();
    times.dedup();
    times
}

/// Spearman's rho of each day, standardised and summed up.
fn correlation(days: &[Vec<usize>]) -> f64 {
    let standardised = days.iter().map(|order| {
        let n = order.len() as f64;
        let squares: f64 =
            order.iter().enumerate().map(|(place, number)| (place as f64 - *number as f64).powi(2)).sum();
        (1.0 - 6.0 * squares / (n * (n * n - 1.0))) * (n - 1.0).sqrt()
    });
    standardised.sum::<f64>() / (days.len() as f64).sqrt()
}

/// The number of ascents of each day, standardised and summed up.
fn ascents(days: &[Vec<usize>]) -> f64 {
    let standardised = days.iter().map(|order| {
        let n = order.len() as f64;
        let ascents = order.windows(2).filter(|pair| pair[0] < pair[1]).count() as f64;
        (ascents - (n - 1.0) / 2.0) / ((n + 1.0) / 12.0).sqrt()
    });
    standardised.sum::<f64>() / (days.len() as f64).sqrt()
}

/// As many days as the test above has, in an order of the test's own.
fn days(order: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    vec![(0..RECORDS).map(order).collect(); DAYS]
}

#[test]
fn an_order_that_tells_something_is_noticed() {
    let noticed = |days: &[Vec<usize>]| [correlation(days), ascents(days)].map(|score| score.abs() > BOUND);
    assert_eq!(noticed(&days(|place| place)), [true, true], "in the order of submission");
    assert_eq!(noticed(&days(|place| RECORDS - 1 - place)), [true, true], "backwards");
    let in_groups = days(|place| place / 10 * 10 + (place % 10 + 1) * 6 % 11 - 1);
    assert_eq!(noticed(&in_groups), [true, false], "where places are changed among ten only, neighbours look shuffled");
    let in_pairs = days(|place| ((place / 2 + 1) * 16 % 51 - 1) * 2 + place % 2);
    assert_eq!(noticed(&in_pairs), [false, true], "where pairs stay together, the whole looks shuffled");
    // The powers of a primitive root of 101, less one: each place once, in no order to speak of.
    let scattered = days(|place| (0..place).fold(1, |power, _| power * 3 % 101) - 1);
    assert_eq!(noticed(&scattered), [false, false], "scattered");
}
