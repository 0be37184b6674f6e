//! Whether a partner can tell by the clock that something is there which it may not know of.
//!
//! Invariant (DESIGN.md section 3, 8): for each question, the times of answers about what is there and is not theirs, and about what is
//! nowhere, come from one distribution. They are asked in random order in pairs, so that the machine's mood falls on both alike, and
//! compared by ranks: the chance that one of the first took longer than one of the second, one half where they are alike. With `ROUNDS` pairs
//! that share has a standard deviation of 0.033 (Mann and Whitney, 1947), so a test of a sound gateway fails once in 100,000 runs.

use std::time::{Duration, Instant};

use causeway_proto::v1;
use tonic::Code;

use crate::audit;
use crate::corrections::with_two_submitters;
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{pull, submit, withdraw};
use crate::harness::{World, documents};
use crate::identity::desk::Desk;
use crate::identity::shown;

/// Pairs of questions.
const ROUNDS: usize = 150;

/// How far from one half the share may lie.
const SLACK: f64 = 0.15;

/// The chance that one of the first is larger than one of the second; equal ones count half.
fn share(first: &[Duration], second: &[Duration]) -> f64 {
    let mut above = 0.0;
    for one in first {
        above += second
            .iter()
            .map(|other| {
                if one > other {
                    1.0
                } else if one == other {
                    0.5
                } else {
                    0.0
                }
            })
            .sum::<f64>();
    }
    above / (first.len() * second.len()) as f64
}

/// Asks about what is there and about what is not, in random order; gives the share of [`share`].
async fn compare(mut ask: impl AsyncFnMut(bool, usize)) -> f64 {
    let (mut there, mut nowhere) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let first = causeway_crypto::random::<1>()[0] & 1 == 1;
        for is_there in [first, !first] {
            let began = Instant::now();
            ask(is_there, round).await;
            let took = began.elapsed();
            if is_there { there.push(took) } else { nowhere.push(took) }
        }
    }
    share(&there, &nowhere)
}

#[track_caller]
fn alike(question: &str, share: f64) {
    assert!((share - 0.5).abs() < SLACK, "{question}: the time of an answer tells what is there: {share:.3}");
}

#[test]
fn a_difference_is_noticed() {
    let noise = |n: u64| Duration::from_micros(1000 + n * 7919 % 401);
    let plain: Vec<_> = (0..150).map(noise).collect();
    let later: Vec<_> = (150..300).map(|n| noise(n) + Duration::from_micros(100)).collect();
    let same: Vec<_> = (150..300).map(noise).collect();
    assert!((share(&same, &plain) - 0.5).abs() < SLACK);
    assert!(share(&later, &plain) > 0.5 + SLACK, "{}", share(&later, &plain));
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_submitter_waits_tells_nothing_of_others_records() {
    let world = with_two_submitters();
    let gateway = world.start().await;
    let (mut own, mut other) =
        (gateway.ingest("gb-nca/case-management").await, gateway.ingest("al-police/intake").await);
    let record = submit(&mut own, "theirs", &documents::profile()).await.expect("accepted").record_id;
    let nowhere = "0".repeat(32);
    let told = compare(async |is_there, round| {
        let id = if is_there { &record } else { &nowhere };
        let refused = withdraw(&mut other, &format!("w {is_there} {round}"), id, 1).await.expect_err("not theirs");
        assert_eq!(refused.code(), Code::NotFound);
    });
    alike("a withdrawal of another's record", told.await);
    let told = compare(async |is_there, _| {
        let submission_id = if is_there { "theirs" } else { "nobody's" }.to_owned();
        let asked = v1::GetReceiptRequest { submission_id };
        assert_eq!(other.get_receipt(asked).await.expect_err("not theirs").code(), Code::NotFound);
    });
    alike("the receipt of another's submission", told.await);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_partner_waits_tells_nothing_of_what_its_feed_does_not_show() {
    let world = World::new();
    let gateway = world.start().await;
    let (gone, pseudonym, _) = shown(&world, &gateway, "SUBJECT-A").await;
    let (kept, ..) = shown(&world, &gateway, "SUBJECT-B").await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    withdraw(&mut ingest, "gone", &gone.record_id, 1).await.expect("withdrawn");
    world.journal().settle(ALBANIA, 3).await;
    let foreign =
        causeway_crypto::KeyRing::generate().feed_key(&ALBANIA.parse().expect("an id"), 1).expect("the first epoch");
    let foreign = foreign.pseudonym(&causeway_crypto::InternalPseudonym([7; 32]), None);
    let mut partner = Desk::of(&world, &gateway, "al-police").await;
    let told = compare(async |is_there, _| {
        let asked = if is_there { &pseudonym } else { &foreign };
        assert_eq!(partner.request(asked, 0).await.expect_err("not shown").code(), Code::NotFound);
    });
    alike("an identity behind a pseudonym", told.await);
    let nowhere = "7".repeat(32);
    let told = compare(async |is_there, _| {
        let asked = if is_there { &kept.record_id } else { &nowhere };
        assert_eq!(partner.request_record(asked).await.expect_err("no record of theirs").code(), Code::NotFound);
    });
    alike("an identity behind a record id", told.await);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_an_answer_takes_tells_nothing_of_others_feeds_and_entries() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut record = None;
    for number in 0..30 {
        let receipt = submit(&mut ingest, &format!("record {number}"), &documents::profile()).await.expect("accepted");
        record = Some(receipt);
    }
    let record = record.expect("submitted");
    released_in(&world, ALBANIA, &record).await;
    let mut albania = gateway.feed("al-police/feed").await;
    for _ in 0..30 {
        pull(&mut albania, "", 0).await.expect("a page");
    }
    let mut feed = gateway.feed("vn-police/feed").await;
    let told = compare(async |is_there, _| {
        let agreement = if is_there { ALBANIA } else { "ISA-XX-2026-999" }.to_owned();
        let asked = v1::PullRequest { agreement, limit: 10, ..v1::PullRequest::default() };
        assert_eq!(feed.pull(asked).await.expect_err("not theirs").code(), Code::NotFound);
    });
    alike("another's feed", told.await);
    let mut auditor = gateway.audit("vn-police/audit").await;
    let nowhere = "7".repeat(32);
    let told = compare(async |is_there, _| {
        let record_id = if is_there { record.record_id.clone() } else { nowhere.clone() };
        let asked = v1::QueryRequest { record_id, ..v1::QueryRequest::default() };
        assert!(audit::ask(&mut auditor, asked).await.expect("an answer").0.is_empty());
    });
    alike("who saw another's record", told.await);
    gateway.stop().await;
}
