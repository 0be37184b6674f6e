//! One flipped bit anywhere in a data directory: the start finds it, a read finds it, or nothing that is read is another.
//!
//! Non-failures: sled may panic where it opens damaged files, which is a refusal; a checkpoint of the past that is damaged is
//! passed over, with a line in the log. The index is made of the log and has tests of its own for damaged blocks.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use causeway_crypto::{Digest, digest};
use causeway_journal::{TilePath, v1};
use causeway_model::{LeafIndex, Timestamp};
use causeway_store::{ClassifiedHalf, Journal, Search, SledLog, StoreError, Term};

use crate::setting::{Setting, append, append_many, copy_dir, draft, draft_with_body, genesis, wait_for};

/// A start or a read that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many places are tried, in two tests that run beside each other.
const PLACES: u64 = 1_000;

/// Everything that a journal gives to whoever reads it.
#[derive(Debug, PartialEq)]
struct Read {
    size: u64,
    root: Digest,
    newest: String,
    entries: Vec<Vec<u8>>,
    notes: v1::BundleNotes,
    tiles: BTreeMap<TilePath, Vec<Digest>>,
    proofs: Vec<Vec<Digest>>,
    bodies: Vec<Option<(v1::Body, Option<Vec<u8>>)>>,
    /// Some of them, each read by itself.
    halves: Vec<Option<Vec<u8>>>,
    openings: Vec<Option<v1::Openings>>,
    found: Vec<Vec<LeafIndex>>,
    past: Vec<String>,
}

fn read_all(journal: &Journal) -> Result<Read, StoreError> {
    let (size, root) = journal.read(|state| (state.tree().size(), state.tree().root()));
    let bundle = wait_for(journal.bundle(LeafIndex(0), usize::MAX, usize::MAX))?;
    let mut tiles = BTreeMap::new();
    for (level, index) in (0..3).flat_map(|level| (0..size.div_ceil(256)).map(move |index| (level, index))) {
        if let Some(path @ TilePath::Hashes { width, .. }) = TilePath::hashes_in(size, level, index) {
            tiles.insert(path, wait_for(journal.tile(level, index, usize::from(width)))?);
        }
    }
    let mut proofs = Vec::new();
    for leaf in (0..size).step_by(41) {
        proofs.push(wait_for(journal.inclusion_proof(LeafIndex(leaf), size))?);
        proofs.push(wait_for(journal.consistency_proof(leaf + 1, size))?);
        proofs.push(vec![wait_for(journal.root_at(leaf + 1))?]);
    }
    let leaves: Vec<_> = (0..size).map(LeafIndex).collect();
    let mut halves = Vec::new();
    for leaf in leaves.iter().skip(2).step_by(5) {
        let half = |_, half: &ClassifiedHalf| half.classified().to_vec();
        halves.extend(wait_for(wait_for(journal.begin_each(vec![*leaf], half))?.answer())?);
    }
    let bodies = wait_for(journal.bodies(leaves.clone()))?.into_iter();
    let openings = leaves.into_iter().map(|leaf| wait_for(journal.openings(leaf))).collect::<Result<_, _>>()?;
    let mut found = vec![vec![wait_for(journal.leaf_at(Timestamp(1)))?]];
    for term in [Term::Agency("gb-nca".into()), Term::Reason("accepted".into()), Term::Reason("genesis".into())] {
        let search = Search {
            terms: vec![term],
            among: None,
            from: LeafIndex(0),
            before: LeafIndex(u64::MAX),
            newest_first: false,
            limit: usize::MAX,
        };
        found.push(wait_for(journal.search(search))?);
    }
    Ok(Read {
        size,
        root,
        newest: journal.checkpoint().to_string(),
        entries: bundle.entries,
        notes: bundle.notes,
        tiles,
        proofs,
        bodies: bodies.map(|body| body.map(|body| (body.body, body.encapsulation))).collect(),
        halves,
        openings,
        found,
        past: wait_for(journal.checkpoints(0, 1_000))?,
    })
}

/// A journal with something of everything, closed.
fn built() -> (Setting, Read) {
    let setting = Setting::new();
    let journal = setting.start();
    genesis(&journal);
    for number in 0..6 {
        append(
            &journal,
            draft_with_body(number, 9_000 * usize::try_from(number).expect("small"), Some([7; 32].into())),
        );
        wait_for(journal.keep_checkpoint(journal.checkpoint())).expect("kept");
    }
    for number in 0..160 {
        append_many(&journal, 4);
        append(&journal, draft_with_body(number, 300, None));
    }
    append(&journal, draft(1_000));
    journal.close();
    // Once more, so that the last tiles and what a start writes are there too.
    let journal = setting.start();
    append_many(&journal, 3);
    journal.close();
    let journal = setting.start();
    let read = read_all(&journal).expect("it reads");
    journal.close();
    assert!(read.halves.iter().filter(|body| body.is_some()).count() > 160);
    assert!(read.size > 768 && read.tiles.len() > 4 && read.past.len() > 5, "{} leaves", read.size);
    (setting, read)
}

/// What became of one flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Refused,
    Halted,
    Found,
    Harmless,
}

fn fate(setting: &Setting, data_dir: &Path, expected: &Read) -> Result<Fate, String> {
    let started = catch_unwind(AssertUnwindSafe(|| {
        let log = SledLog::open(data_dir).ok()?;
        setting.start_in(data_dir, Box::new(log)).ok()
    }));
    let Ok(Some(journal)) = started else { return Ok(Fate::Refused) };
    let halted = journal.halted().is_some();
    let read = read_all(&journal);
    journal.close();
    match read {
        _ if halted => Ok(Fate::Halted),
        Err(_) => Ok(Fate::Found),
        Ok(read) if read == *expected => Ok(Fate::Harmless),
        Ok(read) => {
            let past_is_there = read.past.iter().all(|note| expected.past.contains(note));
            let read = Read { past: expected.past.clone(), ..read };
            match read == *expected {
                true if past_is_there => Ok(Fate::Found),
                _ => Err(differences(&read, expected)),
            }
        }
    }
}

fn differences(read: &Read, expected: &Read) -> String {
    let parts = [
        ("root", (read.size, read.root) == (expected.size, expected.root)),
        ("checkpoint", read.newest == expected.newest),
        ("entries", read.entries == expected.entries),
        ("notes", read.notes == expected.notes),
        ("tiles", read.tiles == expected.tiles),
        ("proofs", read.proofs == expected.proofs),
        ("bodies", read.bodies == expected.bodies),
        ("openings", read.openings == expected.openings),
        ("found", read.found == expected.found),
        ("past", read.past == expected.past),
    ];
    parts.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
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
    found.retain(|path| fs::metadata(path).is_ok_and(|about| about.len() > 0));
    found.sort();
    found
}

/// A place drawn from a seed: every other one in any file, the others where the log's bytes are.
fn flip(data_dir: &Path, seed: u64) -> String {
    let draw = |what: &str, below: usize| {
        let hash = digest(what, &[&seed.to_be_bytes()]).0;
        let number = u64::from_be_bytes(*hash.first_chunk().expect("32 bytes"));
        usize::try_from(number % below as u64).expect("below it")
    };
    let all = files(data_dir);
    let path = match seed % 2 {
        0 => all[draw("file", all.len())].clone(),
        _ => data_dir.join("log/db"),
    };
    let mut bytes = fs::read(&path).expect("read");
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(bytes.len(), |last| last + 1);
    let (byte, bit) = (draw("byte", used), draw("bit", 8));
    bytes[byte] ^= 1 << bit;
    fs::write(&path, bytes).expect("written");
    format!("{} byte {byte} bit {bit}", path.strip_prefix(data_dir).expect("below").display())
}

fn try_places(seeds: std::ops::Range<u64>) {
    let (setting, expected) = built();
    let mut fates: BTreeMap<Fate, u64> = BTreeMap::new();
    let mut faults = Vec::new();
    let (setting, expected) = (std::sync::Arc::new(setting), std::sync::Arc::new(expected));
    for seed in seeds {
        let copy = setting.folder.path().join("copy");
        let _ = fs::remove_dir_all(&copy);
        copy_dir(&setting.data_dir(), &copy);
        let place = flip(&copy, seed);
        let (done, waiting) = channel();
        let (own, of_all) = (setting.clone(), expected.clone());
        thread::spawn(move || {
            let fate = catch_unwind(AssertUnwindSafe(|| fate(&own, &copy, &of_all)));
            // Whoever waits may have given up.
            let _ = done.send(fate.unwrap_or(Ok(Fate::Refused)));
        });
        match waiting.recv_timeout(PATIENCE) {
            Ok(Ok(fate)) => *fates.entry(fate).or_default() += 1,
            Ok(Err(what)) => faults.push(format!("{place}: other {what} are read")),
            Err(RecvTimeoutError::Timeout) => panic!("{place}: it hangs"),
            Err(RecvTimeoutError::Disconnected) => panic!("{place}: the trial ended without a word"),
        }
    }
    assert!(faults.is_empty(), "neither found nor harmless ({fates:?}):\n{}", faults.join("\n"));
    let noticed = fates.iter().filter(|(fate, _)| **fate != Fate::Harmless).map(|(_, count)| count).sum::<u64>();
    let tried = fates.values().sum::<u64>();
    assert!(noticed * 10 > tried, "{fates:?}: the places are where something is");
}

#[test]
fn a_flipped_bit_is_found_or_changes_nothing() {
    try_places(0..PLACES / 2);
}

#[test]
fn another_flipped_bit_is_found_or_changes_nothing() {
    try_places(PLACES / 2..PLACES);
}
