//! Holders: which partners have received a record, what recalls it, and who of them has taken note of that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_agreement::{Agreement, Standing};
use causeway_journal::{Feed, FeedItemKind, Noted, State, decode_entry, v1};
use causeway_model::{AgencyId, AgreementId, LeafIndex, Position, RecordId, RecordVersion, Timestamp};

use crate::draft::Said;
use crate::erase::named;
use crate::slot::{self, Slot};
use crate::standing::standing;
use crate::verdict::Ground;
use crate::{Caller, Error, Exchange};

/// Seconds of an hour: deadlines are stated in hours.
const HOUR_SECONDS: u64 = 3_600;

/// A partner that has received a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The agency.
    pub agency: AgencyId,
    /// The agreement under which it did.
    pub agreement: AgreementId,
    /// When its content first left to it.
    pub disclosed: Timestamp,
    /// The versions that did, ascending.
    pub versions: Vec<RecordVersion>,
    /// The version that its feed shows now, where it shows one.
    pub shown: Option<RecordVersion>,
    /// What recalls it; none where it is not recalled.
    pub recall: Option<Recall>,
}

/// The item by which a partner is told that what it holds no longer holds: a withdrawal, or the release of a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// When it was put in the feed.
    pub at: Timestamp,
    /// By when it is to be acknowledged.
    pub acknowledge_by: Timestamp,
    /// When it was; none where it has not been.
    pub acknowledged: Option<Timestamp>,
    /// The person who did, as the partner's system stated; none where nobody has, or the opening of that name has been erased.
    pub acknowledged_by: Option<String>,
    /// Whether it is past its time, and nobody has.
    pub overdue: bool,
    /// How long it took from the flag that a person is in danger until it was; none without a flag, or while nobody has.
    pub time_to_acknowledge_micros: Option<u64>,
}

/// A holder as the state tells it, with the entries that tell the rest.
struct Found {
    agreement: Arc<Agreement>,
    standing: Standing,
    disclosed: Timestamp,
    versions: BTreeSet<RecordVersion>,
    /// Its live position, whatever that shows.
    slot: Option<Slot>,
    recall: Option<FoundRecall>,
}

/// The entry that put a recall in the feed, and what acknowledged it.
#[derive(Clone, Copy)]
struct FoundRecall {
    leaf: LeafIndex,
    acknowledged: Option<Noted>,
}

impl Exchange {
    /// Every partner that has received a record of the caller's agency, whatever became of the record since.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own; `Unavailable`; `Corrupt`.
    pub async fn holders(&self, caller: &Caller, record: RecordId) -> Result<Vec<Holder>, Error> {
        let owner = |state: &State| state.record(&record).map(|known| known.owner.clone());
        if self.journal().read(owner).as_ref() != Some(&caller.system.agency) {
            let refusal = Error::unknown_record();
            return Err(self.refuse_protection(caller, v1::Operation::Consultation, &[record], refusal).await);
        }
        let mut draft = Said::allowed(v1::Operation::Consultation, "holders").by(caller);
        draft.entry.records = named(&[record]);
        self.record_or_refuse(caller, draft).await?;
        self.holders_of(record).await
    }

    /// The same, for whoever has said in an entry of its own why it asks.
    pub(crate) async fn holders_of(&self, record: RecordId) -> Result<Vec<Holder>, Error> {
        let now = self.now();
        let (found, flag) = self.journal().read(|state| {
            let found: Vec<_> = state.agreements().filter_map(|one| found(state, one, &record)).collect();
            (found, state.record(&record).and_then(|known| known.at_risk))
        });
        let flagged = match flag {
            Some(leaf) => Some(self.time_of(leaf).await?),
            None => None,
        };
        let mut holders = Vec::with_capacity(found.len());
        for Found { agreement, standing, disclosed, versions, slot, recall } in found {
            let ground = Ground { agreement: &agreement, standing, now };
            let shown = match &slot {
                Some(slot) => self.version_shown(&ground, slot).await?,
                None => None,
            };
            let recall = match recall {
                Some(recall) => Some(self.recall(&agreement, recall, flagged, now).await?),
                None => None,
            };
            holders.push(Holder {
                agency: agreement.recipient.clone(),
                agreement: agreement.id.clone(),
                disclosed,
                versions: versions.into_iter().collect(),
                shown,
                recall,
            });
        }
        Ok(holders)
    }

    /// The version that a position shows now, by the decision that pulls go by.
    async fn version_shown(&self, ground: &Ground<'_>, slot: &Slot) -> Result<Option<RecordVersion>, Error> {
        let Some(live) = slot.live.as_ref().filter(|_| ground.may_grant()) else { return Ok(None) };
        let body = self.bodies_of(&[(slot.record_id, live.made)]).await?.pop().flatten();
        let Some(body) = body else { return Ok(None) };
        Ok(self.granted(ground, live, &body)?.is_ok().then_some(slot.version))
    }

    async fn recall(
        &self,
        agreement: &Agreement,
        found: FoundRecall,
        flagged: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Recall, Error> {
        let at = self.time_of(found.leaf).await?;
        let acknowledge_by = at.plus_seconds(u64::from(agreement.acknowledge_hours) * HOUR_SECONDS);
        let acknowledged = found.acknowledged.map(|noted| noted.time);
        let acknowledged_by = match found.acknowledged {
            Some(noted) => {
                let openings = self.journal().openings(noted.leaf).await.map_err(Error::corrupt)?;
                openings.map(|openings| openings.operator).filter(|operator| !operator.is_empty())
            }
            None => None,
        };
        let took = |acknowledged: Timestamp| Some(acknowledged.0.saturating_sub(flagged?.0));
        Ok(Recall {
            at,
            acknowledge_by,
            acknowledged,
            acknowledged_by,
            overdue: acknowledged.is_none() && acknowledge_by <= now,
            time_to_acknowledge_micros: acknowledged.and_then(took),
        })
    }

    /// The time of an entry.
    pub(crate) async fn time_of(&self, leaf: LeafIndex) -> Result<Timestamp, Error> {
        let entry = self.journal().entry(leaf).await.map_err(Error::corrupt)?;
        Ok(Timestamp(decode_entry(&entry).map_err(Error::corrupt)?.time_micros))
    }
}

/// What a feed says of a record; nothing where none of its content has left.
fn found(state: &State, agreement: &Arc<Agreement>, record: &RecordId) -> Option<Found> {
    let feed = state.feed(&agreement.id)?;
    let positions = feed.positions(record);
    let left = positions.iter().copied().filter(|position| feed.has_left(*position));
    let first = left.clone().filter_map(|position| feed.first_left(position)).min_by_key(|noted| noted.leaf)?;
    let versions = left.filter_map(|position| feed.item(position)).map(|item| item.version).collect();
    Some(Found {
        agreement: Arc::clone(agreement),
        standing: standing(state, agreement),
        disclosed: first.time,
        versions,
        slot: slot::shown(state, agreement, record),
        recall: recall_of(feed, &positions),
    })
}

/// The first recall that nobody has taken note of; where there is none, the last that somebody has.
fn recall_of(feed: Feed<'_>, positions: &[Position]) -> Option<FoundRecall> {
    let open: BTreeMap<Position, Timestamp> = feed.open_recalls().collect();
    let item = |position: Position| feed.item(position);
    if let Some(first) = positions.iter().find(|position| open.contains_key(position)) {
        return Some(FoundRecall { leaf: item(*first)?.leaf, acknowledged: None });
    }
    let first_left = positions.iter().position(|position| feed.has_left(*position))?;
    positions[first_left + 1..].iter().rev().find_map(|position| {
        let item = item(*position)?;
        let recalls = item.kind == FeedItemKind::Withdrawal || item.target.is_some();
        let acknowledged = feed.acknowledged_at(*position).filter(|_| recalls)?;
        Some(FoundRecall { leaf: item.leaf, acknowledged: Some(acknowledged) })
    })
}
