//! Random entries and searches: while they come, once they are in blocks, and over restarts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use causeway_journal::v1;
use causeway_model::LeafIndex;

use super::setting::{World, copy_dir, settle, wait_for};
use crate::index::{Settings, Term};
use crate::{Draft, Search};

#[test]
fn every_answer_is_what_a_filter_gives_while_entries_come_and_blocks_are_merged() {
    let mut world = World::new(1);
    let journal = world.start();
    world.begin(&journal);
    for _ in 0..30 {
        world.append(&journal, 67);
        world.compare(&journal, 12);
    }
    settle(&journal);
    let measures = journal.index_measures();
    assert!(measures.in_blocks + 64 > 30 * 67 && measures.in_memory < 64, "{measures:?}");
    assert!(measures.blocks < 10, "they were merged: {measures:?}");
    let on_disk: u64 = world.block_files().iter().map(|path| path.metadata().expect("there").len()).sum();
    assert_eq!(on_disk, measures.bytes, "what was merged is gone");
    world.compare(&journal, 300);
    journal.close();
}

#[test]
fn entries_far_back_are_read_alone_as_they_are_read_in_runs() {
    let mut world = World::new(6);
    let journal = world.start();
    world.begin(&journal);
    // More frames than are kept at hand, and full tiles.
    world.append(&journal, 900);
    let run = wait_for(journal.entries(LeafIndex(0), usize::MAX)).expect("read");
    assert_eq!(run.len(), world.known.len());
    for ((leaf, entry), known) in (0..).map(LeafIndex).zip(&run).zip(&world.known) {
        assert_eq!(wait_for(journal.entry(leaf)).as_ref().ok(), Some(entry), "{leaf}");
        let openings = wait_for(journal.openings(leaf)).expect("opens");
        let operator = openings.map(|openings| Term::Operator { agency: "gb-nca".into(), id: openings.operator });
        assert!(operator.is_none_or(|operator| known.terms.contains(&operator)), "{leaf}");
    }
    journal.close();
}

#[test]
fn a_restart_finds_its_blocks_and_goes_on() {
    let mut world = World::new(2);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 500);
    settle(&journal);
    journal.close();
    for _ in 0..3 {
        let journal = world.start();
        let measures = journal.index_measures();
        assert!(
            measures.in_blocks + 4 >= world.known.len() as u64,
            "only what no block is worth is left: {measures:?}"
        );
        world.compare(&journal, 40);
        world.append(&journal, 150);
        world.compare(&journal, 40);
        settle(&journal);
        journal.close();
    }
}

#[test]
fn after_a_crash_what_was_not_in_a_block_is_indexed_again() {
    let mut world = World::new(3);
    let mut journal = world.start();
    world.begin(&journal);
    for round in 0..4 {
        world.append(&journal, 100);
        // What a kill at this moment would leave.
        let copy = world.folder.path().join(format!("copy-{round}"));
        copy_dir(&world.data_dir(), &copy);
        journal.close();
        std::fs::remove_dir_all(world.data_dir()).expect("removed");
        copy_dir(&copy, &world.data_dir());
        journal = world.start();
        world.compare(&journal, 30);
        settle(&journal);
        world.compare(&journal, 30);
    }
    journal.close();
}

#[test]
fn a_journal_that_was_not_indexed_is_searched_and_indexed_afterwards() {
    let mut world = World::new(4);
    let without = Settings { block_entries: 64, fan: 3, follows: false, turn: 300 };
    let journal = world.start_with(&world.data_dir(), without);
    world.begin(&journal);
    world.append(&journal, 400);
    world.compare(&journal, 40);
    assert_eq!(journal.index_measures(), crate::IndexMeasures::default());
    journal.close();
    let journal = world.start();
    world.compare(&journal, 10);
    settle(&journal);
    assert!(journal.index_measures().in_blocks >= 384);
    world.compare(&journal, 60);
    journal.close();
}

#[test]
fn what_was_acknowledged_before_the_call_is_in_the_answer_while_appends_run() {
    const ENTRIES: usize = 1_500;
    let mut world = World::new(5);
    let journal = world.start();
    world.begin(&journal);
    let acknowledged = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ENTRIES {
                let entry = v1::Entry {
                    entry_id: causeway_crypto::random::<16>().to_vec(),
                    operation: v1::Operation::Consultation.into(),
                    decision: v1::Decision::Denied.into(),
                    reason: "counted".into(),
                    ..Default::default()
                };
                let draft = Draft { entry, openings: None, body: None, document_text: None };
                wait_for(journal.append(draft)).expect("appended");
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        });
        loop {
            let before = acknowledged.load(Ordering::SeqCst);
            for newest_first in [false, true] {
                let search = Search {
                    terms: vec![Term::Reason("counted".into())],
                    among: None,
                    from: LeafIndex(0),
                    before: LeafIndex(u64::MAX),
                    newest_first,
                    limit: usize::MAX,
                };
                let found = wait_for(journal.search(search)).expect("searched");
                assert!(found.len() >= before, "{} of {before}", found.len());
                assert!(found.is_sorted_by(|one, other| if newest_first { one > other } else { one < other }));
            }
            if before == ENTRIES {
                break;
            }
        }
    });
    journal.close();
}
