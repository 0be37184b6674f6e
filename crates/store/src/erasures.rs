//! The register of erasures: every order's entry, kept apart from the log, so that a log that is restored from a time before
//! learns of them again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_crypto::{Digest, digest};
use causeway_journal::MAX_ENTRY_BYTES;

use crate::error::StoreError;
use crate::folder;
use crate::key_folders::KeyFolders;
use crate::steps;

/// The file's name, in the keys folder and in its mirror.
pub(crate) const NAME: &str = "erasures";

/// What an entry's digest in the register is taken in, apart from every other digest of an entry.
const DOMAIN: &str = "causeway/v1/erasure-register";

/// Before an entry: its length as a 32-bit big-endian number, and its digest.
const HEAD_BYTES: usize = 4 + 32;

/// The register and its mirror: entries one after the other, never changed. What a stop has cut off at the end is ignored
/// and written over.
#[derive(Debug)]
pub(crate) struct Erasures {
    files: Vec<(PathBuf, File)>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    digests: BTreeSet<Digest>,
    entries: Vec<Vec<u8>>,
    /// Bytes of whole entries: where the next one goes.
    end: u64,
}

impl Erasures {
    /// Opens, or creates, both files, and gives each what only the other has.
    pub(crate) fn open(folders: &KeyFolders) -> Result<Self, StoreError> {
        let (paths, mut held, mut known) = (folders.paths(NAME), Vec::new(), Known::default());
        for path in &paths {
            let bytes = match fs::read(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                other => other.map_err(|source| StoreError::io("read the register of erasures", path, source))?,
            };
            entries(&bytes)
                .map_err(|what| StoreError::keys(path, what))?
                .into_iter()
                .for_each(|entry| known.push(entry));
            held.push(bytes);
        }
        let whole: Vec<u8> = known.entries.iter().flat_map(|entry| framed(entry)).collect();
        let mut files = Vec::new();
        for (path, held) in paths.into_iter().zip(held) {
            let failed = |source| StoreError::io("open the register of erasures", &path, source);
            if held != whole || !path.exists() {
                folder::replace(&path, &whole).map_err(failed)?;
            }
            let file = folder::open_private(&path).map_err(failed)?;
            files.push((path, file));
        }
        Ok(Self { files, known: Mutex::new(known) })
    }

    /// Appends an entry, durably, unless it is there.
    pub(crate) fn add(&self, entry: Vec<u8>) -> Result<(), StoreError> {
        if entry.is_empty() || entry.len() > MAX_ENTRY_BYTES {
            return Err(StoreError::Corrupt("what is to be registered as an erasure is no entry"));
        }
        let mut known = self.known();
        if known.digests.contains(&id_of(&entry)) {
            return Ok(());
        }
        let bytes = framed(&entry);
        for (path, file) in &self.files {
            // If we stop here, the entry is in one of the two at most, and the next start gives it to the other.
            write(file, &bytes, known.end).map_err(|source| StoreError::io("register an erasure", path, source))?;
        }
        known.push(entry);
        Ok(())
    }

    /// All entries, in the order in which they came.
    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        self.known().entries.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn push(&mut self, entry: Vec<u8>) {
        if self.digests.insert(id_of(&entry)) {
            self.end += u64::try_from(HEAD_BYTES + entry.len()).expect("an entry has at most 16 KiB");
            self.entries.push(entry);
        }
    }
}

/// An entry as it stands in the file.
fn framed(entry: &[u8]) -> Vec<u8> {
    let length = u32::try_from(entry.len()).expect("an entry has at most 16 KiB");
    [&length.to_be_bytes(), id_of(entry).as_bytes().as_slice(), entry].concat()
}

fn id_of(entry: &[u8]) -> Digest {
    digest(DOMAIN, &[entry])
}

fn write(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    steps::next()?;
    file.set_len(at)?;
    file.write_all_at(bytes, at)?;
    steps::next()?;
    file.sync_all()
}

/// The whole entries of a register. What is cut off or torn at the end is not one; a broken one before the end is a fault.
fn entries(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut entries = Vec::new();
    while let Some((entry, after)) = first_whole(bytes) {
        entries.push(entry.to_vec());
        bytes = after;
    }
    if is_torn_end(bytes) { Ok(entries) } else { Err("damaged: put its mirror's, or a copy, in its place") }
}

/// The entry that these bytes begin with, and what comes after it; none where they begin with none.
fn first_whole(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (id, rest) = rest.split_first_chunk::<32>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= MAX_ENTRY_BYTES)?;
    let (entry, after) = rest.split_at_checked(length)?;
    (id_of(entry).as_bytes() == id).then_some((entry, after))
}

/// Whether this may be what a power cut has left of the one entry that was being written: of each of its sectors the new bytes, or the
/// zeros of a file that has grown. Entries are synced one by one, so no whole one comes after it.
fn is_torn_end(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
        || (bytes.len() <= HEAD_BYTES + MAX_ENTRY_BYTES
            && (1..bytes.len()).all(|at| first_whole(&bytes[at..]).is_none()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::steps::with_at_most;

    fn open(dir: &Path) -> Result<Erasures, StoreError> {
        let folders = KeyFolders::prepare(&dir.join("keys"), Some(&dir.join("mirror")), &dir.join("data"))?;
        Erasures::open(&folders)
    }

    fn entry(number: u8) -> Vec<u8> {
        vec![number; 40 + usize::from(number)]
    }

    fn read(dir: &Path, name: &str) -> Vec<u8> {
        fs::read(dir.join(name).join(NAME)).expect("read")
    }

    #[test]
    fn an_entry_is_there_once_in_both_files_and_after_a_start() {
        let dir = tempfile::tempdir().expect("a folder");
        let register = open(dir.path()).expect("opened");
        for number in [1, 2, 1, 3] {
            register.add(entry(number)).expect("registered");
        }
        assert!(register.add(Vec::new()).is_err() && register.add(vec![0; MAX_ENTRY_BYTES + 1]).is_err());
        let again = open(dir.path()).expect("opened");
        assert_eq!(again.all(), [entry(1), entry(2), entry(3)]);
        assert_eq!(read(dir.path(), "keys"), read(dir.path(), "mirror"));
        fs::remove_file(dir.path().join("mirror").join(NAME)).expect("removed");
        open(dir.path()).expect("opened");
        assert_eq!(read(dir.path(), "keys"), read(dir.path(), "mirror"), "filled again");
    }

    #[test]
    fn a_cut_end_is_written_over_and_a_broken_middle_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let register = open(dir.path()).expect("opened");
        register.add(entry(1)).expect("registered");
        register.add(entry(2)).expect("registered");
        let path = dir.path().join("keys").join(NAME);
        let whole = read(dir.path(), "keys");
        let first = HEAD_BYTES + entry(1).len();
        for torn in [&whole[..whole.len() - 1], &whole[..first + 7], &[&whole[..first], &[0; 90][..]].concat()] {
            fs::write(&path, torn).expect("written");
            fs::write(dir.path().join("mirror").join(NAME), &whole[..first]).expect("written");
            let register = open(dir.path()).expect("opened");
            assert_eq!(register.all(), [entry(1)], "{} bytes", torn.len());
            register.add(entry(3)).expect("registered");
            assert_eq!(open(dir.path()).expect("opened").all(), [entry(1), entry(3)]);
        }
        for at in [0, 2, 4, HEAD_BYTES] {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            fs::write(&path, broken).expect("written");
            assert!(matches!(open(dir.path()), Err(StoreError::Keys { .. })), "byte {at}");
        }
    }

    #[test]
    fn whichever_sectors_of_the_last_entry_a_power_cut_has_left_the_ones_before_it_are_kept() {
        const SECTOR: usize = 512;
        let (first, last) = (framed(&entry(1)), framed(&[7; 1_700]));
        let whole = [first.clone(), last].concat();
        let sectors = whole.len().div_ceil(SECTOR);
        let mut kept = 0;
        for lost in 0..1u32 << sectors {
            let mut bytes = whole.clone();
            for sector in (0..sectors).filter(|sector| lost & 1 << sector != 0) {
                // What was synced before stays, also in the sector that it shares with what was not.
                let range = (sector * SECTOR).max(first.len())..((sector + 1) * SECTOR).min(whole.len());
                bytes[range].fill(0);
            }
            let read = entries(&bytes).expect("the end is torn, and nothing before it");
            assert!(read.len() == if lost == 0 { 2 } else { 1 }, "{lost:b}");
            assert_eq!(read[0], entry(1));
            kept += read.len();
        }
        assert_eq!(kept, (1 << sectors) + 1);
    }

    #[test]
    fn wherever_a_write_stops_what_was_told_of_is_kept() {
        let mut failed = 0;
        for steps in 0..6 {
            let dir = tempfile::tempdir().expect("a folder");
            let register = open(dir.path()).expect("opened");
            register.add(entry(1)).expect("registered");
            let (added, _) = with_at_most(steps, || register.add(entry(2)));
            failed += usize::from(added.is_err());
            drop(register);
            let again = open(dir.path()).expect("opened");
            assert!(again.all() == [entry(1), entry(2)] || (added.is_err() && again.all() == [entry(1)]), "{steps}");
            again.add(entry(2)).expect("registered");
            assert_eq!(again.all(), [entry(1), entry(2)], "{steps}");
            assert_eq!(read(dir.path(), "keys"), read(dir.path(), "mirror"), "{steps}");
        }
        assert_eq!(failed, 4, "write and sync, in each of the two");
    }
}
