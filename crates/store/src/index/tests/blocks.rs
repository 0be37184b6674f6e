//! What a start finds in the folder of the index: unfinished files, blocks of other logs and histories, and none at all.

use std::fs;

use super::setting::{World, copy_dir, settle};

#[test]
fn unfinished_files_and_what_was_merged_already_are_swept_away() {
    let mut world = World::new(11);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 150);
    settle(&journal);
    journal.close();
    let earlier = world.folder.path().join("earlier");
    copy_dir(&world.index_dir(), &earlier);
    let journal = world.start();
    world.append(&journal, 300);
    settle(&journal);
    journal.close();
    // A crash within a block's writing, and one after a merge, before what was merged is removed.
    let blocks = world.block_files();
    let half = fs::read(&blocks[0]).expect("read");
    fs::write(world.index_dir().join("0000000000000000-0000000000000099.block.new"), &half[..half.len() / 2])
        .expect("written");
    copy_dir(&earlier, &world.index_dir());
    assert!(world.block_files().len() > blocks.len() + 1);
    let journal = world.start();
    world.compare(&journal, 60);
    settle(&journal);
    assert!(world.block_files().iter().all(|path| path.extension().is_some_and(|extension| extension == "block")));
    let leaves: u64 = journal.index_measures().in_blocks + journal.index_measures().in_memory;
    assert_eq!(leaves, world.known.len() as u64, "each once");
    journal.close();
}

#[test]
fn blocks_that_are_gone_are_made_anew_and_nothing_is_missing_meanwhile() {
    let mut world = World::new(12);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 900);
    settle(&journal);
    journal.close();
    let blocks = world.block_files();
    assert!(blocks.len() > 2, "{blocks:?}");
    for gone in [&blocks[..1], &blocks[1..2], &blocks[..]] {
        for path in gone {
            let _ = fs::remove_file(path);
        }
        let journal = world.start();
        world.compare(&journal, 40);
        settle(&journal);
        assert!(journal.index_measures().in_blocks + 64 > world.known.len() as u64);
        world.compare(&journal, 40);
        journal.close();
    }
}

#[test]
fn blocks_of_another_log_are_not_used() {
    let (mut one, mut other) = (World::new(13), World::new(14));
    other.keys = std::sync::Arc::clone(&one.keys);
    fs::remove_dir_all(other.folder.path().join("keys")).expect("removed");
    copy_dir(&one.folder.path().join("keys"), &other.folder.path().join("keys"));
    for world in [&mut one, &mut other] {
        let journal = world.start();
        world.begin(&journal);
        world.append(&journal, 400);
        settle(&journal);
        journal.close();
    }
    fs::remove_dir_all(one.index_dir()).expect("removed");
    copy_dir(&other.index_dir(), &one.index_dir());
    let journal = one.start();
    assert_eq!(journal.index_measures().in_blocks, 0, "of other keys or another log");
    one.compare(&journal, 60);
    settle(&journal);
    one.compare(&journal, 60);
    journal.close();
}

#[test]
fn blocks_of_another_history_of_the_same_log_are_not_used() {
    let mut world = World::new(15);
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 100);
    settle(&journal);
    journal.close();
    // A copy of everything goes another way.
    let mut copy = World::new(16);
    copy.keys = std::sync::Arc::clone(&world.keys);
    for part in ["keys", "data"] {
        let _ = fs::remove_dir_all(copy.folder.path().join(part));
        copy_dir(&world.folder.path().join(part), &copy.folder.path().join(part));
    }
    let shared = world.known.len();
    let journal = copy.start();
    copy.known = world
        .known
        .iter()
        .map(|known| super::setting::Known { terms: known.terms.clone(), time: known.time })
        .collect();
    copy.hands.set(world.clock.now());
    copy.append(&journal, 400);
    settle(&journal);
    journal.close();
    let journal = world.start();
    world.append(&journal, 400);
    settle(&journal);
    journal.close();
    fs::remove_dir_all(world.index_dir()).expect("removed");
    copy_dir(&copy.index_dir(), &world.index_dir());
    let journal = world.start();
    assert!(journal.index_measures().in_blocks <= shared as u64, "only what both have");
    world.compare(&journal, 60);
    settle(&journal);
    world.compare(&journal, 60);
    journal.close();
}

#[test]
fn without_a_folder_a_journal_starts_and_is_searched() {
    let mut world = World::new(17);
    fs::create_dir_all(world.data_dir()).expect("made");
    fs::write(world.index_dir(), "no folder").expect("written");
    // A data directory begins without anything in it but this.
    let journal = world.start();
    world.begin(&journal);
    world.append(&journal, 500);
    world.compare(&journal, 60);
    assert_eq!(journal.index_measures().blocks, 0);
    journal.close();
}
