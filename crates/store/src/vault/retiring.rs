//! The list of page keys that are about to be destroyed, so that a stop in between does not lose their slots' numbers.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::error::StoreError;
use crate::folder;
use crate::key_folders::KeyFolders;
use crate::page_keys::Slot;
use crate::steps;

/// The file's name, in the keys folder and in its mirror.
const NAME: &str = "retiring";

/// One page and the slot of the page key that it is to be rid of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Retiring {
    pub(super) page: u64,
    pub(super) slot: Slot,
}

/// The list, while there is one: pages and slots as 64-bit big-endian numbers.
#[derive(Debug)]
pub(super) struct List {
    paths: Vec<PathBuf>,
}

impl List {
    pub(super) fn of(folders: &KeyFolders) -> Self {
        Self { paths: folders.paths(NAME) }
    }

    /// What a stop has left to do, from either folder.
    pub(super) fn read(&self) -> Result<Vec<Retiring>, StoreError> {
        let mut all = Vec::new();
        for path in &self.paths {
            let bytes = match fs::read(path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(StoreError::io("read the list of page keys to destroy", path, source)),
            };
            let number = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes);
            let pairs = bytes.as_chunks::<8>().0.as_chunks::<2>().0;
            all.extend(pairs.iter().map(|[page, slot]| Retiring { page: number(page), slot: Slot(number(slot)) }));
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    pub(super) fn write(&self, all: &[Retiring]) -> Result<(), StoreError> {
        let numbers = all.iter().flat_map(|one| [one.page, one.slot.0]);
        let bytes: Vec<u8> = numbers.flat_map(u64::to_be_bytes).collect();
        self.each("write the list of page keys to destroy", |path| folder::replace(path, &bytes))
    }

    pub(super) fn remove(&self) -> Result<(), StoreError> {
        self.each("remove the list of page keys to destroy", |path| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => folder::sync(folder::parent_of(path)),
        })
    }

    fn each(&self, what: &'static str, act: impl Fn(&std::path::Path) -> io::Result<()>) -> Result<(), StoreError> {
        self.paths.iter().try_for_each(|path| {
            steps::next().and_then(|()| act(path)).map_err(|source| StoreError::io(what, path, source))
        })
    }
}
