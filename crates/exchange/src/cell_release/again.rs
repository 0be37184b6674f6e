//! Cells after a rotation of the feed's key: their items are released again as what they were released as. A partner that could see one
//! record through two recodings would know more than either tells.

use causeway_journal::CellId;
use causeway_model::{ClauseId, RecordId};

use super::Recoding;
use super::batch::Joining;
use crate::release::{Candidate, FeedProgress, READ_ENTRIES};
use crate::verdict::Ground;
use crate::{Error, Exchange};

/// What a live item in a cell was released as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Celled {
    pub(crate) clause: ClauseId,
    pub(crate) recoding: Recoding,
    pub(crate) cell: CellId,
}

impl Exchange {
    /// Releases these again in their cells, whole cells together, and takes back what cannot go so; `false` where the agreement has been
    /// superseded meanwhile.
    pub(crate) async fn release_cells_again(
        &self,
        ground: &Ground<'_>,
        feed: &mut FeedProgress,
        stale: &[(Candidate, Celled)],
    ) -> Result<bool, Error> {
        if stale.is_empty() {
            return Ok(true);
        }
        let agreement = ground.agreement;
        feed.cells.registry.refresh(self, agreement).await?;
        for (clause, recoding, joining) in self.by_recoding(stale).await? {
            let Some(clause) = agreement.clause(&clause) else { continue };
            let joining = self.large_enough(agreement, clause, joining, &feed.cells.registry);
            let through = self.considered(&agreement.id);
            if !self.append_cells("released-again", agreement, (clause, &recoding), joining, through).await? {
                return Ok(false);
            }
        }
        let left = self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
            let is_left = |id: &RecordId| feed.live(id).is_some_and(|position| position < feed.epoch().first);
            stale.iter().map(|(candidate, _)| candidate.record).filter(is_left).collect()
        });
        self.take_back(ground, feed, left).await?;
        Ok(true)
    }

    /// A batch has one recoding, so what was released under different ones goes apart. There are few.
    async fn by_recoding(
        &self,
        stale: &[(Candidate, Celled)],
    ) -> Result<Vec<(ClauseId, Recoding, Vec<Joining>)>, Error> {
        let mut alike: Vec<(ClauseId, Recoding, Vec<Joining>)> = Vec::new();
        for chunk in stale.chunks(READ_ENTRIES) {
            let candidates: Vec<Candidate> = chunk.iter().map(|(candidate, _)| candidate.clone()).collect();
            let views = self.views(&candidates).await?;
            for ((candidate, (_, celled)), view) in candidates.into_iter().zip(chunk).zip(views) {
                let Some(view) = view else { continue };
                let person = view.person(candidate.record);
                let one = Joining { candidate, cell: celled.cell, person, counts: false };
                match alike.iter_mut().find(|(of, shown, _)| *of == celled.clause && *shown == celled.recoding) {
                    Some((.., joining)) => joining.push(one),
                    None => alike.push((celled.clause.clone(), celled.recoding.clone(), vec![one])),
                }
            }
        }
        Ok(alike)
    }
}
