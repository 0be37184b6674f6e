//! The releaser: decides, feed by feed, what of the newly applied log goes in, and what has to leave again.
//!
//! There is one of it. It reads bodies, so it stands outside apply; what it decides lands as entries, and apply voids what
//! the log has overtaken. It keeps nothing that a restart could lose: it starts over from what the feeds have considered.

mod batches;
mod candidates;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use causeway_agreement::{Agreement, Decision, ReleasePeriod, Standing, decide};
use causeway_model::{AgreementId, LeafIndex, Timestamp};
use futures_util::future::{Either, select};

use crate::submit::leaf_of;
use crate::{Error, Exchange};

use candidates::Candidate;

pub(crate) use batches::BATCH;
pub(crate) use candidates::Due;

/// Entries read at a time.
const READ_ENTRIES: usize = 256;

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
            match decide(agreement, Standing::InForce, &candidate.owner, &candidate.facts, now) {
                Decision::Grant(clause) if clause.release == ReleasePeriod::Immediate => {
                    release.push((candidate, clause.id.to_string()));
                }
                Decision::Grant(_) => {
                    if candidate.again {
                        // It waits for the batch of the day on which its restriction ended, whatever it waited for before.
                        held.retain(|_, earlier| earlier.record != candidate.record);
                    }
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
        self.journal().read(|state| {
            // What was corrected, withdrawn, restricted or erased while it waited is not what was decided on.
            due.retain(|candidate| {
                let record = state.record(&candidate.record);
                record.is_some_and(|record| record.may_leave() && record.current == candidate.version)
            });
        });
        shuffle(&mut due);
        let granted = due.iter().filter_map(|candidate| {
            match decide(agreement, Standing::InForce, &candidate.owner, &candidate.facts, now) {
                Decision::Grant(clause) => Some(self.release_of(candidate, clause.id.as_str())),
                Decision::Deny(_) => None,
            }
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
        let mut all = Vec::new();
        for chunk in live.chunks(READ_ENTRIES) {
            let candidates = self.with_facts(chunk.to_vec()).await?;
            let ended = candidates.iter().filter(|candidate| {
                matches!(
                    decide(agreement, Standing::InForce, &candidate.owner, &candidate.facts, now),
                    Decision::Deny(_)
                )
            });
            all.extend(ended.map(|candidate| candidate.record));
        }
        self.append_withdrawals(agreement, all).await
    }

    fn considered(&self, id: &AgreementId) -> LeafIndex {
        self.journal().read(|state| state.feed(id).map(|feed| feed.considered()).unwrap_or_default())
    }
}

/// Whether an agreement's last day is over.
fn has_ended(agreement: &Agreement, now: Timestamp) -> bool {
    agreement.valid_from.start() <= now && !agreement.is_in_force(now)
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
