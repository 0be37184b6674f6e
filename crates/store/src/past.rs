//! What this journal has signed before, and what follows where that is not its own beginning: it halts.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::Checkpoint;

use crate::checkpoint_file::{CheckpointFile, Signed};
use crate::error::StoreError;
use crate::evidence::Evidence;
use crate::history::History;
use crate::journal::{Journal, Options};
use crate::shared::Shared;

/// The files of a data directory that say what was signed. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) file: CheckpointFile,
    pub(crate) history: Arc<History>,
    pub(crate) evidence: Evidence,
}

impl Past {
    pub(crate) fn open(options: &Options) -> Result<Self, StoreError> {
        Ok(Self {
            file: CheckpointFile::in_dir(&options.data_dir, &options.keys, &options.origin),
            history: Arc::new(History::open(&options.data_dir)?),
            evidence: Evidence::in_dir(&options.data_dir),
        })
    }

    /// Writes the newest checkpoint into its file where it is not there yet, unless the journal is or has to be halted.
    pub(crate) fn keep_newest(&self, shared: &Shared) -> Result<(), StoreError> {
        if shared.halted().is_some() {
            return Ok(());
        }
        let is_history = |found: &Checkpoint| is_history(shared, found);
        let contradiction = self.file.write(|| shared.checkpoint(), is_history)?;
        if let Some(found) = contradiction {
            let own = shared.read(|state| state.tree().size());
            let reason = format!(
                "the checkpoint file holds a checkpoint of {} entries that a key of this journal has signed, and this journal, \
                 which holds {own}, has not: it was restored from an old copy, or a second copy of it runs elsewhere; stop both \
                 and go on from the newest copy, nothing is served or signed until then",
                found.checkpoint.size
            );
            self.halt(shared, &reason, Some(&found));
        }
        Ok(())
    }

    /// Halts the journal, on what a key of its own has signed where there is that: from when this returns, nothing is signed. Where
    /// it is of more entries than the newest checkpoint, it takes its place.
    pub(crate) fn halt(&self, shared: &Shared, reason: &str, contradicting: Option<&Signed>) {
        let own = shared.checkpoint();
        let notes = std::iter::once(&own).chain(contradicting.map(|signed| &signed.note));
        for note in notes {
            self.keep_evidence("checkpoint", note);
        }
        let larger = contradicting.filter(|signed| Some(signed.checkpoint.size) > size_of(&own));
        self.say_and_halt(shared, reason, larger);
    }

    /// Halts a journal whose log is not what was signed: that is shown, whatever its size. The log as it is gets no signature.
    pub(crate) fn halt_from_the_start(&self, shared: &Shared, why: &StoreError, signed: &Signed) {
        self.keep_evidence("checkpoint", &signed.note);
        let (size, root) = shared.read(|state| (state.tree().size(), state.tree().root()));
        let found = Checkpoint { origin: signed.checkpoint.origin.clone(), size, root };
        self.keep_evidence("found", &found.to_string());
        self.say_and_halt(shared, &why.to_string(), Some(signed));
    }

    fn say_and_halt(&self, shared: &Shared, reason: &str, shown: Option<&Signed>) {
        shared.halt(reason.into(), shown);
        let folder = self.evidence.dir();
        tracing::error!(reason, evidence = %folder.display(), "the journal is halted: nothing is appended or signed any more");
    }

    fn keep_evidence(&self, kind: &str, text: &str) {
        if let Err(error) = self.evidence.keep(kind, text) {
            tracing::error!(error = &error as &dyn std::error::Error, "evidence of a changed history was not kept");
        }
    }
}

/// The size that a note states; none where it is no checkpoint.
fn size_of(note: &str) -> Option<u64> {
    note.rfind("\n\n").and_then(|at| Checkpoint::parse(&note[..=at]).ok()).map(|checkpoint| checkpoint.size)
}

/// Whether the journal has been what a checkpoint says. Where that cannot be read, nobody is accused.
fn is_history(shared: &Shared, checkpoint: &Checkpoint) -> bool {
    if checkpoint.size > shared.read(|state| state.tree().size()) {
        return false;
    }
    shared.root_at(checkpoint.size).map_or(true, |root| root == checkpoint.root)
}

/// Compares a log that is being replayed with what was signed of it.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    past: &'a Past,
    signed: Option<Signed>,
    met: bool,
    /// The checkpoints of the past that the log has not been yet.
    unmet: BTreeMap<u64, Digest>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn with(past: &'a Past, signed: Option<Signed>) -> Self {
        let met = signed.as_ref().is_none_or(|signed| signed.checkpoint.size == 0);
        let mut unmet = past.history.roots();
        unmet.remove(&0);
        Self { past, signed, met, unmet }
    }

    /// Looks at the tree as it was at the end of a frame: checkpoints are taken only there.
    pub(crate) fn look(&mut self, size: u64, root: Digest) {
        let is_signed = |signed: &Signed| signed.checkpoint.size == size && signed.checkpoint.root == root;
        self.met |= self.signed.as_ref().is_some_and(is_signed);
        if self.unmet.get(&size) == Some(&root) {
            self.unmet.remove(&size);
        }
    }

    /// What was signed, and the log, which ends at `size`, has never been: the largest, or none. A checkpoint of the past counts
    /// where a key of the ring has signed it.
    pub(crate) fn conclude(self, size: u64) -> Option<(Signed, StoreError)> {
        let Self { past, signed, met, unmet } = self;
        let of_history = unmet.into_keys().rev().find_map(|size| {
            let note: Arc<str> = past.history.of(size).ok()??.into();
            past.file.verify(&note).ok()
        });
        let all = signed.filter(|_| !met).into_iter().chain(of_history);
        let largest = all.max_by_key(|signed| signed.checkpoint.size)?;
        let why = StoreError::RolledBack { signed_size: largest.checkpoint.size, found_size: size };
        Some((largest, why))
    }
}

impl Journal {
    /// Halts the journal for good, for a reason that is told to everybody: from when this returns, nothing is appended or signed
    /// any more; what is durable can be read. `evidence` is a checkpoint that a key of this journal has signed and that is none of
    /// its history, as a witness may hold: it is kept beside the journal's own newest one in `evidence/`, and shown in that one's
    /// place where it is of more entries. It blocks for a sync or two. Only a start with another copy of the journal ends it.
    pub fn halt(&self, reason: &str, evidence: Option<&str>) {
        let signed = evidence.and_then(|note| self.past.file.verify(&note.into()).ok());
        if let (Some(note), None) = (evidence, &signed) {
            self.past.keep_evidence("unverified", note);
        }
        self.past.halt(&self.shared, reason, signed.as_ref());
    }

    /// Why the journal is halted: its history is not what it has signed. None while it is not; a journal that has stopped for another
    /// reason is not halted.
    pub fn halted(&self) -> Option<Arc<str>> {
        self.shared.halted()
    }

    /// Keeps a checkpoint, durably; says whether it did. One of a size that is kept takes its place where it has more signatures.
    ///
    /// # Errors
    /// What is no checkpoint; a file that cannot be written.
    pub async fn keep_checkpoint(&self, note: Arc<str>) -> Result<bool, StoreError> {
        let history = Arc::clone(&self.past.history);
        self.readers.ask(move |_| history.keep(&note)).await
    }

    /// The checkpoint that was kept of this tree size, as it was signed and cosigned.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was kept.
    pub async fn checkpoint_of(&self, size: u64) -> Result<Option<String>, StoreError> {
        let history = Arc::clone(&self.past.history);
        self.readers.ask(move |_| history.of(size)).await
    }

    /// Up to `limit` checkpoints that were kept, of this tree size and larger ones, the smallest first.
    ///
    /// # Errors
    /// When one cannot be read, or is not what was kept.
    pub async fn checkpoints(&self, from_size: u64, limit: usize) -> Result<Vec<String>, StoreError> {
        let history = Arc::clone(&self.past.history);
        self.readers.ask(move |_| history.from(from_size, limit)).await
    }
}
