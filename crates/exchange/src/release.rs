//! The releaser: decides, feed by feed, what of the newly applied log goes in, and what has to leave again.
//!
//! There is one of it. It reads bodies, so it stands outside apply; what it decides lands as entries, and apply voids what
//! the log has overtaken. It keeps nothing that a restart could lose: it starts over from what the feeds have considered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use causeway_agreement::{Agreement, Decision, ReleasePeriod, decide};
use causeway_journal::{Outcome, decode_entry, v1};
use causeway_model::{AgencyId, AgreementId, LeafIndex, RecordFacts, RecordId, RecordVersion, Timestamp};
use futures_util::future::{Either, select};

use crate::draft::{Said, own_request};
use crate::submit::leaf_of;
use crate::{Error, Exchange};

/// Entries read at a time.
const READ_ENTRIES: usize = 256;

/// Releases of one entry: each takes about 40 bytes of its 16 KiB.
pub(crate) const BATCH: usize = 200;

/// After so many leaves without a release, a feed's progress is recorded by a batch without releases.
const PROGRESS_LEAVES: u64 = 10_000;

/// A record version that a decision is due on.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) record: RecordId,
    pub(crate) version: RecordVersion,
    pub(crate) leaf: LeafIndex,
    pub(crate) owner: AgencyId,
    pub(crate) recorded: Timestamp,
    pub(crate) facts: Arc<RecordFacts>,
}

/// What waits for its day's batch, by the leaf that made it.
type Held = BTreeMap<LeafIndex, Candidate>;

/// What the releaser knows between two rounds.
#[derive(Debug, Default)]
struct Progress {
    considered: LeafIndex,
    held: HashMap<AgreementId, Held>,
    /// The epoch of each feed's key under which everything live has been released.
    renewed: HashMap<AgreementId, u32>,
    /// The moment of the last round that went through; none before the first.
    reviewed: Option<Timestamp>,
}

impl Exchange {
    /// Releases what may be released, until the journal stops. To be run once, beside the calls.
    pub async fn run_releaser(&self) {
        let mut progress = Progress::default();
        while self.is_healthy() {
            let (changed, ticked) = (self.changed(), self.ticked());
            if let Err(error) = self.release_round(&mut progress).await {
                tracing::error!(reason = error.reason, error = %error, "the releaser could not go on; it tries again");
                // What it has appended itself must not wake it: it would try again at the rate of commits.
                ticked.await;
                continue;
            }
            match select(changed, ticked).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
    }

    /// One round: everything in it is decided as of one moment.
    async fn release_round(&self, progress: &mut Progress) -> Result<(), Error> {
        let agreements: Vec<_> = self.journal().read(|state| state.agreements().cloned().collect());
        let (now, size) = (self.now(), self.journal().read(|state| state.tree().size()));
        let is_new_day = progress.reviewed.is_none_or(|earlier| earlier.day() != now.day());
        if is_new_day {
            for agreement in agreements.iter().filter(|agreement| has_ended(agreement, now)) {
                self.withdraw_all(agreement).await?;
            }
        }
        let begins =
            |agreement: &Agreement, since| since < agreement.valid_from.start() && agreement.valid_from.start() <= now;
        if progress.reviewed.is_none_or(|earlier| agreements.iter().any(|agreement| begins(agreement, earlier))) {
            // What was recorded before an agreement's first day was passed over until then.
            let least = agreements.iter().map(|agreement| self.considered(&agreement.id)).min();
            progress.considered = least.unwrap_or_default();
        }
        self.consider_new(progress, &agreements, size, now).await?;
        for agreement in &agreements {
            self.release_again(agreement, &mut progress.renewed, now).await?;
            let held = progress.held.entry(agreement.id.clone()).or_default();
            self.release_daily(agreement, held, now, progress.considered).await?;
            if is_new_day {
                self.review(agreement, now).await?;
            }
        }
        progress.reviewed = Some(now);
        Ok(())
    }

    /// Decides on everything between what has been considered and `size`, for every agreement.
    async fn consider_new(
        &self,
        progress: &mut Progress,
        agreements: &[Arc<Agreement>],
        size: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        while progress.considered.0 < size {
            let count = usize::try_from(size - progress.considered.0).unwrap_or(READ_ENTRIES).min(READ_ENTRIES);
            let candidates = self.candidates_from(progress.considered, count).await?;
            let considered = LeafIndex(progress.considered.0 + count as u64);
            for agreement in agreements {
                let held = progress.held.entry(agreement.id.clone()).or_default();
                self.consider(agreement, &candidates, considered, held, now).await?;
            }
            progress.considered = considered;
        }
        Ok(())
    }

    /// The record versions that entries of a stretch of the log made, where they are still current.
    async fn candidates_from(&self, first: LeafIndex, count: usize) -> Result<Vec<Candidate>, Error> {
        let entries = self.journal().entries(first, count).await.map_err(Error::corrupt)?;
        let mut made = Vec::new();
        for (leaf, bytes) in (first.0..).map(LeafIndex).zip(entries) {
            let entry = decode_entry(&bytes).map_err(Error::corrupt)?;
            let is_collection = entry.operation() == v1::Operation::Collection
                && entry.decision() == v1::Decision::Allowed
                && self.journal().read(|state| state.outcome(leaf) == Outcome::Effective);
            let record = entry.records.first().and_then(|named| RecordId::try_from(named.record_id.as_slice()).ok());
            if let (true, Some(record)) = (is_collection, record) {
                let version = RecordVersion(entry.records.first().map_or(0, |named| named.version));
                made.push((record, version, leaf, Timestamp(entry.time_micros)));
            }
        }
        self.with_facts(made).await
    }

    pub(crate) async fn with_facts(
        &self,
        mut made: Vec<(RecordId, RecordVersion, LeafIndex, Timestamp)>,
    ) -> Result<Vec<Candidate>, Error> {
        let owners: HashMap<RecordId, AgencyId> = self.journal().read(|state| {
            let current = |record: &RecordId, version: RecordVersion| {
                let known = state.record(record)?;
                (known.current == version && !known.withdrawn).then(|| (*record, known.owner.clone()))
            };
            made.iter().filter_map(|(record, version, ..)| current(record, *version)).collect()
        });
        made.retain(|(record, ..)| owners.contains_key(record));
        let bodies = self.journal().bodies(made.iter().map(|(.., leaf, _)| *leaf).collect()).await;
        let bodies = bodies.map_err(Error::corrupt)?;
        let mut candidates = Vec::with_capacity(made.len());
        for ((record, version, leaf, recorded), body) in made.into_iter().zip(bodies) {
            let (Some(body), Some(owner)) = (body, owners.get(&record)) else { continue };
            let (schema, classified) = self.classified(&body.body)?;
            let facts = Arc::new(schema.facts(&classified));
            candidates.push(Candidate { record, version, leaf, owner: owner.clone(), recorded, facts });
        }
        Ok(candidates)
    }

    /// Decides on new record versions for one feed: releases, withholds for the day's batch, or withdraws what they replace.
    async fn consider(
        &self,
        agreement: &Agreement,
        candidates: &[Candidate],
        considered: LeafIndex,
        held: &mut Held,
        now: Timestamp,
    ) -> Result<(), Error> {
        let feed_considered = self.considered(&agreement.id);
        if now < agreement.valid_from.start() {
            return Ok(());
        }
        let (mut release, mut withdraw) = (Vec::new(), Vec::new());
        for candidate in candidates.iter().filter(|candidate| candidate.leaf >= feed_considered) {
            match decide(agreement, &candidate.owner, &candidate.facts, now) {
                Decision::Grant(clause) if clause.release == ReleasePeriod::Immediate => {
                    release.push((candidate, clause.id.to_string()));
                }
                Decision::Grant(_) => {
                    held.insert(candidate.leaf, candidate.clone());
                }
                Decision::Deny(_) => withdraw.push(candidate.record),
            }
        }
        // Withdrawals first: once the releases' batch says how far the feed has come, nothing before that is looked at again.
        self.append_withdrawals(agreement, withdraw).await?;
        let through = held.keys().next().map_or(considered, |first| considered.min(*first));
        let releases = release.iter().map(|(candidate, clause)| self.release_of(candidate, clause)).collect();
        self.append_releases(agreement, releases, through).await
    }

    /// Releases, shuffled, what was recorded on an earlier day: neither order nor time says anything about a record.
    async fn release_daily(
        &self,
        agreement: &Agreement,
        held: &mut Held,
        now: Timestamp,
        considered: LeafIndex,
    ) -> Result<(), Error> {
        let is_due = |candidate: &&Candidate| candidate.recorded.day() < now.day();
        let mut due: Vec<Candidate> = held.values().filter(is_due).cloned().collect();
        if due.is_empty() {
            return Ok(());
        }
        shuffle(&mut due);
        let granted =
            due.iter().filter_map(|candidate| match decide(agreement, &candidate.owner, &candidate.facts, now) {
                Decision::Grant(clause) => Some(self.release_of(candidate, clause.id.as_str())),
                Decision::Deny(_) => None,
            });
        let granted = granted.collect();
        let waiting = held.iter().find(|(_, candidate)| !is_due(candidate)).map(|(leaf, _)| *leaf);
        self.append_releases(agreement, granted, waiting.map_or(considered, |first| considered.min(first))).await?;
        held.retain(|_, candidate| !is_due(&&*candidate));
        Ok(())
    }

    /// Withdraws everything from the feed of an agreement that has ended. No body is needed to say so.
    async fn withdraw_all(&self, agreement: &Agreement) -> Result<(), Error> {
        let live = |state: &causeway_journal::State| {
            state.feed(&agreement.id).map(|feed| feed.live_records().copied().collect()).unwrap_or_default()
        };
        self.append_withdrawals(agreement, self.journal().read(live)).await
    }

    /// Withdraws what is in the feed and may not be there any more: the agreement has ended, the retention is over.
    async fn review(&self, agreement: &Agreement, now: Timestamp) -> Result<(), Error> {
        let live: Vec<_> = self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
            let made = feed.live_records().filter_map(|id| {
                let record = state.record(id)?;
                Some((*id, record.current, leaf_of(record, record.current)?, Timestamp(0)))
            });
            made.collect()
        });
        for chunk in live.chunks(READ_ENTRIES) {
            let candidates = self.with_facts(chunk.to_vec()).await?;
            let ended = candidates.iter().filter(|candidate| {
                matches!(decide(agreement, &candidate.owner, &candidate.facts, now), Decision::Deny(_))
            });
            let ended = ended.map(|candidate| candidate.record).collect();
            self.append_withdrawals(agreement, ended).await?;
        }
        Ok(())
    }

    fn considered(&self, id: &AgreementId) -> LeafIndex {
        self.journal().read(|state| state.feed(id).map(|feed| feed.considered()).unwrap_or_default())
    }

    pub(crate) fn release_of(&self, candidate: &Candidate, clause: &str) -> v1::Release {
        v1::Release {
            record_id: candidate.record.as_bytes().to_vec(),
            version: candidate.version.0,
            clause: clause.to_owned(),
        }
    }

    async fn append_releases(
        &self,
        agreement: &Agreement,
        releases: Vec<v1::Release>,
        considered: LeafIndex,
    ) -> Result<(), Error> {
        let releases: Vec<_> = self.journal().read(|state| {
            let feed = state.feed(&agreement.id);
            releases.into_iter().filter(|release| !is_in(state, feed, release)).collect()
        });
        let progress = considered.0.saturating_sub(self.considered(&agreement.id).0);
        if releases.is_empty() && progress < PROGRESS_LEAVES {
            return Ok(());
        }
        let mut batches: Vec<_> = releases.chunks(BATCH).map(<[v1::Release]>::to_vec).collect();
        if batches.is_empty() {
            batches.push(Vec::new());
        }
        let last = batches.len() - 1;
        for (index, releases) in batches.into_iter().enumerate() {
            // Only the last batch says how far the feed has come: one that was cut off before it is decided again.
            let considered_leaves = if index == last { considered } else { self.considered(&agreement.id) };
            let mut draft = self.releaser_draft(agreement, "released");
            draft.entry.count = releases.len() as u64;
            draft.entry.releases = Some(v1::ReleaseBatch {
                feed: agreement.id.to_string(),
                agreement_version: agreement.version,
                considered_leaves: considered_leaves.0,
                releases,
            });
            self.record(draft).await?;
        }
        Ok(())
    }

    async fn append_withdrawals(&self, agreement: &Agreement, records: Vec<RecordId>) -> Result<(), Error> {
        let live: Vec<_> = self.journal().read(|state| {
            let feed = state.feed(&agreement.id);
            let in_feed = |record: &RecordId| feed.is_some_and(|feed| feed.live(record).is_some());
            records.into_iter().filter(in_feed).collect()
        });
        for chunk in live.chunks(BATCH) {
            let mut draft = self.releaser_draft(agreement, "left-scope");
            draft.entry.count = chunk.len() as u64;
            draft.entry.withdrawals = chunk
                .iter()
                .map(|record| v1::Withdrawal { feed: agreement.id.to_string(), record_id: record.as_bytes().to_vec() })
                .collect();
            self.record(draft).await?;
        }
        Ok(())
    }

    pub(crate) fn releaser_draft(&self, agreement: &Agreement, reason: &'static str) -> causeway_store::Draft {
        let mut draft = Said::allowed(v1::Operation::Administration, reason).by_operator(&self.operator());
        draft.entry.recipient = Some(v1::Recipient {
            agency: agreement.recipient.to_string(),
            agreement: agreement.id.to_string(),
            agreement_version: agreement.version,
            clause: String::new(),
        });
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        draft.entry.request_id = own_request().as_bytes().to_vec();
        draft
    }
}

/// Whether an agreement's last day is over.
fn has_ended(agreement: &Agreement, now: Timestamp) -> bool {
    agreement.valid_from.start() <= now && !agreement.is_in_force(now)
}

/// Whether a release is in the feed already: after a round that failed half-way, or a restart.
fn is_in(state: &causeway_journal::State, feed: Option<causeway_journal::Feed<'_>>, release: &v1::Release) -> bool {
    let Ok(record) = RecordId::try_from(release.record_id.as_slice()) else { return false };
    let live = feed.and_then(|feed| feed.item(feed.live(&record)?));
    live.is_some_and(|item| item.version.0 == release.version) && state.record(&record).is_some()
}

/// Fisher-Yates with the system's random bytes. The bias of the remainder is below 2^-40 for any batch there can be.
pub(crate) fn shuffle<T>(items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let drawn = u64::from_be_bytes(causeway_crypto::random()) % (last as u64 + 1);
        items.swap(last, usize::try_from(drawn).unwrap_or(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_every_item_and_forgets_the_order() {
        let ordered: Vec<u32> = (0..100).collect();
        let mut shuffled = ordered.clone();
        shuffle(&mut shuffled);
        assert_ne!(shuffled, ordered, "one chance in 100! of being wrong");
        shuffled.sort_unstable();
        assert_eq!(shuffled, ordered);
    }
}
