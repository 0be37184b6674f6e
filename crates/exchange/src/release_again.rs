//! Releasing again: after a rotation of a feed's key, what is live under an earlier one takes a new position under the new one.

use causeway_agreement::{Agreement, Decision};
use causeway_journal::{Outcome, v1};
use causeway_model::Timestamp;

use crate::release::{BATCH, Due, FeedProgress, Waiting, shuffle};
use crate::submit::leaf_of;
use crate::verdict::Ground;
use crate::{Error, Exchange};

impl Exchange {
    /// Releases again what a feed shows under an earlier key, where a clause still grants it: shuffled, in batches. It starts from
    /// what the feed says, so one that was cut short is gone on with. What is in a group goes with a batch for it.
    pub(crate) async fn release_again(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<(), Error> {
        let agreement = ground.agreement;
        let epoch = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.epoch().number));
        let Some(epoch) = epoch.filter(|epoch| feed.renewed != *epoch) else { return Ok(()) };
        let mut stale = self.stale(agreement);
        shuffle(&mut stale);
        for chunk in stale.chunks(BATCH) {
            let mut granted = Vec::new();
            for candidate in self.with_facts(chunk.to_vec()).await? {
                match ground.decide(&candidate.owner, &candidate.facts) {
                    Decision::Grant(clause) if clause.minimum_cell > 1 => {
                        feed.held.add(Waiting::overdue(candidate, clause));
                    }
                    Decision::Grant(clause) => granted.push(self.release_of(&candidate, clause.id.as_str())),
                    // It leaves with the next review, as it would have without a rotation.
                    Decision::Deny(_) => {}
                }
            }
            if !granted.is_empty() && !self.append_again(agreement, granted).await? {
                // The agreement has been superseded meanwhile: the next round goes on under the new version.
                return Ok(());
            }
        }
        feed.renewed = epoch;
        Ok(())
    }

    /// What is live in a feed under an earlier key than the present one, in its record's current version.
    fn stale(&self, agreement: &Agreement) -> Vec<Due> {
        self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id).filter(|feed| feed.epoch().number > 1) else {
                return Vec::new();
            };
            let first = feed.epoch().first;
            let made = feed.live_records().filter_map(|id| {
                let item = feed.live(id).filter(|position| *position < first).and_then(|live| feed.item(live))?;
                let record = state.record(id).filter(|record| record.may_leave() && record.current == item.version)?;
                Some((*id, record.current, leaf_of(record, record.current)?, Timestamp(0)))
            });
            made.collect()
        })
    }

    /// Whether the batch stands: one decided under a superseded agreement version does not.
    async fn append_again(&self, agreement: &Agreement, releases: Vec<v1::Release>) -> Result<bool, Error> {
        let considered = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.considered()));
        let mut draft = self.releaser_draft(agreement, "released-again");
        draft.entry.count = releases.len() as u64;
        draft.entry.releases = Some(v1::ReleaseBatch {
            feed: agreement.id.to_string(),
            agreement_version: agreement.version,
            considered_leaves: considered.unwrap_or_default().0,
            releases,
            ..v1::ReleaseBatch::default()
        });
        Ok(self.record(draft).await?.outcome != Outcome::Void)
    }
}
