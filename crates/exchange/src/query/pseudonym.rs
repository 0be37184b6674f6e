//! Whom a pseudonym of a feed stands for, for the auditors of the record's owner: by the search that re-identification uses.

use causeway_agreement::Agreement;
use causeway_model::RecordId;

use super::{Filter, Pseudonym, UnderAgreement};
use crate::{Caller, Class, Error, Exchange, Tallied};

impl Exchange {
    /// The record that a question is about: the one that it names, or the one behind the pseudonym that it names. Where it names both
    /// and they are two, none that there is.
    ///
    /// # Errors
    /// `NotFound` for a pseudonym of no live item, of another owner's feed, and for an auditor with limits, alike; `Invalid` for a
    /// mistyped one; `Busy` while the agency's last search is under way.
    pub(super) async fn subject_of(&self, caller: &Caller, filter: &Filter) -> Result<Option<Subject>, Error> {
        let Some(UnderAgreement { agreement, pseudonym: Some(pseudonym), .. }) = &filter.under else {
            return Ok(filter.record.map(Subject::Is));
        };
        if !causeway_crypto::pseudonym_is_well_formed(pseudonym.as_str()) {
            let message = "that is no pseudonym: it was mistyped, or something else was sent; copy it from the item";
            return Err(Error::invalid("pseudonym-malformed", message));
        }
        let agreement = self.journal().read(|state| state.agreement(agreement).cloned());
        // Told before the search, so that its time says nothing of a feed that is another owner's.
        let own = |agreement: &Agreement| agreement.granting == caller.system.agency;
        let may = !self.scope(caller).is_limited();
        let agreement = agreement.filter(|agreement| may && own(agreement)).ok_or_else(unknown)?;
        let found = self.search_for(caller, &agreement, pseudonym).await?.ok_or_else(unknown)?;
        match filter.record {
            Some(record) if record != found => Ok(Some(Subject::Nobody)),
            Some(_) | None => Ok(Some(Subject::Is(found))),
        }
    }

    async fn search_for(
        &self,
        caller: &Caller,
        agreement: &std::sync::Arc<Agreement>,
        pseudonym: &Pseudonym,
    ) -> Result<Option<RecordId>, Error> {
        let leave = self.searches().begin(&caller.system.agency);
        let _one_at_a_time = leave.inspect_err(|_| self.tally("", Some(&caller.system), Tallied::Overload, 1))?;
        let behind = self.behind(agreement, pseudonym.as_str(), None).await?;
        let owner = |record: &RecordId| {
            self.journal().read(|state| state.record(record).is_some_and(|known| *known.owner == caller.system.agency))
        };
        Ok(behind.map(|behind| behind.record_id).filter(owner))
    }
}

/// Whom a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// This record, whether there is such a one or not.
    Is(RecordId),
    /// Two records at once: nothing is about both.
    Nobody,
}

/// A pseudonym of no live item of this auditor's agency, whatever the reason.
fn unknown() -> Error {
    let message = "no item that is live now of a feed of this agency's records shows this pseudonym";
    Error::new(Class::NotFound, "unknown-pseudonym", message)
}
