//! Recalls that a partner has not acknowledged within its agreement's time: noted in the log once, and told to whoever watches.

use causeway_agreement::Agreement;
use causeway_journal::{Feed, REASON_OVERDUE, v1};
use causeway_model::{AgreementId, Position, Timestamp};

use crate::{Error, Exchange};

/// Positions of one entry: each takes at most 6 bytes of its 16 KiB.
const POSITIONS: usize = 1_000;

impl Exchange {
    /// How many recalls of each feed are overdue and still not acknowledged, as far as entries say so.
    pub fn overdue(&self) -> Vec<(AgreementId, u64)> {
        self.journal().read(|state| {
            let count = |agreement: &Agreement| {
                let feed = state.feed(&agreement.id)?;
                let noted = feed.open_recalls().filter(|(position, _)| feed.is_noted_overdue(*position));
                Some((agreement.id.clone(), noted.count() as u64))
            };
            state.agreements().filter_map(|agreement| count(agreement)).collect()
        })
    }

    /// Notes what has become overdue, whatever became of the agreement.
    pub(crate) async fn note_overdue(&self, agreement: &Agreement, now: Timestamp) -> Result<(), Error> {
        let late = self.journal().read(|state| state.feed(&agreement.id).map(|feed| late(feed, agreement, now)));
        let late = late.unwrap_or_default();
        let Some(oldest) = late.first() else { return Ok(()) };
        tracing::warn!(
            feed = %agreement.id,
            count = late.len(),
            oldest_position = oldest.0,
            "the partner has not acknowledged recalls in time; ask its officers whether what they hold has been deleted"
        );
        for positions in late.chunks(POSITIONS) {
            let mut draft = self.releaser_draft(agreement, REASON_OVERDUE);
            draft.entry.count = positions.len() as u64;
            let positions = positions.iter().map(|position| position.0).collect();
            draft.entry.overdue = Some(v1::Overdue { feed: agreement.id.to_string(), positions });
            self.record_in_term(draft).await?;
        }
        Ok(())
    }
}

/// The positions, ascending, of recalls that are overdue now and not noted as such.
fn late(feed: Feed<'_>, agreement: &Agreement, now: Timestamp) -> Vec<Position> {
    let seconds = u64::from(agreement.acknowledge_hours) * 3600;
    let is_late =
        |position: &Position, since: Timestamp| since.plus_seconds(seconds) <= now && !feed.is_noted_overdue(*position);
    feed.open_recalls().filter(|(position, since)| is_late(position, *since)).map(|(position, _)| position).collect()
}
