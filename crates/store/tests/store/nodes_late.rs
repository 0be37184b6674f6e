//! A frame that gets into the shared log too late: its writer is told, and what it carried is gone.

use std::thread;
use std::time::Duration;

use causeway_journal::{PassedOver, decode_frame};
use causeway_model::Timestamp;
use causeway_store::{AppendFailure, Journal};

use crate::key_search::{Search, bodies};
use crate::nodes_setting::Nodes;
use crate::setting::{append, copy_dir, draft, draft_with_body, wait_for};
use crate::shared_doubles::Next;

/// The number of the draft that comes too late.
const LATE: u64 = 77;

/// Two nodes, of which the first appends so many bodies, and then one that comes too late. `meanwhile` is called before it does.
fn with_a_late_one(before: u64, meanwhile: impl FnOnce(&Nodes)) -> (Nodes, Vec<Journal>) {
    let mut nodes = Nodes::new(2);
    let (clock, hand) = causeway_store::Clock::manual(Timestamp(1_793_314_499_000_000));
    nodes.settings[1].clock = clock;
    let first = nodes.start_with(0, 1);
    crate::setting::genesis(&first);
    let journals = vec![first, nodes.start(1)];
    for number in 0..before {
        append(&journals[0], draft_with_body(number, 50, None));
    }
    nodes.log.then(&[Next::Held]);
    let waiting = wait_for(journals[0].enqueue(draft_with_body(LATE, 50, None))).expect("taken");
    // The other node goes on meanwhile, and its clock too.
    thread::sleep(Duration::from_millis(50));
    hand.advance(61);
    append(&journals[1], draft(2));
    meanwhile(&nodes);
    nodes.log.let_go();
    let refused = wait_for(waiting);
    assert!(matches!(refused, Err(AppendFailure::NotTaken(_))), "{refused:?}");
    nodes.are_one(&journals, &[]);
    let why: Vec<_> = journals[0].read(|state| state.all_passed_over().map(|(_, why)| why).collect());
    assert_eq!(why, [PassedOver::TooLate]);
    (nodes, journals)
}

/// Whether each body in the first node's log opens, by its number, with all that is on the node's disk.
fn opened(nodes: &Nodes) -> Vec<(u128, bool)> {
    let setting = &nodes.settings[0];
    let root = std::fs::read(setting.keys_dir().join("root.key")).expect("the root key");
    let root = causeway_crypto::RootKey::try_from(root.as_slice()).expect("32 bytes");
    let mut search = Search::default();
    search.keys_folder(&setting.keys_dir(), &[root]);
    search.data_dir(&setting.data_dir());
    let keys = search.keys();
    bodies(&setting.data_dir()).iter().map(|body| (body.number, body.opens_under(&keys))).collect()
}

/// The process may end between the two: its keys folder is then as it was before the frame came.
#[test]
fn what_a_frame_carried_that_was_passed_over_is_destroyed_by_the_next_start() {
    for before in [0, 5] {
        let (nodes, journals) = with_a_late_one(before, |nodes| {
            copy_dir(&nodes.settings[0].keys_dir(), &nodes.settings[0].folder.path().join("keys-before"));
        });
        journals.iter().for_each(Journal::close);
        drop(journals);
        let setting = &nodes.settings[0];
        let keys_dir = setting.keys_dir();
        std::fs::remove_dir_all(&keys_dir).expect("removed");
        copy_dir(&setting.folder.path().join("keys-before"), &keys_dir);
        assert!(opened(&nodes).iter().all(|(_, opens)| *opens), "the control: nothing is destroyed");
        // A stranger names the pages of the others, and the first of them comes a second time, long after it was applied.
        let frames = nodes.log.frames();
        let again = frames.iter().find(|bytes| decode_frame(bytes).is_ok_and(|frame| !frame.key_pages.is_empty()));
        let stranger = decode_frame(again.expect("of bodies")).expect("a frame");
        let stranger = causeway_journal::v1::Frame { log_id: vec![7; 16], ..stranger };
        nodes.log.push(causeway_journal::encode_frame(&stranger).expect("well formed"));
        nodes.log.push(again.expect("of bodies").clone());
        nodes.start(0).close();
        nodes.start(0).close();
        for (number, opens) in opened(&nodes) {
            assert_eq!(opens, number != u128::from(LATE), "body {number} of {before}");
        }
    }
}

#[test]
fn a_frame_that_comes_too_late_is_refused_to_its_writer_and_opens_under_no_key() {
    for before in [0, 5] {
        let (nodes, journals) = with_a_late_one(before, |_| {});
        let behind = wait_for(journals[0].append(draft(3)));
        assert!(matches!(behind, Err(AppendFailure::ClockBehind { .. })), "{behind:?}");
        // What is to be done to the keys is done when the queue has been gone through.
        journals.iter().for_each(Journal::close);
        let opened = opened(&nodes);
        assert_eq!(opened.len() as u64, before + 1, "the late one is in the log");
        for (number, opens) in opened {
            assert_eq!(opens, number != u128::from(LATE), "body {number}");
        }
    }
}
