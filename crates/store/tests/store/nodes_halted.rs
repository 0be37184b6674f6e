//! What ends a node's serving: a shared log that is not the one that it has followed, or not whole, and another root than other nodes have.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use causeway_journal::{REASON_CHECKPOINT, decode_entry, decode_frame, encode_entry, encode_frame, v1};
use causeway_model::{FrameSeq, LeafIndex};
use causeway_store::{AppendFailure, Journal, StoreError, Upstream};

use crate::nodes_setting::{LONG, Nodes};
use crate::setting::{append, append_many, draft, draft_with_body, genesis, wait_for};
use crate::shared_doubles::{Memory, Next};

#[test]
fn a_log_that_is_another_or_not_whole_halts_the_node_in_words() {
    let nodes = Nodes::new(2);
    let journals = nodes.begin();
    append_many(&journals[0], 10);
    journals.iter().for_each(|journal| assert!(journal.wait_for(nodes.head(), LONG)));
    // A hole, while it runs.
    nodes.log.lose(FrameSeq(nodes.head().0 + 1));
    let waiting = wait_for(journals[0].enqueue(draft(1))).expect("taken");
    let refused = wait_for(waiting);
    assert!(matches!(&refused, Err(AppendFailure::Halted(why)) if why.contains("hole")), "{refused:?}");
    let later = wait_for(journals[0].append(draft(2)));
    assert!(matches!(later, Err(AppendFailure::Halted(_))), "{later:?}");
    journals.iter().for_each(Journal::close);
    // Shorter, made anew, another one's: at the next start.
    let other = Nodes::new(2);
    other.begin().iter().for_each(Journal::close);
    let keep = nodes.log.clone();
    let short = Memory::default();
    keep.frames().into_iter().take(2).for_each(|frame| short.push(frame));
    let mut forked = Memory::default();
    keep.frames().into_iter().for_each(|frame| forked.push(frame));
    let last = forked.frames().len() - 2;
    forked.cut(last);
    while forked.frames().len() < keep.frames().len() + 2 {
        forked.push(b"another".to_vec());
    }
    let empty = Memory::default();
    for (log, words) in
        [(&short, "ends at frame"), (&empty, "empty"), (&other.log, "another journal"), (&forked, "another frame")]
    {
        let upstream = Upstream { log: Arc::new(log.clone()), ..nodes.upstream() };
        let halted = nodes.try_start(1, upstream).expect("it starts, and serves nothing");
        assert!(halted.halted().expect("halted").contains(words), "{:?}", halted.halted());
        halted.close();
    }
    forked = keep;
    forked.has_a_fault();
    let refused = nodes.try_start(1, Upstream { log: Arc::new(forked), ..nodes.upstream() });
    assert!(matches!(refused, Err(StoreError::Upstream(_))));
}

#[test]
fn nodes_say_how_far_the_log_goes_and_one_that_has_another_root_halts() {
    let nodes = Nodes::new(2);
    let first = nodes.try_start(0, Upstream { checkpoint_frames: 4, ..nodes.upstream() }).expect("starts");
    genesis(&first);
    let second = nodes.start(1);
    for number in 0..12 {
        append(&second, draft(number));
    }
    let stated = || {
        let entries =
            nodes.log.frames().iter().flat_map(|bytes| decode_frame(bytes).expect("a frame").items).collect::<Vec<_>>();
        entries
            .iter()
            .map(|item| decode_entry(&item.entry).expect("an entry"))
            .filter(|entry| entry.reason == REASON_CHECKPOINT)
            .count()
    };
    let until = Instant::now() + LONG;
    while stated() == 0 && Instant::now() < until {
        append(&second, draft(99));
        thread::sleep(Duration::from_millis(20));
    }
    assert!(stated() > 0);
    nodes.are_one(&[first.clone(), second.clone()], &[]);
    // Somebody says that it is otherwise.
    first.close();
    // It may have stated one more, which the size has to be after.
    assert!(second.wait_for(nodes.head(), LONG));
    let size = second.read(|state| state.tree().size());
    state_elsewhere(&nodes, v1::TreeHead { size, root: vec![1; 32] });
    assert!(is_halted(&second).contains("another root"));
    second.close();
    let again = nodes.start(1);
    assert!(again.halted().expect("halted again").contains("another root"));
}

#[test]
fn a_node_is_closed_though_the_shared_log_does_not_answer() {
    let nodes = Nodes::new(1);
    let journal = nodes.start_with(0, 1);
    genesis(&journal);
    nodes.log.is_silent(true);
    // One frame is on its way, one waits for the lane, and one draft waits in the queue.
    let waiting: Vec<_> = (0..3)
        .map(|number| {
            let waiting = wait_for(journal.enqueue(draft(number))).expect("taken");
            thread::sleep(Duration::from_millis(50));
            waiting
        })
        .collect();
    let (done, closed) = mpsc::channel();
    let closing = journal.clone();
    thread::spawn(move || {
        closing.close();
        let _ = done.send(());
    });
    closed.recv_timeout(LONG).expect("it is closed");
    for waiting in waiting {
        let answer = wait_for(waiting);
        assert!(matches!(answer, Err(AppendFailure::Stopped(_) | AppendFailure::NotTaken(_))), "{answer:?}");
    }
    nodes.log.is_silent(false);
    let again = nodes.start(0);
    let committed = append(&again, draft(9));
    nodes.are_one(&[again], &[committed]);
}

#[test]
fn a_node_that_has_more_or_fewer_entries_than_another_one_says_halts() {
    for more in [true, false] {
        let nodes = Nodes::new(1);
        let journal = nodes.begin().remove(0);
        append_many(&journal, 3);
        assert!(journal.wait_for(nodes.head(), LONG));
        let (size, root) = journal.read(|state| (state.tree().size(), state.tree().root()));
        let size = if more { size + 1 } else { size - 1 };
        state_elsewhere(&nodes, v1::TreeHead { size, root: root.0.to_vec() });
        assert!(is_halted(&journal).contains(&format!("the log has {size} entries")), "{:?}", journal.halted());
        journal.close();
    }
}

/// Has the log hold a frame by which another node says how far it goes.
fn state_elsewhere(nodes: &Nodes, head: v1::TreeHead) {
    let mut frame = decode_frame(nodes.log.frames().last().expect("there")).expect("a frame");
    let mut entry = decode_entry(&frame.items[0].entry).expect("an entry");
    entry.reason = REASON_CHECKPOINT.into();
    entry.operation = v1::Operation::Administration.into();
    entry.entry_id = vec![9; 16];
    entry.tree_head = Some(head);
    frame.items = vec![v1::Item { entry: encode_entry(&entry).expect("well formed"), ..v1::Item::default() }];
    frame.key_pages.clear();
    nodes.log.push(encode_frame(&frame).expect("well formed"));
}

/// Waits until a journal is halted; why.
fn is_halted(journal: &Journal) -> Arc<str> {
    let until = Instant::now() + LONG;
    while journal.halted().is_none() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    journal.halted().expect("halted")
}

#[test]
fn no_page_is_written_anew_while_nobody_knows_what_became_of_a_frame() {
    let nodes = Nodes::new(1);
    let journal = nodes.start_with(0, 1);
    genesis(&journal);
    let before = append(&journal, draft_with_body(1, 50, None));
    nodes.log.then(&[Next::Held]);
    let waiting = wait_for(journal.enqueue(draft_with_body(2, 50, None))).expect("taken");
    let (shredding, leaf) = (journal.clone(), before.leaf);
    let shredding = thread::spawn(move || wait_for(shredding.shred(vec![leaf])));
    thread::sleep(Duration::from_millis(50));
    // The tail ends, and the frame, which has another key in the same page, gets into the log after that.
    nodes.log.lose(FrameSeq(nodes.head().0 + 1));
    is_halted(&journal);
    nodes.log.let_go();
    assert!(matches!(wait_for(waiting), Err(AppendFailure::Halted(_))));
    let shredded = shredding.join().expect("no panic");
    assert!(matches!(shredded, Err(StoreError::Closed)), "{shredded:?}");
    journal.close();
    let whole = Memory::default();
    nodes.log.frames().into_iter().for_each(|frame| whole.push(frame));
    let again = nodes.try_start(0, Upstream { log: Arc::new(whole), ..nodes.upstream() }).expect("starts");
    assert_eq!(again.halted(), None);
    let leaves = vec![before.leaf, LeafIndex(before.leaf.0 + 1)];
    let bodies = wait_for(again.bodies(leaves)).expect("both are read");
    assert!(bodies.iter().all(Option::is_some), "what got into the log opens");
}
