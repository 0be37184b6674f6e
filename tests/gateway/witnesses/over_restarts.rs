//! What a restart must not set back, nor hang on: the time for which there has been no quorum.

use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

use causeway_crypto::{SigningKey, sha256};
use causeway_journal::{Checkpoint, REASON_DISCLOSURES_STOPPED, REASON_WITNESSES_AWAY};
use causeway_proto::v1;

use super::party::{ALARM, ORIGIN, STOP, one_of_one};
use super::{said, witnessed};
use crate::harness::World;
use crate::harness::calls::within;

/// How long there has been no quorum, in seconds, as a gateway knows that is started now.
async fn age_at_a_start(world: &World) -> u64 {
    let gateway = world.start().await;
    let age = gateway.exchange().quorum_age().expect("witnesses").as_secs();
    gateway.stop().await;
    age
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_before_the_first_quorum_sets_no_time_back() {
    let (world, mut party) = one_of_one().await;
    party.stop().await;
    assert_eq!(age_at_a_start(&world).await, 0);
    world.clock().advance(ALARM / 2);
    assert_eq!(age_at_a_start(&world).await, ALARM / 2, "since the first start");
    world.clock().advance(ALARM / 2);
    let gateway = world.start().await;
    said(&world, REASON_WITNESSES_AWAY).await;
    gateway.stop().await;
    world.clock().advance(STOP - ALARM);
    assert_eq!(age_at_a_start(&world).await, STOP, "since the first start still");
    let gateway = world.start().await;
    assert!(gateway.exchange().disclosures_stopped());
    said(&world, REASON_DISCLOSURES_STOPPED).await;
    party.start().await;
    witnessed(&gateway, 1).await;
    assert!(!gateway.exchange().disclosures_stopped());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_that_was_renewed_on_an_idle_log_is_as_young_after_a_restart() {
    let (world, mut party) = one_of_one().await;
    let gateway = world.start().await;
    witnessed(&gateway, world.journal().size()).await;
    gateway.stop().await;
    let gateway = world.start().await;
    let size = world.journal().size();
    witnessed(&gateway, size).await;
    // A quiet night: the log is asked for again, and nothing is added to it.
    for _ in 0..6 {
        world.clock().advance(ALARM / 2);
        let renewed = async {
            loop {
                let changed = gateway.exchange().witnessed().changed();
                if gateway.exchange().quorum_age().expect("witnesses") < Duration::from_secs(ALARM / 2) {
                    return;
                }
                changed.await;
            }
        };
        within("a new quorum", renewed).await;
    }
    gateway.stop().await;
    party.stop().await;
    assert_eq!(world.journal().size(), size, "it was idle");
    assert_eq!(age_at_a_start(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_checkpoints_that_verify_no_more_do_not_hold_up_a_start_however_many() {
    let (world, mut party) = one_of_one().await;
    let gateway = world.start().await;
    witnessed(&gateway, world.journal().size()).await;
    gateway.stop().await;
    party.stop().await;
    // As a key has signed them that was replaced after a compromise: its line is in no policy any more.
    let key = SigningKey::generate();
    let mut file = fs::File::options().append(true).open(world.path("data/journal/checkpoints")).expect("there");
    for size in 1_000..1_600 {
        let note = Checkpoint { origin: ORIGIN.into(), size, root: sha256(&[b"root"]) }.sign(&key);
        let mut digest = String::new();
        let hash = sha256(&[note.as_bytes()]);
        hash.0[..8].iter().for_each(|byte| write!(digest, "{byte:02x}").expect("written"));
        write!(file, "\ncauseway-checkpoint {} {digest}\n{note}", note.len()).expect("written");
    }
    let gateway = within("a start", world.start()).await;
    let newest = gateway.exchange().witnessed().newest();
    assert!(newest.is_some_and(|newest| newest.size < 1_000), "what still counts is found");
    let listed = v1::ListCheckpointsRequest { from_size: 1_000, limit: 1_000 };
    let listed = gateway.audit("gb-nca/audit").await.list_checkpoints(listed).await.expect("listed").into_inner();
    assert_eq!(listed.checkpoints.len(), 600, "they were there");
    gateway.stop().await;
}
