//! What an entry does to feeds: releases, withdrawals, pages and acknowledgements.

use std::collections::{BTreeMap, BTreeSet};

use causeway_agreement::Agreement;
use causeway_model::{AgreementId, ClauseId, LeafIndex, Position, RecordId, RecordVersion, Timestamp};

use super::{RULES_AGREEMENTS, RULES_PROTECTION, page_quota};
use crate::state::{ItemList, Made, RecordNumber, item_id};
use crate::{CellId, Noted, Outcome, ReleaseTerms, State, v1};

/// Applies what the entry says of feeds; the first thing that is not so decides the outcome.
pub(super) fn settle(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    if entry.page.as_ref().is_some_and(|page| page_quota::is_exceeded(state, page)) {
        return Outcome::CapReached;
    }
    let mut void = Vec::new();
    let mut ordinals = 0..u32::MAX;
    if let Some(batch) = &entry.releases
        && !release_all(state, &Maker::of(leaf, entry), batch, &mut ordinals, &mut void)
    {
        return Outcome::Void;
    }
    for (withdrawal, ordinal) in entry.withdrawals.iter().zip(&mut ordinals) {
        if withdraw_one(state, &Maker::of(leaf, entry), withdrawal, ordinal).is_none() {
            void.push(ordinal);
        }
    }
    let stated = entry.page.as_ref().is_none_or(|page| disclose(state, leaf, entry, page).is_some())
        && entry.acknowledgement.as_ref().is_none_or(|taken| acknowledge(state, leaf, entry, taken).is_some())
        && entry.overdue.as_ref().is_none_or(|overdue| note_overdue(state, overdue).is_some());
    match (stated, void.is_empty()) {
        (false, _) => Outcome::Void,
        (true, false) => Outcome::PartlyVoid(void),
        (true, true) => Outcome::Effective,
    }
}

/// A record that is withdrawn, restricted or erased leaves every feed in which a release of it is live. `ordinal` is its place among
/// the entry's records: one item a feed and record, and the feed is in the id.
pub(super) fn withdraw_everywhere(
    state: &mut State,
    leaf: LeafIndex,
    entry: &v1::Entry,
    ordinal: u32,
    record: RecordNumber,
) {
    let maker = Maker::of(leaf, entry);
    for (feed, list) in &mut state.feeds {
        list.withdraw(maker.item(feed, ordinal), record);
    }
}

/// The entry that makes items.
struct Maker<'a> {
    leaf: LeafIndex,
    time: Timestamp,
    salt: &'a [u8],
}

impl<'a> Maker<'a> {
    fn of(leaf: LeafIndex, entry: &'a v1::Entry) -> Self {
        Self { leaf, time: Timestamp(entry.time_micros), salt: &entry.item_salt }
    }

    fn item(&self, feed: &AgreementId, ordinal: u32) -> Made {
        Made { item_id: item_id(self.salt, feed, ordinal), leaf: self.leaf, time: self.time }
    }
}

/// Releases what may be released; `false` where the batch as a whole is void.
fn release_all(
    state: &mut State,
    maker: &Maker<'_>,
    batch: &v1::ReleaseBatch,
    ordinals: &mut std::ops::Range<u32>,
    void: &mut Vec<u32>,
) -> bool {
    let Some(feed) = batch.feed.parse::<AgreementId>().ok() else { return false };
    let Some(agreement) = state.documents.agreement(&feed).cloned() else { return false };
    if agreement.version != batch.agreement_version || batch.considered_leaves > maker.leaf.0 {
        return false;
    }
    if state.rules >= RULES_AGREEMENTS && state.agreement_suspended(&agreement).is_some() {
        return false;
    }
    let releases: Vec<_> = batch.releases.iter().map(|release| releasable(state, &agreement, release)).collect();
    let cells = cells_reached(state, &agreement.id, &releases);
    for (release, ordinal) in releases.into_iter().zip(ordinals) {
        let release = release.filter(|release| release.cell.is_none_or(|(cell, _)| cells.contains(&cell)));
        // Named twice in one batch, it is there once.
        let release = release.filter(|release| !is_there(state, &agreement.id, release.record, release.version));
        let Some(release) = release else {
            void.push(ordinal);
            continue;
        };
        let terms = terms(&agreement, batch, release.clause);
        if let Some(list) = state.feeds.get_mut(&feed) {
            list.release(maker.item(&feed, ordinal), (release.record, release.version), &terms, release.cell);
        }
    }
    if let Some(list) = state.feeds.get_mut(&feed) {
        list.considered(LeafIndex(batch.considered_leaves));
        if batch.closes_evaluation {
            list.evaluated(batch.agreement_version);
        }
    }
    true
}

/// A release that may be made, but for the size of its cell.
struct Releasable {
    record: RecordNumber,
    version: u32,
    clause: ClauseId,
    cell: Option<(CellId, bool)>,
    minimum_cell: u32,
}

/// A release needs a live record of the granting agency, its current version, a clause that is there, a cell where the clause has a
/// minimum cell, and to be new: the first rules let a version be released once, later ones wherever no release of it is live under the
/// feed's present key.
fn releasable(state: &State, agreement: &Agreement, release: &v1::Release) -> Option<Releasable> {
    let record = RecordId::try_from(release.record_id.as_slice()).ok()?;
    let number = state.records.number(&record)?;
    let standing = state.records.at(number);
    let clause: ClauseId = release.clause.parse().ok()?;
    let minimum_cell = agreement.clause(&clause)?.minimum_cell;
    let cell = release.cell.as_slice().try_into().ok().map(|cell| (CellId(cell), release.counts));
    let may = standing.may_leave()
        && standing.current == RecordVersion(release.version)
        && *standing.owner == agreement.granting
        && cell.is_some() == (minimum_cell > 1)
        && !is_there(state, &agreement.id, number, release.version);
    may.then_some(Releasable { record: number, version: release.version, clause, cell, minimum_cell })
}

fn is_there(state: &State, feed: &AgreementId, record: RecordNumber, version: u32) -> bool {
    let there = |list: &ItemList| {
        if state.rules >= RULES_PROTECTION { list.shows(record, version) } else { list.has_released(record, version) }
    };
    state.feeds.get(feed).is_some_and(there)
}

/// The cells that stand for as many persons as their clause asks for, with those whom this batch brings.
fn cells_reached(state: &State, feed: &AgreementId, releases: &[Option<Releasable>]) -> BTreeSet<CellId> {
    let mut brought: BTreeMap<CellId, (BTreeSet<RecordNumber>, u32)> = BTreeMap::new();
    for release in releases.iter().flatten() {
        let Some((cell, counts)) = release.cell else { continue };
        let (persons, least) = brought.entry(cell).or_default();
        if counts {
            persons.insert(release.record);
        }
        *least = (*least).max(release.minimum_cell);
    }
    let Some(feed) = state.feed(feed) else { return BTreeSet::new() };
    let replaced: BTreeSet<RecordNumber> = releases.iter().flatten().map(|release| release.record).collect();
    let reached = brought.into_iter().filter(|(cell, (persons, least))| {
        // An item that this batch replaces stands for its person only if the new one does, or if it has left.
        let stays = |record: &RecordNumber| !replaced.contains(record) || feed.has_left_in(cell, *record);
        let others = feed.proven(cell).into_iter().filter(|record| stays(record) && !persons.contains(record));
        others.count() + persons.len() >= usize::try_from(*least).unwrap_or(usize::MAX)
    });
    reached.map(|(cell, _)| cell).collect()
}

/// What the releases of a batch rest on. A path or step that does not read is not in an entry whose shape has been checked.
fn terms(agreement: &Agreement, batch: &v1::ReleaseBatch, clause: ClauseId) -> ReleaseTerms {
    let recoding = batch.recoding.iter().filter_map(|field| Some((field.path.parse().ok()?, field.step.parse().ok())));
    ReleaseTerms { agreement_version: agreement.version, clause, recoding: recoding.collect() }
}

fn withdraw_one(state: &mut State, maker: &Maker<'_>, withdrawal: &v1::Withdrawal, ordinal: u32) -> Option<()> {
    let feed: AgreementId = withdrawal.feed.parse().ok()?;
    let record = RecordId::try_from(withdrawal.record_id.as_slice()).ok()?;
    let number = state.records.number(&record)?;
    let list = state.feeds.get_mut(&feed)?;
    list.withdraw(maker.item(&feed, ordinal), number).then_some(())
}

fn disclose(state: &mut State, leaf: LeafIndex, entry: &v1::Entry, page: &v1::Page) -> Option<()> {
    let feed: AgreementId = page.feed.parse().ok()?;
    let partner = state.documents.agreement(&feed)?.recipient.as_str();
    if entry.recipient.as_ref()?.agency != partner {
        return None;
    }
    let list = state.feeds.get_mut(&feed)?;
    let (from, to) = (Position(page.from_position), Position(page.to_position));
    let made = Noted { leaf, time: Timestamp(entry.time_micros) };
    (to <= list.newest()).then(|| list.disclose((from, to), made, page))
}

/// Only the partner can say what it has taken note of.
fn acknowledge(state: &mut State, leaf: LeafIndex, entry: &v1::Entry, taken: &v1::Acknowledgement) -> Option<()> {
    let feed: AgreementId = taken.feed.parse().ok()?;
    let partner = state.documents.agreement(&feed)?.recipient.as_str();
    let by_partner = entry.actor.as_ref()?.agency == partner;
    let made = Noted { leaf, time: Timestamp(entry.time_micros) };
    let had = state.feeds.get_mut(&feed).filter(|_| by_partner)?.taken();
    let within = match taken.item_position {
        0 => had.acknowledge(Position(taken.up_to_position), made),
        item => had.acknowledge_item(Position(item), made),
    };
    within.then_some(())
}

/// Recalls are called overdue once. That the deadline is over is the gateway's clock's word, and the entry's time shows it.
fn note_overdue(state: &mut State, overdue: &v1::Overdue) -> Option<()> {
    let feed: AgreementId = overdue.feed.parse().ok()?;
    let positions: Vec<_> = overdue.positions.iter().copied().map(Position).collect();
    state.feeds.get_mut(&feed)?.taken().note_overdue(&positions).then_some(())
}
