//! The roster of nodes, and erasures that are not complete before each of them has attested. Whatever is appended here is saved and loaded,
//! and mirrored, and has to come to the same.

use causeway_journal::{
    Erasure, JournalError, Outcome, PassedOver, REASON_ERASURE_ATTESTED, REASON_ROSTER_STATED, RULES_SHARED,
    RULES_VERSION, encode_entry, encode_frame, v1,
};
use causeway_model::LeafIndex;

use crate::log::{Log, NCA_TWO, administration, allowed, record, submit};
use crate::protection::{completed, erase};

pub(crate) fn roster(version: u32, nodes: &[u32]) -> v1::Entry {
    let node = |number: &u32| v1::RosterNode { number: *number, name: format!("node-{number}") };
    let roster = v1::NodeRoster { version, nodes: nodes.iter().map(node).collect() };
    v1::Entry { roster: Some(roster), ..administration(REASON_ROSTER_STATED) }
}

fn attest(node: &str, order: LeafIndex) -> v1::Entry {
    let entry = allowed(v1::Operation::Erasure, REASON_ERASURE_ATTESTED, "gb-nca");
    v1::Entry { erasure_order: order.0, node: node.into(), ..entry }
}

/// A log with three records, which several writers go on with.
fn shared() -> Log {
    let mut log = Log::begun();
    log.all(["1", "2", "3"].map(|name| submit(name, 1)).into());
    log.rules = RULES_SHARED;
    log
}

/// Appends an order that takes effect; gives its place.
fn order(log: &mut Log, names: &[&str]) -> LeafIndex {
    let applied = log.all(vec![erase(names, NCA_TWO)]);
    assert_eq!(applied.outcomes, [Outcome::Effective]);
    applied.first_leaf
}

fn waits_for(log: &Log, order: LeafIndex) -> Vec<String> {
    log.state.erasure_waits_for(order).map(str::to_owned).collect()
}

#[test]
fn an_erasure_is_complete_once_every_node_of_the_roster_has_attested_it() {
    let mut log = shared();
    assert_eq!(log.one(roster(1, &[1, 2, 3])), Outcome::Effective);
    let first = order(&mut log, &["1", "2"]);
    assert_eq!(waits_for(&log, first), ["node-1", "node-2", "node-3"]);
    for (node, left) in [("node-2", 2), ("node-1", 1), ("node-3", 0)] {
        assert_eq!(log.one(completed(&["1", "2"])), Outcome::Void, "before {node}");
        assert_eq!(log.one(attest(node, first)), Outcome::Effective);
        assert_eq!(log.one(attest(node, first)), Outcome::AlreadyDone);
        assert_eq!(waits_for(&log, first).len(), left);
    }
    // Another order is another one's business, and one completion may be of a part.
    let second = order(&mut log, &["3"]);
    assert_eq!(log.one(completed(&["1", "2", "3"])), Outcome::Void, "the second order is not attested");
    assert_eq!(log.one(completed(&["1"])), Outcome::Effective);
    assert_eq!(log.one(completed(&["2"])), Outcome::Effective);
    assert!(matches!(log.state.record(&record("2")).expect("known").erasure, Erasure::Complete(_)));
    assert_eq!(log.one(attest("node-1", first)), Outcome::Void, "nothing is left of it");
    assert_eq!(waits_for(&log, second), ["node-1", "node-2", "node-3"]);
    assert_eq!(log.state.erasures_due().count(), 1);
}

/// A page is stored as the newest frame has it: no node's frame puts another node's page out of reach.
#[test]
fn a_frame_holds_key_pages_of_its_own_node_alone_once_there_is_a_roster() {
    let mut log = shared();
    let page = |node: u64| {
        let number = node << 48 | 7;
        v1::KeyPage { number, stored: [&number.to_be_bytes()[..], &[7; 60]].concat() }
    };
    let by = |log: &mut Log, nodes: &[&str], pages: &[u64]| {
        let named = |node: &&str| v1::Entry { node: (*node).into(), ..administration("statement") };
        let entries: Vec<_> = nodes.iter().map(named).collect();
        let items = entries.into_iter().map(|entry| log.item_now(entry)).collect();
        let frame = v1::Frame { key_pages: pages.iter().copied().map(page).collect(), ..log.frame_of(items) };
        let bytes = encode_frame(&frame).expect("well formed");
        log.append_bytes(bytes).expect("it stops nothing").passed_over
    };
    assert_eq!(by(&mut log, &["node-1"], &[9]), None, "nobody has said yet who is who");
    assert_eq!(log.one(roster(1, &[1, 2])), Outcome::Effective);
    assert_eq!(by(&mut log, &["node-2", "node-2"], &[2]), None);
    assert_eq!(by(&mut log, &["node-9", "node-1"], &[]), None, "a frame without pages puts nothing out of reach");
    for (nodes, pages) in [
        (&["node-1"][..], &[2][..]),
        (&["node-1"], &[1, 2]),
        (&["node-1"], &[0]),
        (&["node-1", "node-2"], &[1]),
        (&["node-9"], &[9]),
        (&["node-9"], &[0]),
    ] {
        assert_eq!(by(&mut log, nodes, pages), Some(PassedOver::OtherNode), "{nodes:?} {pages:?}");
    }
    assert_eq!(log.one(roster(2, &[1])), Outcome::Effective);
    assert_eq!(by(&mut log, &["node-2"], &[2]), Some(PassedOver::OtherNode), "it is on the roster no more");
}

#[test]
fn a_record_that_a_completion_names_twice_counts_once() {
    let mut log = shared();
    assert_eq!(log.one(roster(1, &[1, 2])), Outcome::Effective);
    let order = order(&mut log, &["1", "2"]);
    for node in ["node-1", "node-2"] {
        assert_eq!(log.one(attest(node, order)), Outcome::Effective);
    }
    assert_eq!(log.one(completed(&["1", "1"])), Outcome::Effective);
    assert_eq!(waits_for(&log, order), [""; 0], "the other one is attested still");
    assert_eq!(log.one(completed(&["2"])), Outcome::Effective);
    assert_eq!(log.state.erasures_due().count(), 0);
}

#[test]
fn nobody_attests_but_a_node_of_the_roster_what_was_ordered() {
    let mut log = shared();
    let before = order(&mut log, &["1"]);
    assert_eq!(log.one(attest("node-1", before)), Outcome::Void, "there is no roster");
    assert_eq!(log.one(roster(1, &[1, 2])), Outcome::Effective);
    for (node, order) in
        [("node-3", before), ("", before), ("node-1", LeafIndex(before.0 + 1)), ("node-1", LeafIndex(1))]
    {
        assert_eq!(log.one(attest(node, order)), Outcome::Void, "{node} {order:?}");
    }
    let other = v1::Actor { agency: "al-asp".into(), ..v1::Actor::default() };
    assert_eq!(
        log.one(v1::Entry { actor: Some(other), ..attest("node-1", before) }),
        Outcome::Void,
        "not the operator"
    );
    // What was ordered before there was a roster is attested like everything else.
    assert_eq!(log.one(completed(&["1"])), Outcome::Void);
    assert_eq!(log.one(attest("node-1", before)), Outcome::Effective);
    assert_eq!(log.one(attest("node-2", before)), Outcome::Effective);
    assert_eq!(log.one(completed(&["1"])), Outcome::Effective);
}

#[test]
fn a_roster_changes_by_the_next_version_and_who_is_on_it_then_has_to_attest() {
    let mut log = shared();
    for (version, outcome) in [(2, Outcome::Void), (1, Outcome::Effective), (1, Outcome::Void), (3, Outcome::Void)] {
        assert_eq!(log.one(roster(version, &[1, 2])), outcome, "{version}");
    }
    let other = v1::Actor { agency: "al-asp".into(), ..v1::Actor::default() };
    assert_eq!(log.one(v1::Entry { actor: Some(other), ..roster(2, &[1]) }), Outcome::Void, "not the operator");
    let order = order(&mut log, &["1"]);
    assert_eq!(log.one(attest("node-1", order)), Outcome::Effective);
    // One goes for good and one comes; who attested and stays need not do so again.
    assert_eq!(log.one(roster(2, &[1, 3])), Outcome::Effective);
    assert_eq!(log.state.roster().collect::<Vec<_>>(), [(1, "node-1"), (3, "node-3")]);
    assert_eq!((log.state.roster_version(), waits_for(&log, order)), (2, vec!["node-3".to_owned()]));
    assert_eq!(log.one(attest("node-2", order)), Outcome::Void);
    assert_eq!(log.one(attest("node-3", order)), Outcome::Effective);
    assert_eq!(log.one(completed(&["1"])), Outcome::Effective);
}

#[test]
fn a_gateway_that_is_alone_attests_nothing_and_its_entries_cannot_speak_of_nodes() {
    let mut log = Log::begun();
    assert_eq!(log.rules, RULES_VERSION);
    log.all(vec![submit("1", 1)]);
    let order = order(&mut log, &["1"]);
    for entry in [roster(1, &[1]), attest("node-1", order)] {
        let item = log.item(entry);
        let frame = log.frame_of(vec![item]);
        assert_eq!(log.append(&frame), Err(JournalError::Malformed("a field of later rules")));
    }
    assert_eq!(log.one(completed(&["1"])), Outcome::Effective);
    let malformed = |entry: v1::Entry| encode_entry(&v1::Entry { entry_id: vec![1; 16], ..entry }).is_err();
    assert!(!malformed(roster(1, &[1, 2])) && malformed(roster(1, &[2, 1])) && malformed(roster(1, &[1, 1])));
    assert!(malformed(roster(0, &[1])) && malformed(roster(1, &[])) && malformed(roster(1, &[0])));
    assert!(malformed(roster(1, &[65_536])) && malformed(attest("node-1", LeafIndex(0))));
}
