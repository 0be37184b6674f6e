//! The page-key files: one for each node that ever wrote page keys here, each with its mirror.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use causeway_crypto::AeadKey;

use super::slot_file::{SlotBytes, SlotFile};
use super::state::{State, state};
use super::{NAME, NodeNumber, STRETCH, Slot, mirror};
use crate::error::StoreError;
use crate::format::KEYS;
use crate::key_folders::KeyFolders;

/// What a file's name may end in while the root key is rotated (`secret_file`).
const UNDER_WAY: [&str; 2] = [".prepared", ".replaced"];

/// The name of a writer's file, in the keys folder and in its mirror: `page-keys`, or `page-keys.3` of what node 3 wrote.
pub(super) fn name(writer: NodeNumber) -> String {
    if writer == NodeNumber::ALONE { NAME.to_owned() } else { format!("{NAME}.{writer}") }
}

/// The names of all page-key files that either folder has, or that a rotation is about to put there; the first one's in any case.
pub(crate) fn names(folders: &KeyFolders) -> Result<BTreeSet<String>, StoreError> {
    Ok(writers(folders)?.into_iter().map(name).collect())
}

/// The writers that either folder has files of, and whoever is alone.
fn writers(folders: &KeyFolders) -> Result<BTreeSet<NodeNumber>, StoreError> {
    let mut writers = BTreeSet::from([NodeNumber::ALONE]);
    for folder in folders.all() {
        let failed = |source| StoreError::io("list the page-key files", folder, source);
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(failed)?,
        };
        for entry in entries {
            writers.extend(entry.map_err(failed)?.file_name().to_str().and_then(writer_of));
        }
    }
    Ok(writers)
}

/// The writer whose file is called so.
fn writer_of(file: &str) -> Option<NodeNumber> {
    let stem = UNDER_WAY.iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
    let number = stem.strip_prefix(NAME)?.strip_prefix('.')?;
    number.parse().ok().map(NodeNumber).filter(|writer| name(*writer) == stem)
}

/// The files as they are under one root key.
#[derive(Debug)]
pub(super) struct Files {
    folders: KeyFolders,
    /// Of each writer: in the keys folder, then in the mirror.
    all: BTreeMap<NodeNumber, Vec<SlotFile>>,
    pub(super) wrapping: AeadKey,
}

impl Files {
    /// Opens all that there are, and `own`, making it where it is absent; brings each and its mirror up to date by the other.
    pub(super) fn open(folders: &KeyFolders, own: NodeNumber, wrapping: AeadKey) -> Result<Self, StoreError> {
        let mut files = Self { folders: folders.clone(), all: BTreeMap::new(), wrapping };
        let mut writers = writers(folders)?;
        writers.insert(own);
        writers.into_iter().try_for_each(|writer| files.add(writer))?;
        Ok(files)
    }

    /// The same files under another root key, after they have been exchanged.
    pub(super) fn exchanged(&self, wrapping: AeadKey) -> Result<Self, StoreError> {
        let mut all = BTreeMap::new();
        for writer in self.writers() {
            let paths = self.folders.paths(&name(writer));
            all.insert(writer, paths.iter().map(|path| SlotFile::open(path)).collect::<Result<_, _>>()?);
        }
        Ok(Self { folders: self.folders.clone(), all, wrapping })
    }

    /// Those that there are, for reading only.
    pub(super) fn as_they_are(folders: &KeyFolders, wrapping: AeadKey) -> Result<Self, StoreError> {
        let mut all = BTreeMap::new();
        for writer in writers(folders)? {
            let mut paths = folders.paths(&name(writer));
            paths.retain(|path| path.exists());
            let open = paths.iter().map(|path| SlotFile::open_to_read(path)).collect::<Result<Vec<_>, _>>()?;
            if !open.is_empty() {
                all.insert(writer, open);
            }
        }
        if all.is_empty() {
            return Err(StoreError::keys(&folders.primary().join(NAME), "missing: restore it from the mirror"));
        }
        Ok(Self { folders: folders.clone(), all, wrapping })
    }

    /// Opens a writer's file and its mirror, making them where they are absent.
    pub(super) fn add(&mut self, writer: NodeNumber) -> Result<(), StoreError> {
        if self.all.contains_key(&writer) {
            return Ok(());
        }
        if writer != NodeNumber::ALONE {
            // An older version would leave this file as it is when it rotates the root key.
            self.folders.all().try_for_each(|folder| KEYS.raise(folder, WITH_NODES))?;
        }
        let open = mirror::open(&self.folders.paths(&name(writer)), writer, &self.wrapping)?;
        self.all.insert(writer, open);
        Ok(())
    }

    /// The keys folder's own file of a gateway that is alone: where words about page keys point to.
    pub(super) fn primary(&self) -> &Path {
        self.all.values().flatten().next().expect("one is always open").path()
    }

    pub(super) fn writers(&self) -> impl Iterator<Item = NodeNumber> {
        self.all.keys().copied()
    }

    /// A writer's file and its mirror; none of a writer that has no file here.
    pub(super) fn of(&self, writer: NodeNumber) -> &[SlotFile] {
        self.all.get(&writer).map_or(&[], Vec::as_slice)
    }

    /// How many slots a writer's files reach over.
    pub(super) fn slots(&self, writer: NodeNumber) -> Result<u64, StoreError> {
        // A run that was cut short was never used: the next one begins at the slot after the cut.
        self.of(writer).iter().try_fold(0, |slots, file| Ok(file.slots()?.max(slots)))
    }

    /// What is in a slot. The mirror is read only where the file does not answer.
    pub(super) fn state(&self, slot: Slot) -> Result<State, StoreError> {
        let mut copies = Vec::new();
        for file in self.of(slot.writer()) {
            copies.extend(file.read(slot.index(), 1)?);
            let state = state(&self.wrapping, slot, &copies);
            if matches!(state, State::Key(_) | State::Destroyed) {
                return Ok(state);
            }
        }
        Ok(state(&self.wrapping, slot, &copies))
    }

    /// Writes slots that are files' of theirs here, and syncs them.
    pub(super) fn write(&self, slots: &[(Slot, SlotBytes)]) -> Result<(), StoreError> {
        // All before any is told to be durable, so that a mirror that fails leaves as little as can be.
        let writers: BTreeSet<NodeNumber> = slots.iter().map(|(slot, _)| slot.writer()).collect();
        let copies = self.of_most(&writers);
        for copy in 0..copies {
            for (slot, bytes) in slots {
                if let Some(file) = self.of(slot.writer()).get(copy) {
                    file.write(*slot, &[*bytes])?;
                }
            }
        }
        for copy in 0..copies {
            writers.iter().filter_map(|writer| self.of(*writer).get(copy)).try_for_each(SlotFile::sync)?;
        }
        Ok(())
    }

    fn of_most(&self, writers: &BTreeSet<NodeNumber>) -> usize {
        writers.iter().map(|writer| self.of(*writer).len()).max().unwrap_or(0)
    }

    /// Shows every slot of a writer, in order, with its copies.
    pub(super) fn each_slot(
        &self,
        writer: NodeNumber,
        mut look: impl FnMut(Slot, &[SlotBytes]),
    ) -> Result<(), StoreError> {
        let slots = self.slots(writer)?;
        for first in (0..slots).step_by(STRETCH) {
            let copies = self.copies(writer, first)?;
            for (index, at) in (first..slots).zip(0..STRETCH) {
                look(Slot::of(writer, index), &copies.iter().map(|copy| copy[at]).collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    /// A stretch of a writer's slots as each of its files has it.
    pub(super) fn copies(&self, writer: NodeNumber, first: u64) -> Result<Vec<Vec<SlotBytes>>, StoreError> {
        self.of(writer).iter().map(|file| file.read(first, STRETCH)).collect()
    }
}

/// The version of a keys folder that has page keys of nodes beside those of a gateway that is alone.
const WITH_NODES: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_exact_name() {
        for writer in [1, 7, u16::MAX].map(NodeNumber) {
            assert_eq!(writer_of(&name(writer)), Some(writer));
            assert_eq!(writer_of(&format!("{}.prepared", name(writer))), Some(writer));
        }
        for other in ["page-keys", "page-keys.0", "page-keys.07", "page-keys.65536", "page-keys.new", "page-keys.3.new"]
        {
            assert_eq!(writer_of(other), None, "{other}");
        }
    }
}
