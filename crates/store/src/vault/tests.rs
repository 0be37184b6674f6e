//! Erasing keys and writing pages anew, stopped at every step.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_crypto::{AeadKey, Digest};
use causeway_model::FrameSeq;

use super::*;
use crate::key_pages::{KeyPages, KeyPlace};
use crate::log::{AppendError, Beside, ReadError};
use crate::steps::with_at_most;

/// A log that holds key pages and nothing else.
#[derive(Debug, Default)]
struct Pages(Mutex<BTreeMap<u64, Vec<u8>>>);

impl FrameLog for Pages {
    fn append(&self, _: &Digest, _: &[u8], _: &Beside, _: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        Err(AppendError::Refused("it holds no frames".into()))
    }
    fn read(&self, _: FrameSeq, _: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        Ok(Vec::new())
    }
    fn wait(&self, after: FrameSeq, _: Duration) -> FrameSeq {
        after
    }
    fn assure(&self) -> Result<(), ReadError> {
        Ok(())
    }
    fn key_page(&self, page: u64) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.0.lock().expect("not poisoned").get(&page).cloned())
    }
    fn last_key_page(&self) -> Result<Option<u64>, ReadError> {
        Ok(self.0.lock().expect("not poisoned").keys().next_back().copied())
    }
    fn next_key_page(&self, from: u64) -> Result<Option<u64>, ReadError> {
        Ok(self.0.lock().expect("not poisoned").range(from..).next().map(|(number, _)| *number))
    }
    fn tile(&self, _: u8, _: u64) -> Result<Option<Vec<Digest>>, ReadError> {
        Ok(None)
    }
    fn close(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

struct Place {
    dir: tempfile::TempDir,
    root: RootKey,
    log: Pages,
    keys: Vec<(KeyPlace, AeadKey)>,
}

impl Place {
    /// Three pages with keys.
    fn filled() -> Self {
        let (dir, log) = (tempfile::tempdir().expect("a folder"), Pages::default());
        let mut place = Self { dir, root: RootKey::generate(), log, keys: Vec::new() };
        let mut pages = KeyPages::new(Arc::new(place.open()));
        for _ in 0..300 {
            let key = AeadKey::generate();
            place.keys.push((pages.place(key.clone()).expect("placed"), key));
        }
        let stored = pages.take_touched().into_iter().map(|(number, stored, _)| (number, stored));
        place.log.0.lock().expect("not poisoned").extend(stored);
        place
    }

    fn open(&self) -> Vault {
        let at = |name: &str| self.dir.path().join(name);
        let folders = KeyFolders::prepare(&at("keys"), Some(&at("mirror")), &at("data")).expect("made");
        Vault::open(&folders, &self.root).expect("opened")
    }

    fn read(&self, vault: &Vault, key: usize) -> Option<[u8; 32]> {
        let (place, _) = &self.keys[key];
        let page = vault.page(place.page, &self.log).expect("opens");
        page.key(place.slot).expect("in the page").map(|key| *key.expose())
    }

    /// Whether the page as the log has it opens under any page key of a folder.
    fn old_page_opens(&self, folder: &Path, page: u64) -> bool {
        let copied = tempfile::tempdir().expect("a folder");
        let keys = copied.path().join("keys");
        std::fs::create_dir(&keys).expect("made");
        std::fs::copy(folder.join("page-keys"), keys.join("page-keys")).expect("copied");
        let folders = KeyFolders::prepare(&keys, None, &copied.path().join("data")).expect("made");
        let page_keys = PageKeys::open(&folders, &self.root).expect("opened");
        KeyPage::open(page, &self.log.key_page(page).expect("read").expect("there"), &page_keys).is_ok()
    }
}

fn rewrite(place: &KeyPlace) -> Rewrite {
    Rewrite { page: place.page, erased: vec![place.slot] }
}

#[test]
fn an_erased_key_is_gone_and_its_neighbours_stay() {
    let place = Place::filled();
    let vault = place.open();
    let (first, _) = place.keys[5];
    let (second, _) = place.keys[200];
    let both =
        [rewrite(&first), Rewrite { page: second.page, erased: vec![second.slot, second.slot, second.slot + 1] }];
    assert_eq!(vault.rewrite(&both, &place.log).expect("erased"), 3, "the same place twice is once");
    assert_eq!(vault.rewrite(&both, &place.log).expect("erased"), 0, "nothing is left to erase");
    for vault in [vault, place.open()] {
        for (at, (_, key)) in place.keys.iter().enumerate() {
            let expected = (![5, 200, 201].contains(&at)).then_some(*key.expose());
            assert_eq!(place.read(&vault, at), expected, "key {at}");
        }
    }
    let folders = ["keys", "mirror"].map(|name| place.dir.path().join(name));
    for folder in &folders {
        assert!(!place.old_page_opens(folder, first.page) && !place.old_page_opens(folder, second.page));
        assert!(place.old_page_opens(folder, place.keys[299].0.page), "a page that was left alone");
        assert!(!folder.join("retiring").exists());
        assert_eq!(std::fs::read_dir(folder.join("pages")).expect("listed").count(), 2);
    }
}

/// Invariants: after any stop, every other key reads, and the next start ends what was begun as far as pages have changed;
/// asked for again it is done; and never is it told of while the old page opens.
#[test]
fn wherever_an_erasure_stops_nothing_else_is_lost_and_the_next_call_ends_it() {
    let mut stopped = 0;
    for steps in 0.. {
        let place = Place::filled();
        let vault = place.open();
        let erased = [place.keys[5].0, place.keys[200].0];
        let pages: Vec<Rewrite> = erased.iter().map(rewrite).collect();
        let (result, _) = with_at_most(steps, || vault.rewrite(&pages, &place.log));
        let in_process = steps % 2 == 0;
        // Half of them go on in the process that met the fault, half in the next one.
        let vault = if in_process { vault } else { place.open() };
        if in_process && vault.rewrite(&[], &place.log).is_ok() {
            // Whoever finds a key erased, and so asks for no page, has the old page keys destroyed all the same.
            let left = |key: &KeyPlace| place.old_page_opens(&place.dir.path().join("keys"), key.page);
            assert!(
                [5, 200].iter().all(|at| place.read(&vault, *at).is_some() || !left(&place.keys[*at].0)),
                "{steps}"
            );
        }
        for (at, (key_place, key)) in place.keys.iter().enumerate() {
            let read = place.read(&vault, at);
            let expected = Some(*key.expose());
            assert!(read == expected || (read.is_none() && erased.contains(key_place)), "step {steps}, key {at}");
        }
        if result.is_err() {
            stopped += 1;
            vault.rewrite(&pages, &place.log).expect("done");
        }
        assert!(place.read(&vault, 5).is_none() && place.read(&vault, 200).is_none(), "step {steps}");
        for folder in ["keys", "mirror"].map(|name| place.dir.path().join(name)) {
            assert!(erased.iter().all(|key| !place.old_page_opens(&folder, key.page)), "step {steps}");
            assert!(!folder.join("retiring").exists(), "step {steps}");
        }
        if result.is_ok() {
            break;
        }
    }
    assert!(stopped >= 14, "{stopped}");
}

/// A log in which a page is written anew between its being read and its being opened.
#[derive(Debug)]
struct Overtaken<'a> {
    log: &'a Pages,
    vault: &'a Vault,
    rewrite: Rewrite,
}

impl FrameLog for Overtaken<'_> {
    fn append(
        &self,
        id: &Digest,
        bytes: &[u8],
        beside: &Beside,
        at: Option<FrameSeq>,
    ) -> Result<FrameSeq, AppendError> {
        self.log.append(id, bytes, beside, at)
    }
    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        self.log.read(from, max_bytes)
    }
    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        self.log.wait(after, until)
    }
    fn assure(&self) -> Result<(), ReadError> {
        self.log.assure()
    }
    fn key_page(&self, page: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let stored = self.log.key_page(page);
        self.vault.rewrite(std::slice::from_ref(&self.rewrite), self.log).expect("written anew");
        stored
    }
    fn last_key_page(&self) -> Result<Option<u64>, ReadError> {
        self.log.last_key_page()
    }
    fn next_key_page(&self, from: u64) -> Result<Option<u64>, ReadError> {
        self.log.next_key_page(from)
    }
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, ReadError> {
        self.log.tile(level, index)
    }
    fn close(&self) -> Result<(), ReadError> {
        self.log.close()
    }
}

#[test]
fn a_page_that_is_written_anew_while_it_is_read_is_read_again() {
    let place = Place::filled();
    let vault = place.open();
    let (erased, _) = place.keys[5];
    let log = Overtaken { log: &place.log, vault: &vault, rewrite: rewrite(&erased) };
    let page = vault.page(erased.page, &log).expect("read again");
    assert!(page.key(erased.slot).expect("in the page").is_none());
    let (kept, key) = &place.keys[6];
    assert_eq!(page.key(kept.slot).expect("in the page").expect("there").expose(), key.expose());
}

#[test]
fn a_lost_keys_folder_is_made_again_of_its_mirror() {
    let place = Place::filled();
    let vault = place.open();
    vault.rewrite(&[rewrite(&place.keys[5].0)], &place.log).expect("erased");
    drop(vault);
    let (keys, mirror) = (place.dir.path().join("keys"), place.dir.path().join("mirror"));
    std::fs::remove_dir_all(keys.join("pages")).expect("removed");
    let vault = place.open();
    assert!(place.read(&vault, 5).is_none(), "the mirror's page is there");
    assert!(place.read(&vault, 6).is_some());
    drop(vault);
    // An older copy of the keys folder, from before an erasure, does not bring anything back.
    let old = tempfile::tempdir().expect("a folder");
    for name in ["page-keys", "pages/0"] {
        let to = old.path().join(name.replace('/', "-"));
        std::fs::copy(keys.join(name), to).expect("copied");
    }
    place.open().rewrite(&[rewrite(&place.keys[6].0)], &place.log).expect("erased");
    for name in ["page-keys", "pages/0"] {
        std::fs::copy(old.path().join(name.replace('/', "-")), keys.join(name)).expect("copied");
    }
    let vault = place.open();
    assert!(place.read(&vault, 6).is_none() && place.read(&vault, 7).is_some());
    assert!(!place.old_page_opens(&keys, 0) && !place.old_page_opens(&mirror, 0));
}

/// Invariants: wherever the taking of a page that another node has written anew stops, the next start has that one or the one before,
/// whole, with all keys that were not erased; once it was told of, or a start has ended it, the old page opens nowhere.
#[test]
fn wherever_the_taking_of_another_nodes_page_stops_one_of_the_two_is_there() {
    let (mut before, mut after) = (0, 0);
    for steps in 0.. {
        let place = Place::filled();
        let (first, _) = place.keys[5];
        // What the keeper has: the same page without one key, under a page key of its own.
        let (slot, page_key) = (Slot::of(NodeNumber(7), 0), AeadKey::generate());
        let vault = place.open();
        let mut page = vault.page(first.page, &place.log).expect("opens");
        page.erase(first.slot).expect("in the page");
        let anew = page.seal(first.page, slot, &page_key);
        vault.page_keys().put(&[(slot, page_key)]).expect("put");
        let (replaced, _) = with_at_most(steps, || vault.replace(vec![(first.page, anew.clone())], Some(&place.log)));
        drop(vault);

        let vault = place.open();
        let erased = place.read(&vault, 5).is_none();
        assert!(erased || replaced.is_err(), "step {steps}");
        for (at, (_, key)) in place.keys.iter().enumerate().filter(|(at, _)| *at != 5) {
            assert_eq!(place.read(&vault, at), Some(*key.expose()), "step {steps}, key {at}");
        }
        for folder in ["keys", "mirror"].map(|name| place.dir.path().join(name)) {
            assert_eq!(place.old_page_opens(&folder, first.page), !erased, "step {steps}");
            assert!(!folder.join("retiring").exists(), "step {steps}");
        }
        vault.replace(vec![(first.page, anew)], Some(&place.log)).expect("again");
        assert!(place.read(&vault, 5).is_none(), "step {steps}");
        match (replaced, erased) {
            (Ok(_), _) => break,
            (Err(_), true) => after += 1,
            (Err(_), false) => before += 1,
        }
    }
    assert!(before >= 2 && after >= 4, "{before} and {after}");
}

#[test]
fn a_page_that_would_bring_a_key_back_or_change_one_is_not_taken() {
    let place = Place::filled();
    let vault = place.open();
    let (first, _) = place.keys[5];
    let whole = vault.page(first.page, &place.log).expect("opens");
    vault.rewrite(&[rewrite(&first)], &place.log).expect("erased");
    let (slot, page_key) = (Slot::of(NodeNumber(7), 0), AeadKey::generate());
    vault.page_keys().put(&[(slot, page_key.clone())]).expect("put");
    let other = vault.page(place.keys[299].0.page, &place.log).expect("opens");
    for page in [whole, other] {
        let stored = page.seal(first.page, slot, &page_key);
        assert!(vault.replace(vec![(first.page, stored)], Some(&place.log)).is_err());
        assert!(place.read(&vault, 5).is_none() && place.read(&vault, 6).is_some());
    }
}
