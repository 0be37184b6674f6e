//! How far an export is whole, and where it goes on: what lies beside its file.

use causeway_journal::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::audit::checks::Begin;
use crate::evidence;

/// How far an export is whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The form.
    pub(super) format: String,
    /// What was asked: the first line of the canonical form, and what else the rows have.
    pub(super) question: String,
    /// The file is whole up to here.
    pub(super) bytes: u64,
    /// So many rows are in it.
    pub(super) rows: u64,
    /// The last of them.
    pub(super) last_leaf: Option<u64>,
    /// Where the answer goes on.
    pub(super) cursor: String,
    /// The newest signed checkpoint that a part rests on.
    pub(super) checkpoint: Option<String>,
    /// Whether all of it is there.
    pub(super) complete: bool,
}

impl State {
    /// Whether nothing has been written yet.
    pub(super) const fn is_new(&self) -> bool {
        self.bytes == 0 && self.checkpoint.is_none()
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// A state that somebody has changed.
    pub(super) fn begin(&self) -> Result<Option<Begin>, Failure> {
        let Some(note) = &self.checkpoint else { return Ok(None) };
        // Its signature was checked when it came; that the next one extends it is checked again.
        let checkpoint: Checkpoint = evidence::check_checkpoint(note, None)?;
        Ok(Some(Begin { note: note.clone(), checkpoint }))
    }
}
