//! The end of the log: the newest frame, and the ids of those before it.

use std::collections::VecDeque;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;
use sled::Db;

use super::rows;
use crate::log::{AppendError, ReadError};

/// How many of the newest frames' ids are remembered, to answer the same frame with the same place.
const REMEMBERED: usize = 128;

/// What the next append goes behind.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) head: FrameSeq,
    pub(super) newest: VecDeque<(Digest, FrameSeq)>,
    /// Whether a commit failed, so that what is on the disk is not known.
    pub(super) broken: bool,
}

impl Tail {
    /// Refuses everything where an earlier append failed.
    pub(super) fn is_whole(&self) -> Result<(), AppendError> {
        let why = "the log stopped at an earlier error; it recovers when opened again";
        if self.broken { Err(AppendError::Refused(why.into())) } else { Ok(()) }
    }

    /// Refuses a place that does not come next.
    pub(super) fn goes_on_with(&self, seq: FrameSeq) -> Result<(), AppendError> {
        self.is_whole()?;
        if self.head.next() == seq { Ok(()) } else { Err(AppendError::Conflict { head: self.head }) }
    }

    /// Takes the frame behind the newest one.
    pub(super) fn push(&mut self, id: Digest, seq: FrameSeq) {
        if self.newest.len() == REMEMBERED {
            self.newest.pop_front();
        }
        self.newest.push_back((id, seq));
        self.head = seq;
    }

    /// The head and the newest ids, from the last rows of the frames.
    pub(super) fn read(db: &Db) -> Result<Self, ReadError> {
        let mut tail = Self { head: FrameSeq(0), newest: VecDeque::new(), broken: false };
        let span = rows::frame_key(FrameSeq(0), 0)..=rows::frame_key(FrameSeq(u64::MAX), u16::MAX);
        let Some((key, _)) = db.range(span).next_back().transpose().map_err(super::engine)? else { return Ok(tail) };
        let (head, _) = rows::frame_place(&key).ok_or(ReadError::Damaged("a frame has a key of another form"))?;
        let remembered = u64::try_from(REMEMBERED).unwrap_or(u64::MAX);
        for seq in head.0.saturating_sub(remembered).saturating_add(1)..=head.0 {
            let seq = FrameSeq(seq);
            let hole = || ReadError::Hole { at: seq, what: "it is missing" };
            let value = db.get(rows::frame_key(seq, 0)).map_err(super::engine)?.ok_or_else(hole)?;
            tail.push(rows::stated_id(&value).ok_or_else(hole)?, seq);
        }
        Ok(tail)
    }
}
