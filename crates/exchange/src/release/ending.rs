//! What has to leave a feed because time has passed or the agreement cannot be relied on: no submission says so.

use causeway_agreement::{Agreement, Decision};
use causeway_journal::{FeedItem, State};
use causeway_model::{Position, RecordId};

use super::pass::Pass;
use super::{Candidate, FeedProgress, Held, READ_ENTRIES};
use crate::release::Due;
use crate::submit::leaf_of;
use crate::verdict::Ground;
use crate::{Error, Exchange};

impl Exchange {
    /// Withdraws from the feed of an agreement that grants nothing now all but what its clause lets stay. No body is needed to say so.
    pub(super) async fn end(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<(), Error> {
        (feed.held, feed.renewed) = (Held::default(), 0);
        let (agreement, pass) = (ground.agreement, &mut feed.pass);
        let newest = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.newest()));
        let newest = newest.unwrap_or(Position(0));
        if pass.is_ended_at(newest) {
            return Ok(());
        }
        let leaving = self.journal().read(|state| leaving(state, agreement));
        self.append_withdrawals(agreement, leaving).await?;
        let newest = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.newest()));
        *pass = Pass::Ended(newest.unwrap_or(Position(0)));
        Ok(())
    }

    /// Withdraws what was corrected while its agreement grants nothing: a copy that may stay is not to stay as it was before that.
    pub(super) async fn withdraw_corrected(
        &self,
        agreement: &Agreement,
        candidates: &[Candidate],
    ) -> Result<(), Error> {
        let outdated = self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
            let outdated = candidates.iter().filter(|candidate| candidate.outdated(feed).is_some());
            outdated.map(|candidate| candidate.record).collect()
        });
        self.append_withdrawals(agreement, outdated).await
    }

    /// Withdraws what is in the feed and may not be there any more: the retention is over.
    pub(super) async fn review(&self, ground: &Ground<'_>) -> Result<(), Error> {
        let agreement = ground.agreement;
        let live: Vec<Due> = self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
            let made = feed.live_records().filter_map(|id| {
                let record = state.record(id)?;
                Some((*id, record.current, leaf_of(record, record.current)?, super::held::LONG_AGO))
            });
            made.collect()
        });
        let mut all = Vec::new();
        for chunk in live.chunks(READ_ENTRIES) {
            let candidates = self.with_facts(chunk.to_vec()).await?;
            let is_denied =
                |candidate: &&Candidate| matches!(ground.decide(&candidate.owner, &candidate.facts), Decision::Deny(_));
            all.extend(candidates.iter().filter(is_denied).map(|candidate| candidate.record));
        }
        self.append_withdrawals(agreement, all).await
    }
}

/// What is live and has not left under a clause by which copies stay, or has been corrected since: the partner must not keep what
/// is wrong, and what is right will not come.
fn leaving(state: &State, agreement: &Agreement) -> Vec<RecordId> {
    let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
    let leaves = |record: &&RecordId| {
        // What has not left is no copy: it is released anew once that may be.
        let left = feed.live(record).filter(|position| feed.has_left(*position));
        let is_current = |item: &FeedItem<'_>| state.record(record).is_some_and(|known| known.current == item.version);
        let item = left.and_then(|position| feed.item(position));
        !item.is_some_and(|item| is_current(&item) && stays(state, agreement, &item))
    };
    feed.live_records().filter(leaves).copied().collect()
}

fn stays(state: &State, agreement: &Agreement, item: &FeedItem<'_>) -> bool {
    let version = state.agreement_version(&agreement.id, item.terms.agreement_version);
    version.and_then(|version| version.clause(&item.terms.clause)).is_some_and(|clause| clause.copies_stay)
}
