//! Asking for an identity: the owner by record id, a partner by a pseudonym of its feed.

use std::sync::Arc;

use causeway_agreement::{Agreement, IdentityTerms};
use causeway_crypto::Digest;
use causeway_journal::{Erasure, Outcome, REASON_IDENTITY_REQUESTED, sealed_body_digest, v1};
use causeway_model::{AgreementId, CaseReference, EntryId, Position, RecordId, RecordVersion, SchemaId};
use causeway_store::{Draft, OpenedBody};

use super::search::Searching;
use super::{OwnIdentities, is_refusal, lost};
use crate::draft::{Said, entry_id};
use crate::exchange::record_ref;
use crate::submit::leaf_of;
use crate::{Caller, Class, Error, Exchange, Tallied};

/// Whose identity.
#[derive(Clone)]
pub enum Whose {
    /// Of a record of the caller's own.
    Record(RecordId),
    /// Of whom an item of the caller's feed calls by this pseudonym.
    Pseudonym {
        /// As the item shows it.
        pseudonym: String,
        /// The agreement; none where the agency has one agreement only.
        agreement: Option<AgreementId>,
        /// The item's position, where it is known.
        position: Option<Position>,
    },
}

impl std::fmt::Debug for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Record(_) => "Record(..)",
            Self::Pseudonym { .. } => "Pseudonym(..)",
        })
    }
}

/// A request for an identity.
#[derive(Debug, Clone)]
pub struct IdentityQuestion {
    /// Whose.
    pub whose: Whose,
    /// The case that needs it; the entry holds a commitment.
    pub case_reference: CaseReference,
}

/// A record version that somebody asks about.
struct Named {
    record_id: RecordId,
    version: RecordVersion,
    schema: SchemaId,
    agreement: Option<Arc<Agreement>>,
}

/// What a request is about, found and checked.
struct Sought {
    named: Named,
    sealed: Digest,
    terms: OwnIdentities,
}

/// A refusal, with the record where the question found one: the owner's auditors then learn of what was tried on it.
struct Refused {
    error: Error,
    named: Option<Box<Named>>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, named: None }
    }
}

impl Exchange {
    /// Records a request and gives its id. A partner finds out nothing about what its feed does not show it now.
    ///
    /// # Errors
    /// `NotFound` alike for a record or pseudonym that is not there, is another's or may not leave; `Invalid` for a mistyped
    /// pseudonym; `Denied` where the agreement does not let its partner ask, or the month's requests are used up; `Busy` where a
    /// request of the partner's that has its whole feed searched is under way; `Unavailable`.
    pub async fn request_identity(&self, caller: &Caller, question: IdentityQuestion) -> Result<EntryId, Error> {
        let _one_at_a_time = self.may_search(caller, &question.whose)?;
        let sought = match &question.whose {
            Whose::Record(record) => self.own_record(caller, record).await,
            Whose::Pseudonym { pseudonym, agreement, position } => {
                self.behind_pseudonym(caller, agreement.as_ref(), pseudonym, *position).await
            }
        };
        match sought {
            Ok(sought) => self.record_request(caller, sought, &question.case_reference).await,
            Err(refused) => Err(self.refuse_request(caller, refused, &question.case_reference).await),
        }
    }

    /// A caller's leave to have its feed searched, where that is what its question takes: of one position it is not. It lasts until
    /// the answer, whichever, is recorded.
    fn may_search(&self, caller: &Caller, whose: &Whose) -> Result<Option<Searching<'_>>, Error> {
        let Whose::Pseudonym { position: None, .. } = whose else { return Ok(None) };
        let leave = self.searches().begin(&caller.system.agency);
        leave.map(Some).inspect_err(|_| self.tally("", Some(&caller.system), Tallied::Overload, 1))
    }

    async fn own_record(&self, caller: &Caller, id: &RecordId) -> Result<Sought, Refused> {
        let (named, leaf) = self.journal().read(|state| {
            let record = state.record(id).filter(|record| *record.owner == caller.system.agency);
            let record = record.ok_or_else(Error::unknown_record)?;
            if record.erasure != Erasure::None {
                return Err(lost(&Outcome::Erased));
            }
            let leaf = leaf_of(record, record.current).ok_or_else(Error::unknown_record)?;
            let named = Named { record_id: *id, version: record.current, schema: record.schema, agreement: None };
            Ok((named, leaf))
        })?;
        let body = self.body_at(*id, leaf).await?.ok_or_else(|| lost(&Outcome::Erased))?;
        sought(named, &body, self.own_identities())
    }

    async fn behind_pseudonym(
        &self,
        caller: &Caller,
        agreement: Option<&AgreementId>,
        pseudonym: &str,
        position: Option<Position>,
    ) -> Result<Sought, Refused> {
        let agreement = self.feed_of(caller, agreement)?;
        let terms = self.terms_of(&agreement)?;
        if !causeway_crypto::pseudonym_is_well_formed(pseudonym) {
            let message = "that is no pseudonym: it was mistyped, or something else was sent; copy it from the item";
            return Err(Error::invalid("pseudonym-malformed", message).into());
        }
        let found = self.behind(&agreement, pseudonym, position).await?.ok_or_else(unknown_pseudonym)?;
        let schema = self.journal().read(|state| state.record(&found.record_id).map(|record| record.schema));
        let schema = schema.ok_or_else(unknown_pseudonym)?;
        let named = Named {
            record_id: found.record_id,
            version: found.version,
            schema,
            agreement: Some(Arc::clone(&agreement)),
        };
        // Whether the person may come from the partner's country is looked at when somebody approves: a refusal here would tell the
        // partner which of its pseudonyms are of its own nationals, as often as it likes to ask.
        let IdentityTerms { monthly_cap, stands_hours, .. } = terms;
        sought(named, &found.body, OwnIdentities { monthly_cap, stands_hours })
    }

    /// On what terms the partner of an agreement may ask now.
    pub(super) fn terms_of(&self, agreement: &Agreement) -> Result<IdentityTerms, Error> {
        let denied = |reason, message: String| Error::new(Class::Denied, reason, message);
        if !agreement.is_in_force(self.now()) {
            return Err(denied("agreement-not-in-force", format!("{} is not in force today", agreement.id)));
        }
        let not_agreed = || denied("identity-not-agreed", format!("{} gives its partner no identities", agreement.id));
        agreement.identity.ok_or_else(not_agreed)
    }

    async fn record_request(&self, caller: &Caller, sought: Sought, case: &CaseReference) -> Result<EntryId, Error> {
        let Sought { named, sealed, terms } = sought;
        let mut draft = Said::allowed(v1::Operation::Consultation, REASON_IDENTITY_REQUESTED).by(caller);
        state_case(&mut draft, case);
        state_record(&mut draft, caller, &named);
        draft.entry.subject_digest = sealed.0.to_vec();
        draft.entry.count = terms.monthly_cap.into();
        let now = self.now();
        let end = now.plus_seconds(u64::from(terms.stands_hours) * 3600);
        draft.entry.period = Some(v1::Period { from_micros: now.0, to_micros: end.0 });
        let id = entry_id(&draft);
        let committed = self.record_or_refuse(caller, draft).await?;
        match committed.outcome {
            Outcome::Effective => Ok(id),
            // The agreement was superseded, or the record has gone, at this moment.
            Outcome::NotFound if named.agreement.is_some() => Err(unknown_pseudonym()),
            Outcome::NotFound => Err(Error::unknown_record()),
            // That its record is erased is not a partner's to know.
            Outcome::Erased if named.agreement.is_some() => Err(unknown_pseudonym()),
            outcome => Err(lost(&outcome)),
        }
    }

    async fn refuse_request(&self, caller: &Caller, refused: Refused, case: &CaseReference) -> Error {
        let Refused { error, named } = refused;
        if !is_refusal(&error) {
            return error;
        }
        let mut draft = Said::denied(v1::Operation::Consultation, error.reason).by(caller);
        state_case(&mut draft, case);
        if let Some(named) = named {
            state_record(&mut draft, caller, &named);
        }
        self.refused_by(caller, draft, error).await
    }
}

fn sought(named: Named, body: &OpenedBody, terms: OwnIdentities) -> Result<Sought, Refused> {
    match &body.body.sealed {
        Some(sealed) => Ok(Sought { named, sealed: sealed_body_digest(sealed), terms }),
        None => {
            let error = Error::new(Class::Conflict, "nothing-sealed", "the record holds no identity");
            Err(Refused { error, named: Some(Box::new(named)) })
        }
    }
}

fn state_case(draft: &mut Draft, case: &CaseReference) {
    if let Some(openings) = &mut draft.openings {
        case.expose().clone_into(&mut openings.case_reference);
    }
}

fn state_record(draft: &mut Draft, caller: &Caller, named: &Named) {
    draft.entry.records.push(record_ref(&named.record_id, named.version, RecordVersion(0), named.schema));
    draft.entry.recipient = Some(v1::Recipient {
        agency: caller.system.agency.to_string(),
        agreement: named.agreement.as_ref().map(|known| known.id.to_string()).unwrap_or_default(),
        agreement_version: named.agreement.as_ref().map_or(0, |known| known.version),
        clause: String::new(),
    });
}

/// A pseudonym of no live item of the feed, whatever the reason.
fn unknown_pseudonym() -> Error {
    Error::new(Class::NotFound, "unknown-pseudonym", "no item of this feed that is live now shows this pseudonym")
}
