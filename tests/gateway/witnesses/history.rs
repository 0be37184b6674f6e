//! What witnesses remember, and a gateway that was given another past does not: a copy that was put back, and two histories.

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::Checkpoint;
use causeway_journal::note::Note;
use causeway_proto::v1;
use tonic::Code;

use super::party::{Authority, ORIGIN, Party, ask, evidence, log_line, log_signing_key, one_of_one};
use super::{liar, witnessed};
use crate::harness::calls::{submit, within};
use crate::harness::{Gateway, World, copy, documents, own_log_only};

/// Waits until the journal is halted.
async fn halted(gateway: &Gateway) {
    let halted = async {
        loop {
            let changed = gateway.exchange().changed();
            if !gateway.exchange().is_healthy() {
                return;
            }
            changed.await;
        }
    };
    within("the halt", halted).await;
}

async fn grow(gateway: &Gateway, world: &World, ids: std::ops::Range<usize>) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for id in ids {
        submit(&mut ingest, &format!("record {id}"), &documents::profile()).await.expect("accepted");
    }
    let _ = world.journal().size();
}

/// The sizes of the checkpoints that were kept as evidence, ascending.
fn sizes(world: &World) -> Vec<u64> {
    let size = |note: &String| {
        let note = Note::parse(note).ok()?;
        Some(Checkpoint::parse(note.text).ok()?.size)
    };
    let mut sizes: Vec<u64> = evidence(world).iter().filter_map(size).collect();
    sizes.sort_unstable();
    sizes
}

async fn nothing_is_taken(gateway: &Gateway) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let status = submit(&mut ingest, "after the halt", &documents::profile()).await.expect_err("it is halted");
    assert_eq!(status.code(), Code::Unavailable);
}

/// A world whose gateway was put back to yesterday's copy, checkpoint file and all; the witness has seen the day between.
async fn put_back() -> (World, super::party::Party, u64) {
    let (mut world, party) = one_of_one().await;
    let gateway = world.start().await;
    grow(&gateway, &world, 0..2).await;
    gateway.stop().await;
    copy(&world.path("data/journal"), &world.path("yesterday"));
    let gateway = world.start().await;
    grow(&gateway, &world, 2..6).await;
    let seen = world.journal().size();
    witnessed(&gateway, seen).await;
    gateway.stop().await;
    copy(&world.path("yesterday"), &world.path("data/journal"));
    world.forget_log();
    (world, party, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterdays_copy_is_halted_at_the_start_by_what_the_witness_remembers() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let (world, _party, seen) = put_back().await;
    let gateway = world.start().await;
    assert!(!gateway.exchange().is_healthy(), "before anything is served");
    nothing_is_taken(&gateway).await;
    let kept = sizes(&world);
    assert!(kept.len() == 2 && kept[0] < seen && kept[1] >= seen, "both signed checkpoints: {kept:?}, {seen}");
    gateway.stop().await;
    // It stays so, whoever starts it again.
    let gateway = world.start().await;
    assert!(!gateway.exchange().is_healthy());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterdays_copy_is_halted_while_it_runs_once_the_witness_is_heard_again() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let (world, mut party, seen) = put_back().await;
    party.stop().await;
    let gateway = world.start().await;
    assert!(gateway.exchange().is_healthy(), "nobody who remembers is heard");
    grow(&gateway, &world, 10..11).await;
    party.start().await;
    halted(&gateway).await;
    nothing_is_taken(&gateway).await;
    assert!(sizes(&world).iter().any(|size| *size >= seen), "{:?}", sizes(&world));
    gateway.stop().await;
    // Nor does a restart end it while nobody who remembers is heard.
    party.stop().await;
    let gateway = world.start().await;
    assert!(!gateway.exchange().is_healthy());
    nothing_is_taken(&gateway).await;
    gateway.stop().await;
}

/// What whoever has a signing key can make up: a checkpoint far ahead.
fn far_ahead(key: &SigningKey) -> String {
    Checkpoint { origin: ORIGIN.into(), size: 1 << 40, root: Digest([7; 32]) }.sign(key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_compromised_halts_nothing_whoever_shows_what_it_has_signed() {
    let mut world = World::new();
    let authority = Authority::new();
    let honest = Party::begin(&world, &authority, "honest").await;
    // The policy still has the old key's line.
    let old = log_signing_key(&world);
    ask(&mut world, &authority, &[honest.line()], "quorum honest");
    let gateway = world.start().await;
    let request = v1::RotateKeyRequest { key: "checkpoint-signing".into(), compromised: true };
    gateway.admin("gb-nca/operations").await.rotate_key(request).await.expect("rotated");
    grow(&gateway, &world, 0..1).await;
    gateway.stop().await;

    let shows = liar::showing("thief", far_ahead(&old)).await;
    let lines = [log_line(&old), honest.line(), shows];
    ask(&mut world, &authority, &lines, "group any any honest thief\nquorum any");
    let gateway = world.start().await;
    grow(&gateway, &world, 1..2).await;
    assert!(gateway.exchange().is_healthy(), "{:?}", gateway.exchange().halted());
    assert_eq!(evidence(&world), Vec::<String>::new());
    gateway.stop().await;
    // One that the new key has signed does.
    let shows = liar::showing("holder", far_ahead(&log_signing_key(&world))).await;
    ask(&mut world, &authority, &[honest.line(), shows], "group any any honest holder\nquorum any");
    let gateway = world.start().await;
    assert!(!gateway.exchange().is_healthy());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_histories_under_one_name_and_key_the_second_is_halted_with_evidence() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let (world, mut party) = one_of_one().await;
    let gateway = world.start().await;
    grow(&gateway, &world, 0..2).await;
    gateway.stop().await;
    copy(&world.path("data"), &world.path("forked"));
    let gateway = world.start().await;
    grow(&gateway, &world, 2..4).await;
    let first = witnessed(&gateway, world.journal().size()).await;
    let seen = world.journal().size();
    gateway.stop().await;

    // The fork grows past what the witness has seen while nobody asks it.
    party.stop().await;
    let mut world = world;
    copy(&world.path("forked"), &world.path("data"));
    world.forget_log();
    let gateway = world.start().await;
    grow(&gateway, &world, 20..40).await;
    assert!(world.journal().size() > seen);
    party.start().await;
    halted(&gateway).await;
    nothing_is_taken(&gateway).await;
    assert!(evidence(&world).iter().any(|note| note.starts_with(first.split_once("\n\n").expect("a note").0)));
    assert!(sizes(&world).iter().any(|size| *size > seen), "its own checkpoint is evidence too: {:?}", sizes(&world));
    let newest = gateway.exchange().witnessed().newest();
    assert!(newest.is_none_or(|newest| newest.size <= seen), "the second history got no cosignature");
    gateway.stop().await;
}
