//! Applying mirrored entries again: every outcome against the stated one, every text against its digest, every approval's signature
//! by itself, and the tiles that come of it.

use std::collections::BTreeMap;

use causeway_crypto::Digest;
use causeway_journal::{
    MirroredEntry, State, Tile, Tree, activated, apply_mirrored, document_digest, table_digest, v1,
};

use super::approvals::{self, Approvals};
use super::notes::Notes;
use super::reading::Batch;
use crate::VerifyError;

/// What is done with a tile that an entry has completed.
pub(crate) type OnTile<'a> = dyn FnMut(&Tile) -> Result<(), VerifyError> + 'a;

/// The log so far.
#[derive(Debug)]
pub(crate) struct Applying {
    log: Log,
    /// A size at which somebody wants to know the root.
    asked: Option<u64>,
    root_asked: Option<Digest>,
    pub(crate) found: Found,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many entries came to each outcome.
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    /// The approvals.
    pub(crate) approvals: Approvals,
    /// The texts of documents and tables, each of its digest.
    pub(crate) texts: u64,
    /// The time of the newest entry.
    pub(crate) newest_micros: Option<u64>,
}

#[derive(Debug)]
enum Log {
    /// With notes: everything is applied.
    Applied(Box<State>),
    /// Without: hashes alone.
    Hashed(Tree),
}

impl Applying {
    /// A log of no entries yet, to be applied or only hashed. The root at the size that is asked for is kept.
    pub(crate) fn new(with_notes: bool, asked: Option<u64>) -> Self {
        let log = if with_notes { Log::Applied(Box::default()) } else { Log::Hashed(Tree::new()) };
        let mut applying = Self { log, asked, root_asked: None, found: Found::default() };
        applying.look();
        applying
    }

    /// The tree so far.
    pub(crate) fn tree(&self) -> &Tree {
        match &self.log {
            Log::Applied(state) => state.tree(),
            Log::Hashed(tree) => tree,
        }
    }

    /// The root at the size that was asked for, once the log has come so far.
    pub(crate) fn root_asked(&self) -> Option<Digest> {
        self.root_asked
    }

    /// Takes the entries that come next.
    pub(crate) fn take(&mut self, batch: &Batch, on_tile: &mut OnTile<'_>) -> Result<(), VerifyError> {
        if batch.from != self.tree().size() {
            return Err(VerifyError::at(format_args!("entry {}", batch.from), "it does not come next"));
        }
        match &batch.notes {
            None => self.hash(&batch.entries, on_tile)?,
            Some(notes) => self.apply(batch.from, &batch.entries, notes, on_tile)?,
        }
        let newest = batch.entries.iter().map(|entry| entry.entry().time_micros).max();
        self.found.newest_micros = self.found.newest_micros.max(newest);
        Ok(())
    }

    fn hash(&mut self, entries: &[MirroredEntry], on_tile: &mut OnTile<'_>) -> Result<(), VerifyError> {
        for entry in entries {
            if let Log::Hashed(tree) = &mut self.log {
                tree.push(entry.leaf_hash()).iter().try_for_each(&mut *on_tile)?;
            }
            self.look();
        }
        Ok(())
    }

    fn apply(
        &mut self,
        from: u64,
        entries: &[MirroredEntry],
        notes: &Notes,
        on_tile: &mut OnTile<'_>,
    ) -> Result<(), VerifyError> {
        check_texts(from, entries)?;
        let (mut rest, mut stated) = (entries, notes.stated());
        for run in &notes.rules {
            let count = usize::try_from(run.count).unwrap_or(usize::MAX).min(rest.len());
            let (of_run, after) = rest.split_at(count);
            rest = after;
            // Where a root is asked for within the run, it is applied in two parts.
            let until = self.asked.and_then(|asked| asked.checked_sub(self.tree().size()));
            let until = until.and_then(|until| usize::try_from(until).ok()).filter(|until| *until < count).unwrap_or(0);
            let (one, two) = of_run.split_at(until);
            for part in [one, two].into_iter().filter(|part| !part.is_empty()) {
                self.apply_run(run.version, part, &mut stated, on_tile)?;
            }
        }
        self.look_into(entries);
        Ok(())
    }

    fn apply_run<'s>(
        &mut self,
        rules: u32,
        entries: &[MirroredEntry],
        stated: &mut impl Iterator<Item = &'s str>,
        on_tile: &mut OnTile<'_>,
    ) -> Result<(), VerifyError> {
        let Log::Applied(state) = &mut self.log else { return Ok(()) };
        let first = state.tree().size();
        let last = first + (entries.len() as u64).saturating_sub(1);
        let refused = |error| VerifyError::at(format_args!("entries {first} to {last}"), error);
        let applied = apply_mirrored(state, rules, entries).map_err(refused)?;
        for (outcome, leaf) in applied.outcomes.iter().zip(first..) {
            let outcome = outcome.as_str();
            if stated.next() != Some(outcome) {
                let what = format_args!("its outcome is {outcome}, not what the gateway states");
                return Err(VerifyError::at(format_args!("entry {leaf}"), what));
            }
            *self.found.outcomes.entry(outcome).or_default() += 1;
        }
        applied.tiles.iter().try_for_each(on_tile)?;
        self.look();
        Ok(())
    }

    /// What apply does not need to look at: signatures that did not count.
    fn look_into(&mut self, entries: &[MirroredEntry]) {
        let Log::Applied(state) = &self.log else { return };
        for mirrored in entries {
            let entry = mirrored.entry();
            self.found.texts += u64::from(!mirrored.text().is_empty());
            if !entry.approvals.is_empty() {
                self.found.approvals.add(approvals::check(state, entry));
            }
        }
    }

    fn look(&mut self) {
        if self.asked == Some(self.tree().size()) {
            self.root_asked = Some(self.tree().root());
        }
    }
}

fn check_texts(from: u64, entries: &[MirroredEntry]) -> Result<(), VerifyError> {
    entries.iter().zip(from..).try_for_each(|(mirrored, leaf)| {
        let checked = check_text(mirrored.entry(), mirrored.text());
        checked.map_err(|what| VerifyError::at(format_args!("entry {leaf}"), what))
    })
}

/// What an entry announces has to be there, also where it had no effect: a text that is withheld makes the outcome that a missing one
/// makes, and would hide what is in force.
fn check_text(entry: &v1::Entry, text: &[u8]) -> Result<(), &'static str> {
    let announced = activated(entry).is_some() || entry.table.is_some();
    match text {
        [] if !announced || is_text_of(entry, text) => Ok(()),
        [] => Err("the text of what it brings into force is not given, so that nobody can tell what came of it"),
        text if is_text_of(entry, text) => Ok(()),
        _ => Err("the text is not that of its digest"),
    }
}

/// Whether a text is the one that the entry's digest is of.
pub(crate) fn is_text_of(entry: &v1::Entry, text: &[u8]) -> bool {
    let of_document = entry
        .document
        .as_ref()
        .is_some_and(|known| document_digest(known.kind(), &known.id, known.version, text).0 == *known.digest);
    of_document || (entry.table.is_some() && table_digest(text).0 == *entry.subject_digest)
}
