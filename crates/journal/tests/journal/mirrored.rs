//! A log without its frames and bodies: the same outcomes and root (each `Log::append` of these tests compares them), the same
//! state, and the same refusals.

use causeway_journal::{
    JournalError, MirroredEntry, RULES_SHARED, RULES_VERSION, State, apply_mirrored, decode_frame, v1,
};

use causeway_model::{FrameSeq, LeafIndex};

use crate::log::{Log, administration, submit};
use crate::replay::grown;

/// A state as text, without what only frames say: the log's id, where frames begin, the newest frame's id and rules, and what was passed
/// over.
pub(crate) fn without_frames(state: &State) -> String {
    let text = format!("{state:?}");
    let cut = |text: &str, from: &str, to: &str| {
        let start = text.find(from).expect("the state names it") + from.len();
        let end = start + text[start..].find(to).expect("and what comes after it");
        format!("{}{}", &text[..start], &text[end..])
    };
    let text = cut(&cut(&text, "log_id: ", ", last_time: "), "starts: ", ", outcomes: ");
    let arrivals = text.find("arrivals: ").expect("the state names them last");
    text[..arrivals].to_owned()
}

pub(crate) fn entries(log: &Log) -> Vec<(u32, MirroredEntry)> {
    let mut all = Vec::new();
    let applied = (1..).map(FrameSeq).zip(&log.frames).filter(|(seq, _)| log.state.passed_over(*seq).is_none());
    for (_, frame) in applied {
        let frame = decode_frame(frame).expect("it was applied");
        let read = |item: v1::Item| MirroredEntry::read(&item.entry, item.document_text).expect("it was applied");
        all.extend(frame.items.into_iter().map(|item| (frame.rules_version, read(item))));
    }
    all
}

#[test]
fn a_mirrored_log_makes_the_state_of_its_frames_however_it_is_cut() {
    for seed in 20..24 {
        let log = grown(seed, 120);
        assert_eq!(without_frames(&log.mirrored), without_frames(&log.state), "seed {seed}");
        let all = entries(&log);
        for length in [1, 7, 256] {
            let mut state = State::new();
            let mut outcomes = Vec::new();
            for run in all.chunks(length) {
                let run: Vec<_> = run.iter().map(|(_, entry)| entry.clone()).collect();
                outcomes.extend(apply_mirrored(&mut state, RULES_VERSION, &run).expect("they come next").outcomes);
            }
            assert_eq!(without_frames(&state), without_frames(&log.state), "seed {seed}, {length} at once");
            let leaves = (0..log.state.tree().size()).map(LeafIndex);
            let known: Vec<_> = leaves.map(|leaf| log.state.outcome(leaf)).collect();
            assert_eq!(outcomes, known);
            assert!(outcomes.iter().any(|outcome| !outcome.is_effective()));
        }
    }
}

#[test]
fn what_frames_would_be_refused_for_is_refused_and_changes_nothing() {
    let mut log = Log::begun();
    log.one(submit("one", 1));
    let before = without_frames(&log.mirrored);
    let good = MirroredEntry::read(&log.item(submit("two", 1)).entry, Vec::new()).expect("well formed");
    let early = v1::Entry { time_micros: 1, entry_id: vec![1; 16], ..submit("three", 1) };
    let early = MirroredEntry::read(&causeway_journal::encode_entry(&early).expect("well formed"), Vec::new());
    let early = early.expect("well formed");
    let again = MirroredEntry::read(&log.item(administration("genesis")).entry, Vec::new()).expect("well formed");
    let texted = MirroredEntry::read(&log.item(submit("four", 1)).entry, b"text".to_vec()).expect("well formed");
    let mut state = log.mirrored.clone();
    for (rules, bad, refusal) in [
        (RULES_VERSION, early, JournalError::TimeBack),
        (RULES_VERSION, again, JournalError::Genesis("repeated")),
        (RULES_VERSION, texted, JournalError::Malformed("document text without document")),
        (RULES_VERSION - 1, good.clone(), JournalError::UnknownRules(RULES_VERSION - 1)),
        (RULES_SHARED + 1, good.clone(), JournalError::UnknownRules(RULES_SHARED + 1)),
    ] {
        assert_eq!(apply_mirrored(&mut state, rules, &[good.clone(), bad]), Err(refusal));
        assert_eq!(without_frames(&state), before);
    }
    apply_mirrored(&mut state, RULES_VERSION, &[good]).expect("the good one alone");
    let long = vec![b' '; causeway_journal::MAX_DOCUMENT_BYTES + 1];
    assert!(MirroredEntry::read(&log.item(administration("other")).entry, long).is_err());
}

#[test]
fn the_rules_that_an_entry_names_are_those_that_it_is_applied_under() {
    let mut log = Log::begun_under(3);
    let item = log.item(submit("one", 1));
    let unnamed = MirroredEntry::read(&item.entry, Vec::new()).expect("well formed");
    log.rules = RULES_VERSION;
    let item = log.item(submit("two", 1));
    let named = MirroredEntry::read(&item.entry, Vec::new()).expect("well formed");
    for (rules, entry, named) in [(3, &named, RULES_VERSION), (RULES_VERSION, &unnamed, 0)] {
        let refused = apply_mirrored(&mut log.mirrored, rules, std::slice::from_ref(entry));
        assert_eq!(refused, Err(JournalError::OtherRules(named)));
    }
    log.rules = 3;
    assert_eq!(log.append(&log.frame_of(vec![item.clone()])), Err(JournalError::OtherRules(RULES_VERSION)));
    log.rules = RULES_VERSION;
    log.append(&log.frame_of(vec![item])).expect("under the rules that it names");
}
