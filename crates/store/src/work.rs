//! What the sequencer is asked to do: append drafts, and between two frames look after the keys.

use std::sync::Arc;

use causeway_journal::v1;
use futures_channel::oneshot;

use crate::building::Request;
use crate::error::StoreError;
use crate::key_pages::KeyPlace;

/// One thing in the sequencer's queue.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of the queue is drafts; boxing them would cost each an allocation"
)]
pub(crate) enum Work {
    /// A draft.
    Append(Request),
    /// Something that no frame may be under way in.
    Maintain(Task),
    /// An entry that says how far the log goes and what its root is, for the other nodes to compare.
    Checkpoint,
}

/// Where a task's answer goes.
pub(crate) type TaskAnswer<R> = oneshot::Sender<Result<R, StoreError>>;

/// What is done to the keys between two frames.
#[derive(Debug)]
pub(crate) enum Task {
    /// Erase the keys in these places; answers how many there were.
    Shred { places: Vec<KeyPlace>, answer: TaskAnswer<u64> },
    /// Destroy the keys of a frame of this node that left no entry.
    Forget { frame: Arc<v1::Frame> },
    /// Let no page key be used any more that was made before; answers the number below which all pages are under those.
    BeginPages { answer: TaskAnswer<u64> },
    /// Write some of the pages from a number on, and below another, anew.
    RotatePages { from: u64, end: u64, answer: TaskAnswer<Slice> },
    /// Put a fresh root key in the place of the one there is.
    RotateRoot { answer: TaskAnswer<()> },
}

/// How far one slice of a rotation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Pages that were written anew.
    pub(crate) rewritten: u64,
    /// Where the next slice begins; none at the end.
    pub(crate) next: Option<u64>,
}
