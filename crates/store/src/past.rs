//! What this journal has signed before, and what follows where that is not its own beginning: it halts.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::Checkpoint;

use crate::checkpoint_file::{CheckpointFile, Signed};
use crate::error::StoreError;
use crate::evidence::{CONTRADICTS, Evidence};
use crate::history::History;
use crate::journal::{Journal, Options};
use crate::log::FrameLog;
use crate::shared::Shared;
use crate::snapshot::{Loaded, Tiles, ends_frame, is_beginning};

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

    /// Writes the newest checkpoint into its file where it is not there yet, unless the journal is or has to be halted. Says whether it
    /// is there now.
    pub(crate) fn keep_newest(&self, shared: &Shared) -> Result<bool, StoreError> {
        if shared.halted().is_some() {
            return Ok(false);
        }
        let is_history = |found: &Checkpoint| is_history(shared, found);
        let Some(found) = self.file.write(|| shared.checkpoint(), is_history)? else { return Ok(true) };
        let own = shared.read(|state| state.tree().size());
        let reason = format!(
            "the checkpoint file holds a checkpoint of {} entries that a key of this journal has signed, and this journal, \
             which holds {own}, has not: it was restored from an old copy, or a second copy of it runs elsewhere; stop both \
             and go on from the newest copy, nothing is served or signed until then",
            found.checkpoint.size
        );
        self.halt(shared, &reason, Some(&found.note), Some(&found));
        Ok(false)
    }

    /// Halts the journal, on a checkpoint that contradicts it where there is one: from when this returns, nothing is signed, and every
    /// start halts it again as long as that is none of its history. One that a key of the ring has signed is shown in the place of
    /// the newest checkpoint where it is of more entries.
    fn halt(&self, shared: &Shared, reason: &str, contradicting: Option<&Arc<str>>, signed: Option<&Signed>) {
        let own = shared.checkpoint();
        if let Some(note) = contradicting {
            self.keep_evidence(CONTRADICTS, note);
        }
        self.keep_evidence("checkpoint", &own);
        let own = checkpoint_of(&own).map(|own| own.size);
        let larger = signed.filter(|signed| Some(signed.checkpoint.size) > own);
        self.say_and_halt(shared, reason, larger);
    }

    /// Halts a journal whose log is not what was signed: that is shown, whatever its size. The log as it is gets no signature.
    pub(crate) fn halt_from_the_start(&self, shared: &Shared, contradiction: &Contradiction) {
        let Contradiction { shown, origin, why } = contradiction;
        if let Some(signed) = shown {
            self.keep_evidence("checkpoint", &signed.note);
        }
        let (size, root) = shared.read(|state| (state.tree().size(), state.tree().root()));
        let found = Checkpoint { origin: origin.clone(), size, root };
        self.keep_evidence("found", &found.to_string());
        self.say_and_halt(shared, &why.to_string(), shown.as_ref());
    }

    fn say_and_halt(&self, shared: &Shared, reason: &str, shown: Option<&Signed>) {
        shared.halt(reason.into(), shown);
        let folder = self.evidence.dir();
        tracing::error!(reason, evidence = %folder.display(), "the journal is halted: nothing is appended or signed any more");
    }

    /// Halts a journal whose node cannot go on by the log that nodes share: it is another one, or is not whole.
    pub(crate) fn halt_by_the_shared_log(&self, shared: &Shared, reason: &str) {
        self.say_and_halt(shared, reason, None);
    }

    fn keep_evidence(&self, kind: &str, text: &str) {
        if let Err(error) = self.evidence.keep(kind, text) {
            tracing::error!(error = &error as &dyn std::error::Error, "evidence of a changed history was not kept");
        }
    }
}

/// What a note states, not verified; none where it is no checkpoint.
fn checkpoint_of(note: &str) -> Option<Checkpoint> {
    note.rfind("\n\n").and_then(|at| Checkpoint::parse(&note[..=at]).ok())
}

/// Whether the journal has been what a checkpoint says. Where that cannot be read, nobody is accused.
fn is_history(shared: &Shared, checkpoint: &Checkpoint) -> bool {
    if checkpoint.size > shared.read(|state| state.tree().size()) {
        return false;
    }
    shared.root_at(checkpoint.size).map_or(true, |root| root == checkpoint.root)
}

/// What was signed, and is none of a log's history.
#[derive(Debug)]
pub(crate) struct Contradiction {
    /// What is shown in the place of a checkpoint of this log: by a key of the ring, or none where there is no such note.
    pub(crate) shown: Option<Signed>,
    origin: String,
    /// The words for it.
    why: StoreError,
}

/// Compares a log that is being replayed with what was signed of it.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    past: &'a Past,
    signed: Option<Signed>,
    met: bool,
    /// The checkpoints of the past that the log has not been yet.
    unmet: BTreeMap<u64, Digest>,
    /// What halted the journal before, as far as the log has not been that yet.
    accusing: Vec<(Checkpoint, Arc<str>)>,
}

impl<'a> Comparison<'a> {
    /// # Errors
    /// Evidence that cannot be read, or is no checkpoint.
    pub(crate) fn with(past: &'a Past, signed: Option<Signed>) -> Result<Self, StoreError> {
        let met = signed.as_ref().is_none_or(|signed| signed.checkpoint.size == 0);
        let mut unmet = past.history.roots();
        unmet.remove(&0);
        let mut accusing = Vec::new();
        for (path, note) in past.evidence.contradicting()? {
            let Some(checkpoint) = checkpoint_of(&note) else {
                return Err(StoreError::CheckpointFile { path, source: "it is no checkpoint".into() });
            };
            accusing.push((checkpoint, note));
        }
        accusing.retain(|(checkpoint, _)| checkpoint.size > 0);
        Ok(Self { past, signed, met, unmet, accusing })
    }

    /// Looks at the tree as it was at the end of a frame: checkpoints are taken only there.
    pub(crate) fn look(&mut self, size: u64, root: Digest) {
        let is_signed = |signed: &Signed| signed.checkpoint.size == size && signed.checkpoint.root == root;
        self.met |= self.signed.as_ref().is_some_and(is_signed);
        if self.unmet.get(&size) == Some(&root) {
            self.unmet.remove(&size);
        }
        self.accusing.retain(|(checkpoint, _)| checkpoint.size != size || checkpoint.root != root);
    }

    /// Looks at everything that was signed up to the end of a state that is kept, whose frames are not read again: it is of that state's
    /// past where a proof leads from its root to that state's, or where that was found before the state was kept.
    pub(crate) fn look_back(&mut self, loaded: &Loaded, log: &dyn FrameLog) {
        let full = Tiles::of(loaded, log);
        let is_past = |size: u64, root: Digest| {
            ends_frame(&loaded.state, size)
                && is_beginning(size, root, loaded.state.tree(), &|level, index| full.tile(level, index))
        };
        self.met |= self.signed.as_ref().is_some_and(|signed| is_past(signed.checkpoint.size, signed.checkpoint.root));
        self.unmet.retain(|size, root| loaded.met.get(size) != Some(root) && !is_past(*size, *root));
        self.accusing.retain(|(checkpoint, _)| !is_past(checkpoint.size, checkpoint.root));
    }

    /// Size and root of the checkpoints of the past that the log has been.
    pub(crate) fn met(&self) -> BTreeMap<u64, Digest> {
        let mut roots = self.past.history.roots();
        roots.retain(|size, _| !self.unmet.contains_key(size));
        roots
    }

    /// What was signed, and the log, which ends at `size`, has never been: the largest, or none. A checkpoint of the past counts
    /// where a key of the ring has signed it. What halted the journal counts by whatever key: whoever halted it knew that it was one
    /// of the log's, which may have left the ring since.
    pub(crate) fn conclude(self, size: u64) -> Option<Contradiction> {
        let Self { past, signed, met, unmet, accusing } = self;
        let of_history = unmet.into_keys().rev().find_map(|size| {
            let note: Arc<str> = past.history.of(size).ok()??.into();
            past.file.verify(&note).ok()
        });
        let in_file = signed.clone();
        let known = signed.filter(|_| !met).into_iter().chain(of_history);
        let known = known.map(|signed| (signed.checkpoint.clone(), Some(signed)));
        let accusing = accusing.into_iter().map(|(checkpoint, note)| (checkpoint, past.file.verify(&note).ok()));
        let (largest, by_ring) = known.chain(accusing).max_by_key(|(checkpoint, _)| checkpoint.size)?;
        let why = StoreError::RolledBack { signed_size: largest.size, found_size: size };
        Some(Contradiction { shown: by_ring.or(in_file), origin: largest.origin, why })
    }
}

impl Journal {
    /// Halts the journal for good, for a reason that is told to everybody: from when this returns, nothing is appended or signed
    /// any more; what is durable can be read. `evidence` is a checkpoint that a key of this journal has signed, as the caller has made
    /// sure, and that is none of its history, as a witness may hold: it is kept beside the journal's own newest one in `evidence/`,
    /// and shown in that one's place where it is of more entries and a key of the ring has signed it. It blocks for a sync or two.
    ///
    /// With evidence, every start halts the journal again until another copy of the journal is started, of whose history it is.
    pub fn halt(&self, reason: &str, evidence: Option<&str>) {
        let evidence: Option<Arc<str>> = evidence.map(Arc::from);
        if let Some(text) = evidence.as_ref().filter(|text| checkpoint_of(text).is_none()) {
            self.past.keep_evidence("unverified", text);
        }
        let note = evidence.filter(|text| checkpoint_of(text).is_some());
        let signed = note.as_ref().and_then(|note| self.past.file.verify(note).ok());
        self.past.halt(&self.shared, reason, note.as_ref(), signed.as_ref());
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

    /// Keeps a checkpoint, durably, where none of its size is kept or it `is_better` than that one, which is given to it: as one whose
    /// cosignatures are newer. Says whether it did. Each that is kept makes the file longer, so be sparing.
    ///
    /// # Errors
    /// What is no checkpoint; a file that cannot be written.
    pub async fn renew_checkpoint(
        &self,
        note: Arc<str>,
        is_better: impl FnOnce(&str) -> bool + Send + 'static,
    ) -> Result<bool, StoreError> {
        let history = Arc::clone(&self.past.history);
        self.readers.ask(move |_| history.renew(&note, is_better)).await
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
