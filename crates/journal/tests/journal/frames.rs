//! Frames that are refused: whole, and without a trace.

use causeway_journal::{
    JournalError, MAX_ENTRY_BYTES, MAX_FRAME_BYTES, Outcome, Place, RULES_SHARED, apply, apply_checked, check,
    encode_entry, encode_frame, leaf_hash, v1,
};
use causeway_model::{FrameSeq, LeafIndex, Timestamp};

use crate::log::{Log, administration, allowed, document_entry, submit};

/// Tries the frame as the next one, and sees that a refusal has changed nothing.
fn refused(log: &mut Log, bytes: &[u8]) -> JournalError {
    let before = format!("{:?}", log.state);
    let next = log.state.head().0.next();
    let error = apply(&mut log.state, next, bytes).expect_err("a frame to be refused");
    assert_eq!(format!("{:?}", log.state), before);
    assert_eq!(check(&log.state, next, bytes).err(), Some(error.clone()), "whoever only checks sees it too");
    error
}

fn refused_frame(log: &mut Log, change: impl FnOnce(&mut v1::Frame)) -> JournalError {
    let item = log.item(submit("x", 1));
    let mut frame = log.frame_of(vec![item]);
    change(&mut frame);
    refused(log, &encode_frame(&frame).expect("a well-formed frame"))
}

#[test]
fn a_frame_must_be_the_next_of_this_log() {
    let mut log = Log::begun();
    assert_eq!(refused_frame(&mut log, |frame| frame.log_id = vec![9; 16]), JournalError::WrongLog);
    assert_eq!(refused_frame(&mut log, |frame| frame.previous_frame = vec![9; 32]), JournalError::WrongPrevious);
    assert_eq!(refused_frame(&mut log, |frame| frame.previous_frame.clear()), JournalError::WrongPrevious);
    assert_eq!(
        refused_frame(&mut log, |frame| frame.rules_version = RULES_SHARED + 1),
        JournalError::UnknownRules(RULES_SHARED + 1)
    );
    assert_eq!(
        refused_frame(&mut log, |frame| frame.rules_version = 1),
        JournalError::UnknownRules(1),
        "rules never go back"
    );
    assert_eq!(refused_frame(&mut log, |frame| frame.rules_version = 0), JournalError::UnknownRules(0));
    let item = log.item(submit("x", 1));
    let bytes = encode_frame(&log.frame_of(vec![item])).expect("well formed");
    let (head, _) = log.state.head();
    for seq in [head, FrameSeq(head.0 + 2), FrameSeq(0)] {
        let wrong = apply(&mut log.state, seq, &bytes).expect_err("not the next");
        assert_eq!(wrong, JournalError::WrongSequence { expected: head.next(), found: seq });
    }
    assert!(apply(&mut log.state, head.next(), &bytes).is_ok());
    let again = apply(&mut log.state, head.next().next(), &bytes).expect_err("it names an older frame");
    assert_eq!(again, JournalError::WrongPrevious);
}

#[test]
fn a_checked_frame_is_applied_to_the_state_that_it_was_checked_against_only() {
    let mut log = Log::begun();
    let (one, other) = (log.item(submit("x", 1)), log.item(submit("y", 1)));
    let frames = [one, other].map(|item| encode_frame(&log.frame_of(vec![item])).expect("well formed"));
    let next = log.state.head().0.next();
    let checked = frames.map(|frame| check(&log.state, next, &frame).expect("it comes next"));
    let [first, second] = checked;
    assert!(apply_checked(&mut log.state, first).is_ok());
    assert!(apply_checked(&mut log.state, second).is_err());
}

#[test]
fn time_does_not_go_back() {
    let mut log = Log::begun();
    log.time -= 2_000_000;
    let item = log.item(submit("x", 1));
    let bytes = encode_frame(&log.frame_of(vec![item])).expect("well formed");
    assert_eq!(refused(&mut log, &bytes), JournalError::TimeBack);
    log.time += 5_000_000;
    let late = log.item(submit("x", 1));
    log.time -= 3_000_000;
    let early = log.item(submit("y", 1));
    let bytes = encode_frame(&log.frame_of(vec![late, early])).expect("well formed");
    assert_eq!(refused(&mut log, &bytes), JournalError::TimeBack);
    log.time = log.state.last_time().0 - 1_000_000;
    let same = log.item(submit("x", 1));
    let applied = log.append(&log.frame_of(vec![same])).expect("the same time is not back");
    assert_eq!((applied.time, log.state.last_time()), (Timestamp(log.time), Timestamp(log.time)));
}

#[test]
fn an_entry_must_be_canonical_whole_and_small() {
    let mut log = Log::begun();
    let item = log.item(submit("x", 1));
    let trailing = v1::Item { entry: [&item.entry[..], &[0xf8, 0x07, 0x01]].concat(), ..v1::Item::default() };
    let error = refused_frame(&mut log, |frame| frame.items.push(trailing));
    assert_eq!(error, JournalError::NotCanonical("entry"));
    let large = v1::Item { entry: vec![0; MAX_ENTRY_BYTES + 1], ..v1::Item::default() };
    let error = refused_frame(&mut log, |frame| frame.items.push(large));
    assert_eq!(error, JournalError::TooLarge { what: "entry", limit: MAX_ENTRY_BYTES });
    let error = refused(&mut log, &vec![0; MAX_FRAME_BYTES + 1]);
    assert_eq!(error, JournalError::TooLarge { what: "frame", limit: MAX_FRAME_BYTES });
    let mut bytes = encode_frame(&log.frame_of(vec![item])).expect("well formed");
    bytes.extend([0xf8, 0x07, 0x01]);
    assert_eq!(refused(&mut log, &bytes), JournalError::NotCanonical("frame"));
}

#[test]
fn nothing_travels_beside_an_entry_unannounced() {
    let mut log = Log::begun();
    let shrouded = || Some(v1::Shrouded { page: 1, slot: 2, ciphertext: vec![1; 30] });
    let refusals = [
        refused_frame(&mut log, |frame| frame.items[0].body = shrouded()),
        refused_frame(&mut log, |frame| frame.items[0].aside = shrouded()),
        refused_frame(&mut log, |frame| frame.items[0].document_text = b"text".to_vec()),
    ];
    assert!(refusals.iter().all(|error| matches!(error, JournalError::Malformed(_))), "{refusals:?}");
    let promised = v1::Entry { body_digest: vec![1; 32], ..submit("x", 1) };
    let item = log.item(promised);
    let bytes = encode_frame(&log.frame_of(vec![item.clone()])).expect("well formed");
    assert!(matches!(refused(&mut log, &bytes), JournalError::Malformed(_)), "a body that is not there");
    let item = v1::Item { body: shrouded(), ..item };
    assert_eq!(log.append(&log.frame_of(vec![item])).expect("announced").outcomes, [Outcome::Effective]);
}

#[test]
fn entries_that_could_not_be_read_back_are_not_written() {
    let mut log = Log::begun();
    log.one(submit("x", 1));
    let good = || v1::Entry { entry_id: vec![1; 16], ..submit("x", 1) };
    assert!(encode_entry(&good()).is_ok());
    let changes: [fn(&mut v1::Entry); 17] = [
        |entry| entry.entry_id.truncate(15),
        |entry| entry.operation = 0,
        |entry| entry.operation = 99,
        |entry| entry.decision = 0,
        |entry| entry.reason = "a\nb".into(),
        |entry| entry.node = "n".repeat(129),
        |entry| entry.purpose_code = "because".into(),
        |entry| entry.actor.as_mut().expect("an actor").agency = "GB".into(),
        |entry| entry.records[0].record_id.push(0),
        |entry| entry.records[0].kind = "person".into(),
        |entry| entry.records[0].version = 3,
        |entry| entry.records.clear(),
        |entry| entry.submission_mac.truncate(31),
        |entry| entry.content_mac.clear(),
        |entry| entry.approvals.push(v1::Approval::default()),
        |entry| entry.page = Some(v1::Page::default()),
        |entry| entry.releases = Some(v1::ReleaseBatch { feed: "ISA-AL-2026-014".into(), ..Default::default() }),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut entry = good();
        change(&mut entry);
        let refused = encode_entry(&entry);
        assert!(matches!(refused, Err(JournalError::Malformed(_))), "change {number}: {refused:?}");
    }
}

#[test]
fn genesis_comes_first_and_once() {
    let mut log = Log::empty();
    let item = log.item(submit("x", 1));
    let bytes = encode_frame(&log.frame_of(vec![item])).expect("well formed");
    assert!(matches!(refused(&mut log, &bytes), JournalError::Genesis(_)));
    assert_eq!((log.state.operator(), log.state.log_id(), log.state.head()), (None, None, (FrameSeq(0), None)));
    log.one(administration("genesis"));
    assert!(!log.state.genesis_complete());
    for entry in [
        administration("genesis"),
        submit("x", 1),
        allowed(v1::Operation::Administration, "genesis-complete", "al-police"),
        v1::Entry { decision: v1::Decision::Denied.into(), ..administration("genesis-complete") },
    ] {
        let item = log.item(entry);
        let bytes = encode_frame(&log.frame_of(vec![item])).expect("well formed");
        assert!(matches!(refused(&mut log, &bytes), JournalError::Genesis(_)));
    }
    let (document, _) = document_entry(v1::DocumentKind::CodeList, "ports", 1, "", &[]);
    log.all(vec![document, administration("genesis-complete"), allowed(v1::Operation::Key, "created", "gb-nca")]);
    assert!(log.state.genesis_complete());
    for reason in ["genesis", "genesis-complete"] {
        let item = log.item(administration(reason));
        let bytes = encode_frame(&log.frame_of(vec![item])).expect("well formed");
        assert_eq!(refused(&mut log, &bytes), JournalError::Genesis("repeated"));
    }
}

#[test]
fn entries_have_their_places() {
    let mut log = Log::begun();
    let (frames, size) = (log.state.head().0, log.state.tree().size());
    let applied = log.all(vec![submit("a", 1), submit("b", 1), submit("c", 1)]);
    log.one(submit("d", 1));
    assert_eq!((applied.first_leaf, applied.size), (LeafIndex(size), size + 3));
    let place = |leaf| log.state.place(LeafIndex(leaf));
    assert_eq!(place(0), Some(Place { seq: FrameSeq(1), item: 0 }));
    assert_eq!(place(size + 2), Some(Place { seq: frames.next(), item: 2 }));
    assert_eq!(place(size + 3), Some(Place { seq: frames.next().next(), item: 0 }));
    assert_eq!(place(size + 4), None);
    assert_eq!(log.state.first_leaf(frames.next()), Some(LeafIndex(size)));
    assert_eq!((log.state.first_leaf(FrameSeq(0)), log.state.first_leaf(FrameSeq(999))), (None, None));
}

#[test]
fn the_root_is_over_the_entries_in_their_order() {
    let mut log = Log::empty();
    let items =
        [administration("genesis"), administration("genesis-complete"), submit("a", 1)].map(|entry| log.item(entry));
    let mut tree = causeway_journal::Tree::new();
    items.iter().for_each(|item| drop(tree.push(leaf_hash(&item.entry))));
    let applied = log.append(&log.frame_of(items.to_vec())).expect("comes next");
    assert_eq!((applied.root, applied.size), (tree.root(), 3));
    assert_eq!(log.state.tree().root(), tree.root());
}
