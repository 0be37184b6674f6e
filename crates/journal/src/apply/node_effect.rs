//! What nodes that share a log say of themselves: who they are, and that each of them has destroyed the keys of what is erased.

use std::collections::{BTreeMap, BTreeSet};

use causeway_model::LeafIndex;

use super::RULES_SHARED;
use crate::state::{Attested, RecordNumber};
use crate::{Erasure, Outcome, State, v1};

/// The roster is stated: by the operator, with the next version, so that of two statements at once one is void. It takes no approvals:
/// who runs the nodes can also have them attest what they have not done, and who is taken off the roster shows in the log for ever.
pub(super) fn state_roster(state: &mut State, entry: &v1::Entry) -> Outcome {
    let Some(roster) = entry.roster.as_ref().filter(|_| state.rules >= RULES_SHARED) else { return Outcome::Effective };
    if !is_by_operator(state, entry) || Some(roster.version) != state.nodes.version().checked_add(1) {
        return Outcome::Void;
    }
    let due: Vec<LeafIndex> = state.records.erasures_due().map(|(_, order)| order).collect();
    let nodes = roster.nodes.iter().map(|node| (node.number, node.name.as_str().into()));
    state.nodes.state(roster.version, nodes, due.into_iter());
    Outcome::Effective
}

/// A node has destroyed, in its own files, the keys of what an entry ordered to be erased. It is the node that wrote the entry.
pub(super) fn attest(state: &mut State, entry: &v1::Entry) -> Outcome {
    if state.rules < RULES_SHARED {
        return Outcome::Effective;
    }
    if !is_by_operator(state, entry) {
        return Outcome::Void;
    }
    match state.nodes.attest(LeafIndex(entry.erasure_order), &entry.node) {
        Attested::Now => Outcome::Effective,
        Attested::Before => Outcome::AlreadyDone,
        Attested::Void => Outcome::Void,
    }
}

/// Of each order that these records are erased by, how many of them; none where a node of the roster has not attested one of the orders.
pub(super) fn attested(state: &State, records: &[RecordNumber]) -> Option<BTreeMap<LeafIndex, u64>> {
    let mut orders = BTreeMap::new();
    // An entry may name a record twice, which is erased once.
    for record in BTreeSet::from_iter(records) {
        if let Erasure::Ordered(order) = state.records.at(*record).erasure {
            *orders.entry(order).or_default() += 1;
        }
    }
    let is_attested = |order: &LeafIndex| state.nodes.waited_for(*order).is_empty();
    orders.keys().all(is_attested).then_some(orders)
}

pub(super) fn is_by_operator(state: &State, entry: &v1::Entry) -> bool {
    entry.actor.as_ref().map(|actor| actor.agency.as_str()) == state.operator().map(|id| id.as_str())
}
