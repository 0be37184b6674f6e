//! A pass over all records of the granting agency: at every start, when an agreement comes into force in a new version, and when it can
//! be relied on again. Under a new version it is the re-evaluation, which an entry closes.
//!
//! What it has done stays done: one that was cut short begins anew and finds less to do.

use std::collections::HashMap;

use causeway_agreement::{Clause, Decision, ReleasePeriod};
use causeway_model::{LeafIndex, Position, RecordId, RecordVersion};

use super::held::LONG_AGO;
use super::{Candidate, Due, FeedProgress, READ_ENTRIES, Waiting, shuffle};
use crate::evaluate::{Frozen, frozen};
use crate::submit::leaf_of;
use crate::verdict::Ground;
use crate::{Error, Exchange};

/// Chunks that one round goes through for one feed, so that no other feed waits long.
const CHUNKS_A_ROUND: usize = 16;

/// How far a feed's pass has come.
#[derive(Debug, Default)]
pub(super) enum Pass {
    /// It is to begin.
    #[default]
    Due,
    /// It runs, for this version of the agreement.
    Running {
        version: u32,
        records: Vec<RecordId>,
        next: usize,
        /// What is made from this entry on is decided on as it comes.
        until: LeafIndex,
    },
    /// It went through, for this version of the agreement.
    Through(u32),
    /// The agreement grants nothing, and everything that has to leave had left at this newest position.
    Ended(Position),
}

impl Pass {
    pub(super) fn is_through(&self) -> bool {
        matches!(self, Self::Through(_))
    }

    pub(super) fn is_ended_at(&self, newest: Position) -> bool {
        matches!(self, Self::Ended(at) if *at == newest)
    }

    fn is_for(&self, version: u32) -> bool {
        matches!(self, Self::Running { version: of, .. } | Self::Through(of) if *of == version)
    }
}

impl Exchange {
    /// Goes on with the pass that is due for this feed; whether there is none left to go on with.
    pub(super) async fn pass_on(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<bool, Error> {
        let agreement = ground.agreement;
        if !feed.pass.is_for(agreement.version) {
            feed.held.decide_again(|candidate| granting(ground, candidate));
            feed.renewed = 0;
            let records = self.journal().read(|state| {
                let own = |id: &RecordId| state.record(id).is_some_and(|record| *record.owner == agreement.granting);
                state.records().filter(own).collect()
            });
            let until = feed.considered.max(self.considered(&agreement.id));
            feed.pass = Pass::Running { version: agreement.version, records, next: 0, until };
        }
        for _ in 0..CHUNKS_A_ROUND {
            let Pass::Running { records, next, until, .. } = &mut feed.pass else { return Ok(true) };
            let Some(chunk) = records.get(*next..).filter(|rest| !rest.is_empty()) else {
                self.close_evaluation(ground).await?;
                feed.pass = Pass::Through(agreement.version);
                return Ok(true);
            };
            let chunk = chunk[..chunk.len().min(READ_ENTRIES)].to_vec();
            let until = *until;
            self.pass_over(ground, feed, &chunk, until).await?;
            if let Pass::Running { next, .. } = &mut feed.pass {
                *next += chunk.len();
            }
        }
        Ok(false)
    }

    /// Decides on some records anew.
    async fn pass_over(
        &self,
        ground: &Ground<'_>,
        feed: &mut FeedProgress,
        records: &[RecordId],
        until: LeafIndex,
    ) -> Result<(), Error> {
        let agreement = ground.agreement;
        let (due, shown) = self.journal().read(|state| {
            let current = |id: &RecordId| -> Option<(Due, Option<(RecordVersion, Frozen)>)> {
                let record = state.record(id).filter(|record| record.may_leave())?;
                let due = (*id, record.current, leaf_of(record, record.current)?, LONG_AGO);
                Some((due, frozen(state, agreement, id)))
            };
            records.iter().filter_map(current).unzip::<_, _, Vec<_>, Vec<_>>()
        });
        let shown: HashMap<RecordId, (RecordVersion, Frozen)> =
            due.iter().zip(shown).filter_map(|((id, ..), shown)| Some((*id, shown?))).collect();
        let (mut withdraw, mut release) = (Vec::new(), Vec::new());
        for candidate in self.with_facts(due).await? {
            let shown = shown.get(&candidate.record);
            let Some(clause) = granting(ground, &candidate) else {
                if shown.is_some() {
                    withdraw.push(candidate.record);
                }
                continue;
            };
            let was_there = match shown {
                Some((version, shown)) if *version == candidate.version => {
                    if shown.is_alike(agreement, clause, &candidate.facts) {
                        continue;
                    }
                    withdraw.push(candidate.record);
                    true
                }
                _ if candidate.leaf >= until => continue,
                _ => false,
            };
            if clause.release == ReleasePeriod::Immediate {
                release.push(self.release_of(&candidate, clause.id.as_str()));
            } else if was_there {
                feed.held.add(Waiting::overdue(candidate, clause));
            } else {
                // What is granted for the first time waits for the end of the period in which it was made, like everything else.
                let made = self.time_of(candidate.leaf).await?;
                feed.held.add(Waiting::found(candidate, clause, made));
            }
        }
        // Withdrawals first: what is released anew takes a position of its own.
        self.append_withdrawals(agreement, withdraw).await?;
        shuffle(&mut release);
        self.append_releases(agreement, release, self.considered(&agreement.id)).await
    }
}

/// The clause that grants a candidate now.
fn granting<'a>(ground: &Ground<'a>, candidate: &Candidate) -> Option<&'a Clause> {
    match ground.decide(&candidate.owner, &candidate.facts) {
        Decision::Grant(clause) => Some(clause),
        Decision::Deny(_) => None,
    }
}
