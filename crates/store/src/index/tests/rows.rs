//! Where entries are, as the index says it, against the frames themselves.

use causeway_journal::{decode_frame, leaf_hash};
use causeway_model::{FrameSeq, LeafIndex};

use super::setting::{World, settle, wait_for};
use crate::Journal;
use crate::index::row::Row;
use crate::index::segment::Segment;

/// Every entry of the log.
fn entries(journal: &Journal) -> Vec<Vec<u8>> {
    let frames = journal.shared.log.read(FrameSeq(1), usize::MAX).expect("read");
    let items = frames.iter().flat_map(|(_, bytes)| decode_frame(bytes).expect("a frame").items);
    items.map(|item| item.entry).collect()
}

#[test]
fn the_index_says_where_each_entry_is_and_it_is_read_there() {
    let mut world = World::new(31);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 900);
    settle(&journal);
    let entries = entries(&journal);
    let is_there = |journal: &Journal, leaf: u64, entry: &[u8]| {
        let row = journal.index.row(LeafIndex(leaf)).expect("covered");
        assert_eq!(row.leaf_hash, leaf_hash(entry), "{leaf}");
        let place = journal.read(|state| state.place(LeafIndex(leaf))).expect("there");
        let offset = usize::try_from(row.offset).expect("fits");
        let bytes = journal.shared.log.read_part(place.seq, offset, &|begun| begun.len() > entry.len() + 16);
        let bytes = bytes.expect("read");
        assert!(bytes[..16.min(bytes.len())].windows(4).any(|four| four == &entry[..4]), "{leaf} begins there");
    };
    for (entry, leaf) in entries.iter().zip(0..) {
        is_there(&journal, leaf, entry);
    }
    assert_eq!(journal.index.row(LeafIndex(entries.len() as u64)), None);
    journal.close();
    // From blocks, and with no frame at hand.
    let journal = world.start();
    for (leaf, entry) in entries.iter().enumerate().rev() {
        let leaf = leaf as u64;
        assert_eq!(&wait_for(journal.entry(LeafIndex(leaf))).expect("read"), entry);
        is_there(&journal, leaf, entry);
    }
    let some: Vec<_> = (0..entries.len() as u64).rev().step_by(3).map(LeafIndex).collect();
    let read = wait_for(journal.entries_at(some.clone())).expect("read");
    let expected: Vec<_> = (0..entries.len()).rev().step_by(3).map(|leaf| entries[leaf].clone()).collect();
    assert_eq!(read, expected, "in the order that was asked for");
    let openings = wait_for(journal.openings_at(some.clone())).expect("read");
    for (leaf, openings) in some.into_iter().zip(openings) {
        assert_eq!(openings, wait_for(journal.openings(leaf)).expect("read"));
    }
    assert!(wait_for(journal.entries_at(vec![LeafIndex(0), LeafIndex(entries.len() as u64)])).is_err());
    journal.close();
}

#[test]
fn an_index_that_is_wrong_about_where_entries_are_makes_no_entry_another() {
    let mut world = World::new(32);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 600);
    settle(&journal);
    let entries = entries(&journal);
    journal.close();
    let journal = world.start();
    let mut rows: Vec<Row> =
        (0..entries.len() as u64).map(|leaf| journal.index.row(LeafIndex(leaf)).expect("covered")).collect();
    // Beyond every frame; of nothing; the right place with another entry's hash; within another item.
    let first = rows[0].leaf_hash;
    for (number, row) in rows.iter_mut().enumerate() {
        match number % 4 {
            0 => row.offset = u32::MAX,
            1 => *row = Row::default(),
            2 => row.leaf_hash = first,
            _ => row.offset += 1,
        }
    }
    let mut wrong = Segment::starting_at(0);
    rows.into_iter().for_each(|row| wrong.push([1], 0, row));
    let mut covered = journal.index.covered_mut();
    covered.pieces.clear();
    covered.open = wrong;
    drop(covered);
    for (entry, leaf) in entries.iter().zip(0..) {
        assert_eq!(&wait_for(journal.entry(LeafIndex(leaf))).expect("read"), entry, "{leaf}");
    }
    journal.close();
}
