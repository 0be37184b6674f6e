//! What two versions of an agreement decide differently about a record: the what-if before an activation.

use causeway_model::{AgencyId, ClauseId, RecordFacts, Timestamp};

use crate::{Agreement, Clause, Decision, DenyReason, Standing, decide};

/// What becomes of a record when one version of an agreement takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// It leaves in the same form as before, or does not leave as before.
    Same,
    /// It leaves, and did not before.
    Gained {
        /// The clause of the new version that grants it.
        clause: &'a ClauseId,
    },
    /// It does not leave, and did before.
    Lost {
        /// The clause of the old version that granted it.
        clause: &'a ClauseId,
        /// Why the new version does not; where there is none, as for an agreement that is not in force.
        reason: DenyReason,
    },
    /// It leaves in another form: other fields, other steps, or linked where it was not.
    Changed {
        /// The clause of the old version.
        from: &'a ClauseId,
        /// The clause of the new version.
        to: &'a ClauseId,
    },
}

/// Compares what two versions of an agreement, each with its standing, decide about `owner`'s record with these facts at `now`.
/// A version that does not exist grants nothing.
pub fn difference<'a>(
    old: Option<(&'a Agreement, Standing)>,
    new: Option<(&'a Agreement, Standing)>,
    owner: &AgencyId,
    facts: &RecordFacts,
    now: Timestamp,
) -> Change<'a> {
    let decide = |version: Option<(&'a Agreement, Standing)>| match version {
        Some((agreement, standing)) => decide(agreement, standing, owner, facts, now),
        None => Decision::Deny(DenyReason::AgreementNotInForce),
    };
    match (decide(old), decide(new)) {
        (Decision::Deny(_), Decision::Deny(_)) => Change::Same,
        (Decision::Deny(_), Decision::Grant(clause)) => Change::Gained { clause: &clause.id },
        (Decision::Grant(clause), Decision::Deny(reason)) => Change::Lost { clause: &clause.id, reason },
        (Decision::Grant(old), Decision::Grant(new)) if leaves_alike(old, new, facts) => Change::Same,
        (Decision::Grant(old), Decision::Grant(new)) => Change::Changed { from: &old.id, to: &new.id },
    }
}

/// Whether two clauses let the same fields of a record leave in the same forms, in whatever order they list them.
fn leaves_alike(old: &Clause, new: &Clause, facts: &RecordFacts) -> bool {
    let (old_fields, new_fields) = (old.fields_of(facts.child), new.fields_of(facts.child));
    old.links(facts) == new.links(facts)
        && old_fields.len() == new_fields.len()
        && old_fields.iter().all(|(path, form)| new.form_for(facts.child, path) == Some(*form))
}
