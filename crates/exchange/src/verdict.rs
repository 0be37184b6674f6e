//! The one decision about a record in a feed: whether a position shows it now, and in what form each of its fields leaves.
//!
//! Pull, the search for pseudonyms, re-identification and Explain ask here and nowhere else, so what is explained is what is served.

use causeway_agreement::{Agreement, Clause, Decision, DenyReason, Form, Standing, decide, permits};
use causeway_model::{
    AgencyId, Class, FieldPath, FieldSpec, Floor, Ladder, OnwardTransfer, RecordFacts, Step, Timestamp,
};
use causeway_schema::{Projected, Schema};

use crate::slot::Live;

/// What every decision under an agreement goes by at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    /// The agreement's version in force.
    pub(crate) agreement: &'a Agreement,
    /// Whether it may be relied on.
    pub(crate) standing: Standing,
    /// The moment.
    pub(crate) now: Timestamp,
}

/// Why a release that is live is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// The agreement's present version does not grant the record.
    Denied(DenyReason),
    /// It was released with more than the present version lets leave; the releaser will come to it.
    Superseded,
    /// Fewer persons than a clause asks for share what it would show.
    SmallCell,
}

/// Through what a record leaves: a clause, and what its batch has made coarser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Through<'a> {
    pub(crate) clause: &'a Clause,
    pub(crate) recoding: &'a [(FieldPath, Option<Step>)],
}

impl<'a> Ground<'a> {
    /// Whether the agreement can grant anything at this moment. What it does not grant costs nothing of its quota.
    pub(crate) fn may_grant(&self) -> bool {
        let Self { agreement, standing, now } = *self;
        standing == Standing::InForce && agreement.is_in_force(now) && agreement.transfer_condition_holds(now)
    }

    /// Whether the version in force grants a record.
    pub(crate) fn decide(&self, owner: &AgencyId, facts: &RecordFacts) -> Decision<'a> {
        decide(self.agreement, self.standing, owner, facts, self.now)
    }

    /// Whether a live release is shown, through what, and how many persons have to share it. It is what it was released as: under another version of the agreement it
    /// stays so for as long as all of that is still granted, and is withheld otherwise.
    pub(crate) fn verdict<'l>(
        &self,
        owner: &AgencyId,
        facts: &RecordFacts,
        live: &'l Live,
        schema: &Schema,
    ) -> Result<(Through<'l>, u64), Withheld> {
        let present = match self.decide(owner, facts) {
            Decision::Grant(clause) => clause,
            Decision::Deny(reason) => return Err(Withheld::Denied(reason)),
        };
        let frozen = live.clause().ok_or(Withheld::Superseded)?;
        let looser = passes_on_more(live.agreement.onward_transfer, self.agreement.onward_transfer);
        if looser || !still_permits(present, frozen, facts.child, schema) {
            return Err(Withheld::Superseded);
        }
        let least = u64::from(frozen.minimum_cell.max(present.minimum_cell));
        if least > 1 && live.persons.is_none_or(|persons| persons < least) {
            return Err(Withheld::SmallCell);
        }
        Ok((Through { clause: frozen, recoding: &live.terms.recoding }, least))
    }
}

/// Whether a release says that more may be passed on than the present version allows.
fn passes_on_more(frozen: OnwardTransfer, present: OnwardTransfer) -> bool {
    match present {
        OnwardTransfer::Forbidden => frozen != OnwardTransfer::Forbidden,
        OnwardTransfer::WithOriginatorAuthorisation => false,
    }
}

/// Whether all that a frozen clause lets leave is still allowed by the one that grants now. One that is that very clause is not gone
/// through.
fn still_permits(present: &Clause, frozen: &Clause, child: bool, schema: &Schema) -> bool {
    let ladder = |path: &FieldPath| schema.fields().by_path(path).and_then(|spec| spec.ladder);
    std::ptr::eq(present, frozen) || permits(present, frozen, child, &ladder)
}

impl Through<'_> {
    /// In what form a field leaves of a record; none where it does not. Class and floor are held to whatever the clause says.
    pub(crate) fn form(&self, child: bool, spec: &FieldSpec) -> Option<Projected> {
        let form = self.clause.form_for(child, &spec.path)?.on(spec.ladder)?;
        let Floor::Finest(floor) = spec.floor else { return None };
        let recoded = match self.recoded(&spec.path) {
            Some(None) => return None,
            Some(step) => step,
            None => None,
        };
        match (spec.class, spec.ladder, form) {
            (Class::Open, _, Form::AsIs | Form::Step(Step::Exact)) => Some(Projected::AsIs),
            (Class::Link, _, Form::Pseudonym) => Some(Projected::Pseudonym),
            (Class::Coarse, Some(ladder), Form::AsIs) => coarse(ladder, floor, floor, recoded),
            (Class::Coarse, Some(ladder), Form::Step(step)) => coarse(ladder, floor, step, recoded),
            _ => None,
        }
    }

    /// What the batch made of a field: nothing, a coarser step, or left out altogether.
    pub(crate) fn recoded(&self, path: &FieldPath) -> Option<Option<Step>> {
        self.recoding.iter().find(|(recoded, _)| recoded == path).map(|(_, step)| *step)
    }
}

/// The coarser of a clause's step and the batch's; none below the floor, or for a step that is not on the ladder.
fn coarse(ladder: Ladder, floor: Step, step: Step, recoded: Option<Step>) -> Option<Projected> {
    let recoded = recoded.unwrap_or(step);
    let place = ladder.place_of(step)?.max(ladder.place_of(recoded)?);
    let step = *ladder.steps().get(place)?;
    ladder.allows(floor, step).then_some(Projected::Step(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_passed_on_is_never_more_than_the_present_version_says() {
        use OnwardTransfer::{Forbidden, WithOriginatorAuthorisation as Asked};
        assert!(passes_on_more(Asked, Forbidden));
        assert!(
            [(Forbidden, Asked), (Asked, Asked), (Forbidden, Forbidden)].iter().all(|(a, b)| !passes_on_more(*a, *b))
        );
    }

    #[test]
    fn a_recoding_only_makes_coarser_and_never_passes_a_floor() {
        let step = |step, recoded| coarse(Ladder::Date, Step::Month, step, recoded);
        assert_eq!(step(Step::Month, None), Some(Projected::Step(Step::Month)));
        assert_eq!(step(Step::Month, Some(Step::Year)), Some(Projected::Step(Step::Year)));
        assert_eq!(step(Step::Year, Some(Step::Month)), Some(Projected::Step(Step::Year)), "it refines nothing");
        assert_eq!(step(Step::Day, None), None, "finer than the floor");
        assert_eq!(step(Step::Month, Some(Step::Region)), None, "a step of another ladder");
    }
}
