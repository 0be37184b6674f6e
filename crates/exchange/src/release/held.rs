//! What waits: for the end of its release period, and under a clause with a minimum cell for others to be like it.

use std::collections::{BTreeMap, BTreeSet};

use causeway_agreement::{Clause, ReleasePeriod};
use causeway_model::{ClauseId, LeafIndex, RecordId, Timestamp};

use super::Candidate;

/// A moment whose release period has always been over.
pub(crate) const LONG_AGO: Timestamp = Timestamp(0);

/// A record version that is granted and not released yet.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) candidate: Candidate,
    /// The clause that grants it.
    pub(crate) clause: ClauseId,
    release: ReleasePeriod,
    /// Whether the clause has a minimum cell.
    pub(crate) in_cells: bool,
    /// The moment whose release period has to be over.
    since: Timestamp,
    /// Whether the feed must not be said to have considered its entry: a pass over all records would not find it again in its time.
    holds_back: bool,
    /// Whether it was in a batch before, and stayed.
    stayed: bool,
}

impl Waiting {
    /// A version that an entry has just made or freed.
    pub(crate) fn new(candidate: Candidate, clause: &Clause, since: Timestamp) -> Self {
        let (release, in_cells) = (clause.release, clause.minimum_cell > 1);
        Self { candidate, clause: clause.id.clone(), release, in_cells, since, holds_back: true, stayed: false }
    }

    /// A version whose period was over long ago.
    pub(crate) fn overdue(candidate: Candidate, clause: &Clause) -> Self {
        Self::found(candidate, clause, LONG_AGO)
    }

    /// A version that a pass over all records has found, and would find again.
    pub(crate) fn found(candidate: Candidate, clause: &Clause, since: Timestamp) -> Self {
        Self { holds_back: false, ..Self::new(candidate, clause, since) }
    }

    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.release.is_over(self.since, now)
    }

    /// Whether it goes along where a batch of its clause is made.
    fn goes_along(&self, now: Timestamp) -> bool {
        self.stayed || self.is_due(now)
    }
}

/// What waits for one feed: of each record one version.
#[derive(Debug, Default)]
pub(crate) struct Held(BTreeMap<RecordId, Waiting>);

impl Held {
    /// Puts a version in the place of what waited of its record.
    pub(crate) fn put(&mut self, waiting: Waiting) {
        self.0.insert(waiting.candidate.record, waiting);
    }

    /// Puts a version in, unless one of its record waits.
    pub(crate) fn add(&mut self, waiting: Waiting) {
        self.0.entry(waiting.candidate.record).or_insert(waiting);
    }

    pub(crate) fn take_out(&mut self, record: &RecordId) {
        self.0.remove(record);
    }

    /// Goes on with it under another version of the agreement: by the clause that grants it now, if any does.
    pub(super) fn decide_again<'a>(&mut self, decide: impl Fn(&Candidate) -> Option<&'a Clause>) {
        self.0.retain(|_, waiting| {
            let Some(clause) = decide(&waiting.candidate) else { return false };
            let (release, in_cells) = (clause.release, clause.minimum_cell > 1);
            (waiting.clause, waiting.release, waiting.in_cells) = (clause.id.clone(), release, in_cells);
            true
        });
    }

    /// What a clause without a minimum cell lets go now.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Candidate> {
        let due = self.0.values().filter(|waiting| !waiting.in_cells && waiting.is_due(now));
        due.map(|waiting| waiting.candidate.clone()).collect()
    }

    /// The clauses with a minimum cell for which the end of a period makes a batch.
    pub(super) fn clauses_due(&self, now: Timestamp) -> Vec<ClauseId> {
        let due = self.0.values().filter(|waiting| waiting.in_cells && waiting.is_due(now));
        let mut clauses: Vec<ClauseId> = due.map(|waiting| waiting.clause.clone()).collect();
        clauses.sort_unstable();
        clauses.dedup();
        clauses
    }

    /// All of such a clause's batch, what stayed behind in earlier ones included.
    pub(super) fn batch_of(&self, clause: &ClauseId, now: Timestamp) -> Vec<Candidate> {
        let all = self.0.values().filter(|waiting| waiting.in_cells && waiting.clause == *clause);
        all.filter(|waiting| waiting.goes_along(now)).map(|waiting| waiting.candidate.clone()).collect()
    }

    /// What stays behind waits for the end of the period that runs at `now`.
    pub(crate) fn wait_on(&mut self, record: &RecordId, now: Timestamp) {
        if let Some(waiting) = self.0.get_mut(record) {
            (waiting.since, waiting.holds_back, waiting.stayed) = (now, false, true);
        }
    }

    /// How far a feed may be said to have come where everything before `considered` has been decided on.
    pub(crate) fn through(&self, considered: LeafIndex) -> LeafIndex {
        self.through_without(considered, &BTreeSet::new())
    }

    /// The same once these wait no longer.
    pub(crate) fn through_without(&self, considered: LeafIndex, going: &BTreeSet<RecordId>) -> LeafIndex {
        let holding = self.0.iter().filter(|(record, waiting)| waiting.holds_back && !going.contains(record));
        holding.map(|(_, waiting)| waiting.candidate.leaf).min().map_or(considered, |first| considered.min(first))
    }
}
