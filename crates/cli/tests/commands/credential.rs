//! A root key that systemd hands over as a credential: a file in the folder that `CREDENTIALS_DIRECTORY` names.

use std::fs;
use std::path::Path;

use crate::party::{Gateway, Ran, edit, folder};
use crate::{member, submitted};

/// Any 32 bytes that stand nowhere else.
const KEY: &[u8; 32] = b"root key of the test of a creden";

#[track_caller]
fn refused(started: Result<Gateway, Ran>, said: &str) {
    let Err(ran) = started else { panic!("it starts: {said}") };
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains(said), "{said}: {ran:?}");
    assert!(!ran.err.contains("panicked"), "{ran:?}");
}

fn holds_the_key(below: &Path) -> bool {
    fs::read_dir(below).expect("a folder").any(|entry| {
        let path = entry.expect("readable").path();
        let holds = || fs::read(&path).expect("readable").windows(32).any(|window| window == KEY);
        if path.is_dir() { holds_the_key(&path) } else { holds() }
    })
}

#[test]
fn a_credential_is_the_root_key_from_the_first_start_on_and_without_it_nothing_starts() {
    let folder = folder();
    edit(&folder, "# root = \"file\"", "root = \"credential:causeway-root\"");
    let credentials = folder.path().join("credentials");
    let credential = credentials.join("causeway-root");
    fs::create_dir(&credentials).expect("writable");
    refused(Gateway::serve(&folder, None), "$CREDENTIALS_DIRECTORY is not set");
    refused(Gateway::serve(&folder, Some(&credentials)), "causeway-root");

    fs::write(&credential, KEY).expect("writable");
    let gateway = Gateway::serve(&folder, Some(&credentials)).expect("the first start");
    let record = submitted(&gateway);
    let first = gateway.watch("watch --as al-police/feed").next_line();
    gateway.stop();
    let keys = folder.path().join("data/keys");
    assert!(keys.join("ring").exists() && !keys.join("root.key").exists());
    assert!(!holds_the_key(&folder.path().join("data")), "the key is on the gateway's disk");
    assert!(holds_the_key(&credentials), "the search finds what is there");

    let gateway = Gateway::serve(&folder, Some(&credentials)).expect("the next start");
    let again = gateway.watch("watch --as al-police/feed").next_line();
    assert_eq!(member(&again, "item_id"), member(&first, "item_id"));
    gateway.run(&format!("withdraw {record} --expected-version 1 --as gb-nca/case-management")).done();
    gateway.stop();

    refused(Gateway::serve(&folder, None), "$CREDENTIALS_DIRECTORY is not set");
    for (wrong, said) in [(&KEY[..31], "not a root key of 32 bytes"), (&[8; 32], "root key")] {
        fs::write(&credential, wrong).expect("writable");
        refused(Gateway::serve(&folder, Some(&credentials)), said);
    }
    fs::write(&credential, KEY).expect("writable");
    Gateway::serve(&folder, Some(&credentials)).expect("what was refused has changed nothing").stop();
}
