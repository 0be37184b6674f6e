//! What the owner's persons say to a request: two approve by their signatures, one refuses with a reason.

use causeway_journal::{Outcome, REASON_IDENTITY_APPROVED, REASON_IDENTITY_REFUSED, identity_digest, v1};
use causeway_model::{EntryId, LeafIndex, PersonId, PurposeText, Timestamp};
use causeway_store::Draft;

use super::{Found, lost};
use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange, PersonSignature};

/// How far an approval has brought a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approved {
    /// Approvals that count so far; two are needed.
    pub approvals: usize,
    /// Until when the release stands, where it is approved now.
    pub ends: Option<Timestamp>,
}

impl Exchange {
    /// Records one person's approval. The second one's starts the time that the release stands.
    ///
    /// # Errors
    /// `NotFound` for a request that is not for the caller's records; `Denied` where the person is not on the roster, did not sign
    /// this, or is who asked, or the agreement does not let this identity go to the partner's country; `Conflict` where that person has approved, or the request has been settled; `Unavailable`.
    pub async fn approve_identity(
        &self,
        caller: &Caller,
        id: &EntryId,
        signature: &PersonSignature,
    ) -> Result<Approved, Error> {
        let checked = match self.of_owner(caller, id) {
            Ok(found) => self.check_approval(&found, signature).await.map(|approval| (found, approval)),
            Err(refusal) => Err(refusal),
        };
        let (found, approval) = match checked {
            Ok(checked) => checked,
            Err(refusal) => {
                return Err(self.refuse_step(caller, v1::Operation::Consultation, id, refusal).await);
            }
        };
        let mut draft = step(caller, &found, REASON_IDENTITY_APPROVED);
        draft.entry.approvals.push(approval);
        let committed = self.record_or_refuse(caller, draft).await?;
        if !committed.outcome.is_effective() {
            return Err(lost(&committed.outcome));
        }
        let now = self.found(id).ok_or_else(|| lost(&Outcome::NotFound))?.identity;
        Ok(Approved { approvals: now.approvals.len(), ends: now.ends() })
    }

    /// Records that the owner refuses, and why: in words that the requester reads.
    ///
    /// The reason takes the place of the purpose's text among the entry's openings: it is why this was done.
    ///
    /// # Errors
    /// `NotFound` for a request that is not for the caller's records; `Conflict` where it has been settled; `Unavailable`.
    pub async fn refuse_identity(
        &self,
        caller: &Caller,
        id: &EntryId,
        reason: &PurposeText,
    ) -> Result<LeafIndex, Error> {
        let checked = self.of_owner(caller, id).and_then(|found| {
            let settled = found.identity.refused.is_some() || found.identity.released.is_some();
            if settled { Err(lost(&Outcome::AlreadyDone)) } else { Ok(found) }
        });
        let found = match checked {
            Ok(found) => found,
            Err(refusal) => {
                return Err(self.refuse_step(caller, v1::Operation::Consultation, id, refusal).await);
            }
        };
        let mut draft = step(caller, &found, REASON_IDENTITY_REFUSED);
        if let Some(openings) = &mut draft.openings {
            reason.expose().clone_into(&mut openings.purpose_text);
        }
        let committed = self.record_or_refuse(caller, draft).await?;
        if committed.outcome.is_effective() { Ok(committed.leaf) } else { Err(lost(&committed.outcome)) }
    }

    /// The approval as an entry holds it, if it is one that counts.
    async fn check_approval(&self, found: &Found, signature: &PersonSignature) -> Result<v1::Approval, Error> {
        let identity = &found.identity;
        if found.erased {
            return Err(lost(&Outcome::Erased));
        }
        let approved_by = |person: &PersonId| identity.approvals.iter().any(|(earlier, _)| earlier == person);
        if identity.refused.is_some() || identity.approved.is_some() || approved_by(&signature.person) {
            return Err(lost(&Outcome::AlreadyDone));
        }
        let digest = identity_digest(&found.id, &identity.sealed_body, &identity.requester);
        let approval = self.approval(&found.owner, &digest, signature).ok_or_else(|| {
            let message = "the person is not on this agency's roster, or the signature is not theirs over this request";
            Error::new(Class::Denied, "unapproved", message)
        })?;
        if found.is_partners() {
            self.may_be_approved(found).await?;
        } else if !self.asked_by_another(found, &signature.person).await? {
            let message = "whoever asked for an identity does not approve its release: two others have to";
            return Err(Error::new(Class::Denied, "approver-is-requester", message));
        }
        Ok(approval)
    }

    /// Whether it was surely not this person who asked: by the operator id that the request was made under. Where that cannot be
    /// read, nobody is surely another.
    async fn asked_by_another(&self, found: &Found, person: &PersonId) -> Result<bool, Error> {
        let openings = self.journal().openings(found.identity.leaf).await.map_err(Error::corrupt)?;
        let Some(openings) = openings else { return Ok(false) };
        let operator = openings.operator.trim().to_ascii_lowercase();
        let own = format!("{}/", found.owner);
        let named = operator.strip_prefix(own.as_str()).unwrap_or(&operator);
        Ok(!named.is_empty() && named != person.as_str())
    }
}

/// The entry of the owner's step on a request.
fn step(caller: &Caller, found: &Found, reason: &'static str) -> Draft {
    let mut draft = Said::allowed(v1::Operation::Consultation, reason).by(caller);
    draft.entry.identity_request = found.id.as_bytes().to_vec();
    draft.entry.subject_digest = found.identity.sealed_body.0.to_vec();
    draft.entry.records.push(found.record_ref());
    draft
}
