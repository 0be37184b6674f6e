//! Handing an approved identity on: sealed to its owner, then sealed again by the owner to the partner that asked. The gateway
//! opens neither.

use std::sync::Arc;

use causeway_crypto::{SealingPublicKey, sha256};
use causeway_journal::{
    Outcome, REASON_IDENTITY_COLLECTED, REASON_IDENTITY_DELIVERED, REASON_IDENTITY_RELEASED, sealed_body_digest, v1,
};
use causeway_model::{AgencyId, EntryId, Kind, LeafIndex};
use causeway_store::{Draft, DraftBody};

use super::pending::Turn;
use super::{Found, is_refusal, lost, unknown_request, withheld};
use crate::draft::{Said, entry_id};
use crate::witnessed::not_yet;
use crate::{Caller, Class, Error, Exchange};

/// The version that what is sealed to a partner is bound to.
const PARTNERS_VERSION: u32 = 1;

/// Something sealed, with all but the private key that opens it.
#[derive(Clone)]
pub struct SealedIdentity {
    /// The agency whose key it is sealed to.
    pub agency: AgencyId,
    /// What it is bound to: the record for its owner, the request for a partner.
    pub context_id: [u8; 16],
    /// The version it is bound to: the record's for its owner, 1 for a partner.
    pub version: u32,
    /// The record's kind.
    pub kind: Kind,
    /// The sealed body.
    pub sealed: v1::SealedBody,
    /// The encapsulated key that it refers to.
    pub encapsulation: Vec<u8>,
}

impl std::fmt::Debug for SealedIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedIdentity({})", self.agency)
    }
}

/// What leaves to the owner's system.
#[derive(Debug, Clone)]
pub struct ReleasedIdentity {
    /// What the owner can open.
    pub sealed: SealedIdentity,
    /// The partner that asked and its public sealing key, to which it is to be sealed again; none where the owner itself asked.
    pub partner: Option<(AgencyId, Vec<u8>)>,
}

impl Exchange {
    /// The sealed body of an approved request, once, after its disclosure has become durable. Where a partner asked, the record is
    /// in its feed at that moment.
    ///
    /// # Errors
    /// `NotFound` for a request that is not for the caller's records; `Denied` where it is not approved, its time is over, or the
    /// agreement does not let this identity go to its partner; `Conflict` where it was released or refused before, the record has
    /// gone, or the partner's feed does not show it now; `Unavailable`: then nothing leaves.
    pub async fn release_identity(&self, caller: &Caller, id: &EntryId) -> Result<ReleasedIdentity, Error> {
        let _turn = match self.turn(id) {
            Ok(turn) => turn,
            Err(refusal) => return Err(self.refuse_step(caller, v1::Operation::Disclosure, id, refusal).await),
        };
        let (found, released) = match self.releasable(caller, id).await {
            Ok(ready) => ready,
            Err(refusal) => return Err(self.refuse_step(caller, v1::Operation::Disclosure, id, refusal).await),
        };
        let leaf = match found.identity.released {
            Some(_) => self.asked_again(caller, &found).await?,
            None => {
                let mut draft = handing(caller, &found, REASON_IDENTITY_RELEASED);
                draft.entry.records.push(found.record_ref());
                let recipient = v1::Recipient { agency: found.owner.to_string(), ..v1::Recipient::default() };
                draft.entry.recipient = Some(recipient);
                draft.entry.byte_count = released.sealed.sealed.ciphertext.len() as u64;
                let committed = self.record_or_refuse(caller, draft).await?;
                if !committed.outcome.is_effective() {
                    return Err(lost_to_owner(&found, &committed.outcome));
                }
                committed.leaf
            }
        };
        match self.leaves(&found, REASON_IDENTITY_RELEASED, leaf).await {
            Ok(()) => Ok(released),
            Err(refusal) => Err(self.refuse_step(caller, v1::Operation::Disclosure, id, refusal).await),
        }
    }

    /// Where there are witnesses to wait for, one caller at a time waits for a request.
    fn turn(&self, id: &EntryId) -> Result<Option<Turn<'_>>, Error> {
        if self.witnessed().is_on() { self.pending().turn(id).map(Some) } else { Ok(None) }
    }

    /// Whether a recorded step hands over now: under a witnessed checkpoint where there are witnesses, and once.
    async fn leaves(&self, found: &Found, step: &'static str, leaf: LeafIndex) -> Result<(), Error> {
        self.witnessed_step(&found.id, step, leaf).await?;
        if self.disclosures_stopped() {
            return Err(not_yet());
        }
        // What came before this in the log, or while it waited, may have taken the record out of the feed. That the step was recorded
        // stays; nothing leaves.
        let may = match step {
            REASON_IDENTITY_COLLECTED => self.may_collect(found).await,
            _ => self.may_go_now(found).await,
        };
        match may {
            Ok(()) => self.goes_once(&found.id, step),
            Err(refusal) => {
                if is_refusal(&refusal) {
                    self.pending().take(&found.id, step);
                }
                Err(refusal)
            }
        }
    }

    async fn releasable(&self, caller: &Caller, id: &EntryId) -> Result<(Found, ReleasedIdentity), Error> {
        self.may_disclose()?;
        let found = self.of_owner(caller, id)?;
        if let Some(leaf) = found.identity.released
            && !self.still_waits(id, REASON_IDENTITY_RELEASED, &found.owner, leaf).await?
        {
            return Err(lost(&Outcome::AlreadyDone));
        }
        found.stands(self.now())?;
        self.may_go_now(&found).await?;
        let body = self.body_at(found.identity.record_id, found.made).await?.ok_or_else(|| lost(&Outcome::Erased))?;
        let (Some(sealed), Some(encapsulation)) = (body.body.sealed, body.encapsulation) else {
            return Err(Error::internal("a request was recorded for a body without a sealed half"));
        };
        if sealed_body_digest(&sealed) != found.identity.sealed_body {
            return Err(Error::internal("a sealed body is not the one that was approved"));
        }
        let partner = match found.is_partners() {
            true => Some((found.identity.requester.clone(), self.sealing_key(&found.identity.requester)?)),
            false => None,
        };
        let sealed = SealedIdentity {
            agency: found.owner.clone(),
            context_id: *found.identity.record_id.as_bytes(),
            version: found.identity.version.0,
            kind: found.schema.kind,
            sealed,
            encapsulation,
        };
        Ok((found, ReleasedIdentity { sealed, partner }))
    }

    /// Takes what the owner has sealed again to the partner that asked, and keeps it as any body, so that an erasure of the record
    /// destroys it too.
    ///
    /// # Errors
    /// `NotFound` for a request that is not for the caller's records or that it made itself; `Invalid` for what is not sealed to
    /// that partner's key in force and bound to the request; otherwise as [`Exchange::release_identity`].
    pub async fn deliver_identity(
        &self,
        caller: &Caller,
        id: &EntryId,
        sealed: SealedIdentity,
    ) -> Result<LeafIndex, Error> {
        let found = match self.deliverable(caller, id, &sealed).await {
            Ok(found) => found,
            Err(refusal) => return Err(self.refuse_step(caller, v1::Operation::Disclosure, id, refusal).await),
        };
        let mut draft = handing(caller, &found, REASON_IDENTITY_DELIVERED);
        draft.entry.records.push(found.record_ref());
        draft.entry.recipient = Some(self.partner(&found));
        draft.entry.byte_count = sealed.sealed.ciphertext.len() as u64;
        draft.entry.sealing_key_id.clone_from(&sealed.sealed.key_id);
        let body = v1::Body { schema: found.schema.to_string(), classified: Vec::new(), sealed: Some(sealed.sealed) };
        let encapsulation: Arc<[u8]> = sealed.encapsulation.into();
        draft.body = Some(DraftBody::encrypt(&body, &entry_id(&draft), Some(encapsulation)));
        let committed = self.record_or_refuse(caller, draft).await?;
        if committed.outcome.is_effective() {
            Ok(committed.leaf)
        } else {
            Err(lost_to_owner(&found, &committed.outcome))
        }
    }

    async fn deliverable(&self, caller: &Caller, id: &EntryId, sealed: &SealedIdentity) -> Result<Found, Error> {
        let found = self.of_owner(caller, id)?;
        if !found.is_partners() {
            return Err(unknown_request());
        }
        if found.identity.delivered.is_some() {
            return Err(lost(&Outcome::AlreadyDone));
        }
        found.stands(self.now())?;
        if found.identity.released.is_none() {
            let message = "what is delivered has to be released to its owner first";
            return Err(Error::new(Class::Conflict, "identity-not-released", message));
        }
        self.may_go_now(&found).await?;
        let key =
            SealingPublicKey::from_bytes(&self.sealing_key(&found.identity.requester)?).map_err(Error::corrupt)?;
        let is_bound = sealed.agency == found.identity.requester
            && sealed.context_id == *found.id.as_bytes()
            && sealed.version == PARTNERS_VERSION
            && sealed.kind == found.schema.kind;
        let names_its_parts = sealed.sealed.key_id == key.key_id().0
            && sealed.sealed.encapsulation_id.len() == 16
            && sha256(&[&sealed.encapsulation]).0.starts_with(&sealed.sealed.encapsulation_id);
        if is_bound && names_its_parts {
            return Ok(found);
        }
        let message = "this is not sealed to the requester's key in force and bound to this request";
        Err(Error::invalid("sealed-identity-mismatch", message))
    }

    /// What the owner delivered for the caller, once, after its disclosure has become durable, and while the caller's feed shows the
    /// record.
    ///
    /// # Errors
    /// `Conflict` where it was collected or refused before and `Denied` where its time is over, whatever the record's standing;
    /// `NotFound` alike for a request that is not there, is another's, is not delivered, or whose record the feed does not show;
    /// `Denied` where the agreement gives no identities any more; `Unavailable`: then nothing leaves.
    pub async fn collect_identity(&self, caller: &Caller, id: &EntryId) -> Result<SealedIdentity, Error> {
        let _turn = match self.turn(id) {
            Ok(turn) => turn,
            Err(refusal) => return Err(self.refuse_step(caller, v1::Operation::Disclosure, id, refusal).await),
        };
        let (found, sealed) = match self.collectable(caller, id).await {
            Ok(ready) => ready,
            Err(refusal) => return Err(self.refuse_step(caller, v1::Operation::Disclosure, id, refusal).await),
        };
        let leaf = match found.identity.collected {
            Some(_) => self.asked_again(caller, &found).await?,
            None => {
                // It names no record: the partner's auditor reads this entry.
                let mut draft = handing(caller, &found, REASON_IDENTITY_COLLECTED);
                draft.entry.recipient = Some(self.partner(&found));
                draft.entry.byte_count = sealed.sealed.ciphertext.len() as u64;
                let committed = self.record_or_refuse(caller, draft).await?;
                match committed.outcome {
                    Outcome::Effective => committed.leaf,
                    Outcome::Erased => return Err(unknown_request()),
                    outcome => return Err(lost(&outcome)),
                }
            }
        };
        // As at the release: decided again, now that the disclosure has its place in the log.
        match self.leaves(&found, REASON_IDENTITY_COLLECTED, leaf).await {
            Ok(()) => Ok(sealed),
            Err(refusal) => Err(self.refuse_step(caller, v1::Operation::Disclosure, id, refusal).await),
        }
    }

    async fn collectable(&self, caller: &Caller, id: &EntryId) -> Result<(Found, SealedIdentity), Error> {
        self.may_disclose()?;
        let found = self.of_partner(caller, id)?;
        let identity = &found.identity;
        let is_done = match identity.collected {
            Some(leaf) => !self.still_waits(id, REASON_IDENTITY_COLLECTED, &identity.requester, leaf).await?,
            None => false,
        };
        // What the partner knows of the request comes before how the record stands: asked again, the answer stays the same,
        // whatever has become of the record meanwhile.
        if is_done || identity.refused.is_some() {
            return Err(lost(&Outcome::AlreadyDone));
        }
        if identity.approved.is_some() && !identity.stands(self.now()) {
            return Err(lost(&Outcome::Expired));
        }
        let leaf = identity.delivered.ok_or_else(unknown_request)?;
        let agreement = self.feed_of(caller, identity.agreement.as_ref())?;
        self.terms_of(&agreement)?;
        self.may_collect(&found).await?;
        let body = self.body_at(found.identity.record_id, leaf).await?.ok_or_else(unknown_request)?;
        let (Some(sealed), Some(encapsulation)) = (body.body.sealed, body.encapsulation) else {
            return Err(Error::internal("a delivery was recorded without what was delivered"));
        };
        let sealed = SealedIdentity {
            agency: found.identity.requester.clone(),
            context_id: *found.id.as_bytes(),
            version: PARTNERS_VERSION,
            kind: found.schema.kind,
            sealed,
            encapsulation,
        };
        Ok((found, sealed))
    }

    /// Whether the identity may go to the partner now. It is not told why not.
    async fn may_collect(&self, found: &Found) -> Result<(), Error> {
        let told = |error| if is_refusal(&error) { unknown_request() } else { error };
        self.may_go_now(found).await.map_err(told)
    }

    /// The public sealing key in an agency's file in force.
    fn sealing_key(&self, agency: &AgencyId) -> Result<Vec<u8>, Error> {
        let key = self.journal().read(|state| state.agency(agency).map(|file| file.sealing_public_key.clone()));
        key.ok_or_else(|| Error::internal("an agency that asked has no agency file"))
    }

    fn partner(&self, found: &Found) -> v1::Recipient {
        let agreement = found.identity.agreement.as_ref();
        let version = self.journal().read(|state| Some(state.agreement(agreement?)?.version));
        v1::Recipient {
            agency: found.identity.requester.to_string(),
            agreement: agreement.map(ToString::to_string).unwrap_or_default(),
            agreement_version: version.unwrap_or_default(),
            clause: String::new(),
        }
    }
}

/// Why the owner's step lost to what came before it in the log.
fn lost_to_owner(found: &Found, outcome: &Outcome) -> Error {
    match outcome {
        // Apply knows nothing but this of a request that is there, is the owner's and has come so far.
        Outcome::NotFound if found.is_partners() => withheld(),
        outcome => lost(outcome),
    }
}

/// The disclosure entry of one step.
fn handing(caller: &Caller, found: &Found, reason: &'static str) -> Draft {
    let mut draft = Said::allowed(v1::Operation::Disclosure, reason).by(caller);
    draft.entry.identity_request = found.id.as_bytes().to_vec();
    draft.entry.count = 1;
    draft
}
