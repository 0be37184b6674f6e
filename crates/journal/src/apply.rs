//! Applying frames: the one function that makes state. It reads no clock, no randomness, no configuration and no body,
//! and gives the same state for the same frames, everywhere and for ever.
//!
//! A frame is first checked whole, then applied whole: what is refused has changed nothing.

mod effect;
mod entry;
mod feed_effect;
mod identity_effect;
mod key_effect;
mod key_pages;
mod mirrored;
mod node_effect;
mod page_quota;
mod passing;
mod protection_effect;
mod releaser_effect;

use std::sync::Arc;
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::{FrameSeq, LeafIndex, Timestamp};

use entry::{Course, take};

use crate::{JournalError, MAX_TREE_SIZE, Outcome, State, Tile, decode_entry, decode_frame, frame_id, leaf_hash, v1};

pub use entry::activated;
pub(crate) use entry::is_too_late;
pub use mirrored::{MirroredEntry, apply_mirrored};
pub use passing::{Judged, PassedOver, Passing, apply_judged, judge};

/// The version of these rules that new frames of a log with one writer name. A change of what any frame makes of the state, and also of what the
/// readers of documents accept, takes a new version beside the old one: frames of every version below are applied as they
/// were when it was the newest, and no frame goes back to an earlier version than the one before it.
///
/// 1: records, documents, feeds. 2: restriction, erasure, legal hold, retention, re-identification, rotation of keys; a record
/// version may be released again where no release of it is live, or after a rotation of its feed's key. 3: suspension, the
/// re-evaluation of a feed, minimum cells, persons at risk, acknowledgement of single items and its deadline, published tables.
/// 4: agency files may limit what an auditor reads; a document that is to come into force has its text with it, whatever becomes of it;
/// of two requests for re-identification with one id the first stands; each entry names
/// the version, so that nobody can say later that it was another.
pub const RULES_VERSION: u32 = 4;

/// The version that frames of a log with several writers name. It knows what 4 knows, and what several writers make of it: a frame does
/// not name the one before it and carries its key pages; what the releaser writes counts under its term alone; what is limited a day is
/// counted here; its entries may lie up to [`MOST_LATE`] behind the newest; and what is not
/// right at its place stops nothing: the frame leaves no entry, everywhere, and is noted ([`PassedOver`]). Genesis may be
/// written under it as well.
pub const RULES_SHARED: u32 = 5;

/// How far an entry of a log with several writers may lie behind the newest one. Their clocks differ, and a frame takes its time to get
/// into the log. A frame that is tried again later than this is passed over, so that no id has to be remembered for longer.
pub const MOST_LATE: Duration = Duration::from_mins(1);

/// The rules version that knows the protection of records.
const RULES_PROTECTION: u32 = 2;

/// The rules version that knows what agreements can say beside who gets what.
const RULES_AGREEMENTS: u32 = 3;

/// The rules version that knows limits of auditors.
const RULES_AUDITORS: u32 = 4;

/// The rules version under which nothing that a verifier needs can be left out, and no id stands for two requests.
const RULES_EVIDENCE: u32 = 4;

/// What applying a frame gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The place of the frame's first entry.
    pub first_leaf: LeafIndex,
    /// What became of each entry, in their order.
    pub outcomes: Vec<Outcome>,
    /// The leaf hash of each, likewise.
    pub leaf_hashes: Vec<Digest>,
    /// The tiles that the frame completed.
    pub tiles: Vec<Tile>,
    /// The size of the tree at the frame's end.
    pub size: u64,
    /// The root at the frame's end.
    pub root: Digest,
    /// The time of the frame's last entry; of a frame that was passed over, the newest entry's.
    pub time: Timestamp,
    /// Why the frame left nothing; none where it was applied.
    pub passed_over: Option<PassedOver>,
}

/// A frame that may be applied next. A writer checks a frame before it appends it, so that no frame which every reader
/// would refuse is ever in the log.
#[derive(Debug)]
pub struct Checked {
    seq: FrameSeq,
    id: Digest,
    frame: Arc<v1::Frame>,
    entries: Vec<v1::Entry>,
}

impl Checked {
    /// The frame's id.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// The frame.
    pub fn frame(&self) -> &v1::Frame {
        &self.frame
    }

    /// Its entries, in order.
    pub fn entries(&self) -> &[v1::Entry] {
        &self.entries
    }
}

/// Applies the frame with this sequence number.
///
/// # Errors
/// A frame that [`judge`] refuses; the state is as it was.
pub fn apply(state: &mut State, seq: FrameSeq, frame_bytes: &[u8]) -> Result<Applied, JournalError> {
    let judged = judge(state, seq, frame_bytes)?;
    apply_judged(state, judged)
}

/// Checks that a frame may be applied next: form, sizes, log, sequence, time, genesis.
///
/// # Errors
/// Says what is wrong with it.
pub fn check(state: &State, seq: FrameSeq, frame_bytes: &[u8]) -> Result<Checked, JournalError> {
    let frame = decode_frame(frame_bytes)?;
    let id = check_place(state, seq, &frame, frame_bytes)?;
    let entries = decode_entries(&frame)?;
    check_entries(state, &frame, &entries)?;
    Ok(Checked { seq, id, frame: Arc::new(frame), entries })
}

/// The same for whoever has just made the frame, out of these entries: what has been written is not read again. `frame_bytes` are
/// [`encode_frame`](crate::encode_frame)'s, and the entries in the frame [`encode_entry`](crate::encode_entry)'s.
///
/// # Errors
/// As [`check`].
pub fn check_made(
    state: &State,
    seq: FrameSeq,
    frame: &Arc<v1::Frame>,
    entries: Vec<v1::Entry>,
    frame_bytes: &[u8],
) -> Result<Checked, JournalError> {
    debug_assert_eq!(decode_frame(frame_bytes).as_ref(), Ok(&**frame), "the bytes are another frame's");
    debug_assert_eq!(decode_entries(frame).as_ref(), Ok(&entries), "the entries are another frame's");
    if entries.len() != frame.items.len() {
        return Err(JournalError::Malformed("frame of other entries"));
    }
    let id = check_place(state, seq, frame, frame_bytes)?;
    check_entries(state, frame, &entries)?;
    Ok(Checked { seq, id, frame: Arc::clone(frame), entries })
}

/// Whether a frame's own fields let it come next; gives its id.
fn check_place(state: &State, seq: FrameSeq, frame: &v1::Frame, frame_bytes: &[u8]) -> Result<Digest, JournalError> {
    if !(state.rules.max(1)..=RULES_SHARED).contains(&frame.rules_version) {
        return Err(JournalError::UnknownRules(frame.rules_version));
    }
    check_next(state, seq)?;
    if state.log_id.is_some_and(|known| known != *frame.log_id) {
        return Err(JournalError::WrongLog);
    }
    if !follows(state, frame) {
        return Err(JournalError::WrongPrevious);
    }
    let id = frame_id(frame_bytes);
    if state.arrivals.has(&id) {
        return Err(JournalError::AppliedBefore);
    }
    if state.tree.size() > MAX_TREE_SIZE - frame.items.len() as u64 {
        return Err(JournalError::OutOfRange("tree size"));
    }
    Ok(id)
}

fn decode_entries(frame: &v1::Frame) -> Result<Vec<v1::Entry>, JournalError> {
    frame.items.iter().map(|item| decode_entry(&item.entry)).collect()
}

/// Whether what is in a frame may come next.
fn check_entries(state: &State, frame: &v1::Frame, entries: &[v1::Entry]) -> Result<(), JournalError> {
    let mut course = Course::after(state);
    for (entry, item) in entries.iter().zip(&frame.items) {
        check_beside(entry, item)?;
        course.step(frame.rules_version, entry, &item.document_text)?;
    }
    if frame.rules_version >= RULES_SHARED && entries.iter().any(|entry| entry.time_micros != entries[0].time_micros) {
        return Err(JournalError::Malformed("frame of several times"));
    }
    key_pages::check_writer(state, frame, entries)
}

/// Applies a frame that was checked against this state.
///
/// # Errors
/// The state has moved since the check; it is as it was.
pub fn apply_checked(state: &mut State, checked: Checked) -> Result<Applied, JournalError> {
    let Checked { seq, id, frame, entries } = checked;
    check_next(state, seq)?;
    if !follows(state, &frame) {
        return Err(JournalError::WrongPrevious);
    }
    let first_leaf = LeafIndex(state.tree.size());
    state.log_id = frame.log_id.as_slice().try_into().ok();
    state.rules = frame.rules_version;
    state.places.add_frame(id, first_leaf);
    let time = entries.last().map_or(state.last_time, |entry| Timestamp(entry.time_micros));
    if frame.rules_version >= RULES_SHARED {
        state.arrivals.add(id, time);
    }
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut tiles = Vec::new();
    let leaf_hashes: Vec<_> = frame.items.iter().map(|item| leaf_hash(&item.entry)).collect();
    for ((entry, item), hash) in entries.iter().zip(&frame.items).zip(&leaf_hashes) {
        let (outcome, completed) = take(state, entry, *hash, &item.document_text);
        tiles.extend(completed);
        outcomes.push(outcome);
    }
    state.arrivals.forget(state.last_time);
    let (size, root) = (state.tree.size(), state.tree.root());
    Ok(Applied { first_leaf, outcomes, leaf_hashes, tiles, size, root, time, passed_over: None })
}

/// Whether a frame names the one before it, where its writer could know that one.
fn follows(state: &State, frame: &v1::Frame) -> bool {
    let previous = state.head().1.filter(|_| frame.rules_version < RULES_SHARED);
    previous.as_ref().map_or(&[][..], |id| &id.0) == frame.previous_frame
}

fn check_next(state: &State, seq: FrameSeq) -> Result<(), JournalError> {
    let expected = state.head().0.next();
    if seq == expected { Ok(()) } else { Err(JournalError::WrongSequence { expected, found: seq }) }
}

/// What travels encrypted beside an entry is announced in it: otherwise it would be in the log without being in the tree.
fn check_beside(entry: &v1::Entry, item: &v1::Item) -> Result<(), JournalError> {
    if item.body.is_some() == entry.body_digest.is_empty() {
        return Err(JournalError::Malformed("body without its digest, or digest without its body"));
    }
    if item.aside.is_some() && entry.commitments.is_none() {
        return Err(JournalError::Malformed("openings without commitments"));
    }
    Ok(())
}
