//! Whom a question is about: the record that it names, or all those that a pseudonym of a feed stands for, for the auditors of their
//! owner.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_agreement::Agreement;
use causeway_journal::v1;
use causeway_model::{LeafIndex, Position, RecordId};

use super::{Filter, Pseudonym, UnderAgreement};
use crate::draft::Said;
use crate::erase::named;
use crate::identity::Searching;
use crate::pull::SLICE_BODIES;
use crate::slot::{Slot, stretch};
use crate::verdict::Ground;
use crate::{Caller, Class, Error, Exchange, Tallied};

/// Positions that a search takes at a time.
const SCAN_POSITIONS: u32 = 256;

/// Records that one entry names, of those that a pseudonym led to: well within the largest entry.
const RECORDS_AN_ENTRY: usize = 256;

/// A pseudonym that may be searched for, and the leave to do so.
pub(super) struct Sought<'a> {
    agreement: Arc<Agreement>,
    pseudonym: Pseudonym,
    _one_at_a_time: Searching<'a>,
}

impl Exchange {
    /// The pseudonym that a question names, where this auditor may have it searched for.
    ///
    /// # Errors
    /// `NotFound` for another owner's feed and for an auditor with limits, as for a pseudonym that nobody has; `Invalid` for a mistyped
    /// one; `Busy` while the agency's last search is under way.
    pub(super) fn sought(&self, caller: &Caller, filter: &Filter) -> Result<Option<Sought<'_>>, Error> {
        let Some(UnderAgreement { agreement, pseudonym: Some(pseudonym), .. }) = &filter.under else { return Ok(None) };
        if !causeway_crypto::pseudonym_is_well_formed(pseudonym.as_str()) {
            let message = "that is no pseudonym: it was mistyped, or something else was sent; copy it from the item";
            return Err(Error::invalid("pseudonym-malformed", message));
        }
        let agreement = self.journal().read(|state| state.agreement(agreement).cloned());
        // Told before the search, so that its time says nothing of a feed that is another owner's.
        let may = !self.scope(caller).is_limited();
        let own = |agreement: &Arc<Agreement>| may && agreement.granting == caller.system.agency;
        let agreement = agreement.filter(own).ok_or_else(unknown)?;
        let leave = self.searches().begin(&caller.system.agency);
        let leave = leave.inspect_err(|_| self.tally("", Some(&caller.system), Tallied::Overload, 1))?;
        Ok(Some(Sought { agreement, pseudonym: pseudonym.clone(), _one_at_a_time: leave }))
    }

    /// The records that a pseudonym stands for; of these the one that the question names too, where it names one. What the search came to
    /// is recorded before anything is said of it.
    ///
    /// # Errors
    /// `NotFound` for a pseudonym of no live item of this auditor's agency.
    pub(super) async fn resolved(
        &self,
        caller: &Caller,
        sought: Sought<'_>,
        record: Option<RecordId>,
    ) -> Result<Vec<RecordId>, Error> {
        let mut records = self.all_behind(&sought).await?;
        self.journal().read(|state| {
            records.retain(|id| state.record(id).is_some_and(|known| *known.owner == caller.system.agency));
        });
        let records: Vec<RecordId> = records.into_iter().collect();
        if records.is_empty() {
            return Err(self.refuse(caller, v1::Operation::Consultation, unknown()).await);
        }
        for some in records.chunks(RECORDS_AN_ENTRY) {
            let mut found = Said::allowed(v1::Operation::Consultation, "pseudonym-resolved").by(caller);
            found.entry.records = named(some);
            self.record_or_refuse(caller, found).await?;
        }
        Ok(records.into_iter().filter(|found| record.is_none_or(|record| record == *found)).collect())
    }

    /// The record that a question names, where it is for this auditor to ask about one: the operator's and the owner's. To anybody else
    /// the answer is that of a record that is not there, since it would tie an id to a page.
    pub(super) fn about(&self, caller: &Caller, record: RecordId) -> Vec<RecordId> {
        let owns = || {
            let own = |state: &causeway_journal::State| {
                state.record(&record).is_some_and(|known| *known.owner == caller.system.agency)
            };
            self.journal().read(own)
        };
        if self.scope(caller).is_operators() || owns() { vec![record] } else { Vec::new() }
    }

    /// All records with a live item that shows the pseudonym to the partner now: a person may be in several.
    async fn all_behind(&self, sought: &Sought<'_>) -> Result<BTreeSet<RecordId>, Error> {
        let Sought { agreement, pseudonym, .. } = sought;
        let newest = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.newest()));
        let newest = newest.unwrap_or_default();
        let (mut after, mut records) = (Position(0), BTreeSet::new());
        while after < newest {
            let stretch = self.journal().read(|state| stretch(state, agreement, after, SCAN_POSITIONS))?;
            let ground = Ground { agreement, standing: stretch.standing, now: self.now() };
            for slice in stretch.slots.chunks(SLICE_BODIES) {
                let live: Vec<(&Slot, LeafIndex)> =
                    slice.iter().filter_map(|slot| Some((slot, slot.live.as_ref()?.made))).collect();
                let wanted: Vec<_> = live.iter().map(|(slot, leaf)| (slot.record_id, *leaf)).collect();
                let bodies = self.bodies_of(&wanted).await?;
                for ((slot, _), body) in live.into_iter().zip(bodies) {
                    let Some(body) = body else { continue };
                    if self.shows(&ground, slot, &body, pseudonym.as_str())? {
                        records.insert(slot.record_id);
                    }
                }
            }
            after = Position(after.0 + u64::from(SCAN_POSITIONS));
        }
        Ok(records)
    }
}

/// A pseudonym of no live item of this auditor's agency, whatever the reason.
fn unknown() -> Error {
    let message = "no item that is live now of a feed of this agency's records shows this pseudonym";
    Error::new(Class::NotFound, "unknown-pseudonym", message)
}
