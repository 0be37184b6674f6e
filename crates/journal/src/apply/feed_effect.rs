//! What an entry does to feeds: releases, withdrawals, pages and acknowledgements.

use causeway_agreement::Agreement;
use causeway_model::{AgreementId, ClauseId, LeafIndex, Position, RecordId, RecordVersion};

use super::RULES_PROTECTION;
use crate::state::{Made, RecordNumber, item_id};
use crate::{Outcome, State, v1};

/// Applies what the entry says of feeds; the first thing that is not so decides the outcome.
pub(super) fn settle(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let mut void = Vec::new();
    let mut ordinals = 0..u32::MAX;
    if let Some(batch) = &entry.releases {
        let maker = Maker { leaf, salt: &entry.item_salt };
        if !release_all(state, &maker, batch, &mut ordinals, &mut void) {
            return Outcome::Void;
        }
    }
    for (withdrawal, ordinal) in entry.withdrawals.iter().zip(&mut ordinals) {
        let maker = Maker { leaf, salt: &entry.item_salt };
        if withdraw_one(state, &maker, withdrawal, ordinal).is_none() {
            void.push(ordinal);
        }
    }
    let stated = entry.page.as_ref().is_none_or(|page| disclose(state, leaf, entry, page).is_some())
        && entry.acknowledgement.as_ref().is_none_or(|taken| acknowledge(state, entry, taken).is_some());
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
    let maker = Maker { leaf, salt: &entry.item_salt };
    for (feed, list) in &mut state.feeds {
        list.withdraw(maker.item(feed, ordinal), record);
    }
}

/// The entry that makes items.
struct Maker<'a> {
    leaf: LeafIndex,
    salt: &'a [u8],
}

impl Maker<'_> {
    fn item(&self, feed: &AgreementId, ordinal: u32) -> Made {
        Made { item_id: item_id(self.salt, feed, ordinal), leaf: self.leaf }
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
    for (release, ordinal) in batch.releases.iter().zip(ordinals) {
        if release_one(state, maker.item(&feed, ordinal), &agreement, release).is_none() {
            void.push(ordinal);
        }
    }
    if let Some(list) = state.feeds.get_mut(&feed) {
        list.considered(LeafIndex(batch.considered_leaves));
    }
    true
}

/// A release needs a live record of the granting agency, its current version, a clause that is there, and to be new: the first
/// rules let a version be released once, later ones wherever no release of it is live under the feed's present key.
fn release_one(state: &mut State, made: Made, agreement: &Agreement, release: &v1::Release) -> Option<()> {
    let record = RecordId::try_from(release.record_id.as_slice()).ok()?;
    let number = state.records.number(&record)?;
    let standing = state.records.at(number);
    let clause: ClauseId = release.clause.parse().ok()?;
    let list = state.feeds.get_mut(&agreement.id)?;
    let is_there = if state.rules >= RULES_PROTECTION {
        list.shows(number, release.version)
    } else {
        list.has_released(number, release.version)
    };
    let may = standing.may_leave()
        && standing.current == RecordVersion(release.version)
        && *standing.owner == agreement.granting
        && agreement.clause(&clause).is_some()
        && !is_there;
    may.then(|| list.release(made, number, release.version, &clause))
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
    (to <= list.newest()).then(|| list.disclose(from, to, leaf))
}

/// Only the partner can say what it has taken note of.
fn acknowledge(state: &mut State, entry: &v1::Entry, taken: &v1::Acknowledgement) -> Option<()> {
    let feed: AgreementId = taken.feed.parse().ok()?;
    let partner = state.documents.agreement(&feed)?.recipient.as_str();
    let by_partner = entry.actor.as_ref()?.agency == partner;
    let list = state.feeds.get_mut(&feed)?;
    (by_partner && list.acknowledge(Position(taken.up_to_position))).then_some(())
}
