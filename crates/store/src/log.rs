//! The ordered log that frames are appended to: what the journal asks of an engine, and no engine.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_journal::Tile;
use causeway_model::FrameSeq;

/// One ordered, durable log of frames, with the key pages and tiles that belong to them. Calls block; the journal makes
/// them on threads of its own.
pub trait FrameLog: Send + Sync + fmt::Debug {
    /// Appends a frame with what belongs beside it, all or nothing, and returns its place once both are durable.
    ///
    /// `id` is the frame's id: the same id again returns the place that it has, and stores nothing. That holds for every
    /// frame where `expect` is given, and for the newest 128 where it is not. `expect` is the head that the writer
    /// believes in; another head is a conflict.
    fn append(
        &self,
        id: &Digest,
        bytes: &[u8],
        beside: &Beside,
        expect: Option<FrameSeq>,
    ) -> Result<FrameSeq, AppendError>;

    /// Puts a frame behind the newest one, at this place, with what belongs beside it: for a log that follows another one and has to have
    /// what that one has, the same frame twice where it is there twice.
    ///
    /// # Errors
    /// A conflict where another place comes next; otherwise as [`FrameLog::append`].
    fn append_at(&self, seq: FrameSeq, id: &Digest, bytes: &[u8], beside: &Beside) -> Result<(), AppendError> {
        let head = FrameSeq(seq.0.saturating_sub(1));
        match self.append(id, bytes, beside, Some(head))? {
            at if at == seq => Ok(()),
            at => Err(AppendError::Conflict { head: at }),
        }
    }

    /// The frames from `from` on, in order and without a gap, each checked against its id: at least one where there is
    /// one, and no more once they hold `max_bytes`. Empty beyond the head.
    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError>;

    /// The bytes of a frame from an offset on as they are stored, as many as it takes until they are `enough`, without a look at its
    /// id: whoever asks checks what it takes of them by other means. All of them, checked, where an engine has no faster way; none
    /// beyond the frame's end.
    fn read_part(&self, seq: FrameSeq, offset: usize, _enough: &dyn Fn(&[u8]) -> bool) -> Result<Vec<u8>, ReadError> {
        let first = self.read(seq, 1)?.into_iter().next();
        let (_, mut bytes) = first.ok_or(ReadError::Hole { at: seq, what: "it is missing" })?;
        Ok(bytes.split_off(offset.min(bytes.len())))
    }

    /// Waits until the head is past `after`, at most for `until`; returns the head. A hint: it may return early.
    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq;

    /// Checks what the engine must enforce for its answers to be true. Where it fails, the gateway does not start.
    fn assure(&self) -> Result<(), ReadError>;

    /// The stored bytes of a key page.
    fn key_page(&self, page: u64) -> Result<Option<Vec<u8>>, ReadError>;

    /// The greatest key page number that is stored.
    fn last_key_page(&self) -> Result<Option<u64>, ReadError>;

    /// The least key page number from this one on that is stored. Numbers are dense for one writer only.
    fn next_key_page(&self, from: u64) -> Result<Option<u64>, ReadError>;

    /// The 256 hashes of a full tile.
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, ReadError>;

    /// Bytes that may still be written to the volume that the engine keeps its files on; none where that is the data
    /// directory's own, which the journal looks after by itself.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Syncs and lets go of the engine. Every later call fails; closing again does nothing.
    fn close(&self) -> Result<(), ReadError>;
}

/// What is stored in the same commit as a frame.
#[derive(Debug, Default)]
pub struct Beside {
    /// Key pages that this frame's bodies and openings have keys in, by number, as they stand after it.
    pub key_pages: Vec<(u64, Vec<u8>)>,
    /// Full tiles that the frame before completed.
    pub tiles: Vec<Tile>,
}

/// What an engine says is wrong.
pub type EngineError = Box<dyn Error + Send + Sync>;

/// Why a frame was not, or may not have been, appended.
#[derive(Debug)]
pub enum AppendError {
    /// Surely not stored: the log's head is another than expected.
    Conflict {
        /// The head.
        head: FrameSeq,
    },
    /// It may be stored or not. Only the same bytes may be tried again, and only on an engine that has recovered.
    Unknown(EngineError),
    /// Surely not stored.
    Refused(EngineError),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { head } => write!(f, "the log has grown to frame {head} by another writer"),
            Self::Unknown(_) => f.write_str("the frame may be stored or not"),
            Self::Refused(_) => f.write_str("the log refused the frame"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Conflict { .. } => None,
            Self::Unknown(source) | Self::Refused(source) => Some(source.as_ref()),
        }
    }
}

/// Why the log could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// A frame is missing, incomplete or not what its id says. Nothing after it can be trusted.
    Hole {
        /// The first frame that is not there as it should be.
        at: FrameSeq,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something beside the frames is not what it should be.
    Damaged(&'static str),
    /// The engine failed.
    Engine(EngineError),
    /// The log has been closed.
    Closed,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hole { at, what } => write!(f, "the log has a hole at frame {at}: {what}"),
            Self::Damaged(what) => write!(f, "the log is damaged: {what}"),
            Self::Engine(_) => f.write_str("the log's engine failed"),
            Self::Closed => f.write_str("the log is closed"),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Engine(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}
