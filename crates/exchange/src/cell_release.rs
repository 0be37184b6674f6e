//! Releases under a minimum cell: at the end of a period one recoding is chosen for all that waits under a clause, and only what then
//! is like the items of enough persons goes.
//!
//! Two items are alike if their clauses and documents are, each pseudonym counting as there or not. A group of like items, a *cell*, is
//! named by a keyed hash of both, whatever recoding led to it, so that later batches add to it. What a record's document would be is
//! found by the one projection that also serves it. A restart may make a batch of what stayed behind before the period ends: that is
//! one more batch, as good as the others.

mod again;
mod batch;
mod registry;
mod shrink;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use causeway_agreement::{Agreement, Clause};
use causeway_cells::recoding::{self, Choice, Fate, Ladders, Released};
use causeway_journal::CellId;
use causeway_model::{FieldPath, LeafIndex, Position, RecordId, Step};

use crate::release::{Candidate, Held, READ_ENTRIES};
use crate::verdict::Ground;
use crate::{Error, Exchange};

use batch::Joining;
use registry::Registry;
use view::{Codes, Columns};

pub(crate) use again::Celled;
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
        let (batch, outdated) = self.not_shown(agreement, batch);
        // Nothing names what it replaces, as that would tell who is in the cell; and nobody is counted for what goes.
        self.append_withdrawals(agreement, outdated).await?;
        cells.registry.refresh(self, agreement).await?;
        let columns = Columns::of(clause, &|kind| self.field_tables(kind));
        let (choice, batch) = self.choose(clause, &columns, batch, &cells.registry).await?;
        let recoding = columns.recoding(&choice.recoding);
        let going = batch.into_iter().zip(&choice.fates).filter(|(_, fate)| matches!(fate, Fate::Goes { .. }));
        let going: Vec<Candidate> = going.map(|(candidate, _)| candidate).collect();
        let joining = self.joining(agreement, clause, &recoding, going).await?;
        let joining = self.large_enough(agreement, clause, joining, &cells.registry);
        let through = held.through_without(considered, &records);
        if self.append_cells("released", agreement, (clause, &recoding), joining, through).await? {
            self.leave_behind(ground, &records, held);
        }
        Ok(())
    }

    /// The candidates that the feed does not show in their version, and the records of which it has an earlier one.
    fn not_shown(&self, agreement: &Agreement, mut batch: Vec<Candidate>) -> (Vec<Candidate>, Vec<RecordId>) {
        let mut outdated = Vec::new();
        self.journal().read(|state| {
            let feed = state.feed(&agreement.id);
            batch.retain(|candidate| {
                let item = feed.and_then(|feed| feed.item(feed.live(&candidate.record)?));
                let version = item.map(|item| item.version);
                if version.is_some_and(|version| version != candidate.version) {
                    outdated.push(candidate.record);
                }
                version != Some(candidate.version)
            });
        });
        (batch, outdated)
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
                let cell = self.cell_of(agreement, clause, &view.document(clause, recoding));
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
            let records = members.iter().map(|one| one.candidate.record).collect();
            let mut known: BTreeSet<Person> = registry.persons(self, agreement, &cell, &records);
            crate::release::shuffle(&mut members);
            for one in &mut members {
                one.counts = known.insert(one.person);
            }
            let proven =
                self.journal().read(|state| state.feed(&agreement.id).map_or(0, |feed| feed.proven_persons(&cell)));
            let brought = members.iter().filter(|one| one.counts).count() as u64;
            if (known.len() as u64).min(proven + brought) >= u64::from(clause.minimum_cell) {
                large.extend(members);
            }
        }
        large
    }

    /// What stays waits on.
    fn leave_behind(&self, ground: &Ground<'_>, batch: &BTreeSet<RecordId>, held: &mut Held) {
        self.journal().read(|state| {
            let feed = state.feed(&ground.agreement.id);
            for id in batch {
                let shown = feed.and_then(|feed| Some(feed.item(feed.live(id)?)?.version));
                let current = state.record(id).map(|record| record.current);
                if shown.is_some() && shown == current {
                    held.take_out(id);
                } else {
                    held.wait_on(id, ground.now);
                }
            }
        });
    }

    /// The records among new versions whose earlier version is in a cell: its partner is to see them as somebody new where they come
    /// again, and meanwhile they stand for a person there only if they have left.
    pub(crate) fn outdated_in_cells(&self, agreement: &Agreement, made: &[Candidate]) -> Vec<RecordId> {
        self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
            let is_old =
                |candidate: &&Candidate| candidate.outdated(feed).is_some_and(|position| feed.cell(position).is_some());
            made.iter().filter(is_old).map(|candidate| candidate.record).collect()
        })
    }
}
