//! The page keys of three nodes.
//!
//! Invariants: a page key that was shared is on two of three disks; what was destroyed on one node comes back on none and is destroyed on
//! each that catches up; a node says that something is erased only where none of its own files brings it back, and loses nothing else.
//! Non-failures: a node that is away keeps what it has until it is back, and whoever waits for it is told so.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use causeway_store::{
    Journal, NodeNumber, PageKey, PageKeyPeers, PageKeyRefused, SlotStanding, StoreError, TooFewNodes,
};

use crate::node_keys_setting::{BODIES, Endless, Nodes, all_but, readable};
use crate::setting::{append, copy_dir, draft_with_body, genesis, wait_for};

/// The pages of the bodies and of what was said with them.
const PAGES: u64 = 5;

/// The first slot and page of a node.
fn first(node: u64) -> u64 {
    node << 48
}

#[test]
fn a_page_key_is_on_two_of_three_nodes_before_it_is_used_and_on_the_third_when_that_is_back() {
    let nodes = Nodes::new();
    let [one, two, three] = [1, 2, 3].map(|node| nodes.open(node));
    one.catch_up().expect("asked");
    let journal = nodes.start(1, &one);
    nodes.switch_off(2);
    nodes.switch_off(3);
    genesis(&journal);
    append(&journal, draft_with_body(0, 20, None));
    let page = first(1);
    assert_eq!(one.share(&[page]), Err(TooFewNodes { reached: 1, nodes: 3 }));
    assert!(two.keys_of(&[page]).expect("read").is_empty());

    nodes.switch_on(2, Some(two.clone()));
    one.share(&[page]).expect("two of three");
    let key = |keys: &[PageKey]| keys.iter().map(|key| *key.expose()).collect::<Vec<_>>();
    let shared = one.keys_of(&[page]).expect("read");
    assert_eq!(key(&two.keys_of(&[page]).expect("read")), key(&shared));
    assert_eq!(two.standings(NodeNumber(1), 0).expect("read").slots, vec![SlotStanding::Key; 64], "those to come, too");
    nodes.switch_off(2);
    one.share(&[page, page + 63]).expect("they were shared before");
    assert!(one.share(&[page + 64]).is_err(), "this one was not");

    // On its disk, and in its mirror: whoever opens it again has it. The third gets it from the second.
    drop(two);
    let two = nodes.open(2);
    assert_eq!(key(&two.keys_of(&[page]).expect("read")), key(&shared));
    nodes.switch_off(1);
    assert_eq!(three.catch_up().expect("asked").away, [NodeNumber(1)]);
    assert_eq!(key(&three.keys_of(&[page]).expect("read")), key(&shared));
    for name in ["keys", "mirror"] {
        assert_eq!(fs::read(nodes.at(3, name).join("page-keys.1")).expect("read").len(), 64 * 64);
        assert_eq!(fs::read(nodes.at(3, name).join("format")).expect("read"), b"causeway keys 2\n");
    }
    assert!(!format!("{shared:?} {three:?}").contains(&format!("{:?}", shared[0].expose())));
}

#[test]
fn a_key_is_taken_once_for_ever_and_of_its_own_writer_alone() {
    let nodes = Nodes::new();
    let two = nodes.open(2);
    let key = |slot, byte| PageKey::new(slot, [byte; 32]);
    let (one, slot) = (NodeNumber(1), first(1) + 7);
    two.take_keys(one, &[key(slot, 1)]).expect("taken");
    two.take_keys(one, &[key(slot, 1)]).expect("the same again");
    assert!(matches!(two.take_keys(one, &[key(slot, 2)]), Err(PageKeyRefused::OtherKey(refused)) if refused == slot));
    for other in [0, first(2), first(3)] {
        let refused = two.take_keys(one, &[key(slot + 1, 1), key(other, 1)]);
        assert!(matches!(refused, Err(PageKeyRefused::OtherWriter)), "{other}");
    }
    assert!(matches!(two.take_keys(NodeNumber(2), &[key(first(2), 1)]), Err(PageKeyRefused::OtherWriter)), "its own");
    assert!(two.keys_of(&[slot + 1]).expect("read").is_empty(), "all of a call or nothing");
    for name in ["keys", "mirror"] {
        let path = nodes.at(2, name).join("page-keys.1");
        let mut slots = fs::read(&path).expect("read");
        slots[7 * 64..7 * 64 + 4].copy_from_slice(b"CPKX");
        fs::write(path, slots).expect("written");
    }
    for byte in [1, 2] {
        let refused = two.take_keys(one, &[key(slot, byte)]);
        assert!(matches!(refused, Err(PageKeyRefused::Destroyed(refused)) if refused == slot), "{byte}");
    }
}

#[test]
fn a_node_that_names_slots_without_end_fills_no_disk() {
    let nodes = Nodes::new();
    let (two, one) = (nodes.open(2), NodeNumber(1));
    let take = |index| two.take_keys(one, &[PageKey::new(first(1) + index, [1; 32])]);
    let length = || fs::metadata(nodes.at(2, "keys").join("page-keys.1")).map_or(0, |about| about.len());
    for far in [1 << 16, 1 << 40, (1 << 48) - 1] {
        let refused = take(far);
        assert!(matches!(refused, Err(PageKeyRefused::TooFar(slot)) if slot == first(1) + far), "{refused:?}");
    }
    assert_eq!(length(), 0);
    take((1 << 16) - 1).expect("what came while it was away");
    take(1 << 16).expect("from there on");

    let three = nodes.open_among(3, vec![Arc::new(Endless(two))]);
    assert_eq!(three.catch_up().expect("asked").away, [NodeNumber(2)], "it ends");
}

#[test]
fn a_journal_starts_only_once_a_majority_has_said_which_page_keys_there_are() {
    let nodes = Nodes::new();
    let (_, [journal, ..], leaves) = nodes.filled();
    nodes.begun();
    journal.close();
    let off = [1, 2, 3].map(|node| nodes.switch_off(node));
    let keys = nodes.open(1);
    assert_eq!(keys.catch_up().expect("asked").away, [NodeNumber(2), NodeNumber(3)]);
    assert!(!keys.waits_for_all() && matches!(nodes.try_start(1, &keys), Err(StoreError::NodesAway { .. })));
    nodes.switch_on(2, off[1].clone());
    assert_eq!(keys.catch_up().expect("asked").away, [NodeNumber(3)]);
    assert_eq!(readable(&nodes.start(1, &keys), &leaves), all_but(&[]));
}

/// Slots of pages that were written anew are in no frame, and were put to nobody: any one of the others may be the only one that has them.
#[test]
fn a_node_that_has_lost_its_page_keys_starts_only_once_every_other_has_said_which_there_are() {
    let nodes = Nodes::new();
    let (_, [journal, _, third], leaves) = nodes.filled();
    nodes.begun();
    wait_for(journal.rotate_page_keys()).expect("rotated");
    wait_for(third.catch_up_keys()).expect("asked");
    journal.close();
    nodes.switch_off(1);
    for name in ["keys", "mirror"] {
        fs::remove_file(nodes.at(1, name).join("page-keys.1")).expect("removed");
        fs::remove_dir_all(nodes.at(1, name).join("pages")).expect("removed");
    }
    let three = nodes.switch_off(3);
    for _ in 0..2 {
        // Also the next time, when something could have been taken from the one that answers.
        let keys = nodes.open(1);
        assert_eq!(keys.catch_up().expect("asked").away, [NodeNumber(3)]);
        assert!(keys.waits_for_all() && matches!(nodes.try_start(1, &keys), Err(StoreError::NodesAway { .. })));
        nodes.switch_off(1);
    }
    let known = three.as_ref().expect("open").standings(NodeNumber(1), 0).expect("read").slots.len();
    nodes.switch_on(3, three);
    let keys = nodes.open(1);
    assert!(keys.catch_up().expect("asked").away.is_empty());
    assert_eq!(
        keys.standings(NodeNumber(1), 0).expect("read").slots.len(),
        known + 64,
        "numbers after those that were lost"
    );
    let journal = nodes.start(1, &keys);
    assert_eq!(readable(&journal, &leaves), all_but(&[]));
    let later = append(&journal, draft_with_body(BODIES, 20, None)).leaf;
    assert_eq!(readable(&journal, &[&leaves[..], &[later]].concat()).len(), leaves.len() + 1);
}

#[test]
fn a_node_that_begins_with_an_empty_log_is_known_by_its_page_keys_afterwards() {
    let nodes = Nodes::new();
    let two = nodes.open(2);
    let one = nodes.open(1);
    assert_eq!(one.catch_up().expect("asked").away, [NodeNumber(3)]);
    assert!(one.has_caught_up() && !one.waits_for_all(), "nothing has been given out by anybody");
    nodes.begun();
    drop(one);
    nodes.switch_off(1);
    let one = nodes.open(1);
    assert!(!one.waits_for_all(), "it has written none, and its file says so");
    drop(two);
}

/// Closes the nodes, and tries each body under all keys that they, and a data directory from before, hold.
fn nothing_opens_but_what_is_left(nodes: &Nodes, journals: &[Journal], before: &Path, erased: &[u64]) {
    journals.iter().for_each(Journal::close);
    let mut search = nodes.search(&[1, 2, 3]);
    search.data_dir(before);
    let keys = search.keys();
    for body in nodes.bodies(2) {
        let is_erased = erased.iter().any(|number| body.number == u128::from(*number));
        assert_ne!(body.opens_under(&keys), is_erased, "body {}", body.number);
    }
}

#[test]
fn what_is_erased_opens_under_no_key_of_any_node_once_each_has_said_so() {
    const ERASED: [u64; 3] = [5, 140, 299];
    let nodes = Nodes::new();
    let (_, journals, leaves) = nodes.filled();
    let erased = ERASED.map(|number| leaves[usize::try_from(number).expect("small")]).to_vec();
    let shred = |node: usize| wait_for(journals[node - 1].shred(erased.clone()));
    let all = |node: usize| readable(&journals[node - 1], &leaves);
    assert!((1..=3).all(|node| all(node) == all_but(&[])));
    let before = nodes.at(1, "before");
    copy_dir(&nodes.at(1, "data"), &before);

    // The keeper of the pages comes first; whoever comes before it waits, and is told for whom.
    let waits = |refused: Result<u64, StoreError>| {
        assert!(matches!(&refused, Err(StoreError::NodesAway { nodes }) if *nodes == [NodeNumber(1)]), "{refused:?}");
    };
    waits(shred(2));
    assert_eq!(all(2), all_but(&[]), "and nothing is lost meanwhile");
    let away = nodes.switch_off(3);
    assert_eq!(shred(1).expect("its own pages"), 3);
    shred(2).expect("after the keeper");
    shred(2).expect("again");
    assert_eq!((all(1), all(2), all(3)), (all_but(&ERASED), all_but(&ERASED), all_but(&[])));
    nodes.switch_on(3, away);
    let one = nodes.switch_off(1);
    waits(shred(3));
    nodes.switch_on(1, one);
    shred(3).expect("it is back");
    assert_eq!(all(3), all_but(&ERASED));

    nothing_opens_but_what_is_left(&nodes, &journals, &before, &ERASED);
}

/// The control of the test above: before the last node has done its part, the search finds what is erased.
#[test]
fn what_a_node_that_is_away_still_has_is_found() {
    let nodes = Nodes::new();
    let (_, journals, leaves) = nodes.filled();
    nodes.switch_off(3);
    for journal in &journals[..2] {
        wait_for(journal.shred(vec![leaves[5]])).expect("erased");
    }
    journals.iter().for_each(Journal::close);
    let erased = nodes.bodies(1).into_iter().find(|body| body.number == 5).expect("in the log");
    assert!(!erased.opens_under(&nodes.search(&[1, 2]).keys()));
    assert!(erased.opens_under(&nodes.search(&[1, 2, 3]).keys()));
}

#[test]
fn an_old_copy_of_a_node_brings_nothing_back() {
    let nodes = Nodes::new();
    let (_, journals, leaves) = nodes.filled();
    journals[2].close();
    nodes.switch_off(3);
    for name in ["keys", "mirror", "data"] {
        copy_dir(&nodes.at(3, name), &nodes.at(3, &format!("old-{name}")));
    }
    let keys = nodes.open(3);
    keys.catch_up().expect("asked");
    let third = nodes.start(3, &keys);
    for journal in [&journals[0], &journals[1], &third, &journals[0], &journals[1], &third] {
        wait_for(journal.shred(vec![leaves[5]])).expect("erased");
    }
    assert_eq!(wait_for(journals[0].rotate_page_keys()).expect("rotated"), PAGES);
    third.close();
    drop((third, keys));
    nodes.switch_off(3);

    // An old data directory meets the keys folder; an old keys folder, which nobody should have kept, meets the other nodes.
    for names in [&["data"][..], &["keys", "mirror", "data"]] {
        for name in names {
            fs::remove_dir_all(nodes.at(3, name)).expect("removed");
            copy_dir(&nodes.at(3, &format!("old-{name}")), &nodes.at(3, name));
        }
        let keys = nodes.open(3);
        keys.catch_up().expect("asked");
        let third = nodes.start(3, &keys);
        wait_for(third.catch_up_keys()).expect("asked");
        assert_eq!(readable(&third, &leaves), all_but(&[5]), "{names:?}");
        third.close();
        drop((third, keys));
        nodes.switch_off(3);
        let keys = nodes.search(&[3]).keys();
        let erased = nodes.bodies(3).into_iter().find(|body| body.number == 5).expect("in the log");
        assert!(!erased.opens_under(&keys), "{names:?}");
    }
}

#[test]
fn each_node_rotates_its_own_pages_and_the_root_key_takes_all_files_along() {
    let nodes = Nodes::new();
    let (_, journals, leaves) = nodes.filled();
    assert_eq!(wait_for(journals[1].rotate_page_keys()).expect("rotated"), 0, "all pages are the first node's");
    assert_eq!(wait_for(journals[0].rotate_page_keys()).expect("rotated"), PAGES);
    wait_for(journals[1].catch_up_keys()).expect("asked");
    wait_for(journals[1].rotate_root()).expect("rotated");
    assert_eq!(readable(&journals[1], &leaves), all_but(&[]));
    journals[1].close();
    nodes.switch_off(2);
    let names = fs::read_dir(nodes.at(2, "keys")).expect("listed").map(|entry| entry.expect("listed").file_name());
    let mut names: Vec<_> =
        names.map(|name| name.into_string().expect("text")).filter(|name| name.contains("page-keys")).collect();
    names.sort();
    assert_eq!(names, ["page-keys", "page-keys.1", "page-keys.2", "page-keys.3"], "nothing of the rotation is left");
    let keys = nodes.open(2);
    keys.catch_up().expect("asked");
    assert_eq!(readable(&nodes.start(2, &keys), &leaves), all_but(&[]), "from disk too");
}

/// Each node fills pages of its own, and goes on writing while what is in them is erased.
#[test]
fn what_each_node_wrote_is_erased_on_all_while_they_go_on_writing() {
    const EACH: u64 = 90;
    const ERASED: [u64; 3] = [7, EACH + 7, 2 * EACH + 89];
    let nodes = Nodes::new();
    let (journals, leaves) = nodes.written_by_all(EACH);
    let whole: Vec<u64> = (0..3 * EACH).collect();
    assert!(journals.iter().all(|journal| readable(journal, &leaves) == whole), "each reads what the others wrote");
    let before = nodes.at(1, "before");
    copy_dir(&nodes.at(1, "data"), &before);
    let erased = ERASED.map(|number| leaves[usize::try_from(number).expect("small")]).to_vec();

    let later = std::thread::scope(|scope| {
        let write = |(journal, from): (_, u64)| {
            scope.spawn(move || {
                (from..from + 40)
                    .map(|number| append(journal, draft_with_body(number, 20, None)).leaf)
                    .collect::<Vec<_>>()
            })
        };
        let writers: Vec<_> = journals.iter().zip([1_000, 2_000, 3_000]).map(write).collect();
        // Each comes as its own clock says, and waits for the others; by the second round all have written their pages anew.
        let first: Vec<_> = journals.iter().map(|journal| wait_for(journal.shred(erased.clone()))).collect();
        assert!(matches!(&first[0], Err(StoreError::NodesAway { nodes }) if nodes.len() == 2), "{first:?}");
        for journal in &journals {
            wait_for(journal.shred(erased.clone())).expect("all keepers have done their part");
        }
        writers.into_iter().flat_map(|writer| writer.join().expect("no panic")).collect::<Vec<_>>()
    });
    let head = journals.iter().map(|journal| journal.read(|state| state.head().0)).max().expect("three");
    let left: Vec<u64> = whole.iter().copied().filter(|number| !ERASED.contains(number)).collect();
    for journal in &journals {
        assert!(journal.wait_for(head, std::time::Duration::from_secs(30)));
        wait_for(journal.catch_up_keys()).expect("asked");
        assert_eq!(readable(journal, &leaves), left);
        assert_eq!(readable(journal, &later).len(), later.len(), "and nothing of what came meanwhile is lost");
    }
    nothing_opens_but_what_is_left(&nodes, &journals, &before, &ERASED);
}

#[test]
fn a_node_with_another_key_ring_gives_and_gets_nothing() {
    let nodes = Nodes::new();
    nodes.other_ring(3);
    let [one, two, three] = [1, 2, 3].map(|node| nodes.open(node));
    assert_eq!(one.catch_up().expect("asked").away, [NodeNumber(3)]);
    assert_eq!(two.catch_up().expect("asked").away, [NodeNumber(3)]);
    assert!(one.has_caught_up() && two.has_caught_up(), "those two are a majority");
    assert_eq!(three.catch_up().expect("asked").answered, []);
    assert!(!three.has_caught_up());
    assert!(matches!(nodes.try_start(3, &three), Err(StoreError::NodesAway { .. })), "its codes are no other node's");
}
