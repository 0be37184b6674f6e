//! Bits that flip in the files of the index.

use std::fs;

use super::setting::{Numbers, World, settle};
use crate::index::block::Block;

#[test]
fn no_bit_of_a_block_changes_unseen() {
    let mut world = World::new(21);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 700);
    settle(&journal);
    let mut numbers = Numbers(22);
    for path in world.block_files() {
        let whole = fs::read(&path).expect("read");
        let open = || Block::open(&path, &journal.index.pages, u64::MAX, &journal.index.cache);
        open().and_then(|block| block.check()).expect("it is as it was written");
        for _ in 0..150 {
            let mut altered = whole.clone();
            let place = usize::try_from(numbers.below(whole.len() as u64)).expect("fits");
            altered[place] ^= 1 << numbers.below(8);
            fs::write(&path, &altered).expect("written");
            assert!(open().and_then(|block| block.check()).is_err(), "byte {place} of {}", path.display());
        }
        for length in [0, whole.len() / 2, whole.len() - 16_384, whole.len() - 1] {
            fs::write(&path, &whole[..length]).expect("written");
            assert!(open().is_err(), "{length} bytes are left");
        }
        fs::write(&path, &whole).expect("written");
    }
    journal.close();
}

#[test]
fn an_answer_is_right_whatever_bit_of_the_index_has_flipped_and_the_block_is_made_anew() {
    let mut world = World::new(23);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 700);
    settle(&journal);
    journal.close();
    let mut numbers = Numbers(24);
    for _ in 0..12 {
        let files = world.block_files();
        for path in &files {
            let mut bytes = fs::read(path).expect("read");
            let place = usize::try_from(numbers.below(bytes.len() as u64)).expect("fits");
            bytes[place] ^= 1 << numbers.below(8);
            fs::write(path, &bytes).expect("written");
        }
        let journal = world.start();
        world.compare(&journal, 60);
        settle(&journal);
        world.compare(&journal, 20);
        journal.close();
    }
}

#[test]
fn a_merge_that_meets_damage_makes_the_block_anew() {
    let mut world = World::new(25);
    let journal = world.start();
    world.begin(&journal);
    // Two blocks of one size, and then the third that merges them.
    world.append(&journal, 64 * 2);
    settle(&journal);
    for path in world.block_files() {
        let mut bytes = fs::read(&path).expect("read");
        bytes[100] ^= 1;
        fs::write(&path, &bytes).expect("written");
    }
    world.append(&journal, 64);
    settle(&journal);
    let measures = journal.index_measures();
    assert_eq!((measures.blocks, measures.in_blocks), (1, 192), "{measures:?}");
    world.compare(&journal, 60);
    journal.close();
    let journal = world.start();
    assert_eq!(journal.index_measures().blocks, 1);
    world.compare(&journal, 60);
    journal.close();
}
