//! Cells that have become too small before they left: what is in them is taken out, and waits again.

use std::collections::{BTreeSet, HashMap};

use causeway_agreement::{Agreement, Decision};
use causeway_journal::{CellId, Erasure, Feed, FeedItem, State};
use causeway_model::{ClauseId, Position, RecordId};

use crate::release::{FeedProgress, Waiting};
use crate::submit::leaf_of;
use crate::verdict::Ground;
use crate::{Error, Exchange};

impl Exchange {
    /// Takes out of cells that have become too small what has not left to the partner, and lets it wait again.
    pub(crate) async fn shrink(&self, ground: &Ground<'_>, feed: &mut FeedProgress) -> Result<(), Error> {
        let (records, newest) = self.journal().read(|state| too_few(state, ground.agreement, feed.cells.shrunk));
        self.take_back(ground, feed, records).await?;
        feed.cells.shrunk = newest;
        Ok(())
    }

    /// Withdraws these; what of them is still granted waits for the end of the period that runs.
    pub(super) async fn take_back(
        &self,
        ground: &Ground<'_>,
        feed: &mut FeedProgress,
        records: Vec<RecordId>,
    ) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let due = self.journal().read(|state| {
            let current = |id: &RecordId| {
                let record = state.record(id).filter(|record| record.may_leave())?;
                Some((*id, record.current, leaf_of(record, record.current)?, ground.now))
            };
            records.iter().filter_map(current).collect()
        });
        self.append_withdrawals(ground.agreement, records).await?;
        for candidate in self.with_facts(due).await? {
            if let Decision::Grant(clause) = ground.decide(&candidate.owner, &candidate.facts) {
                let record = candidate.record;
                feed.held.add(Waiting::overdue(candidate, clause));
                feed.held.wait_on(&record, ground.now);
            }
        }
        Ok(())
    }
}

/// The records that are live, and have not left, in cells from which something was taken after `looked_at` and that are now too small;
/// and up to which position that holds.
fn too_few(state: &State, agreement: &Agreement, looked_at: Position) -> (Vec<RecordId>, Position) {
    let Some(feed) = state.feed(&agreement.id) else { return (Vec::new(), looked_at) };
    let newest = feed.newest();
    let new = (looked_at.0 + 1..=newest.0).map(Position);
    let touched: BTreeSet<CellId> = new.filter_map(|position| feed.cell(feed.item(position)?.target?)).collect();
    let mut least = Least { state, agreement, known: HashMap::new() };
    let records = touched.iter().flat_map(|cell| of_cell(feed, cell, &mut least)).collect();
    (records, newest)
}

/// Those of one cell. Whoever reads the feed gets it entry by entry, and is to have enough persons after each: what comes later does not
/// count, nor what does not go, nor what was erased: it may be of the same person as another one.
fn of_cell(feed: Feed<'_>, cell: &CellId, least: &mut Least<'_>) -> Vec<RecordId> {
    let mut failing: Vec<RecordId> = Vec::new();
    let is_erased =
        |item: &FeedItem<'_>| least.state.record(&item.record_id).is_some_and(|record| record.erasure != Erasure::None);
    let erased: BTreeSet<Position> = feed
        .members(cell)
        .filter(|position| feed.has_left(*position) && feed.item(*position).is_some_and(|item| is_erased(&item)))
        .collect();
    let mut members = feed.members(cell).peekable();
    while let Some(first) = members.next() {
        let end = feed.entry_end(first);
        let mut of_entry = vec![first];
        while let Some(position) = members.next_if(|position| *position <= end) {
            of_entry.push(position);
        }
        let unseen = of_entry.into_iter().filter_map(|position| {
            let item = feed.item(position)?;
            (feed.live(&item.record_id) == Some(position) && !feed.has_left(position)).then_some(item)
        });
        let unseen: Vec<FeedItem<'_>> = unseen.collect();
        let Some(asked) = unseen.iter().map(|item| least.of(item)).max() else { continue };
        let unproven = erased.range(..=end).count() + failing.len();
        if feed.persons_up_to(cell, end).saturating_sub(unproven as u64) < u64::from(asked) {
            failing.extend(unseen.iter().map(|item| item.record_id));
        }
    }
    failing
}

/// How many persons clauses ask for.
struct Least<'a> {
    state: &'a State,
    agreement: &'a Agreement,
    known: HashMap<(u32, ClauseId), u32>,
}

impl Least<'_> {
    /// By the clause that an item was released under, and by what that clause says now.
    fn of(&mut self, item: &FeedItem<'_>) -> u32 {
        let Self { state, agreement, known } = self;
        let key = (item.terms.agreement_version, item.terms.clause.clone());
        *known.entry(key).or_insert_with_key(|(version, clause)| {
            let frozen = state.agreement_version(&agreement.id, *version).and_then(|known| known.clause(clause));
            let cells = [frozen, agreement.clause(clause)].map(|clause| clause.map_or(0, |clause| clause.minimum_cell));
            cells[0].max(cells[1])
        })
    }
}
