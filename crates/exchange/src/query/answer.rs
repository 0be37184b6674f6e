//! An answer while it is given: row after row as they are read, so that it takes the memory of one batch, however long it is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use causeway_crypto::Digest;
use causeway_journal::{decode_entry, leaf_hash, v1};
use causeway_model::{LeafIndex, RecordId};
use causeway_store::clauses_of;

use super::candidates::Candidates;
use super::place::{Bound, Place};
use super::row::{items, left};
use super::{AuditRow, Query};
use crate::answering::AnswerPlace;
use crate::{Caller, Error, Exchange};

/// An answer ends with the row that takes it past this size; the next page goes on from there.
const ANSWER_BYTES: usize = 4 << 20;

/// Entries read at a time, and at first where a few rows are wanted.
const BATCH: usize = 256;
const FIRST_BATCH: usize = 16;

/// Entries that one answer looks at. Where so many do not fill it, as under a filter that the auditor's limits empty, it ends with a
/// cursor, and no call goes on for long.
const MOST_LOOKED_AT: usize = 100_000;

/// What an answer rests on.
#[derive(Debug, Clone)]
pub struct AnswerBegin {
    /// The signed checkpoint that covers every row, and to which their proofs lead.
    pub checkpoint: Arc<str>,
    /// Its tree size.
    pub tree_size: u64,
    /// The entry of the question: the answer covers everything before it.
    pub asked: LeafIndex,
}

/// How a page of an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerEnd {
    /// Rows that were given.
    pub rows: u64,
    /// Where to go on; none where there is no more.
    pub next_cursor: Option<String>,
}

/// An answer that is being given. Dropping it ends it.
#[derive(Debug)]
pub struct Answer {
    pub(super) exchange: Exchange,
    pub(super) caller: Caller,
    pub(super) query: Query,
    /// The records that it is about; none where it is about no records in particular.
    pub(super) subject: Option<Vec<RecordId>>,
    pub(super) begin: AnswerBegin,
    pub(super) before: LeafIndex,
    pub(super) candidates: Candidates,
    pub(super) progress: Progress,
    pub(super) _place: AnswerPlace,
}

/// How far an answer has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    found: VecDeque<Found>,
    rows: u32,
    bytes: usize,
    looked_at: usize,
    /// Where to go on, once it has ended before its end.
    cut: Option<LeafIndex>,
}

/// An entry of the answer, before what was asked for beside it is read.
#[derive(Debug)]
struct Found {
    leaf: LeafIndex,
    bytes: Vec<u8>,
    entry: v1::Entry,
    outcome: &'static str,
    proof: Vec<Digest>,
    /// The texts that it commits to, where this auditor may see them and they are asked for or about.
    openings: Option<v1::Openings>,
}

impl Answer {
    /// What it rests on.
    pub const fn begin(&self) -> &AnswerBegin {
        &self.begin
    }

    /// The next row; none at the end of this page.
    ///
    /// # Errors
    /// `Corrupt` where what is stored does not read.
    pub async fn next(&mut self) -> Result<Option<AuditRow>, Error> {
        while self.progress.cut.is_none() {
            if let Some(found) = self.progress.found.pop_front() {
                if self.progress.rows >= self.query.rows() || self.progress.bytes > ANSWER_BYTES {
                    self.progress.cut =
                        Some(if self.query.newest_first { LeafIndex(found.leaf.0 + 1) } else { found.leaf });
                    break;
                }
                let row = self.row(found).await?;
                self.progress.rows += 1;
                self.progress.bytes += row.size();
                return Ok(Some(row));
            }
            if self.progress.looked_at >= MOST_LOOKED_AT {
                self.progress.cut = Some(self.candidates.next_place());
                break;
            }
            if !self.look_on().await? {
                break;
            }
        }
        Ok(None)
    }

    /// How this page ended. To be asked for after the last row.
    pub fn end(&self) -> AnswerEnd {
        let key = self.exchange.keys().ring().cursor_mac();
        let Self { query: Query { filter, newest_first, .. }, caller, before, progress, .. } = self;
        let bound = Bound { key: &key, system: &caller.system, filter, newest_first: *newest_first };
        let next_cursor = progress.cut.map(|next| bound.encode(Place { next, before: *before }));
        AnswerEnd { rows: progress.rows.into(), next_cursor }
    }

    /// Reads the next batch of candidates; false where there are none.
    async fn look_on(&mut self) -> Result<bool, Error> {
        let wanted = usize::try_from(self.query.rows() - self.progress.rows).unwrap_or(BATCH) + 1;
        let batch = if self.progress.looked_at == 0 { wanted.clamp(FIRST_BATCH, BATCH) } else { BATCH };
        let leaves = self.candidates.next(&self.exchange, batch).await?;
        if leaves.is_empty() {
            return Ok(false);
        }
        self.progress.looked_at += leaves.len();
        self.exchange.looked_at().fetch_add(leaves.len() as u64, Ordering::Relaxed);
        let entries = self.exchange.for_auditors().entries_at(leaves.clone()).await.map_err(Error::corrupt)?;
        let outcomes = self.exchange.journal().read(|state| {
            let name = |leaf: &LeafIndex| state.outcome(*leaf).as_str();
            leaves.iter().map(name).collect::<Vec<_>>()
        });
        // Asked for with each batch: a later version of the agency file may have come into force since.
        let scope = self.exchange.scope(&self.caller);
        let (mut all, mut may_open) = (Vec::new(), Vec::new());
        for ((leaf, bytes), outcome) in leaves.into_iter().zip(entries).zip(outcomes) {
            let entry = decode_entry(&bytes).map_err(Error::corrupt)?;
            let opens = scope.opens(&entry);
            let is_one = scope.covers(&entry) && self.query.filter.matches(&entry, outcome) && self.rests(leaf, &entry);
            if is_one {
                may_open.extend(opens.then_some(leaf));
                all.push(Found { leaf, bytes, entry, outcome, proof: Vec::new(), openings: None });
            }
        }
        self.open(&mut all, may_open).await?;
        self.prove(&mut all).await?;
        self.progress.found.extend(all);
        Ok(true)
    }

    /// Whether an entry rests on the clause that is asked for, where one is: by what it says, or as a page that held something of it.
    fn rests(&self, leaf: LeafIndex, entry: &v1::Entry) -> bool {
        let under = self.query.filter.under.as_ref();
        let Some((under, clause)) = under.and_then(|under| Some((under, under.clause.as_ref()?))) else { return true };
        let page = entry.page.as_ref().filter(|page| page.feed == under.agreement.as_str());
        let held = |page| self.exchange.journal().read(|state| clauses_of(state, page, leaf).contains(clause));
        under.rests_on(entry, clause.as_str()) || page.is_some_and(held)
    }

    /// Reads the texts of those entries that this auditor may see them of, where they are asked for or about; and leaves, where the acts
    /// of a person are asked for, that person's: by their openings, and so neither what has been erased nor what is not to be seen.
    async fn open(&self, found: &mut Vec<Found>, may_open: Vec<LeafIndex>) -> Result<(), Error> {
        let operator = self.query.filter.operator();
        if operator.is_none() && !self.query.beside.openings {
            return Ok(());
        }
        let read = self.exchange.for_auditors().openings_at(may_open.clone()).await.map_err(Error::corrupt)?;
        let mut opened = may_open.into_iter().zip(read).peekable();
        for found in found.iter_mut() {
            found.openings = opened.next_if(|(leaf, _)| *leaf == found.leaf).and_then(|(_, openings)| openings);
        }
        if let Some(operator) = operator {
            let acted = |openings: &v1::Openings| openings.operator == operator.expose();
            found.retain(|found| found.openings.as_ref().is_some_and(acted));
        }
        Ok(())
    }

    async fn prove(&self, found: &mut [Found]) -> Result<(), Error> {
        if !self.query.beside.proofs || found.is_empty() {
            return Ok(());
        }
        let leaves = found.iter().map(|found| found.leaf).collect();
        let proofs = self.exchange.for_auditors().inclusion_proofs(leaves, self.begin.tree_size).await;
        for (found, proof) in found.iter_mut().zip(proofs.map_err(Error::corrupt)?) {
            found.proof = proof;
        }
        Ok(())
    }

    async fn row(&self, found: Found) -> Result<AuditRow, Error> {
        let Found { leaf, bytes, entry, outcome, proof, openings } = found;
        let journal = self.exchange.for_auditors();
        let openings = openings.filter(|_| self.query.beside.openings);
        let has_text = entry.document.is_some() || entry.table.is_some();
        let text = if self.query.beside.texts && has_text {
            journal.document_text(leaf).await.map_err(Error::corrupt)?
        } else {
            Vec::new()
        };
        let page = entry.page.as_ref();
        let record_left = match (&self.subject, page) {
            (Some(records), Some(page)) => journal.read(|state| left(state, page, records)),
            _ => false,
        };
        let items = match page.filter(|_| self.query.beside.items) {
            Some(page) => journal.read(|state| items(state, page).collect()),
            None => Vec::new(),
        };
        let leaf_hash = leaf_hash(&bytes);
        Ok(AuditRow { leaf, leaf_hash, entry: bytes, outcome, record_left, proof, openings, items, text })
    }
}
