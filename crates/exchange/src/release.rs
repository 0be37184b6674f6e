//! The releaser: decides, feed by feed, what of the newly applied log goes in, and what has to leave again.
//!
//! There is one of it. It reads bodies, so it stands outside apply; what it decides lands as entries, and apply voids what
//! the log has overtaken. It keeps nothing that a restart could lose: it starts over from what the feeds have considered, and
//! a pass over all records finds what had waited longer.

mod batches;
mod candidates;
mod due;
mod ending;
mod held;
mod pass;

use std::collections::HashMap;
use std::sync::Arc;

use causeway_agreement::{Agreement, Decision, ReleasePeriod};
use causeway_journal::State;
use causeway_model::{AgreementId, LeafIndex, Timestamp};
use futures_util::future::select;

use crate::cell_release::CellProgress;
use crate::standing::standing;
use crate::verdict::Ground;
use crate::{Error, Exchange};

pub(crate) use batches::BATCH;
pub(crate) use candidates::{Candidate, Due};
pub(crate) use held::{Held, Waiting};
use pass::Pass;

/// Entries, or records, read at a time.
pub(crate) const READ_ENTRIES: usize = 256;

/// What the releaser knows between two rounds.
#[derive(Debug, Default)]
struct Progress {
    /// Up to which entry (exclusive) every feed has been decided on.
    considered: LeafIndex,
    feeds: HashMap<AgreementId, FeedProgress>,
    /// The moment of the last round that went through; none before the first.
    reviewed: Option<Timestamp>,
}

/// The same of one feed.
#[derive(Debug, Default)]
pub(crate) struct FeedProgress {
    /// What waits for the end of its release period, or for others to be like it.
    pub(crate) held: Held,
    pass: Pass,
    pub(crate) cells: CellProgress,
    /// The epoch of the feed's key under which everything live has been released.
    pub(crate) renewed: u32,
}

/// An agreement in force, and whether it can be relied on, as one round has it.
#[derive(Debug)]
struct InForce {
    agreement: Arc<Agreement>,
    standing: causeway_agreement::Standing,
}

impl InForce {
    fn all(state: &State) -> Vec<Self> {
        let of = |agreement: &Arc<Agreement>| Self {
            agreement: Arc::clone(agreement),
            standing: standing(state, agreement),
        };
        state.agreements().map(of).collect()
    }

    fn ground(&self, now: Timestamp) -> Ground<'_> {
        Ground { agreement: &self.agreement, standing: self.standing, now }
    }
}

impl Exchange {
    /// Releases what may be released, until the journal stops. To be run once, beside the calls.
    pub async fn run_releaser(&self) {
        let mut progress = Progress::default();
        while self.is_healthy() {
            let (changed, ticked) = (self.changed(), self.ticked());
            match self.release_round(&mut progress).await {
                Ok(true) => {
                    select(changed, ticked).await;
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(reason = error.reason, error = %error, "the releaser could not go on; it tries again");
                    // What it has appended itself must not wake it: it would try again at the rate of commits.
                    ticked.await;
                }
            }
        }
    }

    /// One round: everything in it is decided as of one moment. Whether all was done, or it is to be gone on with at once.
    async fn release_round(&self, progress: &mut Progress) -> Result<bool, Error> {
        let (agreements, size) = self.journal().read(|state| (InForce::all(state), state.tree().size()));
        let now = self.now();
        let grounds: Vec<Ground<'_>> = agreements.iter().map(|known| known.ground(now)).collect();
        if progress.reviewed.is_none() {
            let granting = grounds.iter().filter(|ground| ground.may_grant());
            let least = granting.map(|ground| self.considered(&ground.agreement.id)).min();
            progress.considered = least.unwrap_or(LeafIndex(size));
        }
        let mut done = true;
        for ground in &grounds {
            let feed = progress.feeds.entry(ground.agreement.id.clone()).or_default();
            if ground.may_grant() {
                done &= self.pass_on(ground, feed, progress.considered).await?;
            } else {
                feed.held = Held::default();
                self.end(ground, &mut feed.pass).await?;
            }
        }
        self.consider_new(progress, &grounds, size).await?;
        let is_new_day = progress.reviewed.is_none_or(|earlier| earlier.day() != now.day());
        for ground in grounds.iter().filter(|ground| ground.may_grant()) {
            let feed = progress.feeds.entry(ground.agreement.id.clone()).or_default();
            self.shrink(ground, feed).await?;
            if feed.pass.is_through() {
                self.release_again(ground, feed).await?;
                self.release_due(ground, feed, progress.considered).await?;
            }
            if is_new_day {
                self.review(ground).await?;
            }
        }
        // Last, so that nothing of this keeps a record in or out of a feed.
        for ground in &grounds {
            self.note_overdue(ground.agreement, now).await?;
        }
        for ground in grounds.iter().filter(|ground| ground.may_grant()) {
            self.publish_tables(ground).await?;
        }
        progress.reviewed = Some(now);
        Ok(done)
    }

    /// Decides on everything between what has been considered and `size`, for every agreement.
    async fn consider_new(&self, progress: &mut Progress, grounds: &[Ground<'_>], size: u64) -> Result<(), Error> {
        while progress.considered.0 < size {
            let count = usize::try_from(size - progress.considered.0).unwrap_or(READ_ENTRIES).min(READ_ENTRIES);
            let candidates = self.candidates_from(progress.considered, count).await?;
            let considered = LeafIndex(progress.considered.0 + count as u64);
            for ground in grounds {
                if ground.may_grant() {
                    let feed = progress.feeds.entry(ground.agreement.id.clone()).or_default();
                    self.consider(ground, &candidates, considered, &mut feed.held).await?;
                } else {
                    self.withdraw_corrected(ground.agreement, &candidates).await?;
                }
            }
            progress.considered = considered;
        }
        Ok(())
    }

    /// Decides on new record versions for one feed: releases, withholds for the period's batch, or withdraws what they replace.
    async fn consider(
        &self,
        ground: &Ground<'_>,
        candidates: &[Candidate],
        considered: LeafIndex,
        held: &mut Held,
    ) -> Result<(), Error> {
        let agreement = ground.agreement;
        let feed_considered = self.considered(&agreement.id);
        let (mut release, mut withdraw) = (Vec::new(), Vec::new());
        for candidate in candidates.iter().filter(|candidate| candidate.leaf >= feed_considered) {
            match ground.decide(&candidate.owner, &candidate.facts) {
                Decision::Grant(clause) if clause.release == ReleasePeriod::Immediate => {
                    held.take_out(&candidate.record);
                    release.push(self.release_of(candidate, clause.id.as_str()));
                }
                // It waits for the batch of the period in which it was made or freed, whatever it waited for before.
                Decision::Grant(clause) => held.put(Waiting::new(candidate.clone(), clause, candidate.recorded)),
                Decision::Deny(_) => {
                    held.take_out(&candidate.record);
                    withdraw.push(candidate.record);
                }
            }
        }
        withdraw.extend(self.unseen_in_cells(agreement, candidates));
        // Withdrawals first: once the releases' batch says how far the feed has come, nothing before that is looked at again.
        self.append_withdrawals(agreement, withdraw).await?;
        self.append_releases(agreement, release, held.through(considered)).await
    }

    pub(crate) fn considered(&self, id: &AgreementId) -> LeafIndex {
        self.journal().read(|state| state.feed(id).map(|feed| feed.considered()).unwrap_or_default())
    }
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
