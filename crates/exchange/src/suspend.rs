//! Suspension: the version of an agreement or an agency that is in force stops granting at once, by one approval. A later version
//! ends that.

use causeway_agreement::Agreement;
use causeway_crypto::Digest;
use causeway_journal::{Outcome, State, approvers, suspension_digest, v1};
use causeway_model::{AgencyId, LeafIndex};

use crate::draft::Said;
use crate::propose::version_in_force;
use crate::{Caller, Class, Error, Exchange};

/// What is suspended, and who approved it.
#[derive(Debug, Clone)]
pub struct Suspension {
    /// An agency or an agreement.
    pub kind: v1::DocumentKind,
    /// Its id.
    pub id: String,
    /// Its version in force.
    pub version: u32,
    /// One person's signature over the suspension's digest: of the granting agency for an agreement, of the operator's for an agency.
    pub approval: v1::Approval,
}

impl Exchange {
    /// Suspends the version in force. A suspended agreement grants nothing, and so does every agreement of a suspended agency; what
    /// may not stay with a partner is withdrawn. It does not wait for whatever else is being administered.
    ///
    /// # Errors
    /// `NotFound` for what is not in force at all; `Conflict` for another version than the one in force, and for what is suspended
    /// already; `Invalid` for the operator's own agency; `Denied` without the approval, and for an agency that does not operate the
    /// gateway; `Unavailable`.
    pub async fn suspend(&self, caller: &Caller, suspension: Suspension) -> Result<LeafIndex, Error> {
        let checked = self.only_operator(caller).and_then(|()| self.suspendable(&suspension));
        let digest = match checked {
            Ok(digest) => digest,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Document, refusal).await),
        };
        let mut draft = Said::allowed(v1::Operation::Document, "suspended").by(caller);
        draft.entry.document = Some(v1::Document {
            kind: suspension.kind.into(),
            id: suspension.id,
            version: suspension.version,
            digest: digest.0.to_vec(),
            action: v1::DocumentAction::Suspend.into(),
        });
        draft.entry.approvals = vec![suspension.approval];
        let committed = self.record(draft).await?;
        // What came first in the log may have been another suspension, or a later version.
        match committed.outcome {
            Outcome::Effective => Ok(committed.leaf),
            Outcome::AlreadyDone => Err(already()),
            Outcome::InvalidDocument => Err(not_in_force()),
            Outcome::UnapprovedDocument => Err(unapproved()),
            _ => Err(Error::internal("apply gave an outcome that no suspension can have")),
        }
    }

    /// Whether an agency is suspended: then its systems may take note of withdrawals and take back what they have shared, and that alone.
    pub fn is_suspended(&self, agency: &AgencyId) -> bool {
        self.journal().read(|state| state.agency_suspended(agency).is_some())
    }

    /// The digest that was to be approved, where the suspension may be recorded.
    fn suspendable(&self, suspension: &Suspension) -> Result<Digest, Error> {
        let Suspension { kind, id, version, approval } = suspension;
        let operator = self.operator();
        let (in_force, roster, is_suspended) = self.journal().read(|state| {
            let (approver, is_suspended) = match kind {
                v1::DocumentKind::Agreement => {
                    let known = id.parse().ok().and_then(|id| state.agreement(&id));
                    (known.map(|known| known.granting.clone()), known.is_some_and(|known| is_suspended(state, known)))
                }
                _ => {
                    let agency = id.parse().ok();
                    (Some(operator.clone()), agency.is_some_and(|agency| state.agency_suspended(&agency).is_some()))
                }
            };
            let roster = approver.and_then(|approver| state.agency(&approver).cloned());
            (version_in_force(state, *kind, id), roster, is_suspended)
        });
        if in_force.is_none() {
            let message = "no agency or agreement of this id is in force";
            return Err(Error::new(Class::NotFound, "unknown-document", message));
        }
        if in_force != Some(*version) {
            return Err(not_in_force());
        }
        if *kind == v1::DocumentKind::Agency && *id == operator.as_str() {
            let message = "the operator's own agency cannot be suspended: nobody could end it; suspend its agreements, or stop the gateway";
            return Err(Error::invalid("operator-not-suspendable", message));
        }
        if is_suspended {
            return Err(already());
        }
        let digest = suspension_digest(*kind, id, *version);
        let persons = roster.and_then(|roster| approvers(&roster, std::slice::from_ref(approval), &digest));
        if persons.is_none_or(|persons| persons.is_empty()) {
            return Err(unapproved());
        }
        Ok(digest)
    }
}

/// Whether the agreement itself is suspended, as far as that can be told: while one of its parties is, it is for apply to say.
fn is_suspended(state: &State, agreement: &Agreement) -> bool {
    let by_party = [&agreement.granting, &agreement.recipient].map(|party| state.agency_suspended(party));
    by_party.iter().all(Option::is_none) && state.agreement_suspended(agreement).is_some()
}

fn not_in_force() -> Error {
    let message = "another version is in force than the one that was to be suspended";
    Error::new(Class::Conflict, "version-not-in-force", message)
}

fn already() -> Error {
    Error::new(Class::Conflict, "already-suspended", "it is suspended already; a later version ends that")
}

fn unapproved() -> Error {
    let message = "one rostered person has to approve exactly this suspension: of the granting agency for an agreement, of the \
                   operator's agency for an agency";
    Error::new(Class::Denied, "unapproved", message)
}
