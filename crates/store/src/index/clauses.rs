//! The clauses of what a disclosed page held. Its entry names positions of a feed; what is at a position, and under which clause it was
//! released, never changes.

use std::collections::BTreeSet;

use causeway_journal::{State, v1};
use causeway_model::{AgreementId, ClauseId, LeafIndex, Position};

use crate::shared::Shared;

/// The clauses that the items of a page were released under, withdrawals' those of the release that they withdraw; without what was put
/// off, of which nothing left. `leaf` is the page's entry: what was made after it was not in it.
pub fn clauses_of(state: &State, page: &v1::Page, leaf: LeafIndex) -> BTreeSet<ClauseId> {
    let feed = page.feed.parse().ok().and_then(|id: AgreementId| state.feed(&id));
    let Some(feed) = feed else { return BTreeSet::new() };
    let mut clauses = BTreeSet::new();
    let last = page.to_position.min(feed.newest().0);
    for (index, position) in (page.from_position..=last).enumerate() {
        let is_put_off = page.deferred.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
        let item = feed.item(Position(position)).filter(|item| !is_put_off && item.leaf < leaf);
        if let Some(item) = item
            && !clauses.contains(&item.terms.clause)
        {
            clauses.insert(item.terms.clause.clone());
        }
    }
    clauses
}

/// The same of an entry, which may have no page.
pub(super) fn held_clauses(shared: &Shared, entry: &v1::Entry, leaf: LeafIndex) -> BTreeSet<ClauseId> {
    let page = entry.page.as_ref();
    page.map(|page| shared.read(|state| clauses_of(state, page, leaf))).unwrap_or_default()
}
