//! A frame that gets into the shared log too late: its writer is told, and what it carried is gone.

use std::thread;
use std::time::Duration;

use causeway_journal::PassedOver;
use causeway_model::Timestamp;
use causeway_store::{AppendFailure, Journal};

use crate::key_search::{Search, bodies};
use crate::nodes_setting::Nodes;
use crate::setting::{append, draft, draft_with_body, wait_for};
use crate::shared_doubles::Next;

/// The number of the draft that comes too late.
const LATE: u64 = 77;

/// Two nodes, of which the first appends so many bodies, and then one that comes too late.
fn with_a_late_one(before: u64) -> (Nodes, Vec<Journal>) {
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
    nodes.log.let_go();
    let refused = wait_for(waiting);
    assert!(matches!(refused, Err(AppendFailure::NotTaken(_))), "{refused:?}");
    nodes.are_one(&journals, &[]);
    let why: Vec<_> = journals[0].read(|state| state.all_passed_over().map(|(_, why)| why).collect());
    assert_eq!(why, [PassedOver::TooLate]);
    (nodes, journals)
}

#[test]
fn a_frame_that_comes_too_late_is_refused_to_its_writer_and_opens_under_no_key() {
    for before in [0, 5] {
        let (nodes, journals) = with_a_late_one(before);
        let behind = wait_for(journals[0].append(draft(3)));
        assert!(matches!(behind, Err(AppendFailure::ClockBehind { .. })), "{behind:?}");
        // What is to be done to the keys is done when the queue has been gone through.
        journals.iter().for_each(Journal::close);
        let setting = &nodes.settings[0];
        let root = std::fs::read(setting.keys_dir().join("root.key")).expect("the root key");
        let root = causeway_crypto::RootKey::try_from(root.as_slice()).expect("32 bytes");
        let mut search = Search::default();
        search.keys_folder(&setting.keys_dir(), &[root]);
        search.data_dir(&setting.data_dir());
        let keys = search.keys();
        let bodies = bodies(&setting.data_dir());
        assert_eq!(bodies.len() as u64, before + 1, "the late one is in the log");
        for body in bodies {
            assert_eq!(body.opens_under(&keys), body.number != u128::from(LATE), "body {}", body.number);
        }
    }
}
