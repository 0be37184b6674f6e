//! Finding whom an item of a feed calls by a pseudonym: by building, again, what the partner is shown.

use causeway_agreement::Agreement;
use causeway_model::{LeafIndex, Position, RecordId, RecordVersion};
use causeway_store::OpenedBody;

use crate::pull::SLICE_BODIES;
use crate::slot::{Slot, stretch};
use crate::{Error, Exchange};

/// Positions that a scan takes at a time.
const SCAN_POSITIONS: u32 = 256;

/// The record behind a pseudonym.
pub(super) struct Behind {
    pub(super) record_id: RecordId,
    pub(super) version: RecordVersion,
    pub(super) body: OpenedBody,
}

impl Exchange {
    /// The record of the newest live item that shows the pseudonym to this partner now, of all or of the one at a position. A
    /// pseudonym of no such item costs a whole scan, whyever there is none; there is one scan at a time.
    pub(super) async fn behind(
        &self,
        agreement: &Agreement,
        pseudonym: &str,
        position: Option<Position>,
    ) -> Result<Option<Behind>, Error> {
        let _one_at_a_time = self.scans().lock().await;
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
            let stretch = self.journal().read(|state| stretch(state, &agreement.id, after, count))?;
            if let Some(found) = self.behind_one_of(agreement, &stretch.slots, pseudonym).await? {
                return Ok(Some(found));
            }
            last = after;
        }
        Ok(None)
    }

    /// The newest of these positions that shows the pseudonym.
    async fn behind_one_of(
        &self,
        agreement: &Agreement,
        slots: &[Slot],
        pseudonym: &str,
    ) -> Result<Option<Behind>, Error> {
        for slice in slots.rchunks(SLICE_BODIES) {
            let live: Vec<(&Slot, LeafIndex)> = slice.iter().filter_map(|slot| Some((slot, slot.live?))).collect();
            let wanted: Vec<_> = live.iter().map(|(slot, leaf)| (slot.record_id, *leaf)).collect();
            let bodies = self.bodies_of(&wanted).await?;
            let mut found = None;
            for ((slot, _), body) in live.into_iter().zip(bodies) {
                let Some(body) = body else { continue };
                if self.shows(agreement, slot, &body, pseudonym)? {
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
