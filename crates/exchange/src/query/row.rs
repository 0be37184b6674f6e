//! One entry of an answer, with what was asked for beside it.

use causeway_crypto::Digest;
use causeway_journal::{FeedItemKind, State, v1};
use causeway_model::{AgreementId, ClauseId, Kind, LeafIndex, Position, RecordId, RecordVersion};

/// One entry of an answer.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Its place.
    pub leaf: LeafIndex,
    /// Its leaf hash.
    pub leaf_hash: Digest,
    /// Its exact bytes.
    pub entry: Vec<u8>,
    /// What apply made of it.
    pub outcome: &'static str,
    /// In an answer about one record: whether its content left with this disclosure, rather than a withdrawal in its place.
    pub record_left: bool,
    /// Its inclusion proof in the tree of the answer's checkpoint, where it was asked for.
    pub proof: Vec<Digest>,
    /// The texts that it commits to, where they were asked for, are this auditor's to see, and have not been erased.
    pub openings: Option<v1::Openings>,
    /// What its page held, where that was asked for.
    pub items: Vec<DisclosedItem>,
    /// The text of the governed document or published table, where it was asked for; empty where there is none.
    pub text: Vec<u8>,
}

/// What one position of a disclosed page held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosedItem {
    /// The position.
    pub position: Position,
    /// The record.
    pub record: RecordId,
    /// The version that was released there; none for a withdrawal.
    pub version: Option<RecordVersion>,
    /// What the record is.
    pub kind: Option<Kind>,
    /// The clause that granted it; for a withdrawal, the release that it withdraws.
    pub clause: ClauseId,
    /// Whether the record's content left, rather than a withdrawal in its place or nothing yet.
    pub left: bool,
}

impl AuditRow {
    /// Bytes that it takes in an answer, about.
    pub(super) fn size(&self) -> usize {
        const HASH: usize = 34;
        const ITEM: usize = 80;
        let opened = self.openings.as_ref().map_or(0, |opened| {
            opened.purpose_text.len()
                + opened.operator.len()
                + opened.source_address.len()
                + opened.case_reference.len()
        });
        HASH + self.entry.len() + self.text.len() + opened + self.proof.len() * HASH + self.items.len() * ITEM
    }
}

/// Whether a page held the content of one of these records, rather than a withdrawal in its place.
pub(super) fn left(state: &State, page: &v1::Page, records: &[RecordId]) -> bool {
    items(state, page).any(|item| item.left && records.contains(&item.record))
}

/// What a page held, position after position.
pub(super) fn items<'a>(state: &'a State, page: &'a v1::Page) -> impl Iterator<Item = DisclosedItem> + 'a {
    let feed = page.feed.parse().ok().and_then(|id: AgreementId| state.feed(&id));
    let positions = (page.from_position..=page.to_position).map(Position).enumerate();
    positions.filter_map(move |(index, position)| {
        let item = feed?.item(position)?;
        let is_release = item.kind == FeedItemKind::Release;
        let has_bit = |bits: &[u8]| bits.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
        Some(DisclosedItem {
            position,
            record: item.record_id,
            version: is_release.then_some(item.version),
            kind: state.record(&item.record_id).map(|record| record.schema.kind),
            clause: item.terms.clause.clone(),
            left: is_release && !has_bit(&page.withheld) && !has_bit(&page.deferred),
        })
    })
}
