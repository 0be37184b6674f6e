//! The records that an agreement lets leave in a day, held to where several nodes make pages of one feed: a page that was made before
//! another took what was left of the day has no effect, and its node makes it anew.

use causeway_agreement::Agreement;
use causeway_model::{AgreementId, Position};

use super::RULES_SHARED;
use crate::{Feed, FeedItemKind, State, v1};

/// Positions that leave together or not at all, as they made one entry that released into groups.
#[derive(Debug, Clone, Copy)]
struct Whole {
    end: Position,
    goes: bool,
}

/// Whether a page shows records that were not left of the day. As when the page was made: what recalls an earlier item goes in any case,
/// and an entry that released into groups goes whole where one record was left, or one of its items recalls.
pub(super) fn is_exceeded(state: &State, page: &v1::Page) -> bool {
    let Some((agreement, feed)) = limited(state, page) else { return false };
    let (from, to) = (Position(page.from_position), Position(page.to_position.min(feed.newest().0)));
    let is_shown = |(index, position): &(usize, Position)| {
        let is_release = feed.item(*position).is_some_and(|item| item.kind == FeedItemKind::Release);
        is_release && !has_bit(&page.withheld, *index) && !has_bit(&page.deferred, *index)
    };
    let shown = (from.0..=to.0).map(Position).enumerate().filter(is_shown).map(|(_, position)| position);
    let allowed = agreement.quota.records_per_day.unwrap_or(u64::MAX);
    let mut left = allowed.saturating_sub(feed.records_on(state.last_time.day()));
    if shown.clone().count() as u64 <= left {
        return false;
    }
    let mut whole: Option<Whole> = None;
    for position in shown {
        if whole.is_none_or(|whole| position > whole.end) {
            whole = whole_at(&feed, position).map(|(end, recalls)| Whole { end, goes: left > 0 || recalls });
        }
        if !whole.map_or(left > 0, |whole| whole.goes) && !recalls(&feed, position) {
            return true;
        }
        left = left.saturating_sub(1);
    }
    false
}

fn limited<'s>(state: &'s State, page: &v1::Page) -> Option<(&'s Agreement, Feed<'s>)> {
    let id: AgreementId = page.feed.parse().ok().filter(|_| state.rules >= RULES_SHARED)?;
    let agreement = state.agreement(&id).filter(|agreement| agreement.quota.records_per_day.is_some())?;
    Some((agreement, state.feed(&id)?))
}

/// The last position of the entry that made this one, if that released into groups here or further on, and whether any of what lies
/// between recalls an earlier item.
fn whole_at(feed: &Feed<'_>, position: Position) -> Option<(Position, bool)> {
    let end = feed.entry_end(position);
    let mut rest = (position.0..=end.0).map(Position);
    let in_groups = rest.clone().any(|position| feed.cell(position).is_some());
    in_groups.then(|| (end, rest.any(|position| recalls(feed, position))))
}

fn recalls(feed: &Feed<'_>, position: Position) -> bool {
    feed.item(position).is_some_and(|item| item.kind == FeedItemKind::Release && item.target.is_some())
}

fn has_bit(bits: &[u8], index: usize) -> bool {
    bits.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}
