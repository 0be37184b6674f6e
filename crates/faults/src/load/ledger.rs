//! What the gateway has acknowledged, in the order in which the answers came.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_proto::v1;

use super::Partner;

/// Something that was acknowledged, and that has to be there ever after.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    /// A submission, correction or withdrawal.
    Submitted {
        /// The submitter's own id of it.
        submission_id: String,
        /// What came back.
        receipt: Box<v1::Receipt>,
    },
    /// A page, and how it was asked for.
    Disclosed {
        /// To whom.
        partner: Partner,
        /// The cursor that it was asked for with.
        cursor: String,
        /// How many items were asked for.
        limit: u32,
        /// What came back.
        page: Box<v1::Page>,
    },
    /// That a partner has taken note of all up to a position.
    Acknowledged {
        /// Who.
        partner: Partner,
        /// Up to where.
        position: u64,
    },
    /// That a record is erased.
    Erased {
        /// The record.
        record_id: String,
        /// The entries that ordered it and that say that it is complete.
        leaves: [u64; 2],
    },
    /// An entry of which only the place is known: a document in force, a key's next epoch.
    Recorded {
        /// What it was for, for people.
        what: &'static str,
        /// Where it is.
        leaf: u64,
    },
    /// A signed checkpoint.
    Signed {
        /// The note.
        note: String,
    },
    /// A key that verifies checkpoints, as the gateway named it.
    VerifierKey {
        /// The key, as text.
        key: String,
    },
}

/// A cheap clone: all clients of a load write into one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    kept: Vec<Kept>,
    /// Told of each thing that is kept, as soon as it is.
    marks: Option<File>,
}

impl Ledger {
    /// One that holds this already.
    pub(crate) fn holding(kept: Vec<Kept>) -> Self {
        Self { held: Arc::new(Mutex::new(Held { kept, marks: None })) }
    }

    /// Writes the number of each thing that is kept from now on into this file, in one write: what the recording of a disk shows
    /// before that was done before it was acknowledged.
    pub(crate) fn mark_in(&self, file: File) {
        self.held().marks = Some(file);
    }

    /// Remembers something.
    pub(crate) fn keep(&self, kept: Kept) {
        let mut held = self.held();
        held.kept.push(kept);
        let number = held.kept.len();
        if let Some(file) = &mut held.marks {
            // A mark that is missing only makes the check look for less.
            let _ = file.write_all(format!("K {number}\n").as_bytes());
        }
    }

    /// All that was kept.
    pub(crate) fn all(&self) -> Vec<Kept> {
        self.held().kept.clone()
    }

    /// Looks for something, the newest first.
    pub(crate) fn newest<R>(&self, look: impl FnMut(&Kept) -> Option<R>) -> Option<R> {
        self.held().kept.iter().rev().find_map(look)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
