//! A log that several writers append to: nobody knows what comes before its frame, and nothing that is not right stops the log.

use causeway_journal::{
    Applied, JournalError, Judged, Outcome, PassedOver, Place, REASON_CHECKPOINT, RULES_SHARED, RULES_VERSION, State,
    apply, apply_mirrored, decode_frame, encode_frame, frame_id, judge, v1,
};
use causeway_model::{FrameSeq, LeafIndex, Position, Timestamp};

use crate::log::{AL, Log, acknowledge, administration, feed_id, page, release, saved_and_loaded, submit};
use crate::mirrored::{entries, without_frames};
use crate::replay::{Draw, grown_under};

const SECOND: u64 = 1_000_000;

/// A log that one writer began, and several go on with.
fn begun() -> Log {
    let mut log = Log::begun();
    log.rules = RULES_SHARED;
    log
}

fn frame(log: &mut Log, entries: Vec<v1::Entry>) -> Vec<u8> {
    let items = entries.into_iter().map(|entry| log.item_now(entry)).collect();
    encode_frame(&log.frame_of(items)).expect("well formed")
}

/// Appends what is to be passed over, and sees that it left nothing and that the log goes on.
fn passed_over(log: &mut Log, bytes: Vec<u8>) -> PassedOver {
    let (size, root, time) = (log.state.tree().size(), log.state.tree().root(), log.state.last_time());
    let seq = log.state.head().0.next();
    assert!(matches!(judge(&log.state, seq, &bytes), Ok(Judged::PassedOver(_))));
    let applied = log.append_bytes(bytes).expect("it stops nothing");
    let why = applied.passed_over.expect("passed over");
    let nothing = Applied {
        first_leaf: LeafIndex(size),
        outcomes: Vec::new(),
        leaf_hashes: Vec::new(),
        tiles: Vec::new(),
        size,
        root,
        time,
        passed_over: Some(why),
    };
    assert_eq!(applied, nothing);
    assert_eq!((log.state.passed_over(seq), log.state.head().0), (Some(why), seq));
    why
}

#[test]
fn a_log_of_several_writers_makes_what_one_of_one_writer_makes() {
    for seed in 40..43 {
        let log = grown_under(RULES_SHARED, seed, 120);
        assert_eq!(log.state.rules(), RULES_SHARED);
        assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state));
        assert_eq!(without_frames(&log.mirrored), without_frames(&log.state), "seed {seed}");
        assert_eq!(log.state.all_passed_over().count(), 0);
        assert!(log.state.feed(&feed_id(AL)).expect("in force").newest() > Position(5));
    }
}

/// Two writers whose clocks differ, drawing what they write from what they have seen so far.
fn frames_of_two(log: &Log, draw: &mut Draw, count: u64) -> Vec<Vec<u8>> {
    let mut writers = [begun(), begun()];
    for (writer, ahead) in writers.iter_mut().zip([0, 20 * SECOND]) {
        writer.time = log.time + ahead;
    }
    let mut frames = Vec::new();
    for _ in 0..count {
        let writer = &mut writers[usize::from(draw.below(2) == 1)];
        writer.time += draw.below(SECOND);
        let drawn: Vec<_> = (0..=draw.below(4)).map(|_| draw.entry(log)).collect();
        frames.push(frame(writer, drawn));
    }
    frames
}

/// Frames in another order, within so far of where they were; some of them twice.
fn mixed(draw: &mut Draw, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut mixed: Vec<_> = frames.to_vec();
    for at in 1..mixed.len() {
        let back = usize::try_from(draw.below(4)).expect("small").min(at);
        mixed.swap(at, at - back);
    }
    for _ in 0..5 {
        let from = usize::try_from(draw.below(frames.len() as u64)).expect("few");
        let to = usize::try_from(draw.below(mixed.len() as u64)).expect("few");
        mixed.insert(to, frames[from].clone());
        mixed.insert(to, vec![u8::try_from(draw.below(256)).expect("a byte"); 9]);
    }
    mixed
}

#[test]
fn any_order_of_two_writers_frames_is_one_state_for_everybody() {
    for seed in 50..58 {
        let mut draw = Draw { seed, drawn: 0 };
        let mut log = begun();
        // Records and releases for what the two write to meet.
        for name in 0..20 {
            log.all(vec![submit(&name.to_string(), 1)]);
        }
        let considered = log.state.tree().size();
        let releases = release(AL, considered, &[("1", 1), ("2", 1), ("3", 1)]);
        log.all(vec![releases]);
        let frames = frames_of_two(&log, &mut draw, 80);
        for bytes in mixed(&mut draw, &frames) {
            // Everybody's state is compared by `append`: applied, saved and loaded, and mirrored.
            log.append_bytes(bytes).expect("nothing stops the log");
        }
        assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state), "seed {seed}");
        assert_eq!(without_frames(&log.mirrored), without_frames(&log.state), "seed {seed}");
        let why = |seq| log.state.passed_over(FrameSeq(seq));
        let (mut applied, mut again, mut broken) = (Vec::new(), 0, 0);
        for (bytes, seq) in log.frames.iter().zip(1..) {
            match why(seq) {
                None => applied.push(frame_id(bytes)),
                Some(PassedOver::AppliedBefore) => again += 1,
                Some(PassedOver::Malformed) => broken += 1,
                Some(why) => panic!("seed {seed}: {why}"),
            }
        }
        assert_eq!((again, broken), (5, 5), "seed {seed}: garbage and repeated frames, and no others");
        let count = applied.len();
        applied.sort();
        applied.dedup();
        assert_eq!(applied.len(), count, "nothing is applied twice");
        assert!(frames.iter().all(|bytes| applied.binary_search(&frame_id(bytes)).is_ok()), "and nothing lost");
        let times: Vec<_> = entries(&log).iter().map(|(_, entry)| entry.entry().time_micros).collect();
        assert!(!times.is_sorted(), "their clocks differ");
        assert_eq!(times.into_iter().max(), Some(log.state.last_time().0));
        at_any_length(&log);
    }
}

/// The mirrored log gives the same however it is cut.
fn at_any_length(log: &Log) {
    let all = entries(log);
    for length in [1, 5] {
        let mut state = State::new();
        for run in all.chunk_by(|one, other| one.0 == other.0).flat_map(|run| run.chunks(length)) {
            let entries: Vec<_> = run.iter().map(|(_, entry)| entry.clone()).collect();
            apply_mirrored(&mut state, run[0].0, &entries).expect("they come next");
        }
        assert_eq!(without_frames(&state), without_frames(&log.state));
    }
}

#[test]
fn first_in_log_order_wins() {
    let mut log = begun();
    let (one, other) = (submit("a", 1), v1::Entry { content_mac: vec![9; 32], ..submit("a", 1) });
    let frames = [vec![one.clone()], vec![other], vec![one]].map(|entries| frame(&mut log, entries));
    let outcomes = frames.map(|bytes| log.append_bytes(bytes).expect("next").outcomes.remove(0));
    let first = LeafIndex(log.state.tree().size() - 3);
    let expected = [Outcome::Effective, Outcome::SubmissionReused, Outcome::Duplicate { of: first }];
    assert_eq!(outcomes, expected);
    log.all(vec![submit("b", 1)]);
    let (mine, yours) = (submit("b", 2), v1::Entry { submission_mac: vec![7; 32], ..submit("b", 2) });
    let outcomes = log.all(vec![mine, yours]).outcomes;
    assert_eq!(outcomes, [Outcome::Effective, Outcome::VersionMoved]);
}

#[test]
fn what_is_not_right_leaves_nothing_and_stops_nothing() {
    let mut log = begun();
    let good = frame(&mut log, vec![submit("x", 1)]);
    assert_eq!(log.append_bytes(good.clone()).expect("next").passed_over, None);
    assert_eq!(passed_over(&mut log, good), PassedOver::AppliedBefore);
    assert_eq!(passed_over(&mut log, Vec::new()), PassedOver::Malformed);
    assert_eq!(passed_over(&mut log, vec![0xff; 300_000]), PassedOver::Malformed);
    assert_eq!(passed_over(&mut log, vec![0x08, 0x05, 0x77]), PassedOver::Malformed);
    type Change = fn(&mut v1::Frame);
    let changes: [(Change, PassedOver); 6] = [
        (|frame| frame.log_id = vec![9; 16], PassedOver::OtherLog),
        (|frame| frame.rules_version = RULES_VERSION, PassedOver::OtherRules),
        (|frame| frame.rules_version = 0, PassedOver::OtherRules),
        (|frame| frame.previous_frame = vec![1; 32], PassedOver::Malformed),
        (|frame| frame.items[0].document_text = b"text".to_vec(), PassedOver::Malformed),
        (|frame| frame.items[0].entry.truncate(40), PassedOver::Malformed),
    ];
    for (change, why) in changes {
        let mut changed = decode_frame(&frame(&mut log, vec![submit("y", 1)])).expect("well formed");
        change(&mut changed);
        assert_eq!(passed_over(&mut log, encode_frame(&changed).expect("well formed")), why);
    }
    let again = frame(&mut log, vec![administration("genesis")]);
    assert_eq!(passed_over(&mut log, again), PassedOver::Genesis);
    let one = log.item(submit("y", 1));
    let later = log.item(submit("z", 1));
    let times = encode_frame(&log.frame_of(vec![one, later])).expect("well formed");
    assert_eq!(passed_over(&mut log, times), PassedOver::Malformed, "a frame has one time");
    assert_eq!(log.one(submit("y", 1)), Outcome::Effective, "nothing of it was taken");
    assert_eq!(log.state.all_passed_over().count(), 12);
}

#[test]
fn entries_keep_their_places_beside_frames_that_left_none() {
    let mut log = begun();
    let size = log.state.tree().size();
    let head = log.state.head().0.0;
    log.all(vec![submit("a", 1), submit("b", 1)]);
    for byte in [1, 2] {
        passed_over(&mut log, vec![byte; 5]);
    }
    log.all(vec![submit("c", 1)]);
    passed_over(&mut log, vec![3; 5]);
    let place = |leaf: u64| log.state.place(LeafIndex(size + leaf)).map(|place| (place.seq.0 - head, place.item));
    assert_eq!([place(0), place(1), place(2), place(3)], [Some((1, 0)), Some((1, 1)), Some((4, 0)), None]);
    assert_eq!(log.state.place(LeafIndex(0)), Some(Place { seq: FrameSeq(1), item: 0 }));
    assert_eq!(log.state.first_leaf(FrameSeq(head + 2)), Some(LeafIndex(size + 2)));
}

#[test]
fn a_frame_that_is_tried_again_for_too_long_is_passed_over_for_good() {
    let mut log = begun();
    log.one(submit("a", 1));
    let newest = log.time;
    let at = |log: &mut Log, time, name| {
        log.time = time;
        frame(log, vec![submit(name, 1)])
    };
    let minute = 60 * SECOND;
    let in_time = at(&mut log, newest - minute, "b");
    let late = at(&mut log, newest - minute - 1, "c");
    log.append_bytes(in_time.clone()).expect("next");
    assert_eq!(log.state.last_time(), Timestamp(newest), "the newest time stays");
    assert_eq!(log.state.outcome(LeafIndex(log.state.tree().size() - 1)), Outcome::Effective);
    assert_eq!(passed_over(&mut log, late.clone()), PassedOver::TooLate);
    assert_eq!(passed_over(&mut log, in_time.clone()), PassedOver::AppliedBefore);
    let next = at(&mut log, newest + 1, "d");
    log.append_bytes(next).expect("next");
    // By now nobody remembers the frame, and nobody has to.
    assert!(!format!("{:?}", log.state).contains(&format!("{:?}", frame_id(&in_time))));
    assert_eq!(passed_over(&mut log, in_time), PassedOver::TooLate);
    assert_eq!(passed_over(&mut log, late), PassedOver::TooLate);
    let early: Vec<_> = entries(&log).into_iter().map(|(_, entry)| entry).collect();
    let mut mirrored = log.mirrored.clone();
    let refused = apply_mirrored(&mut mirrored, RULES_SHARED, &early[early.len() - 2..early.len() - 1]);
    assert_eq!(refused, Err(JournalError::TooLate), "a verifier refuses what no log can hold");
}

#[test]
fn rules_of_later_software_stop_the_log_whatever_comes_behind_them() {
    let mut log = begun();
    log.one(submit("a", 1));
    for bytes in [vec![0x08, 0x06], vec![0x08, 0x06, 0xff, 0xff], vec![0x08, 0x80, 0x01]] {
        let version = if bytes[1] == 0x80 { 128 } else { 6 };
        let next = log.state.head().0.next();
        let before = format!("{:?}", log.state);
        assert_eq!(apply(&mut log.state, next, &bytes), Err(JournalError::UnknownRules(version)));
        assert_eq!(format!("{:?}", log.state), before);
    }
    let next = log.state.head().0.next();
    let wrong = apply(&mut log.state, next.next(), &[1, 2]);
    assert_eq!(wrong, Err(JournalError::WrongSequence { expected: next, found: next.next() }));
}

#[test]
fn a_log_with_one_writer_is_stopped_by_what_is_not_right() {
    let mut log = Log::begun();
    let next = log.state.head().0.next();
    for bytes in [vec![1, 2], Vec::new(), vec![0x08, 0x04]] {
        assert!(apply(&mut log.state, next, &bytes).is_err());
    }
    // The first frame says which log it is.
    let mut unbegun = Log { rules: RULES_SHARED, ..Log::empty() };
    let first = frame(&mut unbegun, vec![submit("x", 1)]);
    assert!(matches!(apply(&mut unbegun.state, FrameSeq(1), &first), Err(JournalError::Genesis(_))));
    let begins = frame(&mut unbegun, vec![administration("genesis")]);
    assert_eq!(unbegun.append_bytes(begins).expect("next").passed_over, None, "under these rules too");
    assert_eq!(passed_over(&mut unbegun, first.clone()), PassedOver::Genesis);
    unbegun.one(administration("genesis-complete"));
    assert_eq!(passed_over(&mut unbegun, first), PassedOver::AppliedBefore, "what was refused stays refused");
}

#[test]
fn every_key_of_a_frame_is_in_a_page_that_it_holds() {
    let mut log = begun();
    let stored = |number: u64, bytes: usize| [&number.to_be_bytes()[..], &vec![7; bytes - 8]].concat();
    let page = |number, keys: usize| v1::KeyPage { number, stored: stored(number, 36 + 32 * keys) };
    let shrouded = |page, slot| Some(v1::Shrouded { page, slot, ciphertext: vec![1; 30] });
    let item = log.item(v1::Entry { body_digest: vec![1; 32], ..submit("x", 1) });
    let with = |log: &Log, body, key_pages| {
        let items = vec![v1::Item { body, ..item.clone() }];
        encode_frame(&v1::Frame { key_pages, ..log.frame_of(items) })
    };
    let good = with(&log, shrouded(9, 1), vec![page(4, 1), page(9, 2)]).expect("well formed");
    for (body, pages) in [
        (shrouded(9, 2), vec![page(9, 2)]),
        (shrouded(8, 0), vec![page(9, 2)]),
        (shrouded(9, 0), Vec::new()),
        (shrouded(9, 0), vec![page(9, 1), page(4, 1)]),
        (shrouded(9, 0), vec![page(9, 1), page(9, 1)]),
        (shrouded(9, 0), vec![page(4, 0), page(9, 1)]),
        (shrouded(9, 0), vec![page(9, 129)]),
        (shrouded(9, 0), vec![v1::KeyPage { number: 9, stored: stored(9, 69) }]),
        (shrouded(9, 0), vec![v1::KeyPage { number: 9, stored: stored(8, 68) }]),
    ] {
        assert!(matches!(with(&log, body, pages), Err(JournalError::Malformed(_))));
    }
    assert_eq!(log.append_bytes(good).expect("next").outcomes, [Outcome::Effective]);
    let mut earlier = Log::begun();
    let body =
        v1::Item { body: shrouded(9, 0), ..earlier.item(v1::Entry { body_digest: vec![1; 32], ..submit("x", 1) }) };
    let frame = v1::Frame { key_pages: vec![page(9, 1)], ..earlier.frame_of(vec![body]) };
    assert!(encode_frame(&frame).is_err(), "not in frames of earlier rules");
}

#[test]
fn a_checkpoint_counts_where_it_is_of_what_comes_right_before_it() {
    let mut log = begun();
    let stated = |log: &Log| v1::TreeHead { size: log.state.tree().size(), root: log.state.tree().root().0.to_vec() };
    let entry = |head| v1::Entry { tree_head: Some(head), ..administration(REASON_CHECKPOINT) };
    let head = stated(&log);
    assert_eq!(log.one(entry(head.clone())), Outcome::Effective);
    assert_eq!(log.one(entry(head)), Outcome::Void, "the log has gone on");
    let other = v1::TreeHead { root: vec![1; 32], ..stated(&log) };
    assert_eq!(log.one(entry(other)), Outcome::Void);
    assert_eq!(log.one(administration(REASON_CHECKPOINT)), Outcome::Void);
    let mut earlier = Log::begun();
    assert_eq!(earlier.one(administration(REASON_CHECKPOINT)), Outcome::Effective, "earlier rules know nothing of it");
}

#[test]
fn a_day_that_has_begun_goes_on_for_a_writer_that_is_behind() {
    let mut log = begun();
    log.all(vec![submit("a", 1)]);
    let considered = log.state.tree().size();
    log.all(vec![release(AL, considered, &[("a", 1)])]);
    let midnight = (log.time / (86_400 * SECOND) + 1) * 86_400 * SECOND;
    for time in [midnight + SECOND, midnight - SECOND, midnight + SECOND] {
        log.time = time;
        let bytes = frame(&mut log, vec![page(AL, "al-police", 1, 1)]);
        assert_eq!(log.append_bytes(bytes).expect("next").outcomes, [Outcome::Effective]);
    }
    let day = Timestamp(midnight).day();
    let feed = log.state.feed(&feed_id(AL)).expect("in force");
    assert_eq!((feed.records_on(day), feed.records_on(day - 1)), (3, 3));
    let acknowledged = log.one(acknowledge(AL, "al-police", 1));
    assert_eq!(acknowledged, Outcome::Effective);
    let loaded = saved_and_loaded(&log.state);
    assert_eq!(loaded.feed(&feed_id(AL)).expect("in force").records_on(day), 3);
}
