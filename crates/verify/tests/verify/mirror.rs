//! A mirrored log: made in parts, gone on with, verified whole, and refused wherever one bit of it is another.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_crypto::digest;
use causeway_journal::{VerifierKey, v1};
use causeway_verify::{MirrorWriter, Trust, VerifyError, mirror};
use tempfile::TempDir;

use crate::synthetic::Synthetic;

/// What a gateway might send otherwise.
type Change = dyn Fn(&mut Vec<Vec<u8>>, &mut v1::BundleNotes);

fn trust(log: &Synthetic) -> Trust {
    Trust::new(None, &[log.verifier()], None)
}

/// Brings a mirror to the log's size.
fn bring(log: &Synthetic, folder: &Path) -> Result<(), VerifyError> {
    let mut writer = MirrorWriter::open(folder, &trust(log))?;
    writer.begin(&log.note())?;
    for (from, entries, notes) in log.stream(writer.size(), log.size()) {
        writer.take(from, entries, notes)?;
    }
    writer.finish(&trust(log)).map(drop)
}

fn mirrored(log: &Synthetic) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    bring(log, folder.path()).expect("mirrored");
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[test]
fn a_mirror_proves_every_entry_outcome_approval_and_text() {
    for size in [6, 255, 256, 257, 700] {
        let log = Synthetic::of(size);
        let folder = mirrored(&log);
        let found = mirror(folder.path(), &trust(&log), Some(6)).expect("it holds");
        assert_eq!(found.vouched.checkpoint, log.checkpoint(), "{size}");
        assert_eq!((found.approvals.good, found.approvals.bad, found.texts), (8, 0, 4));
        assert_eq!(found.outcomes.values().sum::<u64>(), size);
        assert_eq!(found.root_asked, Some(Synthetic::begun().checkpoint().root));
        assert!(found.applied && found.newest_micros.is_some());
        assert!(size < 200 || found.outcomes["duplicate"] > 0, "{:?}", found.outcomes);
        let other = causeway_crypto::SigningKey::from_seed(&[8; 32]).public_key();
        let stranger = VerifierKey::new(crate::synthetic::ORIGIN, other).expect("a name");
        assert!(mirror(folder.path(), &Trust::new(None, &[stranger], None), None).is_err(), "signed by another key");
    }
}

#[test]
fn a_mirror_goes_on_wherever_it_was_left() {
    let folder = tempfile::tempdir().expect("a folder");
    for size in [6, 100, 256, 256, 300, 511, 800] {
        let log = Synthetic::of(size);
        bring(&log, folder.path()).expect("brought on");
        mirror(folder.path(), &trust(&log), None).expect("it holds");
    }
    let straight = mirrored(&Synthetic::of(800));
    let content = |folder: &Path| {
        let of = |path: PathBuf| (path.strip_prefix(folder).expect("below").to_owned(), fs::read(&path).expect("read"));
        files(folder).into_iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(content(folder.path()), content(straight.path()), "the same as if it had been made at once");
}

#[test]
fn a_mirror_that_was_cut_off_says_so_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    bring(&Synthetic::of(300), folder.path()).expect("mirrored");
    let log = Synthetic::of(900);
    let mut writer = MirrorWriter::open(folder.path(), &trust(&log)).expect("opened");
    writer.begin(&log.note()).expect("begun");
    for (from, entries, notes) in log.stream(300, 600) {
        writer.take(from, entries, notes).expect("it comes next");
    }
    drop(writer);
    let refused = mirror(folder.path(), &trust(&log), None).expect_err("not finished");
    assert!(refused.to_string().contains("not finished"), "{refused}");
    let writer = MirrorWriter::open(folder.path(), &trust(&log)).expect("opened again");
    assert_eq!(writer.size(), 512, "whole bundles stay");
    assert_eq!(writer.known().expect("known").vouched.checkpoint.size, 900, "what was signed is not forgotten");
    drop(writer);
    bring(&log, folder.path()).expect("finished");
    mirror(folder.path(), &trust(&log), None).expect("it holds");
}

#[test]
fn what_the_gateway_states_wrongly_is_not_mirrored() {
    let log = Synthetic::of(300);
    let other = |change: &Change| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = MirrorWriter::open(folder.path(), &trust(&log)).expect("opened");
        writer.begin(&log.note()).expect("begun");
        let mut said = Ok(());
        for (from, mut entries, mut notes) in log.stream(0, 300) {
            change(&mut entries, &mut notes);
            said = said.and_then(|()| writer.take(from, entries, notes));
        }
        said.and_then(|()| writer.finish(&trust(&log)).map(drop))
    };
    other(&|_, _| {}).expect("it holds");
    let faults: [&Change; 6] = [
        &|_, notes| notes.outcomes[0].outcome = "void".into(),
        &|_, notes| notes.texts.clear(),
        &|_, notes| notes.texts.iter_mut().for_each(|text| text.text.push(b' ')),
        &|_, notes| notes.rules[0].count -= 1,
        &|entries, _| entries.swap(40, 41),
        &|entries, _| entries[5] = entries[4].clone(),
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        let refused = other(fault).expect_err("refused");
        assert_eq!(refused.exit_code(), 1, "{at}: {refused}");
    }
    let folder = mirrored(&log);
    let mut forged = Synthetic::of(300);
    forged.take(crate::synthetic::numbered(7), Vec::new());
    forged.key = causeway_crypto::SigningKey::from_seed(&[8; 32]);
    assert!(MirrorWriter::open(folder.path(), &trust(&forged)).is_err(), "signed by another key");
    fs::write(folder.path().join("checkpoint"), Synthetic::of(299).note()).expect("written");
    assert!(MirrorWriter::open(folder.path(), &trust(&log)).is_err(), "another size than it has");
}

/// A later version of an agreement comes into force, in the entry after genesis, and others follow.
fn narrowed(rules: u32) -> Synthetic {
    let mut log = Synthetic::begun_under(rules);
    let text = crate::synthetic::agreement().replace("version = 1", "version = 2").replace("\"AL\"", "\"VN\"");
    log.document(v1::DocumentKind::Agreement, "ISA-AL-2026-014", 2, text);
    (7..20).for_each(|number| log.take(crate::synthetic::numbered(number), Vec::new()));
    assert_eq!(log.outcomes[6], "effective");
    log
}

#[test]
fn a_text_that_is_withheld_is_missed_and_hides_nothing() {
    for rules in [3, 4] {
        let mut log = narrowed(rules);
        mirror(mirrored(&log).path(), &trust(&log), None).expect("it holds");
        // The operator states what apply makes of an entry whose text it does not get.
        let (place, text) = log.texts.pop().expect("the agreement's");
        log.outcomes[6] = "unapproved-document".into();
        let folder = tempfile::tempdir().expect("a folder");
        let refused = bring(&log, folder.path()).expect_err("refused").to_string();
        assert!(place == 6 && refused.starts_with("entry 6: the text"), "rules {rules}: {refused}");
        log.texts.push((6, [text.as_slice(), b"\n"].concat()));
        let refused = bring(&log, folder.path()).expect_err("refused").to_string();
        assert!(refused.starts_with("entry 6: the text is not"), "rules {rules}: {refused}");
    }
}

#[test]
fn the_rules_of_an_entry_are_the_ones_that_it_names() {
    for (rules, lie) in [(3, 4), (4, 3)] {
        let mut log = narrowed(rules);
        log.rules = lie;
        let refused = bring(&log, tempfile::tempdir().expect("a folder").path()).expect_err("refused").to_string();
        assert!(refused.contains("names rules version"), "{refused}");
    }
}

#[test]
fn without_notes_entries_and_tiles_are_proven_and_outcomes_are_not() {
    let log = Synthetic::of(300);
    let folder = mirrored(&log);
    fs::remove_dir_all(folder.path().join("causeway")).expect("removed");
    let found = mirror(folder.path(), &trust(&log), None).expect("it holds");
    assert!(!found.applied && found.outcomes.is_empty());
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let log = Synthetic::of(600);
    let folder = mirrored(&log);
    let all = files(folder.path());
    assert!(all.len() > 10, "{all:?}");
    for place in 0..300u64 {
        let draw = |what: &str, below: usize| {
            let hash = digest(what, &[&place.to_be_bytes()]).0;
            let number = u64::from_be_bytes(*hash.first_chunk().expect("32 bytes"));
            usize::try_from(number % below as u64).expect("below it")
        };
        // Every file in turn, also the small ones.
        let path = &all[usize::try_from(place).expect("small") % all.len()];
        let good = fs::read(path).expect("read");
        let (byte, bit) = (draw("byte", good.len()), draw("bit", 8));
        let mut bad = good.clone();
        bad[byte] ^= 1 << bit;
        fs::write(path, &bad).expect("written");
        let found = mirror(folder.path(), &trust(&log), None);
        let refused = found.expect_err(&format!("{} byte {byte} bit {bit}", path.display()));
        assert_eq!(refused.exit_code(), 1);
        fs::write(path, &good).expect("written back");
    }
    mirror(folder.path(), &trust(&log), None).expect("as it was, it holds");
    for path in &all {
        let good = fs::read(path).expect("read");
        fs::remove_file(path).expect("removed");
        assert!(mirror(folder.path(), &trust(&log), None).is_err(), "without {}", path.display());
        fs::write(path, &good[..good.len() - 1]).expect("written");
        assert!(mirror(folder.path(), &trust(&log), None).is_err(), "cut: {}", path.display());
        fs::write(path, good).expect("written back");
    }
    fs::write(folder.path().join("tile/0/002"), b"stray").expect("written");
    assert!(mirror(folder.path(), &trust(&log), None).is_err(), "a file too many");
}
