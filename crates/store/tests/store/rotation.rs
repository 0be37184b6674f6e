//! Rotating page keys, the root key and the signing key while the journal runs, and restoring lost keys.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use causeway_crypto::{PublicKey, RootKey, SealingPrivateKey};
use causeway_journal::{ACTION_ROTATED, KEY_CHECKPOINT_SIGNING, REASON_KEY_ROTATED, checkpoint, v1};
use causeway_model::LeafIndex;
use causeway_store::{Draft, Journal, KeySettings, Keys, RootSource, SledLog, StoreError, open_keys, seal_keys};

use crate::key_search::{Search, bodies};
use crate::setting::{ORIGIN, Setting, append, copy_dir, draft, draft_with_body, wait_for};

fn mirrored() -> Setting {
    Setting { mirrored: true, ..Setting::new() }
}

fn fill(journal: &Journal, numbers: std::ops::Range<u64>) -> Vec<LeafIndex> {
    numbers.map(|number| append(journal, draft_with_body(number, 20, None)).leaf).collect()
}

fn all_read(journal: &Journal, leaves: &[LeafIndex]) -> bool {
    wait_for(journal.bodies(leaves.to_vec())).expect("read").iter().all(Option::is_some)
}

fn root_of(setting: &Setting) -> RootKey {
    let bytes = fs::read(setting.keys_dir().join("root.key")).expect("read");
    RootKey::try_from(bytes.as_slice()).expect("a root key")
}

/// The numbers of the bodies in the journal of now that somebody reads who took a copy of the keys folder before.
fn opened_with(setting: &Setting, stolen: &Path) -> Vec<u128> {
    let root = fs::read(stolen.join("root.key")).expect("read");
    let mut search = Search::default();
    search.keys_folder(stolen, &[RootKey::try_from(root.as_slice()).expect("a root key")]);
    search.data_dir(&setting.data_dir());
    let keys = search.keys();
    let opened = bodies(&setting.data_dir()).into_iter().filter(|body| body.opens_under(&keys));
    opened.map(|body| body.number).collect()
}

#[test]
fn every_page_is_under_a_fresh_page_key_and_an_older_copy_of_the_slots_opens_none() {
    let setting = mirrored();
    let journal = setting.begin();
    let mut leaves = fill(&journal, 0..150);
    let stolen = setting.folder.path().join("stolen");
    copy_dir(&setting.keys_dir(), &stolen);
    assert_eq!(wait_for(journal.rotate_page_keys()).expect("rotated"), 3, "300 keys are in three pages");
    leaves.extend(fill(&journal, 150..160));
    assert!(all_read(&journal, &leaves));
    journal.close();
    // Whoever stole the slots before has the pages of before, but not what was written since: no body, and no page that
    // was written anew.
    let opened = opened_with(&setting, &stolen);
    assert_eq!(opened, (0..150).collect::<Vec<_>>());
    let slots_stolen = fs::metadata(stolen.join("page-keys")).expect("there").len() / 64;
    for page in fs::read_dir(setting.keys_dir().join("pages")).expect("listed") {
        let page = fs::read(page.expect("listed").path()).expect("read");
        let slot = page.first_chunk().map(|slot| u64::from_be_bytes(*slot)).expect("it begins with its slot");
        assert!(slot >= slots_stolen, "{slot}");
    }
    let mut search = Search::default();
    search.keys_folder(&setting.keys_dir(), &[root_of(&setting)]);
    search.data_dir(&setting.data_dir());
    let keys = search.keys();
    assert!(bodies(&setting.data_dir()).iter().all(|body| body.opens_under(&keys)));
    assert_eq!(fs::read_dir(setting.mirror_dir().join("pages")).expect("listed").count(), 3);
    let journal = setting.start();
    assert!(all_read(&journal, &leaves));
    assert_eq!(wait_for(journal.rotate_page_keys()).expect("rotated"), 4, "the one since, too");
    assert!(all_read(&journal, &leaves));
}

#[test]
fn the_root_key_is_rotated_while_the_journal_runs() {
    let mut setting = mirrored();
    let journal = setting.begin();
    let mut leaves = fill(&journal, 0..140);
    let old = root_of(&setting);
    let (stale, _) = Keys::load_or_create(&setting.keys_dir()).expect("read before");
    wait_for(journal.rotate_root()).expect("rotated");
    assert_ne!(root_of(&setting).expose(), old.expose());
    leaves.extend(fill(&journal, 140..280));
    assert_eq!(wait_for(journal.shred(vec![leaves[0]])).expect("erased"), 1);
    assert!(all_read(&journal, &leaves[1..]));
    let feed = "ISA-AL-2026-014".parse().expect("an agreement id");
    setting.keys.add_feed_secret(&feed, 2).expect("the ring can be changed");
    journal.close();
    let options = setting.options(&setting.data_dir(), Arc::new(stale));
    let refused = Journal::start(Box::new(setting.log()), options).expect_err("keys of before the rotation");
    assert!(matches!(refused, StoreError::Keys { .. }), "{refused}");
    setting.read_keys();
    let journal = setting.start();
    assert!(all_read(&journal, &leaves[1..]));
    assert!(setting.keys.ring().feed_key(&feed, 2).is_some());
    journal.close();
    // The old root key opens nothing that is there now.
    let mut search = Search::default();
    search.keys_folder(&setting.keys_dir(), std::slice::from_ref(&old));
    search.keys_folder(&setting.mirror_dir(), std::slice::from_ref(&old));
    search.data_dir(&setting.data_dir());
    let keys = search.keys();
    assert!(bodies(&setting.data_dir()).iter().all(|body| !body.opens_under(&keys)));
}

#[test]
fn a_copy_of_the_keys_from_before_a_rotation_of_the_root_key_opens_nothing_that_is_written_later() {
    let setting = mirrored();
    let journal = setting.begin();
    fill(&journal, 0..10);
    let stolen = setting.folder.path().join("stolen");
    copy_dir(&setting.keys_dir(), &stolen);
    wait_for(journal.rotate_root()).expect("rotated");
    fill(&journal, 10..20);
    journal.close();
    assert_eq!(opened_with(&setting, &stolen), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_root_key_from_outside_is_rotated_by_naming_the_one_before() {
    use std::os::fd::AsRawFd;
    let setting = mirrored();
    let journal = setting.begin();
    let leaves = fill(&journal, 0..10);
    journal.close();
    let path = setting.folder.path().join("next");
    fs::write(&path, [9; 32]).expect("written");
    let file = fs::File::open(&path).expect("opened");
    let next = RootSource::Descriptor(u32::try_from(file.as_raw_fd()).expect("not negative"));
    let open = |previous: Option<RootSource>| {
        let (keys_dir, root) = (setting.keys_dir(), next.clone());
        Keys::open(&KeySettings { keys_dir, root, previous_root: previous, may_create: false })
    };
    assert!(matches!(open(None), Err(StoreError::Keys { .. })));
    let (keys, _) = open(Some(RootSource::File)).expect("opens by the previous one");
    let run = |keys: Keys| {
        let options = setting.options(&setting.data_dir(), Arc::new(keys));
        Journal::start(Box::new(setting.log()), options).expect("starts")
    };
    let journal = run(keys);
    assert!(all_read(&journal, &leaves));
    let refused = wait_for(journal.rotate_root()).expect_err("it is not ours to make");
    assert!(refused.to_string().contains("previous_root"), "{refused}");
    assert!(journal.is_healthy());
    journal.close();
    let (keys, _) = open(None).expect("opens without the previous one from now on");
    let journal = run(keys);
    assert!(all_read(&journal, &leaves));
}

pub(crate) fn key_entry(public: PublicKey, epoch: u32) -> Draft {
    let mut draft = draft(0);
    draft.entry.operation = v1::Operation::Key.into();
    draft.entry.reason = REASON_KEY_ROTATED.into();
    draft.entry.key_change = Some(v1::KeyChange {
        key: KEY_CHECKPOINT_SIGNING.into(),
        epoch,
        public_key: public.0.to_vec(),
        action: ACTION_ROTATED.into(),
    });
    draft
}

#[test]
fn the_key_that_the_log_names_signs_from_its_entry_on() {
    let mut setting = mirrored();
    let journal = setting.begin();
    let first = journal.verifier_key();
    let other = setting.keys.add_signing_candidate().expect("added");
    let named = setting.keys.add_signing_candidate().expect("added");
    append(&journal, draft(1));
    checkpoint::verify(&journal.checkpoint(), &first, ORIGIN).expect("a candidate signs nothing");

    let rotated = append(&journal, key_entry(named, 2));
    let second = journal.verifier_key();
    assert!(second.to_string() != first.to_string());
    checkpoint::verify(&rotated.checkpoint, &second, ORIGIN).expect("signed by the key that it names");
    let late = append(&journal, key_entry(other, 2));
    // What a kill at this moment would leave: a ring without the old key, and a file that the new one signed.
    let note = fs::read_to_string(setting.data_dir().join("checkpoint")).expect("read");
    checkpoint::verify(&note, &second, ORIGIN).expect("the file was signed anew before the old key went");
    assert_eq!(setting.keys.ring().checkpoint_keys().len(), 1);
    checkpoint::verify(&late.checkpoint, &second, ORIGIN).expect("the second rotation to one epoch is void");
    journal.close();
    setting.read_keys();
    let publics: Vec<_> = setting.keys.ring().checkpoint_keys().iter().map(|key| key.public_key()).collect();
    assert_eq!(publics, [named], "the private halves of before are gone");
    let journal = setting.start();
    assert_eq!(journal.verifier_key().to_string(), second.to_string());
    checkpoint::verify(&append(&journal, draft(2)).checkpoint, &second, ORIGIN).expect("signed");
}

/// A retired key proves nothing any more, so that whoever stole it cannot make a journal up. Who has the bundle of before still
/// restores a journal of before.
#[test]
fn a_journal_from_before_a_rotation_of_the_signing_key_starts_with_the_bundle_of_before_and_not_without() {
    let mut setting = mirrored();
    let journal = setting.begin();
    let leaves = fill(&journal, 0..10);
    journal.close();
    let before = setting.folder.path().join("before");
    copy_dir(&setting.data_dir(), &before);
    let recipient = SealingPrivateKey::generate();
    let bundle = seal_keys(&setting.keys_dir(), &RootSource::File, &recipient.public_key()).expect("sealed");
    let journal = setting.start();
    let named = setting.keys.add_signing_candidate().expect("added");
    append(&journal, key_entry(named, 2));
    journal.close();

    let start = |setting: &Setting| setting.start_in(&before, Box::new(SledLog::open(&before).expect("opens")));
    setting.read_keys();
    let refused = start(&setting).expect_err("signed by a key that is gone");
    assert!(matches!(refused, StoreError::CheckpointFile { .. }), "{refused}");
    assert!(refused.to_string().contains("before a rotation of the signing key; restore a newer copy"), "{refused}");

    for name in ["root.key", "ring"] {
        fs::remove_file(setting.keys_dir().join(name)).expect("removed");
    }
    open_keys(&bundle, &recipient, &setting.keys_dir()).expect("restored");
    setting.read_keys();
    let journal = start(&setting).expect("starts");
    assert!(all_read(&journal, &leaves));
    let named = setting.keys.add_signing_candidate().expect("added");
    let rotated = append(&journal, key_entry(named, 2));
    checkpoint::verify(&rotated.checkpoint, &journal.verifier_key(), ORIGIN).expect("and its key is rotated again");
}

/// A stop after the key's entry is durable and before anything follows from it.
#[test]
fn a_rotation_that_was_cut_short_is_ended_at_the_start() {
    let mut setting = mirrored();
    let journal = setting.begin();
    let named = setting.keys.add_signing_candidate().expect("added");
    let kept = setting.folder.path().join("kept");
    copy_dir(&setting.keys_dir(), &kept);
    journal.close();
    let signed = fs::read(setting.data_dir().join("checkpoint")).expect("read");
    let journal = setting.start();
    append(&journal, key_entry(named, 2));
    journal.close();
    // Ring and checkpoint file as they were.
    for name in ["ring", "root.key"] {
        fs::copy(kept.join(name), setting.keys_dir().join(name)).expect("copied");
    }
    fs::write(setting.data_dir().join("checkpoint"), signed).expect("written");
    setting.read_keys();
    assert_eq!(setting.keys.ring().checkpoint_keys().len(), 2);
    let journal = setting.start();
    let key = journal.verifier_key();
    assert_eq!(setting.keys.ring().checkpoint_keys()[0].public_key(), named);
    assert_eq!(setting.keys.ring().checkpoint_keys().len(), 1);
    let note = fs::read_to_string(setting.data_dir().join("checkpoint")).expect("read");
    checkpoint::verify(&note, &key, ORIGIN).expect("the file was signed anew before the old key went");
}

#[test]
fn lost_keys_are_restored_from_bundle_and_mirror_and_not_made_up() {
    let mut setting = mirrored();
    let journal = setting.begin();
    let leaves = fill(&journal, 0..140);
    assert_eq!(wait_for(journal.shred(vec![leaves[0]])).expect("erased"), 1);
    let recipient = SealingPrivateKey::generate();
    let bundle = seal_keys(&setting.keys_dir(), &RootSource::File, &recipient.public_key()).expect("sealed");
    let more = fill(&journal, 140..280);
    assert_eq!(wait_for(journal.shred(vec![more[0]])).expect("erased after the bundle was made"), 1);
    journal.close();
    assert!(matches!(open_keys(&bundle, &recipient, &setting.keys_dir()), Err(StoreError::Keys { .. })), "has keys");

    // root.key alone is lost: nothing is made in its place.
    let lost = setting.folder.path().join("lost");
    fs::rename(setting.keys_dir().join("root.key"), &lost).expect("renamed");
    let refused = Keys::load_or_create(&setting.keys_dir()).expect_err("refused");
    assert!(refused.to_string().contains("restore"), "{refused}");
    fs::remove_dir_all(setting.keys_dir()).expect("removed");
    assert!(matches!(
        open_keys(&bundle, &SealingPrivateKey::generate(), &setting.keys_dir()),
        Err(StoreError::Bundle(_))
    ));
    open_keys(&bundle, &recipient, &setting.keys_dir()).expect("restored");
    setting.read_keys();
    let refused = setting.start_over(Box::new(setting.log())).expect_err("the page keys are in the mirror only");
    assert!(refused.to_string().contains("copy page-keys"), "{refused}");
    copy_dir(&setting.mirror_dir(), &setting.keys_dir());
    let journal = setting.start();
    assert!(all_read(&journal, &leaves[1..]) && all_read(&journal, &more[1..]));
    let gone = wait_for(journal.bodies(vec![leaves[0], more[0]])).expect("read");
    assert!(gone.iter().all(Option::is_none), "and what was erased stays gone");
    append(&journal, draft_with_body(0, 20, None));
    journal.close();

    // Without the mirror there is nothing to read bodies by, and the start says so.
    for folder in [setting.keys_dir(), setting.mirror_dir()] {
        fs::remove_dir_all(folder).expect("removed");
    }
    open_keys(&bundle, &recipient, &setting.keys_dir()).expect("restored");
    setting.read_keys();
    let log = SledLog::open(&setting.data_dir()).expect("opens");
    let refused = setting.start_over(Box::new(log)).expect_err("refused");
    assert!(refused.to_string().contains("restore page-keys"), "{refused}");
}
