//! What never leaves under an agreement, whatever its clauses grant.

use causeway_model::{ClauseId, Kind, RecordFacts};

use crate::{Agreement, Filter};

/// A denial that no clause opens, wherever it stands in the agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Its id, as on paper; no clause of the agreement has it.
    pub id: ClauseId,
    /// The kinds of record that it covers.
    pub kinds: Vec<Kind>,
    /// Which records of those kinds. It protects, so it covers too what it cannot rule out.
    pub filter: Filter,
}

impl Exclusion {
    /// Whether a record with these facts is covered, or may be for all that it says.
    pub fn covers(&self, facts: &RecordFacts) -> bool {
        self.kinds.contains(&facts.kind) && self.filter.may_cover(facts)
    }
}

/// The first exclusion that covers a record with these facts; none where only the gates and the clauses decide about it.
pub fn excluded_by<'a>(agreement: &'a Agreement, facts: &RecordFacts) -> Option<&'a ClauseId> {
    agreement.exclusions.iter().find(|exclusion| exclusion.covers(facts)).map(|exclusion| &exclusion.id)
}
