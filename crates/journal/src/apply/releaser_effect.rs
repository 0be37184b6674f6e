//! Who the releaser is among nodes that share a log: the node whose term is the newest. What only the releaser decides has no effect
//! unless it was written in that term, so that whatever two nodes believe, and whatever of an earlier releaser's is still on its way, is
//! done once.

use causeway_model::{LeafIndex, Timestamp};

use super::RULES_SHARED;
use super::node_effect::is_by_operator;
use crate::reason::REASON_TERM_BEGUN;
use crate::{Outcome, State, Term, v1};

/// A node of the roster begins the next term; of two that begin the same one, the first in the log has.
pub(super) fn begin_term(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    if state.rules < RULES_SHARED {
        return Outcome::Effective;
    }
    let is_rostered = state.nodes.roster().any(|(_, name)| name == entry.node);
    let newest = state.term.as_ref().map_or(0, |term| term.number);
    if !is_by_operator(state, entry) || !is_rostered || newest.checked_add(1) != Some(entry.releaser_term) {
        return Outcome::Void;
    }
    let began = Timestamp(entry.time_micros);
    state.term = Some(Term { number: entry.releaser_term, node: entry.node.as_str().into(), leaf, began });
    Outcome::Effective
}

/// Whether an entry may have an effect as far as terms go. One of the releaser's, which is one that says so or that does what only the
/// releaser does, is of the newest term and by its node. Before the first term it names none.
pub(super) fn stands(state: &State, entry: &v1::Entry) -> bool {
    let begins = entry.operation() == v1::Operation::Administration && entry.reason == REASON_TERM_BEGUN;
    if state.rules < RULES_SHARED || begins || !is_the_releasers(entry) {
        return true;
    }
    match &state.term {
        None => entry.releaser_term == 0,
        Some(term) => term.number == entry.releaser_term && *term.node == *entry.node,
    }
}

/// What goes into a feed and what leaves it without anybody's act, which tables are published, and which recalls are late: each is decided
/// once, on what was decided before it.
fn is_the_releasers(entry: &v1::Entry) -> bool {
    entry.releaser_term > 0
        || entry.releases.is_some()
        || !entry.withdrawals.is_empty()
        || entry.overdue.is_some()
        || entry.table.is_some()
}
