//! Nodes over one shared log: what each appends comes to the same with all of them, whatever the shared log does in between.
//!
//! After each of these nothing that was acknowledged is lost, nothing is there twice, and all roots are equal (`are_one`).

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use causeway_journal::decode_frame;
use causeway_model::{FrameSeq, LeafIndex};
use causeway_store::{
    AppendFailure, FrameLog, Journal, NodeNumber, PageKey, PageKeyPeer, PeerFailure, Search, SledLog, SlotStandings,
    StoreError, Term,
};

use crate::doubles::{Failing, Fault};
use crate::nodes_setting::{LONG, Nodes};
use crate::setting::{append, append_many, copy_dir, draft, draft_with_body, genesis, wait_for};
use crate::shared_doubles::Next;

#[test]
fn what_one_node_writes_all_nodes_have() {
    let nodes = Nodes::new(3);
    let journals = nodes.begin();
    let mut acknowledged = Vec::new();
    thread::scope(|scope| {
        let writers: Vec<_> = journals.iter().map(|journal| scope.spawn(|| append_many(journal, 200))).collect();
        acknowledged.extend(writers.into_iter().flat_map(|writer| writer.join().expect("no panic")));
    });
    nodes.are_one(&journals, &acknowledged);
    let frames = nodes.log.frames();
    let rules = |bytes: &Vec<u8>| decode_frame(bytes).expect("a frame").rules_version;
    assert!(frames.iter().all(|bytes| rules(bytes) == causeway_journal::RULES_SHARED));
    assert!(frames.len() < 600, "what waits goes in one frame");
    // What was answered on one node is read on another one by its place in the log.
    let committed = append(&journals[0], draft(7));
    assert!(journals[2].wait_for(committed.frame, LONG));
    assert_eq!(wait_for(journals[2].entry(committed.leaf)).expect("read"), committed.entry);
    let beyond = FrameSeq(committed.frame.0 + 9);
    assert!(!journals[2].wait_for(beyond, Duration::from_millis(30)), "it does not come");
    journals.iter().for_each(Journal::close);
    let again: Vec<_> = (0..3).map(|index| nodes.start(index)).collect();
    nodes.are_one(&again, &acknowledged);
}

#[test]
fn a_search_finds_what_every_node_has_written() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    for round in 0..6 {
        append_many(&journals[round % 2], 150);
        append(&journals[1 - round % 2], draft(3));
    }
    nodes.are_one(&journals, &[]);
    let size = journals[0].read(|state| state.tree().size());
    for journal in &journals {
        let term = Term::Reason("accepted".into());
        let all = Search {
            terms: vec![term],
            from: LeafIndex(0),
            before: LeafIndex(size),
            newest_first: false,
            limit: 2_000,
            among: None,
        };
        assert_eq!(wait_for(journal.search(all)).expect("searched").len(), 906);
        let until = Instant::now() + LONG;
        while journal.measures().index.in_memory < size && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(journal.measures().index.in_memory, size, "the index has followed");
    }
}

#[test]
fn bodies_are_read_where_they_were_written_and_their_pages_are_everywhere() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    let committed: Vec<_> = (0..40)
        .map(|number| append(&journals[usize::from(number % 2 == 1)], draft_with_body(number, 900, None)))
        .collect();
    nodes.are_one(&journals, &committed);
    for (number, committed) in committed.iter().enumerate() {
        let own = &journals[number % 2];
        let body = wait_for(own.bodies(vec![committed.leaf])).expect("read").remove(0).expect("there");
        assert_eq!(body.body.classified, vec![u8::try_from(number).expect("small"); 900]);
        let openings = wait_for(own.openings(committed.leaf)).expect("read").expect("there");
        assert_eq!(openings.operator, format!("operator-{number}"));
    }
    journals.iter().for_each(Journal::close);
    let pages = |index: usize| {
        let log = nodes.settings[index].log();
        let numbers: Vec<u64> = nodes
            .log
            .frames()
            .iter()
            .flat_map(|bytes| decode_frame(bytes).expect("a frame").key_pages.into_iter().map(|page| page.number))
            .collect();
        numbers
            .into_iter()
            .map(|number| (number, log.key_page(number).expect("read").expect("stored")))
            .collect::<Vec<_>>()
    };
    assert_eq!(pages(0), pages(1));
    assert!(pages(0).iter().all(|(number, _)| [1, 2].contains(&(number >> 48))), "each writer has its own numbers");
    let again = nodes.start(0);
    assert!(wait_for(again.bodies(vec![committed[0].leaf])).expect("read")[0].is_some(), "after a start too");
}

#[test]
fn a_frame_of_which_nobody_knows_is_tried_until_somebody_does() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    nodes.log.then(&[Next::StoredUnknown, Next::LostUnknown, Next::StoredUnknown, Next::LostUnknown]);
    let acknowledged = append_many(&journals[0], 10);
    nodes.are_one(&journals, &acknowledged);
}

#[test]
fn a_server_that_has_forgotten_an_id_changes_nothing() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    let mut acknowledged = append_many(&journals[0], 5);
    acknowledged.push(append(&journals[1], draft_with_body(3, 100, None)));
    for frame in nodes.log.frames().into_iter().rev().take(3) {
        nodes.log.push(frame);
    }
    nodes.log.push(b"no frame".to_vec());
    acknowledged.extend(append_many(&journals[1], 5));
    nodes.are_one(&journals, &acknowledged);
    assert_eq!(journals[0].read(|state| state.all_passed_over().count()), 4);
    // The index and the export go over frames that left nothing.
    let size = journals[0].read(|state| state.tree().size());
    let bundle = wait_for(journals[0].bundle(LeafIndex(0), 256, 1 << 20)).expect("read");
    assert_eq!(bundle.entries.len() as u64, size);
    journals.iter().for_each(Journal::close);
    let again: Vec<_> = (0..2).map(|index| nodes.start(index)).collect();
    nodes.are_one(&again, &acknowledged);
}

#[test]
fn what_the_log_refuses_is_told_and_may_be_tried_again() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    nodes.log.then(&[Next::Refused]);
    let refused = wait_for(journals[0].append(draft(1)));
    assert!(matches!(refused, Err(AppendFailure::NotTaken(_))), "{refused:?}");
    let acknowledged = append_many(&journals[0], 3);
    nodes.are_one(&journals, &acknowledged);
}

#[test]
fn a_node_that_is_alone_goes_on_reading_and_then_goes_on() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    let before = append(&journals[0], draft(1));
    nodes.log.is_silent(true);
    let waiting = wait_for(journals[0].enqueue(draft(2))).expect("taken");
    assert_eq!(wait_for(journals[0].entry(before.leaf)).expect("read"), before.entry);
    thread::sleep(Duration::from_millis(700));
    nodes.log.is_silent(false);
    let after = wait_for(waiting).expect("appended in the end");
    nodes.are_one(&journals, &[before, after]);
}

#[test]
fn a_node_killed_between_append_and_apply_finds_what_it_appended() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    let acknowledged = append_many(&journals[1], 20);
    journals[0].wait_for(nodes.head(), LONG);
    // What a kill leaves of the node at this moment; what comes is in the shared log alone.
    let killed = tempfile::tempdir().expect("a folder");
    let setting = &nodes.settings[0];
    copy_dir(&setting.data_dir(), &killed.path().join("data"));
    let later = append_many(&journals[0], 7);
    journals[0].close();
    let mut options = setting.options(&killed.path().join("data"), Arc::clone(&setting.keys));
    options.node = "node-1".into();
    options.node_keys = Some(nodes.page_keys(0));
    let log = SledLog::open(&killed.path().join("data")).expect("opens");
    let again = Journal::start_as_node(Box::new(log), options, nodes.upstream()).expect("starts");
    let all: Vec<_> = acknowledged.into_iter().chain(later).collect();
    nodes.are_one(&[again, journals[1].clone()], &all);
}

#[test]
fn a_new_node_reads_everything_before_it_serves() {
    let nodes = Nodes::new(3);
    let first = nodes.start(0);
    genesis(&first);
    let acknowledged = append_many(&first, 300);
    let late = nodes.start(2);
    assert_eq!(late.read(|state| state.head().0), nodes.head(), "before it has answered anything");
    nodes.are_one(&[first.clone(), late.clone()], &acknowledged);
    let more: Vec<_> = acknowledged.into_iter().chain(append_many(&late, 3)).collect();
    nodes.are_one(&[first, late], &more);
}

#[test]
fn a_new_node_that_is_stopped_while_it_reads_goes_on_the_next_time() {
    let nodes = Nodes::new(2);
    let first = nodes.start(0);
    genesis(&first);
    let acknowledged: Vec<_> = (0..5).map(|number| append(&first, draft(number))).collect();
    let setting = &nodes.settings[1];
    let mut options = setting.options(&setting.data_dir(), Arc::clone(&setting.keys));
    options.node_keys = Some(nodes.page_keys(1));
    let log = Failing::after(3, Fault::NotStored, setting.log());
    Journal::start_as_node(Box::new(log), options, nodes.upstream()).expect_err("its disk fails");
    let second = nodes.start(1);
    nodes.are_one(&[first, second], &acknowledged);
}

#[test]
fn a_journal_that_one_gateway_began_goes_on_as_a_node() {
    let nodes = Nodes::new(2);
    let setting = &nodes.settings[0];
    let alone = setting.begin();
    let before = append(&alone, draft_with_body(1, 300, None));
    append_many(&alone, 50);
    alone.close();
    let log = setting.log();
    for (_, bytes) in FrameLog::read(&log, FrameSeq(1), usize::MAX).expect("read") {
        nodes.log.push(bytes);
    }
    drop(log);
    let journals = [nodes.start(0), nodes.start(1)];
    let acknowledged: Vec<_> = append_many(&journals[1], 5).into_iter().chain(append_many(&journals[0], 5)).collect();
    nodes.are_one(&journals, &acknowledged);
    assert!(wait_for(journals[0].bodies(vec![before.leaf])).expect("read")[0].is_some());
    journals.iter().for_each(Journal::close);
    let alone = setting.start_over(Box::new(setting.log()));
    assert!(matches!(alone, Err(StoreError::Upstream(_))), "it would become another log");
}

#[test]
fn a_node_that_has_lost_its_disks_numbers_no_key_page_as_it_has_before() {
    let nodes = Nodes::new(1);
    let journal = nodes.begin().remove(0);
    append(&journal, draft_with_body(1, 50, None));
    journal.close();
    let setting = &nodes.settings[0];
    fs::remove_dir_all(setting.data_dir()).expect("removed");
    fs::remove_file(setting.keys_dir().join("page-keys.1")).expect("removed");
    // Nobody whom it can ask has got the page key.
    let again = nodes.try_start(0, nodes.upstream());
    assert!(matches!(again, Err(StoreError::Keys { .. })), "{again:?}");
}

/// Another node, which is away for so many calls.
#[derive(Debug)]
struct Away {
    calls: AtomicUsize,
    /// As the node says it that it is away for.
    ring_check: OnceLock<[u8; 32]>,
}

impl PageKeyPeer for Away {
    fn node(&self) -> NodeNumber {
        NodeNumber(9)
    }
    fn put(&self, keys: &[PageKey]) -> Result<(), PeerFailure> {
        assert!(keys.iter().all(|key| key.slot() >> 48 == 1));
        let left = self.calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() { Err(PeerFailure::Away("it is away".to_owned())) } else { Ok(()) }
    }
    fn standings(&self, _writer: NodeNumber, _first: u64) -> Result<SlotStandings, PeerFailure> {
        let ring_check = *self.ring_check.get().expect("said before it is asked");
        Ok(SlotStandings { ring_check, writers: Vec::new(), slots: Vec::new() })
    }
    fn keys_of(&self, _slots: &[u64]) -> Result<Vec<PageKey>, PeerFailure> {
        Ok(Vec::new())
    }
    fn pages_written_anew(&self, _numbers: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, PeerFailure> {
        Ok(Vec::new())
    }
}

#[test]
fn no_frame_is_appended_before_its_page_keys_are_with_a_majority() {
    let mut nodes = Nodes::new(1);
    let away = Arc::new(Away { calls: AtomicUsize::new(1_000_000), ring_check: OnceLock::new() });
    nodes.peers.push(away.clone());
    let keys = nodes.page_keys(0);
    away.ring_check.set(keys.standings(NodeNumber(1), 0).expect("read").ring_check).expect("said once");
    keys.catch_up().expect("caught up");
    let setting = &nodes.settings[0];
    let mut options = setting.options(&setting.data_dir(), Arc::clone(&setting.keys));
    options.node_keys = Some(keys);
    let journal = Journal::start_as_node(Box::new(setting.log()), options, nodes.upstream()).expect("starts");
    genesis(&journal);
    let before = nodes.log.frames().len();
    let refused = wait_for(journal.append(draft_with_body(1, 10, None)));
    assert!(matches!(refused, Err(AppendFailure::NotTaken(_))), "{refused:?}");
    assert_eq!(nodes.log.frames().len(), before, "nothing was sent");
    let without = append(&journal, draft(5));
    away.calls.store(2, Ordering::SeqCst);
    let good = append(&journal, draft_with_body(3, 10, None));
    nodes.are_one(std::slice::from_ref(&journal), &[without, good.clone()]);
    assert!(wait_for(journal.bodies(vec![good.leaf])).expect("read")[0].is_some());
}
