//! First pages: a search and the reading and decoding of what it finds, as an auditor's answer is made.

use causeway_journal::{decode_entry, leaf_hash, verify_checkpoint, verify_inclusion};
use causeway_model::LeafIndex;
use causeway_rig::Failed;
use causeway_store::{Journal, Search, Term};

use super::mix::{Kind, Mix};
use crate::journals;
use crate::sample::Sample;
use crate::waiting::wait_for;

/// Rows of a first page.
pub(crate) const ROWS: usize = 100;

/// First pages of one kind of key, of keys of one frequency, in one direction.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(crate) kind: &'static str,
    pub(crate) frequency: &'static str,
    pub(crate) newest_first: bool,
    /// With the reading and decoding of the entries.
    pub(crate) whole: Sample,
    /// The search alone.
    pub(crate) search: Sample,
    /// Rows of a page in the middle.
    pub(crate) rows: usize,
}

/// Times first pages of every kind, frequency and direction.
pub(crate) fn measure(journal: &Journal, mix: &mut Mix, times: usize) -> Result<Vec<Pages>, Failed> {
    let mut all = Vec::new();
    for kind in mix.kinds() {
        for (frequency, keys) in frequencies(&kind) {
            for newest_first in [true, false] {
                let (mut whole, mut search, mut rows) = (Sample::default(), Sample::default(), Vec::new());
                for _ in 0..times {
                    let key = keys[mix.numbers.below(keys.len())].clone();
                    rows.push(whole.time(|| page(journal, key, newest_first, &mut search))?);
                }
                rows.sort_unstable();
                let rows = rows.get(rows.len() / 2).copied().unwrap_or(0);
                all.push(Pages { kind: kind.name, frequency, newest_first, whole, search, rows });
            }
        }
    }
    Ok(all)
}

/// The busiest key, those in the middle, and the quietest; where there are too few, only the ends.
fn frequencies(kind: &Kind) -> Vec<(&'static str, &[Term])> {
    let keys = kind.keys.as_slice();
    let last = keys.len() - 1;
    if kind.name == "request id" {
        return vec![("rare", keys)];
    }
    let mut frequencies = vec![("common", &keys[..1])];
    if keys.len() > 3 {
        frequencies.push(("medium", &keys[last / 3..=last / 2]));
    }
    frequencies.push(("rare", &keys[last - keys.len() / 10..]));
    frequencies
}

fn page(journal: &Journal, key: Term, newest_first: bool, search: &mut Sample) -> Result<usize, Failed> {
    let question = Search {
        terms: vec![key],
        among: None,
        from: LeafIndex(0),
        before: LeafIndex(u64::MAX),
        newest_first,
        limit: ROWS,
    };
    let found = search.time(|| wait_for(journal.search(question)))?;
    let rows = found.len();
    for entry in wait_for(journal.entries_at(found))? {
        decode_entry(&entry)?;
    }
    Ok(rows)
}

/// Inclusion proofs of entries by chance in the whole tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proofs {
    /// Making one.
    pub(crate) made: Sample,
    /// Verifying one against the root of a checkpoint, and the one signature of that checkpoint.
    pub(crate) verified: Sample,
}

/// Times so many proofs.
pub(crate) fn proofs(journal: &Journal, mix: &mut Mix, times: usize) -> Result<Proofs, Failed> {
    let size = journals::size(journal);
    let (note, key) = (journal.checkpoint(), journal.verifier_key());
    let origin = note.lines().next().unwrap_or_default();
    let mut proofs = Proofs::default();
    for _ in 0..times {
        let leaf = LeafIndex(mix.numbers.next() % size);
        let proof = proofs.made.time(|| wait_for(journal.inclusion_proof(leaf, size)))?;
        let hash = leaf_hash(&wait_for(journal.entry(leaf))?);
        proofs.verified.time(|| {
            let checkpoint = verify_checkpoint(&note, &key, origin)?;
            Ok::<_, Failed>(verify_inclusion(hash, leaf, checkpoint.size, &proof, checkpoint.root)?)
        })?;
    }
    Ok(proofs)
}
