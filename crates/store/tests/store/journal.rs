//! A running journal: order, group commit, queue, proofs, bodies, what a draft may not be.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use causeway_journal::{Outcome, checkpoint, decode_entry, leaf_hash, v1, verify_inclusion};
use causeway_model::{LeafIndex, Timestamp};
use causeway_store::{AppendFailure, ClassifiedHalf, Clock, FrameLog, Journal, StoreError};

use crate::doubles::Waiting;
use crate::setting::{ORIGIN, Setting, append, append_many, draft, draft_with_body, genesis, wait_for};

#[test]
fn an_entry_is_filled_in_and_committed_under_a_signed_checkpoint() {
    let setting = Setting::new();
    let journal = setting.begin();
    let committed = append(&journal, draft(7));
    assert_eq!((committed.leaf, committed.tree_size, &committed.outcome), (LeafIndex(2), 3, &Outcome::Effective));
    let entry = decode_entry(&committed.entry).expect("canonical");
    assert_eq!((entry.node.as_str(), entry.software_version.as_str()), ("node-1", "causeway/0.1.0"));
    assert_eq!(Timestamp(entry.time_micros), committed.time);
    assert_eq!(committed.time, setting.clock.now());
    let signed = checkpoint::verify(&committed.checkpoint, &journal.verifier_key(), ORIGIN).expect("signed");
    assert_eq!((signed.size, signed.root), (3, journal.read(|state| state.tree().root())));
    assert_eq!(journal.checkpoint(), committed.checkpoint);
    assert_eq!(wait_for(journal.entry(LeafIndex(2))).expect("read"), committed.entry);
    assert!(matches!(wait_for(journal.entry(LeafIndex(3))), Err(StoreError::NoSuchEntry(LeafIndex(3)))));
    assert_eq!(wait_for(journal.entries(LeafIndex(1), 10)).expect("read").len(), 2);
}

#[test]
fn drafts_that_wait_for_the_disk_share_the_next_frame() {
    let setting = Setting::new();
    setting.begin().close();
    let (log, hand) = Waiting::around(setting.log());
    let journal = setting.start_over(Box::new(log)).expect("starts");
    let first = journal.try_append(draft(0)).expect("room");
    hand.begun.recv().expect("the first is on its way");
    assert_eq!(journal.read(|state| state.tree().size()), 2, "nothing is applied before it is durable");
    assert_eq!(journal.checkpoint().lines().nth(1), Some("2"), "nor signed");
    let others: Vec<_> = (1..=200).map(|number| journal.try_append(draft(number)).expect("room")).collect();
    drop(hand.go_on);
    let mut checkpoints = BTreeSet::from([wait_for(first).expect("appended").checkpoint]);
    for (appending, leaf) in others.into_iter().zip(3..) {
        let committed = wait_for(appending).expect("appended");
        assert_eq!(committed.leaf, LeafIndex(leaf), "in the order of the queue");
        checkpoints.insert(committed.checkpoint);
    }
    assert_eq!(checkpoints.len(), 2, "one frame for the first, one for the 200 that waited");
    assert_eq!(journal.read(|state| state.head().0.0), 4);
}

#[test]
fn a_full_queue_refuses_and_loses_nothing() {
    let setting = Setting { queue_depth: 4, ..Setting::new() };
    setting.begin().close();
    let (log, hand) = Waiting::around(setting.log());
    let journal = setting.start_over(Box::new(log)).expect("starts");
    let mut taken = vec![journal.try_append(draft(0)).expect("room")];
    hand.begun.recv().expect("the first is on its way");
    taken.extend((1..=4).map(|number| journal.try_append(draft(number)).expect("room")));
    assert_eq!(journal.try_append(draft(5)).err(), Some(AppendFailure::Busy));
    drop(hand.go_on);
    assert!(taken.into_iter().all(|appending| wait_for(appending).is_ok()));
    assert_eq!(append(&journal, draft(6)).leaf, LeafIndex(7), "the refused one is not in the log");
}

#[test]
fn a_frame_holds_no_more_than_its_limits() {
    let setting = Setting::new();
    setting.begin().close();
    let (log, hand) = Waiting::around(setting.log());
    let journal = setting.start_over(Box::new(log)).expect("starts");
    let first = journal.try_append(draft(0)).expect("room");
    hand.begun.recv().expect("the first is on its way");
    let large: Vec<_> = (0..4).map(|n| journal.try_append(draft_with_body(n, 100_000, None)).expect("room")).collect();
    let many: Vec<_> = (0..600).map(|number| journal.try_append(draft(number)).expect("room")).collect();
    drop(hand.go_on);
    for appending in std::iter::once(first).chain(large).chain(many) {
        wait_for(appending).expect("appended");
    }
    journal.close();
    let frames = setting.log().read(causeway_model::FrameSeq(1), usize::MAX).expect("read");
    assert!(frames.iter().all(|(_, bytes)| bytes.len() <= causeway_journal::MAX_FRAME_BYTES));
    let entries_of = |bytes: &[u8]| causeway_journal::decode_frame(bytes).expect("a frame").items.len();
    let entries: Vec<_> = frames.iter().map(|(_, bytes)| entries_of(bytes)).collect();
    assert_eq!(entries[..4], [1, 1, 1, 2], "genesis, the first, and two of 100 KB");
    assert!(entries.iter().all(|count| *count <= 256));
    assert_eq!((entries.len(), entries.iter().sum::<usize>()), (7, 607), "{entries:?}");
}

#[test]
fn bodies_and_openings_read_back_also_after_a_restart() {
    let setting = Setting::new();
    let journal = setting.begin();
    let shared: Arc<[u8]> = vec![5; 1_120].into();
    let taken: Vec<_> = (0..300)
        .map(|number| {
            let encapsulation = (number % 3 == 0).then(|| Arc::clone(&shared));
            wait_for(journal.enqueue(draft_with_body(number, 1_000, encapsulation))).expect("taken")
        })
        .collect();
    let leaves: Vec<_> = taken.into_iter().map(|appending| wait_for(appending).expect("appended").leaf).collect();
    let check = |journal: &Journal| {
        let asked: Vec<_> = leaves.iter().copied().chain([LeafIndex(0)]).collect();
        let mut bodies = wait_for(journal.bodies(asked)).expect("read");
        assert!(bodies.pop().expect("one for each asked").is_none(), "genesis has no body");
        for (number, (body, leaf)) in (0..).zip(bodies.into_iter().zip(&leaves)) {
            let opened = body.expect("there");
            assert_eq!(opened.body.classified, vec![u8::try_from(number % 251).expect("below 251"); 1_000]);
            assert_eq!(opened.encapsulation.as_deref(), (number % 3 == 0).then_some(&*shared));
            let openings = wait_for(journal.openings(*leaf)).expect("read").expect("there");
            assert_eq!(openings.operator, format!("operator-{number}"));
            let entry = decode_entry(&wait_for(journal.entry(*leaf)).expect("read")).expect("canonical");
            let nonce = openings.nonce.as_slice().try_into().expect("32 bytes");
            let commitment = causeway_crypto::commit(nonce, "operator", &openings.operator);
            assert_eq!(entry.commitments.expect("made").operator, commitment);
        }
    };
    check(&journal);
    journal.close();
    check(&setting.start());
}

#[test]
fn what_a_maker_panics_with_is_its_callers_and_no_readers() {
    let setting = Setting::new();
    let journal = setting.begin();
    let leaf = append(&journal, draft_with_body(1, 300, None)).leaf;
    let fall = |at: usize, _: &ClassifiedHalf| -> usize { std::panic::panic_any(at + 7) };
    for _ in 0..20 {
        let ahead = wait_for(journal.begin_each(vec![leaf, leaf], fall)).expect("begun");
        let fell = catch_unwind(AssertUnwindSafe(|| wait_for(ahead.answer()))).expect_err("it panics here");
        assert_eq!(fell.downcast_ref(), Some(&7_usize), "at the first, and no other is made");
    }
    let ahead = wait_for(journal.begin_each(vec![leaf], |at, _| at)).expect("begun");
    assert_eq!(wait_for(ahead.answer()).expect("the threads read on"), [Some(0)]);
    journal.close();
}

#[test]
fn bodies_that_are_read_ahead_are_those_few_or_many_of_a_frame() {
    let setting = Setting::new();
    let journal = setting.begin();
    let taken: Vec<_> = (0..300)
        .map(|number| {
            let encapsulation = (number % 3 == 0).then(|| Arc::from([5; 1_120]));
            wait_for(journal.enqueue(draft_with_body(number, 300, encapsulation))).expect("taken")
        })
        .collect();
    let leaves: Vec<_> = taken.into_iter().map(|appending| wait_for(appending).expect("appended").leaf).collect();
    journal.close();
    for step in [40, 1, 7] {
        // Started anew, it has no frame at hand.
        let journal = setting.start();
        let asked: Vec<_> = leaves.iter().step_by(step).copied().chain([leaves[3], LeafIndex(0), leaves[1]]).collect();
        let half = |at: usize, half: &ClassifiedHalf| (at, half.schema().to_owned(), half.classified().to_vec());
        let ahead = wait_for(journal.begin_each(asked.clone(), half)).expect("begun");
        let read = wait_for(ahead.answer()).expect("read");
        let bodies = wait_for(journal.bodies(asked)).expect("read");
        let halves = bodies.into_iter().enumerate().map(|(at, body)| {
            let body = body?.body;
            Some((at, body.schema, body.classified))
        });
        assert_eq!(read, halves.collect::<Vec<_>>());
        assert_eq!(read.iter().filter(|body| body.is_none()).count(), 1, "genesis has no body");
        let beyond = wait_for(journal.begin_each(vec![leaves[0], LeafIndex(10_000)], |at, _| at)).expect("begun");
        assert!(matches!(wait_for(beyond.answer()), Err(StoreError::NoSuchEntry(LeafIndex(10_000)))));
        journal.close();
    }
}

#[test]
fn each_leaf_is_proved_before_and_after_its_tile_moves_to_the_log() {
    let setting = Setting::new();
    let journal = setting.begin();
    append_many(&journal, 600);
    let prove_all = |journal: &Journal| {
        let (size, root) = journal.read(|state| (state.tree().size(), state.tree().root()));
        for leaf in (0..size).step_by(7).map(LeafIndex).chain([LeafIndex(255), LeafIndex(511), LeafIndex(size - 1)]) {
            let entry = wait_for(journal.entry(leaf)).expect("read");
            let proof = wait_for(journal.inclusion_proof(leaf, size)).expect("proved");
            verify_inclusion(leaf_hash(&entry), leaf, size, &proof, root).expect("verifies");
            let at_hand = journal.inclusion_proof_at_hand(leaf, size);
            assert!(at_hand.as_ref().is_none_or(|at_hand| *at_hand == proof));
            assert_eq!(at_hand.is_some(), leaf.0 >= size - size % 256, "of the tile that is not full");
        }
    };
    prove_all(&journal);
    let old = wait_for(journal.inclusion_proof(LeafIndex(3), 300)).expect("proved in an earlier tree");
    assert!(old.len() < 10);
    append(&journal, draft(0));
    prove_all(&journal);
    assert!(matches!(wait_for(journal.inclusion_proof(LeafIndex(3), 10_000)), Err(StoreError::Proof(_))));
    journal.close();
    let journal = setting.start();
    prove_all(&journal);
    append(&journal, draft(0));
    journal.close();
    let log = setting.log();
    assert!((0..2).all(|index| log.tile(0, index).expect("read").is_some()));
    assert!(log.tile(0, 2).expect("read").is_none(), "no tile that is not full");
}

#[test]
fn a_tile_that_the_newest_frame_completed_is_not_lost_by_a_restart() {
    let setting = Setting::new();
    let journal = setting.begin();
    append_many(&journal, 253);
    assert_eq!(append(&journal, draft(0)).tree_size, 256);
    let (entry, root) = (wait_for(journal.entry(LeafIndex(3))).expect("read"), journal.read(|s| s.tree().root()));
    let prove = |journal: &Journal| {
        let proof = wait_for(journal.inclusion_proof(LeafIndex(3), 256)).expect("proved");
        verify_inclusion(leaf_hash(&entry), LeafIndex(3), 256, &proof, root).expect("verifies");
    };
    prove(&journal);
    journal.close();
    let log = setting.log();
    assert!(log.tile(0, 0).expect("read").is_none(), "it goes with the next frame");
    drop(log);
    let journal = setting.start();
    prove(&journal);
    append(&journal, draft(1));
    prove(&journal);
    journal.close();
    assert!(setting.log().tile(0, 0).expect("read").is_some());
}

#[test]
fn an_entry_that_the_rules_refuse_is_not_in_the_log() {
    let setting = Setting::new();
    let journal = setting.start();
    let refused = wait_for(journal.append(draft(0)));
    assert!(matches!(refused, Err(AppendFailure::Refused(_))), "nothing comes before genesis: {refused:?}");
    genesis(&journal);
    let mut malformed = draft(1);
    malformed.entry.operation = v1::Operation::Unspecified.into();
    assert!(matches!(wait_for(journal.append(malformed)), Err(AppendFailure::Refused(_))));
    let mut stray = draft(2);
    stray.document_text = Some(b"text".to_vec());
    assert!(matches!(wait_for(journal.append(stray)), Err(AppendFailure::Refused(_))));
    assert_eq!(append(&journal, draft(3)).leaf, LeafIndex(2), "and the journal goes on");
    journal.close();
    assert_eq!(setting.start().read(|state| state.tree().size()), 3);
}

#[test]
fn a_clock_far_behind_refuses_and_one_a_little_behind_repeats() {
    let (clock, hand) = Clock::manual(Timestamp(1_000_000_000));
    let setting = Setting { clock, ..Setting::new() };
    let journal = setting.begin();
    hand.set(Timestamp(996_000_000));
    assert_eq!(append(&journal, draft(0)).time, Timestamp(1_000_000_000));
    hand.set(Timestamp(994_999_999));
    let refused = wait_for(journal.append(draft(1)));
    assert!(matches!(refused, Err(AppendFailure::ClockBehind { .. })), "{refused:?}");
    hand.advance(60);
    assert_eq!(append(&journal, draft(2)).leaf, LeafIndex(3));
}

#[test]
fn whoever_listens_is_woken_and_after_closing_nothing_is_taken() {
    let setting = Setting::new();
    let journal = setting.begin();
    let changed = journal.changed();
    append(&journal, draft(0));
    wait_for(changed);
    let waiting = journal.try_append(draft(1)).expect("room");
    journal.close();
    wait_for(waiting).expect("what was taken before closing is appended");
    assert!(!journal.is_healthy());
    assert!(matches!(wait_for(journal.append(draft(2))), Err(AppendFailure::Stopped(_))));
    assert!(matches!(wait_for(journal.entry(LeafIndex(0))), Err(StoreError::Closed)));
    journal.close();
    let again = setting.start();
    assert_eq!(again.read(|state| state.tree().size()), 4);
    assert_eq!(again.checkpoint(), journal.checkpoint());
}

#[test]
fn a_draft_prints_no_openings() {
    let mut draft = draft(1);
    draft.openings = Some(v1::Openings { operator: "a.clerk".into(), ..Default::default() });
    assert!(!format!("{draft:?}").contains("clerk"));
}
