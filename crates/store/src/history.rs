//! Checkpoints of the past, in a file that only grows: signed notes, of which a damaged or torn one is passed over.
//!
//! A record is an empty line, a line `causeway-checkpoint LENGTH DIGEST`, then the note of so many bytes; the digest is the first 16
//! hexadecimal digits of the note's SHA-256. The empty line keeps it to be found behind one that is torn. Of several records of one tree size the last one counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_crypto::{Digest, sha256};
use causeway_journal::Checkpoint;

use crate::error::StoreError;
use crate::folder;

/// The file's name in the data directory.
pub(crate) const NAME: &str = "checkpoints";

/// What every record begins with. No line of a note does: its first has no space in it, the others are numbers, hashes and signatures.
const MARKER: &str = "causeway-checkpoint ";

/// Notes with all their cosignatures are a few kilobytes; a longer one is something else.
const MAX_NOTE_BYTES: usize = 64 * 1024;

/// A record's first line has fewer bytes: the marker, 5 digits, 16 digits, and what is between them.
const MAX_HEADER_BYTES: u64 = 64;

const NO_CHECKPOINT: StoreError = StoreError::Corrupt("what was to be kept is no checkpoint");

/// The checkpoints that are kept.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: File,
    by_size: BTreeMap<u64, Record>,
    /// Where the next record begins.
    end: u64,
}

/// Where a note is.
#[derive(Debug, Clone, Copy)]
struct Record {
    at: u64,
    length: usize,
    digest: Digest,
    root: Digest,
    signatures: usize,
}

impl History {
    /// Reads the file of a data directory; it is made where it is absent. What is damaged is logged and passed over.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(NAME);
        let failed = |source| StoreError::io("read the checkpoints of the past", &path, source);
        let file = folder::open_private(&path).map_err(failed)?;
        let end = file.metadata().map_err(failed)?.len();
        let (by_size, damaged) = scan(&file).map_err(failed)?;
        if damaged > 0 {
            tracing::warn!(file = %path.display(), damaged, "checkpoints of the past are damaged or torn; they are passed over");
        }
        folder::sync(data_dir).map_err(failed)?;
        Ok(Self { kept: Mutex::new(Kept { file, by_size, end }), path })
    }

    /// Keeps a note, durably; says whether it did. One of a size that is kept takes its place where it has more signatures.
    pub(crate) fn keep(&self, note: &str) -> Result<bool, StoreError> {
        let (checkpoint, signatures) = read_note(note).ok_or(NO_CHECKPOINT)?;
        let mut kept = self.kept();
        if kept.by_size.get(&checkpoint.size).is_some_and(|before| before.signatures >= signatures) {
            return Ok(false);
        }
        self.put(&mut kept, note, &checkpoint, signatures)
    }

    /// Keeps a note, durably, where none of its size is kept or `is_better` than that one, which is given to it; says whether it did.
    pub(crate) fn renew(&self, note: &str, is_better: impl FnOnce(&str) -> bool) -> Result<bool, StoreError> {
        let (checkpoint, signatures) = read_note(note).ok_or(NO_CHECKPOINT)?;
        let mut kept = self.kept();
        if let Some(before) = kept.by_size.get(&checkpoint.size) {
            // One that cannot be read any more is no better than any.
            let before = self.note(&kept.file, before);
            if before.is_ok_and(|before| before == note || !is_better(&before)) {
                return Ok(false);
            }
        }
        self.put(&mut kept, note, &checkpoint, signatures)
    }

    fn put(&self, kept: &mut Kept, note: &str, checkpoint: &Checkpoint, signatures: usize) -> Result<bool, StoreError> {
        let digest = sha256(&[note.as_bytes()]);
        let header = header(note.len(), digest);
        let bytes = format!("\n{header}{note}");
        let end = kept.end;
        // If we stop here, or within the write, the next start passes over what is torn.
        let written = kept.file.write_all_at(bytes.as_bytes(), end).and_then(|()| kept.file.sync_data());
        if let Err(source) = written {
            kept.end = kept.file.metadata().map_or(end, |about| about.len());
            return Err(StoreError::io("keep a checkpoint", &self.path, source));
        }
        let record =
            Record { at: end + 1 + header.len() as u64, length: note.len(), digest, root: checkpoint.root, signatures };
        kept.by_size.insert(checkpoint.size, record);
        kept.end = end + bytes.len() as u64;
        Ok(true)
    }

    /// The note that is kept of a tree size.
    pub(crate) fn of(&self, size: u64) -> Result<Option<String>, StoreError> {
        let kept = self.kept();
        let record = kept.by_size.get(&size).copied();
        record.map(|record| self.note(&kept.file, &record)).transpose()
    }

    /// The notes of this size and larger ones, the smallest first.
    pub(crate) fn from(&self, size: u64, limit: usize) -> Result<Vec<String>, StoreError> {
        let kept = self.kept();
        kept.by_size.range(size..).take(limit).map(|(_, record)| self.note(&kept.file, record)).collect()
    }

    /// The notes of this size and larger ones up to another, each with its size, the smallest first.
    pub(crate) fn up_to(&self, size: u64, last: u64, limit: usize) -> Result<Vec<(u64, String)>, StoreError> {
        let kept = self.kept();
        let found = kept.by_size.range(size..).take_while(|(size, _)| **size <= last).take(limit);
        found.map(|(size, record)| Ok((*size, self.note(&kept.file, record)?))).collect()
    }

    /// Size and root of every checkpoint that is kept.
    pub(crate) fn roots(&self) -> BTreeMap<u64, Digest> {
        self.kept().by_size.iter().map(|(size, record)| (*size, record.root)).collect()
    }

    fn note(&self, file: &File, record: &Record) -> Result<String, StoreError> {
        let mut bytes = vec![0; record.length];
        file.read_exact_at(&mut bytes, record.at)
            .map_err(|source| StoreError::io("read a checkpoint of the past", &self.path, source))?;
        if sha256(&[&bytes]) != record.digest {
            return Err(StoreError::Corrupt("a checkpoint of the past is not what was kept"));
        }
        String::from_utf8(bytes).map_err(|_| StoreError::Corrupt("a checkpoint of the past is no text"))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that keeps these notes, as [`History::keep`] would have made it.
pub(crate) fn file_of<'a>(notes: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let record = |note: &str| format!("\n{}{note}", header(note.len(), sha256(&[note.as_bytes()])));
    notes.flat_map(|note| record(note).into_bytes()).collect()
}

/// A note's checkpoint, not verified, and how many signature lines it has.
pub(crate) fn read_note(note: &str) -> Option<(Checkpoint, usize)> {
    let at = note.rfind("\n\n").filter(|_| note.len() <= MAX_NOTE_BYTES && note.ends_with('\n'))?;
    let checkpoint = Checkpoint::parse(&note[..=at]).ok()?;
    Some((checkpoint, note[at + 2..].lines().count()))
}

fn header(length: usize, digest: Digest) -> String {
    let mut line = format!("{MARKER}{length} ");
    digest.0[..8].iter().for_each(|byte| write!(line, "{byte:02x}").expect("writing to a text does not fail"));
    line.push('\n');
    line
}

/// The records of a file, and how many places in it are none.
fn scan(file: &File) -> io::Result<(BTreeMap<u64, Record>, usize)> {
    let mut reader = BufReader::new(file);
    let (mut by_size, mut damaged) = (BTreeMap::<u64, Record>::new(), 0);
    let (mut at, mut in_damage) = (0, false);
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(MAX_HEADER_BYTES).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok((by_size, damaged));
        }
        at += read;
        if let Some((size, record)) = record(&mut reader, &line, at)? {
            at += record.length as u64;
            in_damage = false;
            by_size.insert(size, record);
            continue;
        }
        damaged += usize::from(!in_damage && line != b"\n");
        in_damage |= line != b"\n";
        reader.seek(SeekFrom::Start(at))?;
    }
}

/// The record whose first line has just been read, with the note that begins at `at`; none where it is not one.
fn record(reader: &mut impl Read, line: &[u8], at: u64) -> io::Result<Option<(u64, Record)>> {
    let stated = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(MARKER)?.split_once(' '));
    let length = stated.and_then(|(length, _)| length.parse().ok()).filter(|length| *length <= MAX_NOTE_BYTES);
    let Some(length) = length else { return Ok(None) };
    let mut bytes = Vec::with_capacity(length);
    reader.take(length as u64).read_to_end(&mut bytes)?;
    let digest = sha256(&[&bytes]);
    let as_stated = bytes.len() == length && header(length, digest).as_bytes() == line;
    let note = std::str::from_utf8(&bytes).ok().filter(|_| as_stated).and_then(read_note);
    Ok(note.map(|(checkpoint, signatures)| {
        (checkpoint.size, Record { at, length, digest, root: checkpoint.root, signatures })
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use causeway_crypto::SigningKey;

    use super::*;

    fn note(size: u64) -> String {
        let checkpoint = Checkpoint { origin: "log.example".into(), size, root: Digest([7; 32]) };
        checkpoint.sign(&SigningKey::generate())
    }

    fn sizes(history: &History) -> Vec<u64> {
        history.roots().into_keys().collect()
    }

    #[test]
    fn what_is_kept_is_found_again_and_the_note_with_more_signatures_counts() {
        let dir = tempfile::tempdir().expect("a folder");
        let history = History::open(dir.path()).expect("made");
        let (one, two, five) = (note(1), note(2), note(5));
        for note in [&one, &five, &two] {
            assert!(history.keep(note).expect("kept"));
        }
        let cosigned = format!("{two}\u{2014} witness.example AAAAAAAA\n");
        assert!(!history.keep(&note(2)).expect("read"), "it has no more signatures");
        assert!(history.keep(&cosigned).expect("kept"));
        assert!(!history.keep(&two).expect("read"), "it has fewer");
        for history in [history, History::open(dir.path()).expect("opened")] {
            assert_eq!(history.from(0, 10).expect("read"), [one.clone(), cosigned.clone(), five.clone()]);
            assert_eq!(history.from(2, 1).expect("read"), std::slice::from_ref(&cosigned));
            assert_eq!(history.of(5).expect("read"), Some(five.clone()));
            assert_eq!(history.of(4).expect("read"), None);
        }
        assert!(History::open(dir.path()).expect("opened").keep("no checkpoint\n").is_err());
    }

    #[test]
    fn a_note_that_is_renewed_takes_the_place_of_one_with_as_many_signatures_or_more() {
        let dir = tempfile::tempdir().expect("a folder");
        let history = History::open(dir.path()).expect("made");
        let (old, new) = (note(2), note(2));
        let cosigned = format!("{old}\u{2014} witness.example AAAAAAAA\n");
        assert!(history.renew(&cosigned, |_| unreachable!("there is none")).expect("kept"));
        assert!(!history.renew(&new, |before| before != cosigned).expect("read"));
        assert!(!history.renew(&cosigned, |_| true).expect("read"), "it is kept");
        assert!(history.renew(&new, |before| before == cosigned).expect("kept"));
        for history in [history, History::open(dir.path()).expect("opened")] {
            assert_eq!(history.from(0, 10).expect("read"), std::slice::from_ref(&new));
        }
    }

    #[test]
    fn a_record_that_is_torn_or_damaged_anywhere_is_passed_over_and_no_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let history = History::open(dir.path()).expect("made");
        for size in [1, 2, 3] {
            history.keep(&note(size)).expect("kept");
        }
        let file = dir.path().join(NAME);
        let good = fs::read(&file).expect("read");
        let third = good.len() / 3;
        for at in third..2 * third {
            for bit in [1, 0x80] {
                let mut bad = good.clone();
                bad[at] ^= bit;
                fs::write(&file, &bad).expect("written");
                let history = History::open(dir.path()).expect("opened");
                assert_eq!(sizes(&history), [1, 3], "bit {bit} of byte {at}");
            }
        }
        // One byte less, the last line feed, is made good by the empty line of the next record.
        for length in (2 * third..good.len() - 1).step_by(9) {
            fs::write(&file, &good[..length]).expect("written");
            let history = History::open(dir.path()).expect("opened");
            assert_eq!(sizes(&history), [1, 2], "{length} bytes");
            history.keep(&note(9)).expect("kept");
            assert_eq!(sizes(&History::open(dir.path()).expect("opened")), [1, 2, 9], "after {length} bytes");
        }
    }

    #[test]
    fn what_is_damaged_while_it_is_open_is_not_given_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let history = History::open(dir.path()).expect("made");
        history.keep(&note(1)).expect("kept");
        let file = dir.path().join(NAME);
        let mut bytes = fs::read(&file).expect("read");
        *bytes.last_mut().expect("a note") ^= 1;
        fs::write(&file, bytes).expect("written");
        assert!(matches!(history.of(1), Err(StoreError::Corrupt(_))));
    }
}
