//! What the releaser decides on: record versions that were made, or whose restriction was ended, and their facts.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_journal::{Feed, Outcome, REASON_CORRECTED, REASON_UNRESTRICTED, decode_entry, v1};
use causeway_model::{AgencyId, LeafIndex, Position, RecordFacts, RecordId, RecordVersion, Timestamp};
use causeway_store::ClassifiedHalf;

use crate::governed::Governed;
use crate::serve::classified_by;
use crate::submit::leaf_of;
use crate::{Error, Exchange};

/// A record version that a decision is due on.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) record: RecordId,
    pub(crate) version: RecordVersion,
    /// The entry that makes the decision due.
    pub(crate) leaf: LeafIndex,
    pub(crate) owner: AgencyId,
    /// That entry's time.
    pub(crate) recorded: Timestamp,
    pub(crate) facts: Arc<RecordFacts>,
    /// Whether it is decided on again because its restriction has been ended.
    pub(crate) again: bool,
}

impl Candidate {
    /// The position at which a feed still has another version of the record.
    pub(crate) fn outdated(&self, feed: Feed<'_>) -> Option<Position> {
        let live = feed.live(&self.record)?;
        (feed.item(live)?.version != self.version).then_some(live)
    }
}

/// A record version, the entry that made it, and when the decision on it became due.
pub(crate) type Due = (RecordId, RecordVersion, LeafIndex, Timestamp);

/// What agreements decide by, as a body has it.
fn facts_of(governed: &Governed, half: &ClassifiedHalf) -> Result<RecordFacts, Error> {
    let (schema, classified) = classified_by(governed, half.schema(), half.classified())?;
    Ok(schema.facts(&classified))
}

impl Exchange {
    /// The record versions that entries of a stretch of the log made, or freed of their restriction, where they are still current
    /// and may leave at all; each record once, by the last of those entries.
    pub(super) async fn candidates_from(&self, first: LeafIndex, count: usize) -> Result<Vec<Candidate>, Error> {
        let entries = self.journal().entries(first, count).await.map_err(Error::corrupt)?;
        let (mut made, mut freed) = (Vec::new(), HashMap::new());
        for (leaf, bytes) in (first.0..).map(LeafIndex).zip(entries) {
            let entry = decode_entry(&bytes).map_err(Error::corrupt)?;
            let alters = |reason| entry.operation() == v1::Operation::Alteration && entry.reason == reason;
            let makes = entry.operation() == v1::Operation::Collection || alters(REASON_CORRECTED);
            let frees = alters(REASON_UNRESTRICTED);
            if !(makes || frees) || entry.decision() != v1::Decision::Allowed {
                continue;
            }
            let Some(named) = entry.records.first() else { continue };
            let Ok(record) = RecordId::try_from(named.record_id.as_slice()) else { continue };
            let (version, time) = (RecordVersion(named.version), Timestamp(entry.time_micros));
            let at = self.journal().read(|state| match state.outcome(leaf) {
                Outcome::Effective => state.record(&record).and_then(|known| leaf_of(known, version)),
                _ => None,
            });
            let Some(at) = at else { continue };
            if frees {
                made.retain(|(earlier, ..): &Due| *earlier != record);
                freed.insert(record, leaf);
            }
            made.push((record, version, at, time));
        }
        let mut candidates = self.with_facts(made).await?;
        for candidate in &mut candidates {
            if let Some(leaf) = freed.get(&candidate.record).filter(|leaf| **leaf > candidate.leaf) {
                (candidate.leaf, candidate.again) = (*leaf, true);
            }
        }
        Ok(candidates)
    }

    /// The facts of record versions, of those that are current and may leave.
    pub(crate) async fn with_facts(&self, mut made: Vec<Due>) -> Result<Vec<Candidate>, Error> {
        let owners: HashMap<RecordId, AgencyId> = self.journal().read(|state| {
            let current = |record: &RecordId, version: RecordVersion| {
                let known = state.record(record)?;
                (known.current == version && known.may_leave()).then(|| (*record, known.owner.clone()))
            };
            made.iter().filter_map(|(record, version, ..)| current(record, *version)).collect()
        });
        made.retain(|(record, ..)| owners.contains_key(record));
        let wanted = made.iter().map(|(record, _, leaf, _)| (*record, *leaf)).collect();
        let governed = self.governed();
        let facts = self.begin_each(wanted, move |_, half| facts_of(&governed, half)).await?;
        let facts = self.made_ahead(facts).await?;
        let mut candidates = Vec::with_capacity(made.len());
        for ((record, version, leaf, recorded), facts) in made.into_iter().zip(facts) {
            let (Some(facts), Some(owner)) = (facts, owners.get(&record)) else { continue };
            let (facts, owner) = (Arc::new(facts?), owner.clone());
            candidates.push(Candidate { record, version, leaf, owner, recorded, facts, again: false });
        }
        Ok(candidates)
    }
}
