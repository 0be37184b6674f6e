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

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use causeway_agreement::{Agreement, Decision, ReleasePeriod};
use causeway_journal::State;
use causeway_model::{AgreementId, LeafIndex, Timestamp};
use futures_util::future::select;
use futures_util::stream::{self, StreamExt};

use crate::cell_release::CellProgress;
use crate::publish::TableProgress;
use crate::releaser::TERM_OVER;
use crate::standing::standing;
use crate::verdict::Ground;
use crate::{Error, Exchange};

pub(crate) use batches::BATCH;
pub(crate) use candidates::{Candidate, Due};
pub(crate) use held::{Held, Waiting};
use pass::Pass;

/// Entries, or records, read at a time.
pub(crate) const READ_ENTRIES: usize = 256;

/// Feeds that are decided on at once.
const FEEDS_AT_ONCE: usize = 32;

/// What the releaser knows between two rounds.
#[derive(Debug, Default)]
struct Progress {
    /// Up to which entry (exclusive) the last round went; none before the first.
    considered: Option<LeafIndex>,
    feeds: HashMap<AgreementId, FeedProgress>,
}

/// The same of one feed.
#[derive(Debug, Default)]
pub(crate) struct FeedProgress {
    /// Up to which entry (exclusive) it has been decided on.
    considered: LeafIndex,
    /// What waits for the end of its release period, or for others to be like it.
    pub(crate) held: Held,
    pass: Pass,
    pub(crate) cells: CellProgress,
    /// The epoch of the feed's key under which everything live has been released.
    pub(crate) renewed: u32,
    /// The day of the last review.
    reviewed: Option<u64>,
    pub(crate) tables: TableProgress,
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

impl Progress {
    fn of(&mut self, ground: &Ground<'_>) -> &mut FeedProgress {
        self.feeds.entry(ground.agreement.id.clone()).or_default()
    }
}

/// What a round waits for once it is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// There is more to do at once.
    AtOnce,
    /// Something changes, or time passes.
    Changed,
    /// Time passes.
    Tick,
}

/// The feeds that something has failed for in a round: nothing more of it concerns them.
#[derive(Debug, Default)]
struct Round {
    failed: BTreeSet<AgreementId>,
}

impl Round {
    fn has_failed(&self, ground: &Ground<'_>) -> bool {
        self.failed.contains(&ground.agreement.id)
    }

    /// Those that may grant and nothing has failed for.
    fn granting<'g, 'a>(&self, grounds: &'g [Ground<'a>]) -> Vec<&'g Ground<'a>> {
        grounds.iter().filter(|ground| ground.may_grant() && !self.has_failed(ground)).collect()
    }

    fn take<T>(&mut self, ground: &Ground<'_>, outcome: Result<T, Error>) -> Option<T> {
        let error = match outcome {
            Ok(done) => return Some(done),
            Err(error) => error,
        };
        let feed = &ground.agreement.id;
        if error.reason != TERM_OVER {
            tracing::error!(%feed, reason = error.reason, error = %error, "the releaser could not go on with a feed; it tries again");
        }
        self.failed.insert(feed.clone());
        None
    }
}

impl Exchange {
    /// Releases what may be released, until the journal stops. Whoever runs it is the releaser.
    pub(crate) async fn release_on(&self) {
        let mut progress = Progress::default();
        while self.is_running() {
            let (changed, ticked) = (self.changed(), self.ticked());
            match self.release_round(&mut progress).await {
                Ok(Next::Changed) => {
                    select(changed, ticked).await;
                }
                Ok(Next::AtOnce) => {}
                // What it has appended itself must not wake it: it would try again at the rate of commits.
                Ok(Next::Tick) => ticked.await,
                Err(error) => {
                    if error.reason != TERM_OVER {
                        tracing::error!(reason = error.reason, error = %error, "the releaser could not go on; it tries again");
                    }
                    ticked.await;
                }
            }
        }
    }

    /// One round: everything in it is decided as of one moment. What one feed fails at is tried again with the next tick, and keeps no
    /// other from going on.
    async fn release_round(&self, progress: &mut Progress) -> Result<Next, Error> {
        let (agreements, size) = self.journal().read(|state| (InForce::all(state), state.tree().size()));
        let now = self.now();
        let grounds: Vec<Ground<'_>> = agreements.iter().map(|known| known.ground(now)).collect();
        self.begin(progress, &grounds, size);
        let (mut round, mut done) = (Round::default(), true);
        // What partners have to delete, and what they have not, before anything that they may have.
        for ground in grounds.iter().filter(|ground| !ground.may_grant()) {
            let ended = self.end(ground, progress.of(ground)).await;
            round.take(ground, ended);
        }
        for ground in &grounds {
            let noted = self.note_overdue(ground.agreement, now).await;
            round.take(ground, noted);
        }
        if !self.is_healthy() {
            // Nothing of what follows could be recorded.
            return Ok(Next::Tick);
        }
        for ground in round.granting(&grounds) {
            let through = self.pass_on(ground, progress.of(ground)).await;
            done &= round.take(ground, through).unwrap_or(true);
        }
        self.consider_new(progress, &grounds, size, &mut round).await?;
        for ground in round.granting(&grounds) {
            let settled = self.settle(ground, progress.of(ground)).await;
            round.take(ground, settled);
        }
        // Last, so that nothing of this keeps a record in or out of a feed.
        for ground in round.granting(&grounds) {
            let published = self.publish_tables(ground, &mut progress.of(ground).tables).await;
            round.take(ground, published);
        }
        progress.considered = Some(LeafIndex(size));
        Ok(match (round.failed.is_empty(), done) {
            (false, _) => Next::Tick,
            (true, false) => Next::AtOnce,
            (true, true) => Next::Changed,
        })
    }

    /// A feed that the releaser comes to begins with what it has not considered; one that comes later, with what the others have not.
    fn begin(&self, progress: &mut Progress, grounds: &[Ground<'_>], size: u64) {
        for ground in grounds {
            let id = &ground.agreement.id;
            if !progress.feeds.contains_key(id) {
                let first = if ground.may_grant() { self.considered(id) } else { LeafIndex(size) };
                let considered = progress.considered.unwrap_or(first);
                progress.feeds.insert(id.clone(), FeedProgress { considered, ..FeedProgress::default() });
            }
        }
    }

    /// Decides on everything between what has been considered and `size`, for every agreement.
    async fn consider_new(
        &self,
        progress: &mut Progress,
        grounds: &[Ground<'_>],
        size: u64,
        round: &mut Round,
    ) -> Result<(), Error> {
        loop {
            let going = grounds.iter().filter(|ground| !round.has_failed(ground));
            let first = going.map(|ground| progress.of(ground).considered).min();
            let Some(first) = first.filter(|first| first.0 < size) else { return Ok(()) };
            let count = usize::try_from(size - first.0).unwrap_or(READ_ENTRIES).min(READ_ENTRIES);
            let candidates = self.candidates_from(first, count).await?;
            let considered = LeafIndex(first.0 + count as u64);
            let behind = grounds.iter().filter_map(|ground| {
                let id = &ground.agreement.id;
                let is_behind = !round.has_failed(ground) && progress.of(ground).considered < considered;
                let feed = if is_behind { progress.feeds.remove(id) } else { None };
                feed.map(|feed| self.decide_for(ground, feed, &candidates, considered))
            });
            // Feeds share nothing that these decisions change, and their entries share commits.
            let decided: Vec<_> =
                stream::iter(behind.collect::<Vec<_>>()).buffer_unordered(FEEDS_AT_ONCE).collect().await;
            for (ground, mut feed, decided) in decided {
                if round.take(ground, decided).is_some() {
                    feed.considered = considered;
                }
                progress.feeds.insert(ground.agreement.id.clone(), feed);
            }
        }
    }

    /// Decides on new record versions for one feed, whatever it may grant.
    async fn decide_for<'g, 'a>(
        &self,
        ground: &'g Ground<'a>,
        mut feed: FeedProgress,
        candidates: &[Candidate],
        considered: LeafIndex,
    ) -> (&'g Ground<'a>, FeedProgress, Result<(), Error>) {
        let decided = if ground.may_grant() {
            self.consider(ground, candidates, considered, &mut feed).await
        } else {
            self.withdraw_corrected(ground.agreement, candidates).await
        };
        (ground, feed, decided)
    }

    /// What follows from decisions and from the calendar: what has to leave, what is due, and what is to be shown under a new key.
    async fn settle(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<(), Error> {
        self.shrink(ground, feed).await?;
        if feed.pass.is_through() {
            self.release_again(ground, feed).await?;
            self.release_due(ground, feed).await?;
        }
        let today = ground.now.day();
        if feed.reviewed != Some(today) {
            self.review(ground).await?;
            feed.reviewed = Some(today);
        }
        Ok(())
    }

    /// Decides on new record versions for one feed: releases, withholds for the period's batch, or withdraws what they replace.
    async fn consider(
        &self,
        ground: &Ground<'_>,
        candidates: &[Candidate],
        considered: LeafIndex,
        feed: &mut FeedProgress,
    ) -> Result<(), Error> {
        let agreement = ground.agreement;
        let from = self.considered(&agreement.id).max(feed.considered);
        let held = &mut feed.held;
        let (mut release, mut withdraw) = (Vec::new(), Vec::new());
        for candidate in candidates.iter().filter(|candidate| candidate.leaf >= from) {
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
        withdraw.extend(self.outdated_in_cells(agreement, candidates));
        withdraw.sort_unstable();
        withdraw.dedup();
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
