//! Whether an identity may go to the partner that asks for it, at this moment: only while its feed shows the record, and only to a
//! country that the agreement lets it go to.

use std::sync::Arc;

use causeway_agreement::{Agreement, IdentityTerms};
use causeway_journal::Outcome;
use causeway_model::RecordFacts;

use super::{Found, lost};
use crate::slot::shown;
use crate::standing::standing;
use crate::verdict::Ground;
use crate::{Class, Error, Exchange};

impl Exchange {
    /// Whether what a partner asked for may go to it now: its feed shows the record's current version, a clause grants that version
    /// at this moment, and it is of nobody who may come from the partner's country, unless the agreement lets such an identity go
    /// there. Who asked for its own record is not asked about a feed.
    ///
    /// # Errors
    /// In words for the owner. A partner is not to know the reason.
    pub(super) async fn may_go_now(&self, found: &Found) -> Result<(), Error> {
        if !found.is_partners() {
            return Ok(());
        }
        let agreement = self.agreement_of(found)?;
        let terms = self.terms_of(&agreement)?;
        let record = found.identity.record_id;
        let (standing, live) = self
            .journal()
            .read(|state| (standing(state, &agreement), shown(state, &agreement, &record).and_then(|slot| slot.live)));
        let live = live.ok_or_else(not_in_feed)?;
        let body = self.body_at(record, live.made).await?.ok_or_else(not_in_feed)?;
        let ground = Ground { agreement: &agreement, standing, now: self.now() };
        let granted = self.granted(&ground, &live, &body)?.map_err(|_withheld| not_in_feed())?;
        may_go_to_country(&terms, &agreement, &granted.facts)
    }

    /// Whether the agreement in force lets the version that was asked for go to the partner's country.
    pub(super) async fn may_be_approved(&self, found: &Found) -> Result<(), Error> {
        let agreement = self.agreement_of(found)?;
        let terms = self.terms_of(&agreement)?;
        let body = self.body_at(found.identity.record_id, found.made).await?;
        let body = body.ok_or_else(|| lost(&Outcome::Erased))?;
        let (schema, classified) = self.classified(&body.body)?;
        may_go_to_country(&terms, &agreement, &schema.facts(&classified))
    }

    /// The agreement that a partner asked under, as it is in force.
    fn agreement_of(&self, found: &Found) -> Result<Arc<Agreement>, Error> {
        let agreement = found.identity.agreement.as_ref();
        let agreement = self.journal().read(|state| agreement.and_then(|id| state.agreement(id).cloned()));
        agreement.ok_or_else(|| Error::internal("a partner's request is under no agreement"))
    }
}

/// Not to a country that the person may come from, unless the agreement says so.
fn may_go_to_country(terms: &IdentityTerms, agreement: &Agreement, facts: &RecordFacts) -> Result<(), Error> {
    if terms.to_source_country || !facts.may_come_from(agreement.recipient.country()) {
        return Ok(());
    }
    let message = "the person may come from the country that asks, and the agreement does not let such an identity go there; \
                   refuse the request, or have the agreement changed";
    Err(Error::new(Class::Denied, "identity-to-source-country", message))
}

fn not_in_feed() -> Error {
    let message = "the partner's feed does not show this record now, so its identity does not go there either";
    Error::new(Class::Conflict, "record-not-in-feed", message)
}
