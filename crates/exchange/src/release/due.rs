//! The batches at the end of a release period, shuffled: neither order nor time says anything about a record.

use std::collections::BTreeSet;

use causeway_agreement::Decision;
use causeway_model::ClauseId;

use super::{Candidate, FeedProgress, shuffle};
use crate::verdict::Ground;
use crate::{Error, Exchange};

impl Exchange {
    /// Releases what is due, clause by clause where they have a minimum cell.
    pub(super) async fn release_due(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<(), Error> {
        let considered = feed.considered;
        for clause in feed.held.clauses_due(ground.now) {
            let Some(clause) = ground.agreement.clause(&clause) else { continue };
            let batch = self.still_good(ground, feed, feed.held.batch_of(&clause.id, ground.now), &clause.id);
            self.release_cells(ground, clause, batch, (&mut feed.held, &mut feed.cells), considered).await?;
        }
        let due = feed.held.due(ground.now);
        if due.is_empty() {
            return Ok(());
        }
        let records: BTreeSet<_> = due.iter().map(|candidate| candidate.record).collect();
        let mut due = self.current(due);
        shuffle(&mut due);
        let granted = due.iter().filter_map(|candidate| match ground.decide(&candidate.owner, &candidate.facts) {
            Decision::Grant(clause) if clause.minimum_cell == 1 => Some(self.release_of(candidate, clause.id.as_str())),
            Decision::Grant(_) | Decision::Deny(_) => None,
        });
        let through = feed.held.through_without(considered, &records);
        self.append_releases(ground.agreement, granted.collect(), through).await?;
        records.iter().for_each(|record| feed.held.take_out(record));
        Ok(())
    }

    /// Those that are still granted by this clause and may still leave; the others wait no longer.
    fn still_good(
        &self,
        ground: &Ground<'_>,
        feed: &mut FeedProgress,
        batch: Vec<Candidate>,
        clause: &ClauseId,
    ) -> Vec<Candidate> {
        let mut gone: BTreeSet<_> = batch.iter().map(|candidate| candidate.record).collect();
        let mut good = self.current(batch);
        let grants = |candidate: &Candidate| match ground.decide(&candidate.owner, &candidate.facts) {
            Decision::Grant(found) => found.id == *clause,
            Decision::Deny(_) => false,
        };
        good.retain(grants);
        for candidate in &good {
            gone.remove(&candidate.record);
        }
        gone.iter().for_each(|record| feed.held.take_out(record));
        good
    }

    /// What was corrected, withdrawn, restricted or erased while it waited is not what was decided on.
    fn current(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        self.journal().read(|state| {
            candidates.retain(|candidate| {
                let record = state.record(&candidate.record);
                record.is_some_and(|record| record.may_leave() && record.current == candidate.version)
            });
        });
        candidates
    }
}
