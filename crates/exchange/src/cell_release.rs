//! Releases under a minimum cell: at the end of a period one recoding is chosen for all that waits under a clause, and only what then
//! is like the items of enough persons goes.
//!
//! Two items are alike if their documents are, each pseudonym counting as there or not. A group of like items, a *cell*, is named by
//! a keyed hash of that document, whatever recoding led to it, so that later batches add to it. What a record's document would be is
//! found by the one projection that also serves it. A restart may make a batch of what stayed behind before the period ends: that is
//! one more batch, as good as the others.

mod batch;
mod registry;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use causeway_agreement::{Agreement, Clause};
use causeway_cells::recoding::{self, Choice, Fate, Ladders, Released};
use causeway_journal::{CellId, State};
use causeway_model::{FieldPath, LeafIndex, Position, RecordId, Step};

use crate::release::{Candidate, FeedProgress, Held, READ_ENTRIES, Waiting};
use crate::verdict::Ground;
use crate::{Error, Exchange};

use batch::Joining;
use registry::Registry;
use view::{Codes, Columns};

pub(crate) use view::{Person, View};

/// What the releaser knows of a feed's cells between two rounds; it is found anew after a restart.
#[derive(Debug, Default)]
pub(crate) struct CellProgress {
    registry: Registry,
    /// Up to which position items have been looked at for cells that became too small.
    shrunk: Position,
}

/// What a batch shows coarser than its clause says: fields in ascending order, each with its step; none where it is left out.
type Recoding = Vec<(FieldPath, Option<Step>)>;

impl Exchange {
    /// Releases what can go of a clause's batch; the rest waits for the next one.
    pub(crate) async fn release_cells(
        &self,
        ground: &Ground<'_>,
        clause: &Clause,
        batch: Vec<Candidate>,
        (held, cells): (&mut Held, &mut CellProgress),
        considered: LeafIndex,
    ) -> Result<(), Error> {
        let agreement = ground.agreement;
        let records: BTreeSet<RecordId> = batch.iter().map(|candidate| candidate.record).collect();
        // Nothing that a partner has not had yet is replaced by this batch: so nobody is counted for an item that goes with it.
        let unseen = self.journal().read(|state| unseen(state, agreement, records.iter()));
        self.append_withdrawals(agreement, unseen).await?;
        cells.registry.refresh(self, agreement).await?;
        let columns = Columns::of(clause, &|kind| self.field_tables(kind));
        let (choice, batch) = self.choose(clause, &columns, batch, &cells.registry).await?;
        let recoding = columns.recoding(&choice.recoding);
        let going = batch.into_iter().zip(&choice.fates).filter(|(_, fate)| matches!(fate, Fate::Goes { .. }));
        let going: Vec<Candidate> = going.map(|(candidate, _)| candidate).collect();
        let joining = self.joining(agreement, clause, &recoding, going).await?;
        let joining = self.large_enough(agreement, clause, joining, &cells.registry);
        let through = held.through_without(considered, &records);
        self.append_cells(ground, clause, &recoding, joining, through).await?;
        self.leave_behind(ground, &records, held).await
    }

    /// One recoding for the batch, and what it makes of each candidate that could be read.
    async fn choose(
        &self,
        clause: &Clause,
        columns: &Columns,
        batch: Vec<Candidate>,
        registry: &Registry,
    ) -> Result<(Choice, Vec<Candidate>), Error> {
        let mut codes = Codes::new(columns);
        let (mut rows, mut read) = (Vec::new(), Vec::new());
        for chunk in batch.chunks(READ_ENTRIES) {
            for (candidate, view) in chunk.iter().zip(self.views(chunk).await?) {
                let Some(view) = view else { continue };
                rows.push(codes.row(columns, clause, &view, view.person(candidate.record)));
                read.push(candidate.clone());
            }
        }
        let mut released = Released::new();
        registry.for_each(self, clause, |look, person| {
            released.insert(codes.cell(look), codes.person(person));
        });
        let ladders = Ladders::new(&columns.levels()).map_err(Error::corrupt)?;
        let k = usize::try_from(clause.minimum_cell).unwrap_or(usize::MAX);
        let choice = recoding::choose(&ladders, &rows, &released, k).map_err(Error::corrupt)?;
        Ok((choice, read))
    }

    /// What each of them shows under the recoding, and so which cell it joins.
    async fn joining(
        &self,
        agreement: &Agreement,
        clause: &Clause,
        recoding: &Recoding,
        going: Vec<Candidate>,
    ) -> Result<Vec<Joining>, Error> {
        let mut joining = Vec::with_capacity(going.len());
        for chunk in going.chunks(READ_ENTRIES) {
            for (candidate, view) in chunk.iter().zip(self.views(chunk).await?) {
                let Some(view) = view else { continue };
                let cell = self.cell_of(agreement, &view.document(clause, recoding));
                let person = view.person(candidate.record);
                joining.push(Joining { candidate: candidate.clone(), cell, person, counts: false });
            }
        }
        Ok(joining)
    }

    /// Those whose cell is large enough with them, each with whether it brings a new person.
    fn large_enough(
        &self,
        agreement: &Agreement,
        clause: &Clause,
        joining: Vec<Joining>,
        registry: &Registry,
    ) -> Vec<Joining> {
        let mut cells: BTreeMap<CellId, Vec<Joining>> = BTreeMap::new();
        for one in joining {
            cells.entry(one.cell).or_default().push(one);
        }
        let mut large = Vec::new();
        for (cell, mut members) in cells {
            let mut known: BTreeSet<Person> = registry.persons(self, agreement, &cell);
            crate::release::shuffle(&mut members);
            for one in &mut members {
                one.counts = known.insert(one.person);
            }
            let proven =
                self.journal().read(|state| state.feed(&agreement.id).map_or(0, |feed| feed.proven_persons(&cell)));
            let brought = members.iter().filter(|one| one.counts).count() as u64;
            if proven + brought >= u64::from(clause.minimum_cell) {
                large.extend(members);
            }
        }
        large
    }

    /// What stays waits on; where an earlier version of it has left to the partner, it is taken back: it is not true any more.
    async fn leave_behind(
        &self,
        ground: &Ground<'_>,
        batch: &BTreeSet<RecordId>,
        held: &mut Held,
    ) -> Result<(), Error> {
        let agreement = ground.agreement;
        let mut outdated = Vec::new();
        self.journal().read(|state| {
            let feed = state.feed(&agreement.id);
            for id in batch {
                let live = feed.and_then(|feed| Some((feed.live(id)?, feed)));
                let shown = live.and_then(|(position, feed)| Some((feed.item(position)?.version, position, feed)));
                let current = state.record(id).map(|record| record.current);
                match shown {
                    Some((version, position, feed)) if Some(version) == current => {
                        if position >= feed.epoch().first {
                            held.take_out(id);
                        } else {
                            held.wait_on(id, ground.now);
                        }
                    }
                    Some(_) => {
                        outdated.push(*id);
                        held.wait_on(id, ground.now);
                    }
                    None => held.wait_on(id, ground.now),
                }
            }
        });
        self.append_withdrawals(agreement, outdated).await
    }

    /// Takes out of cells that have become too small what has not left to the partner, and lets it wait again.
    pub(crate) async fn shrink(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<(), Error> {
        let agreement = ground.agreement;
        let (records, newest) = self.journal().read(|state| too_few(state, agreement, feed.cells.shrunk));
        if !records.is_empty() {
            let due = self.journal().read(|state| {
                let current = |id: &RecordId| {
                    let record = state.record(id).filter(|record| record.may_leave())?;
                    let leaf = crate::submit::leaf_of(record, record.current)?;
                    Some((*id, record.current, leaf, ground.now))
                };
                records.iter().filter_map(current).collect()
            });
            self.append_withdrawals(agreement, records).await?;
            for candidate in self.with_facts(due).await? {
                if let causeway_agreement::Decision::Grant(clause) = ground.decide(&candidate.owner, &candidate.facts) {
                    let record = candidate.record;
                    feed.held.add(Waiting::overdue(candidate, clause));
                    feed.held.wait_on(&record, ground.now);
                }
            }
        }
        feed.cells.shrunk = newest;
        Ok(())
    }

    /// The records among new versions whose earlier version is in a cell and has not left: nobody will be shown it any more, so it must
    /// not stand for a person there.
    pub(crate) fn unseen_in_cells(&self, agreement: &Agreement, made: &[Candidate]) -> Vec<RecordId> {
        self.journal().read(|state| {
            let is_old = |candidate: &&Candidate| {
                let feed = state.feed(&agreement.id);
                let item = feed.and_then(|feed| feed.item(feed.live(&candidate.record)?));
                item.is_some_and(|item| item.version != candidate.version)
            };
            unseen(state, agreement, made.iter().filter(is_old).map(|candidate| &candidate.record))
        })
    }
}

/// Those of the records that are live in a cell, and have not left to the partner.
fn unseen<'a>(state: &State, agreement: &Agreement, records: impl Iterator<Item = &'a RecordId>) -> Vec<RecordId> {
    let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
    let is_unseen = |record: &&RecordId| {
        let live = feed.live(record);
        live.is_some_and(|position| feed.cell(position).is_some() && !feed.has_left(position))
    };
    records.filter(is_unseen).copied().collect()
}

/// The records that are live, and have not left, in cells from which something was taken after `looked_at` and that are now too small;
/// and up to which position that holds.
fn too_few(state: &State, agreement: &Agreement, looked_at: Position) -> (Vec<RecordId>, Position) {
    let Some(feed) = state.feed(&agreement.id) else { return (Vec::new(), looked_at) };
    let newest = feed.newest();
    let new = (looked_at.0 + 1..=newest.0).map(Position);
    let touched: BTreeSet<CellId> = new.filter_map(|position| feed.cell(feed.item(position)?.target?)).collect();
    let mut least: HashMap<(u32, causeway_model::ClauseId), u32> = HashMap::new();
    let mut records = Vec::new();
    for cell in touched {
        let persons = feed.persons(&cell);
        for position in feed.members(&cell) {
            let Some(item) = feed.item(position) else { continue };
            if feed.live(&item.record_id) != Some(position) || feed.has_left(position) {
                continue;
            }
            let key = (item.terms.agreement_version, item.terms.clause.clone());
            let least = *least.entry(key).or_insert_with_key(|(version, clause)| {
                let frozen = state.agreement_version(&agreement.id, *version).and_then(|known| known.clause(clause));
                let cells =
                    [frozen, agreement.clause(clause)].map(|clause| clause.map_or(0, |clause| clause.minimum_cell));
                cells[0].max(cells[1])
            });
            if persons < u64::from(least) {
                records.push(item.record_id);
            }
        }
    }
    (records, newest)
}
