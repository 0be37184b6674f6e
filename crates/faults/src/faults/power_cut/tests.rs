//! The short form of the short form: a few dozen states, and the same on a disk that does not make the log durable.

use std::fs;

use super::cut;
use super::load::Recorded;
use super::subject::Served;
use crate::faults::runtime;
use crate::power::{Disk, Forgets, Subject, Wanted};

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut_and_without_fdatasync_it_is() {
    let runtime = runtime().expect("threads");
    let recorded = runtime.block_on(Recorded::make(7)).expect("recorded");
    let found = runtime.block_on(cut(&recorded, Forgets::Nothing, Wanted::Few(20), 7)).expect("played");
    assert_eq!((found.bad, found.lost), (0, 0), "{:#?}", found.wrong);
    assert!(found.states >= 20 && found.acknowledged > 300, "{found:?}");
    a_destroyed_page_key_that_comes_back_is_seen(&recorded);
    for forgets in [Forgets::Fdatasync, Forgets::Folders] {
        let found = runtime.block_on(cut(&recorded, forgets, Wanted::Few(4), 7)).expect("played");
        assert!(found.bad > 0, "{forgets:?}: what finds no loss where there must be one shows nothing");
    }
}

/// At the end of the load, the keys of what was erased are destroyed; a disk with one of them would be found.
fn a_destroyed_page_key_that_comes_back_is_seen(recorded: &Recorded) {
    let mut gateway = Served::new(&recorded.installation, &recorded.kept);
    let played = recorded.played();
    let mut disk = Disk::over(played.base, Forgets::Nothing);
    for event in &played.recording.events().expect("read") {
        disk.play(event).expect("played");
        gateway.played(event, &disk);
    }
    let page_keys = disk.current("mirror/page-keys".as_ref()).expect("there");
    let looked_at = |page_keys: &[u8]| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("mirror")).expect("made");
        fs::write(folder.path().join("mirror/page-keys"), page_keys).expect("written");
        gateway.complete(folder.path()).expect("completed")
    };
    assert_eq!(looked_at(&page_keys), Vec::<String>::new());
    let back: Vec<u8> = page_keys.chunks(64).flat_map(|slot| [b"CPK1", &slot[4..]].concat()).collect();
    assert_eq!(looked_at(&back).len(), 1, "an erasure has destroyed some");
}
