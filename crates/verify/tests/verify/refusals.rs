//! What is refused before it is read, and what is not proven although it holds.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::command::{Desk, NOW, mirrored, proof_file};
use crate::synthetic::Synthetic;

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo is of coreutils").success());
}

/// A test that waits for a writer of the pipe never ends.
#[test]
fn a_pipe_is_not_waited_for_and_a_link_is_not_followed() {
    let log = Synthetic::of(40);
    let mut desk = Desk::new(&log.verifier());
    let root = desk.folder.path().to_owned();
    pipe(&root.join("pipe"));
    let answer = desk.run(&[&root.join("pipe")]);
    assert!(answer.code == 1 && answer.notes[0].contains("no regular file"), "{answer:?}");
    fs::create_dir(root.join("pages")).expect("made");
    pipe(&root.join("pages/1-2-3.page"));
    assert_eq!(desk.run(&[&root.join("pages")]).code, 1);
    mirrored(&log, &root.join("mirror"));
    for file in ["checkpoint", "tile/entries/000.p/40", "causeway/sums"] {
        let (path, aside) = (root.join("mirror").join(file), root.join("aside"));
        fs::rename(&path, &aside).expect("moved");
        pipe(&path);
        assert_eq!(desk.run(&[&root.join("mirror")]).code, 1, "{file} is a pipe");
        fs::remove_file(&path).expect("removed");
        symlink(&aside, &path).expect("linked");
        assert_eq!(desk.run(&[&root.join("mirror")]).code, 1, "{file} is a link");
        fs::rename(&aside, &path).expect("moved back");
    }
    assert_eq!(desk.run(&[&root.join("mirror")]).code, 0);
    symlink(root.join("mirror"), root.join("link")).expect("linked");
    assert_eq!(desk.run(&[&root.join("link")]).code, 0, "who runs it may name a link");
    desk.key = vec![root.join("pipe").display().to_string()];
    assert_eq!(desk.run(&[&root.join("mirror")]).code, 1, "no key is waited for either");
}

#[test]
fn a_mirror_whose_notes_were_taken_away_proves_no_outcome() {
    let log = Synthetic::of(40);
    let mut desk = Desk::new(&log.verifier());
    let folder = desk.folder.path().join("mirror");
    mirrored(&log, &folder);
    fs::remove_dir_all(folder.join("causeway")).expect("removed");
    let answer = desk.run(&[&folder]);
    assert!(answer.code == 2 && answer.lines[0].contains("NOT proven"), "{answer:?}");
    assert!(answer.notes[0].contains("--entries-only"), "{answer:?}");
    desk.entries_only = true;
    assert_eq!(desk.run(&[&folder]).code, 0);
    desk.key.clear();
    assert_eq!(desk.run(&[&folder]).code, 2);
}

#[test]
fn what_is_of_a_time_to_come_has_no_age() {
    let mut log = Synthetic::begun();
    let mut desk = Desk::new(&log.verifier());
    desk.max_age = Some(10_000);
    for (ahead, code) in [(300, 0), (301, 3), (100_000, 3)] {
        log.time = (NOW + ahead) * 1_000_000;
        log.take(crate::synthetic::numbered(7), Vec::new());
        let answer = desk.run(&[&desk.put("proof", &proof_file(&log, log.size() - 1))]);
        assert_eq!(answer.code, code, "{ahead} s ahead: {answer:?}");
        assert!(code == 0 || answer.notes[0].contains("ahead"), "{answer:?}");
    }
}
