//! The audit index: which entries have which terms, behind the commit path and made of the log alone. What it answers are
//! candidates, of everything that was acknowledged before it was asked.

mod scan;
mod term;

use causeway_crypto::MacKey;
use causeway_model::{LeafIndex, Timestamp};

pub use term::Term;

use crate::error::StoreError;
use crate::journal::Journal;
use crate::reader::Reader;
use scan::{Operators, Scan};
use term::TermKey;

/// What entries are searched for. What is left empty does not narrow the search.
#[derive(Debug, Clone)]
pub struct Search {
    /// All of these.
    pub terms: Vec<Term>,
    /// Only these entries, in ascending order: those of a record, from [`causeway_journal::State::subject`].
    pub among: Option<Vec<LeafIndex>>,
    /// Not before this entry.
    pub from: LeafIndex,
    /// Before this entry, and before the newest that is durable when the search begins.
    pub before: LeafIndex,
    /// Whether the newest comes first.
    pub newest_first: bool,
    /// So many entries at most.
    pub limit: usize,
}

/// How the index stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexMeasures {
    /// Entries in blocks, on disk.
    pub in_blocks: u64,
    /// Entries in memory, not in a block yet.
    pub in_memory: u64,
    /// Blocks.
    pub blocks: usize,
    /// Bytes of the blocks' files.
    pub bytes: u64,
}

/// The index of one journal.
#[derive(Debug)]
pub(crate) struct Index {
    key: TermKey,
}

impl Index {
    pub(crate) fn new(index_key: &MacKey, log_id: &[u8; 16]) -> Self {
        Self { key: TermKey::of(index_key, log_id) }
    }

    /// The leaves that a search finds.
    fn search(&self, reader: &Reader, search: &Search) -> Result<Vec<LeafIndex>, StoreError> {
        let size = reader.shared.read(|state| state.tree().size());
        let range = search.from.0..search.before.0.min(size);
        let terms: Vec<u64> = search.terms.iter().map(|term| self.key.hash(term)).collect();
        let names_operator = search.terms.iter().any(|term| matches!(term, Term::Operator { .. }));
        let operators = if names_operator { Operators::Opened } else { Operators::Left };
        let scan = Scan { reader, key: &self.key, operators };
        let limit = if search.among.is_some() { usize::MAX } else { search.limit };
        let mut found = scan.search(range, &terms, search.newest_first, limit)?;
        if let Some(among) = &search.among {
            found.retain(|leaf| among.binary_search(leaf).is_ok());
            found.truncate(search.limit);
        }
        Ok(found)
    }
}

impl Journal {
    /// Entries that have all of the terms, in order. They are candidates: a hash of 64 bits stands for a term, so whoever
    /// asks looks at each entry. What was acknowledged before the call is covered. The next page begins behind the last one.
    ///
    /// # Errors
    /// When the log cannot be read. A damaged index is none: it is made anew, and its part of the log read instead.
    pub async fn search(&self, search: Search) -> Result<Vec<LeafIndex>, StoreError> {
        let index = std::sync::Arc::clone(&self.index);
        self.readers.ask(move |reader| index.search(reader, &search)).await
    }

    /// The first entry whose time is not before `time`; the tree's size where there is none. The log's time never goes back.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn leaf_at(&self, time: Timestamp) -> Result<LeafIndex, StoreError> {
        self.readers
            .ask(move |reader| {
                let (mut low, mut high) = (0, reader.shared.read(|state| state.tree().size()));
                while low < high {
                    let middle = low + (high - low) / 2;
                    let bytes = reader.entry(LeafIndex(middle))?;
                    let entry = causeway_journal::decode_entry(&bytes)
                        .map_err(|_| StoreError::Corrupt("a stored entry does not decode"))?;
                    if entry.time_micros < time.0 { low = middle + 1 } else { high = middle }
                }
                Ok(LeafIndex(low))
            })
            .await
    }

    /// How the index stands.
    pub fn index_measures(&self) -> IndexMeasures {
        IndexMeasures::default()
    }
}
