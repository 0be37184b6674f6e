//! Re-evaluation: what a live release shows against what the agreement's version in force would show, and the entry that says that
//! everything has been decided under it.

use std::sync::Arc;

use causeway_agreement::{Agreement, Clause};
use causeway_journal::State;
use causeway_model::{ClauseId, RecordFacts, RecordId, RecordVersion};

use crate::verdict::Ground;
use crate::{Error, Exchange};

/// What a live release rests on.
#[derive(Debug, Clone)]
pub(crate) struct Frozen {
    /// The version that it was released under; none where an early log does not say.
    agreement: Option<Arc<Agreement>>,
    clause: ClauseId,
    in_cell: bool,
    /// Whether its partner was last served a withdrawal in its place.
    was_withheld: bool,
}

/// The version of a record that is live in an agreement's feed, and what its release rests on.
pub(crate) fn frozen(state: &State, agreement: &Agreement, record: &RecordId) -> Option<(RecordVersion, Frozen)> {
    let feed = state.feed(&agreement.id)?;
    let position = feed.live(record)?;
    let item = feed.item(position)?;
    let version = state.agreement_version(&agreement.id, item.terms.agreement_version).cloned();
    let (in_cell, was_withheld) = (feed.cell(position).is_some(), feed.was_withheld(position));
    Some((item.version, Frozen { agreement: version, clause: item.terms.clause.clone(), in_cell, was_withheld }))
}

impl Frozen {
    /// Whether the clause that grants now would show the record just so: then the release stands as it is, unless its partner has read
    /// past it while nothing could be shown.
    pub(crate) fn is_alike(&self, agreement: &Agreement, clause: &Clause, facts: &RecordFacts) -> bool {
        let Some(earlier) = &self.agreement else { return self.clause == clause.id && !self.was_withheld };
        let Some(frozen) = earlier.clause(&self.clause) else { return false };
        let (fields, present) = (frozen.fields_of(facts.child), clause.fields_of(facts.child));
        frozen.id == clause.id
            && !self.was_withheld
            && frozen.links(facts) == clause.links(facts)
            && earlier.onward_transfer == agreement.onward_transfer
            && self.in_cell == (clause.minimum_cell > 1)
            // Where more persons are asked for, it waits for them.
            && clause.minimum_cell <= frozen.minimum_cell
            && fields.len() == present.len()
            && fields.iter().all(|(path, form)| clause.form_for(facts.child, path) == Some(*form))
    }
}

impl Exchange {
    /// Says that everything has been decided under the version in force, where that has not been said.
    pub(crate) async fn close_evaluation(&self, ground: &Ground<'_>) -> Result<(), Error> {
        let agreement = ground.agreement;
        let evaluated = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.evaluated()));
        if evaluated.is_none_or(|version| version >= agreement.version) {
            return Ok(());
        }
        let mut draft = self.releaser_draft(agreement, "evaluated");
        draft.entry.releases = Some(causeway_journal::v1::ReleaseBatch {
            feed: agreement.id.to_string(),
            agreement_version: agreement.version,
            considered_leaves: self.considered(&agreement.id).0,
            closes_evaluation: true,
            ..causeway_journal::v1::ReleaseBatch::default()
        });
        self.record_in_term(draft).await?;
        Ok(())
    }
}
