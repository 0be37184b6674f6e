//! Bringing a governed document into force, live: what derives from it follows from its entry on, without a restart.

use std::sync::Arc;

use causeway_agreement::{AgencyFile, Agreement};
use causeway_journal::{APPROVALS, Outcome, approvers, v1};
use causeway_model::LeafIndex;

use crate::document_faults;
use crate::draft::Said;
use crate::genesis::{ProposedDocument, activating};
use crate::governed::Governed;
use crate::propose::Looked;
use crate::{Caller, Class, Error, Exchange};

/// What else has to hold of all agency files together, in words: what the transport makes of bundles and certificates.
pub type Fits<'a> = &'a (dyn Fn(&[AgencyFile]) -> Vec<String> + Send + Sync);

impl Exchange {
    /// Brings a document into force, with the approvals of two persons: of the granting agency for an agreement, of the operator's
    /// agency for any other. What is sealed from here on is sealed to an agency file's key, what is read is read by the new schemas,
    /// and the releaser goes over every record by the new agreement. A later version of an agreement whose first day is still to come
    /// waits for it: until then the earlier one is in force.
    ///
    /// Once begun, it has to run to its end: whoever waits for it may go, but must not take it along.
    ///
    /// # Errors
    /// `Invalid` with every fault of the document and between those that would be in force; `Denied` without the approvals;
    /// `Conflict` for a version that is not later than the one in force or the one that waits, and while another document is brought into force;
    /// `Unavailable`.
    pub async fn activate(
        &self,
        caller: &Caller,
        document: ProposedDocument,
        fits: Fits<'_>,
    ) -> Result<LeafIndex, Error> {
        let Some(_alone) = self.administering().try_lock() else {
            let message = "a key is being rotated, or another document brought into force, at this moment; try again";
            let refusal = Error::new(Class::Conflict, "activation-under-way", message);
            return Err(self.refuse(caller, v1::Operation::Document, refusal).await);
        };
        let checked = self.only_operator(caller).and_then(|()| self.admitted(&document, fits));
        let governed = match checked {
            Ok(governed) => governed,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Document, refusal).await),
        };
        let (kind, id) = (document.kind, document.id.clone());
        let said = Said::allowed(v1::Operation::Document, "activated").by(caller);
        let committed = self.record(activating(said, document)).await?;
        match committed.outcome {
            Outcome::Effective => {}
            Outcome::UnapprovedDocument => return Err(unapproved()),
            _ => return Err(Error::internal("apply does not take a document that was checked")),
        }
        match kind {
            v1::DocumentKind::Agency => id.parse().iter().for_each(|agency| self.windows().end(agency)),
            v1::DocumentKind::Schema | v1::DocumentKind::CodeList => self.epochs().begin(committed.leaf, governed),
            v1::DocumentKind::Agreement | v1::DocumentKind::Unspecified => {}
        }
        Ok(committed.leaf)
    }

    /// Says in the log that a later version's first day has come, where nothing else has been said since: it comes into force with
    /// the first entry of that day, and a feed in which nothing happens must not wait for one.
    pub(crate) async fn begin_agreements(&self) {
        if !self.is_releaser() {
            return;
        }
        let now = self.now();
        let due: Vec<Arc<Agreement>> = self.journal().read(|state| {
            let pending = state.agreements().filter_map(|known| state.pending_agreement(&known.id));
            pending.filter(|pending| pending.valid_from.start() <= now).cloned().collect()
        });
        for agreement in due {
            let draft = self.releaser_draft(&agreement, "agreement-began");
            match self.record_in_term(draft).await {
                Ok(_) => {
                    tracing::info!(agreement = %agreement.id, version = agreement.version, "its first day has come")
                }
                Err(error) => tracing::warn!(reason = error.reason, "an agreement's first day has come; tried again"),
            }
        }
    }

    /// What would be in force with the document, where it may come into force as it is approved.
    fn admitted(&self, document: &ProposedDocument, fits: Fits<'_>) -> Result<Governed, Error> {
        let Looked { digest, not_later, approver, faults, schemas, .. } = self.look_at(document, fits);
        if let Some(not_later) = not_later {
            let message = match document.kind {
                v1::DocumentKind::Schema => {
                    "a schema in force stays as it is: change it in a later minor version".into()
                }
                _ => not_later,
            };
            return Err(Error::new(Class::Conflict, "version-not-later", message));
        }
        let (Some(schemas), true) = (schemas, faults.is_empty()) else {
            return Err(document_faults::refusal(&faults));
        };
        let roster = self.journal().read(|state| state.agency(&approver?).cloned());
        let persons = roster.and_then(|roster| approvers(&roster, &document.approvals, &digest));
        if persons.is_none_or(|persons| persons.len() < APPROVALS) {
            return Err(unapproved());
        }
        Ok(Governed { schemas })
    }
}

fn unapproved() -> Error {
    let message = "two rostered persons have to approve exactly this text: of the granting agency for an agreement, of the \
                   operator's agency for any other document";
    Error::new(Class::Denied, "unapproved", message)
}
