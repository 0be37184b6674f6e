//! Finding whom an item of a feed calls by a pseudonym: by building, again, what the partner is shown.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_agreement::Agreement;
use causeway_model::{AgencyId, LeafIndex, Position, RecordId, RecordVersion};
use causeway_store::OpenedBody;

use crate::pull::SLICE_BODIES;
use crate::slot::{Slot, stretch};
use crate::verdict::Ground;
use crate::{Class, Error, Exchange};

/// Positions that a scan takes at a time.
const SCAN_POSITIONS: u32 = 256;

/// When an agency whose search is under way may try again: a feed of a few thousand items has been searched by then.
const SEARCH_RETRY: Duration = Duration::from_secs(2);

/// The agencies that a whole feed is being searched for. Each has one search at a time, so that none holds up another, nor the
/// owner's own search for a person; and there are never more of them than agencies.
#[derive(Debug, Default)]
pub(crate) struct Searches {
    under_way: Mutex<BTreeSet<AgencyId>>,
}

impl Searches {
    /// Lets an agency search, until what is given here is dropped.
    ///
    /// # Errors
    /// `Busy` while the agency's last search is under way.
    pub(crate) fn begin(&self, agency: &AgencyId) -> Result<Searching<'_>, Error> {
        let is_first = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(agency.clone());
        if is_first {
            return Ok(Searching { searches: self, agency: agency.clone() });
        }
        let message = "this agency's last search for a pseudonym is under way; try again after the delay, or name the item's position";
        let busy = Error::new(Class::Busy, "identity-search-under-way", message);
        Err(Error { retry_after: Some(SEARCH_RETRY), ..busy })
    }
}

/// An agency's leave to search. It ends with the call, and where the caller has gone.
#[derive(Debug)]
pub(crate) struct Searching<'a> {
    searches: &'a Searches,
    agency: AgencyId,
}

impl Drop for Searching<'_> {
    fn drop(&mut self) {
        self.searches.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.agency);
    }
}

/// The record behind a pseudonym.
pub(crate) struct Behind {
    pub(crate) record_id: RecordId,
    pub(crate) version: RecordVersion,
    pub(crate) body: OpenedBody,
}

impl Exchange {
    /// The record of the newest live item that shows the pseudonym to this partner now, of all or of the one at a position. A
    /// pseudonym of no such item costs a whole scan, whyever there is none.
    pub(crate) async fn behind(
        &self,
        agreement: &Arc<Agreement>,
        pseudonym: &str,
        position: Option<Position>,
    ) -> Result<Option<Behind>, Error> {
        let newest = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.newest()));
        let newest = newest.unwrap_or_default();
        let (first, mut last) = match position {
            Some(position) if position.0 == 0 || position > newest => return Ok(None),
            Some(position) => (position, position),
            None => (Position(1), newest),
        };
        while last >= first {
            let after = Position(last.0.saturating_sub(SCAN_POSITIONS.into()).max(first.0 - 1));
            let count = u32::try_from(last.0 - after.0).unwrap_or(SCAN_POSITIONS);
            let stretch = self.journal().read(|state| stretch(state, agreement, after, count))?;
            let ground = Ground { agreement, standing: stretch.standing, now: self.now() };
            if let Some(found) = self.behind_one_of(&ground, &stretch.slots, pseudonym).await? {
                return Ok(Some(found));
            }
            last = after;
        }
        Ok(None)
    }

    /// The newest of these positions that shows the pseudonym.
    async fn behind_one_of(
        &self,
        ground: &Ground<'_>,
        slots: &[Slot],
        pseudonym: &str,
    ) -> Result<Option<Behind>, Error> {
        for slice in slots.rchunks(SLICE_BODIES) {
            let live: Vec<(&Slot, LeafIndex)> =
                slice.iter().filter_map(|slot| Some((slot, slot.live.as_ref()?.made))).collect();
            let wanted: Vec<_> = live.iter().map(|(slot, leaf)| (slot.record_id, *leaf)).collect();
            let bodies = self.bodies_of(&wanted).await?;
            let mut found = None;
            for ((slot, _), body) in live.into_iter().zip(bodies) {
                let Some(body) = body else { continue };
                if self.shows(ground, slot, &body, pseudonym)? {
                    found = Some(Behind { record_id: slot.record_id, version: slot.version, body });
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
