//! Releasing again: after a rotation of a feed's key, what is live under an earlier one takes a new position under the new one.

use std::collections::HashMap;

use causeway_agreement::{Agreement, Decision};
use causeway_journal::{Outcome, ReleaseTerms, v1};
use causeway_model::{RecordId, Timestamp};

use crate::cell_release::Celled;
use crate::evaluate::{Frozen, frozen};
use crate::release::{BATCH, Due, FeedProgress, Waiting, shuffle};
use crate::submit::leaf_of;
use crate::verdict::Ground;
use crate::{Error, Exchange};

/// What is live under an earlier key.
struct Stale {
    due: Due,
    frozen: Frozen,
    /// What it was released as, where it is in a cell.
    celled: Option<Celled>,
}

impl Exchange {
    /// Releases again what a feed shows under an earlier key, where a clause still grants it: shuffled, in batches, and what is in a cell
    /// as what it was. It starts from what the feed says, so one that was cut short is gone on with.
    pub(crate) async fn release_again(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<(), Error> {
        let agreement = ground.agreement;
        let epoch = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.epoch().number));
        let Some(epoch) = epoch.filter(|epoch| feed.renewed != *epoch) else { return Ok(()) };
        let mut stale = self.stale(agreement);
        shuffle(&mut stale);
        let (mut celled, mut otherwise) = (Vec::new(), Vec::new());
        for chunk in stale.chunks(BATCH) {
            let mut granted = Vec::new();
            let shown: HashMap<RecordId, &Stale> = chunk.iter().map(|stale| (stale.due.0, stale)).collect();
            for candidate in self.with_facts(chunk.iter().map(|stale| stale.due).collect()).await? {
                // What is denied leaves with the next review, as it would have without a rotation.
                let (Decision::Grant(clause), Some(shown)) =
                    (ground.decide(&candidate.owner, &candidate.facts), shown.get(&candidate.record))
                else {
                    continue;
                };
                match &shown.celled {
                    None if clause.minimum_cell == 1 => {
                        granted.push(self.release_of(&candidate, clause.id.as_str()));
                    }
                    Some(as_it_was) if shown.frozen.is_alike(agreement, clause, &candidate.facts) => {
                        celled.push((candidate, as_it_was.clone()));
                    }
                    _ => otherwise.push((candidate, clause)),
                }
            }
            if !granted.is_empty() && !self.append_again(agreement, granted).await? {
                // The agreement has been superseded meanwhile: the next round goes on under the new version.
                return Ok(());
            }
        }
        if !self.release_cells_again(ground, feed, &celled).await? {
            return Ok(());
        }
        self.append_withdrawals(agreement, otherwise.iter().map(|(candidate, _)| candidate.record).collect()).await?;
        for (candidate, clause) in otherwise {
            feed.held.add(Waiting::overdue(candidate, clause));
        }
        feed.renewed = epoch;
        Ok(())
    }

    /// What is live in a feed under an earlier key than the present one, in its record's current version.
    fn stale(&self, agreement: &Agreement) -> Vec<Stale> {
        self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id).filter(|feed| feed.epoch().number > 1) else {
                return Vec::new();
            };
            let first = feed.epoch().first;
            let made = feed.live_records().filter_map(|id| {
                let live = feed.live(id).filter(|position| *position < first)?;
                let item = feed.item(live)?;
                let record = state.record(id).filter(|record| record.may_leave() && record.current == item.version)?;
                let due = (*id, record.current, leaf_of(record, record.current)?, Timestamp(0));
                let ReleaseTerms { clause, recoding, .. } = item.terms.clone();
                let celled = feed.cell(live).map(|cell| Celled { clause, recoding, cell });
                Some(Stale { due, frozen: frozen(state, agreement, id)?.1, celled })
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
        Ok(self.record_in_term(draft).await?.outcome != Outcome::Void)
    }
}
