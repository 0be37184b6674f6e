//! What becomes of a frame at its place in a log with several writers, where a frame that is not right may not stop those behind it: it
//! is passed over, by everybody alike, and noted.

use std::fmt;

use causeway_crypto::Digest;
use causeway_model::{FrameSeq, LeafIndex, Timestamp};

use super::{Applied, Checked, RULES_SHARED, apply_checked, check, check_next};
use crate::{JournalError, State, decode_entry, decode_frame, frame_id};

/// Why a frame of a log with several writers left no entry. Its writer is told, and may try what is in it again in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// It has been applied before, at an earlier place: nothing is lost. The log's engine knows an id for some minutes only.
    AppliedBefore,
    /// Its entries are too far behind the newest one.
    TooLate,
    /// It is of another log.
    OtherLog,
    /// It is written under other rules than the log's, or its entries name others than it does.
    OtherRules,
    /// It comes before genesis is complete, or begins it again.
    Genesis,
    /// It is no frame, or has something in it that no frame may have.
    Malformed,
    /// It has key pages that are not its node's, or its node is not on the roster.
    OtherNode,
}

impl PassedOver {
    const ALL: [Self; 7] = [
        Self::AppliedBefore,
        Self::TooLate,
        Self::OtherLog,
        Self::OtherRules,
        Self::Genesis,
        Self::Malformed,
        Self::OtherNode,
    ];

    /// Its place in the list, which never changes: states are kept with it.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// What an error of [`check`] comes to; none for those that say nothing about the frame.
    fn of(error: &JournalError) -> Option<Self> {
        Some(match error {
            JournalError::AppliedBefore => Self::AppliedBefore,
            JournalError::TooLate | JournalError::TimeBack => Self::TooLate,
            JournalError::WrongLog => Self::OtherLog,
            JournalError::UnknownRules(version) if *version > RULES_SHARED => return None,
            JournalError::UnknownRules(_) | JournalError::OtherRules(_) => Self::OtherRules,
            JournalError::Genesis(_) => Self::Genesis,
            JournalError::OtherNode => Self::OtherNode,
            // Nothing comes after either of these, whatever the frame is.
            JournalError::WrongSequence { .. } | JournalError::OutOfRange(_) => return None,
            _ => Self::Malformed,
        })
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AppliedBefore => "it has been applied before",
            Self::TooLate => "its entries are more than a minute behind the newest one",
            Self::OtherLog => "it is of another log",
            Self::OtherRules => "it names other rules than the log's",
            Self::Genesis => "it comes before genesis is complete, or begins it again",
            Self::Malformed => "it is not what a frame may be",
            Self::OtherNode => "its key pages are not its node's, or its node is not on the roster",
        })
    }
}

/// What is to become of a frame at its place.
#[derive(Debug)]
pub enum Judged {
    /// It is applied.
    Applies(Box<Checked>),
    /// It leaves no entry.
    PassedOver(Passing),
}

/// A frame that leaves no entry.
#[derive(Debug)]
pub struct Passing {
    seq: FrameSeq,
    id: Digest,
    why: PassedOver,
    /// The time of its entries, where it has any that read: until then it could come again and be right by then.
    time: Option<Timestamp>,
}

impl Passing {
    /// Why.
    pub fn why(&self) -> PassedOver {
        self.why
    }
}

/// Says what becomes of the frame with this sequence number: what [`check`] refuses is passed over in a log with several writers.
///
/// # Errors
/// What [`check`] refuses in a log with one writer; in one with several, a frame of rules that this software does not know, since it
/// cannot tell what others make of it, and one that does not come next.
pub fn judge(state: &State, seq: FrameSeq, frame_bytes: &[u8]) -> Result<Judged, JournalError> {
    let stated = stated_rules(frame_bytes);
    // Later rules may have frames that do not even read here.
    if let Some(version) = stated.filter(|version| *version > RULES_SHARED) {
        return Err(JournalError::UnknownRules(version));
    }
    match check(state, seq, frame_bytes) {
        Ok(checked) => Ok(Judged::Applies(Box::new(checked))),
        Err(error) => {
            // Which log it is its first frame says: that one has to be right.
            let is_shared = state.log_id.is_some() && state.rules.max(stated.unwrap_or(0)) >= RULES_SHARED;
            let why = PassedOver::of(&error).filter(|_| is_shared).ok_or(error)?;
            check_next(state, seq)?;
            Ok(Judged::PassedOver(Passing { seq, id: frame_id(frame_bytes), why, time: time_of(frame_bytes) }))
        }
    }
}

/// Applies what was judged against this state.
///
/// # Errors
/// The state has moved since; it is as it was.
pub fn apply_judged(state: &mut State, judged: Judged) -> Result<Applied, JournalError> {
    let Passing { seq, id, why, time } = match judged {
        Judged::Applies(checked) => return apply_checked(state, *checked),
        Judged::PassedOver(passing) => passing,
    };
    check_next(state, seq)?;
    let first_leaf = LeafIndex(state.tree.size());
    state.rules = state.rules.max(RULES_SHARED);
    state.places.add_frame(id, first_leaf);
    state.arrivals.pass_over(seq, why);
    if let Some(time) = time {
        state.arrivals.add(id, time);
        state.arrivals.forget(state.last_time);
    }
    let (size, root, time) = (state.tree.size(), state.tree.root(), state.last_time);
    let (outcomes, leaf_hashes, tiles) = (Vec::new(), Vec::new(), Vec::new());
    Ok(Applied { first_leaf, outcomes, leaf_hashes, tiles, size, root, time, passed_over: Some(why) })
}

/// The rules version that bytes begin with, if they begin as a frame does. That it comes first is a promise of every version.
fn stated_rules(bytes: &[u8]) -> Option<u32> {
    /// Field 1, a number.
    const TAG: u8 = 0x08;
    let rest = bytes.strip_prefix(&[TAG])?;
    let (mut version, mut shift) = (0_u64, 0);
    for byte in rest.iter().take(5) {
        version |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return u32::try_from(version).ok();
        }
    }
    None
}

/// The oldest time of a frame's entries, if all of them read.
fn time_of(frame_bytes: &[u8]) -> Option<Timestamp> {
    let frame = decode_frame(frame_bytes).ok()?;
    let times = frame.items.iter().map(|item| Some(decode_entry(&item.entry).ok()?.time_micros));
    times.collect::<Option<Vec<_>>>()?.into_iter().min().map(Timestamp)
}
