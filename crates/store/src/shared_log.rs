//! The ordered log that several nodes share: what is asked of an engine that keeps it, and no engine.
//!
//! It is upstream of a node's own [`FrameLog`](crate::FrameLog): frames are appended here, read back in the order that they got here,
//! and kept whole on each node. Key pages and tiles are a node's own and never come here, so the trait is the smaller one.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;

use crate::log::{AppendError, EngineError, ReadError};

/// One ordered, durable log of frames that several writers append to. Calls block; none of them belongs on a thread of a runtime.
pub trait SharedLog: Send + Sync + fmt::Debug {
    /// Appends a frame and returns its place once it is durable wherever the engine promises it to be.
    ///
    /// `id` is the SHA-256 of `bytes`. The same frame again returns the place that it has, and stores nothing. Without `expect` the
    /// engine alone orders what several writers append; with it, another head than that is a conflict: for a log that is being
    /// copied, and for checkpoints. [`AppendError::Unknown`] comes after the engine has tried for as long as it is patient: only the
    /// same bytes may be tried again, on any connection.
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError>;

    /// The frames from `from` on, in order and without a gap, each checked against its id. It may give fewer than there are, or none:
    /// whoever answers may lag behind the head. [`ReadError::Hole`] comes after everybody who keeps the log was asked.
    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError>;

    /// Waits until something past `after` may be there, at most for `until`; returns the newest place that is known of. A hint: it may
    /// be late, early or stale, and nothing may be concluded from it.
    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq;

    /// The log's id and its newest place.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] where it is another log than it was, or shorter.
    fn head(&self) -> Result<Head, ReadError>;

    /// Checks what the engine must enforce for its answers to be true. To be called before anything else is, and again every minute.
    fn assure(&self) -> Result<Assurance, AssureError>;

    /// Lets go of the engine. Every later call fails; closing again does nothing.
    fn close(&self) -> Result<(), ReadError>;
}

/// Which log it is, and how far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The id that every frame of it carries, chosen at genesis; none while it is empty.
    pub log: Option<[u8; 16]>,
    /// The newest frame's place; 0 while it is empty.
    pub last: FrameSeq,
}

/// What was looked at, where nothing was found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assurance {
    /// The newest frame's place.
    pub head: FrameSeq,
    /// The servers that keep a copy and said how they keep it.
    pub checked: Vec<String>,
    /// Those that are away, and so said nothing: they are to be looked at again when they are back.
    pub away: Vec<String>,
    /// Bytes that the log takes of one server.
    pub bytes: u64,
    /// Bytes that it may take; more is refused. None where only the volume limits it.
    pub max_bytes: Option<u64>,
}

/// Why nobody may rely on the engine.
#[derive(Debug)]
pub enum AssureError {
    /// It does not enforce what it has to: each fault on a line of its own, to be mended together.
    Faults(Vec<String>),
    /// It could not be asked.
    Engine(EngineError),
    /// The log has been closed.
    Closed,
}

impl fmt::Display for AssureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults(faults) => write!(f, "the shared log does not enforce what it has to: {}", faults.join("; ")),
            Self::Engine(_) => f.write_str("the shared log could not be asked what it enforces"),
            Self::Closed => f.write_str("the log is closed"),
        }
    }
}

impl Error for AssureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Engine(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<ReadError> for AssureError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Closed,
            ReadError::Engine(source) => Self::Engine(source),
            other => Self::Faults(vec![other.to_string()]),
        }
    }
}

/// The id of the log that a frame is of.
///
/// # Errors
/// What is no frame.
pub(crate) fn log_id_of(bytes: &[u8]) -> Result<[u8; 16], ReadError> {
    const NO_FRAME: ReadError = ReadError::Damaged("the first message of the log is no frame");
    let frame = causeway_journal::decode_frame(bytes).map_err(|_| NO_FRAME)?;
    frame.log_id.as_slice().try_into().map_err(|_| NO_FRAME)
}
