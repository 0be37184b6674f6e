//! Key pages that were written anew: files of their own, looked for before the log's own copies, which never change.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::folder;
use crate::key_folders::KeyFolders;
use crate::key_pages::slot_of;
use crate::page_keys::PageKeys;
use crate::steps;

/// The folder's name, in the keys folder and in its mirror.
pub(super) const NAME: &str = "pages";

/// The folder `pages` and its mirror. A file's name is its page's number, its content the page's stored form.
#[derive(Debug)]
pub(super) struct Rewritten {
    folders: Vec<PathBuf>,
}

impl Rewritten {
    /// Opens, or creates, both, and brings each up to date by the other: where they differ, the page whose page key is
    /// there counts, and the keys folder's own before the mirror's.
    pub(super) fn open(folders: &KeyFolders, page_keys: &PageKeys) -> Result<Self, StoreError> {
        let rewritten = Self { folders: folders.paths(NAME) };
        for folder in &rewritten.folders {
            folder::create_private(folder)
                .and_then(|()| remove_unfinished(folder))
                .map_err(|source| StoreError::io("open the folder of rewritten key pages", folder, source))?;
        }
        if let [own, mirror] = rewritten.folders.as_slice() {
            for number in rewritten.numbers()? {
                let (ours, theirs) = (read(own, number)?, read(mirror, number)?);
                if ours == theirs {
                    continue;
                }
                let good = |page: &Vec<u8>| slot_of(page).is_ok_and(|slot| page_keys.has(slot));
                let page = ours.filter(good).or_else(|| theirs.filter(good));
                let page =
                    page.ok_or(StoreError::Corrupt("a rewritten key page is under no page key that is there"))?;
                rewritten.put(&[(number, page)])?;
            }
        }
        Ok(rewritten)
    }

    /// Both as they are.
    pub(super) fn as_they_are(folders: &KeyFolders) -> Self {
        Self { folders: folders.paths(NAME) }
    }

    /// A page's stored form; none where it has not been written anew.
    pub(super) fn page(&self, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        read(self.folders.first().expect("the keys folder's own is always there"), number)
    }

    /// The numbers of all pages in either folder, in order.
    pub(super) fn numbers(&self) -> Result<BTreeSet<u64>, StoreError> {
        let mut numbers = BTreeSet::new();
        for folder in &self.folders {
            let failed = |source| StoreError::io("list the rewritten key pages", folder, source);
            for entry in fs::read_dir(folder).map_err(failed)? {
                let name = entry.map_err(failed)?.file_name();
                numbers.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
            }
        }
        Ok(numbers)
    }

    /// Puts pages in their places, durably, each the old one or the new one whole: in the keys folder, then in the mirror.
    pub(super) fn put(&self, pages: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        self.folders.iter().try_for_each(|folder| {
            put(folder, pages).map_err(|source| StoreError::io("write a key page anew", folder, source))
        })
    }
}

fn put(folder: &Path, pages: &[(u64, Vec<u8>)]) -> io::Result<()> {
    for (number, page) in pages {
        steps::next()?;
        folder::write_private(&folder::beside(&file(folder, *number)), page)?;
    }
    for (number, _) in pages {
        steps::next()?;
        let file = file(folder, *number);
        fs::rename(folder::beside(&file), &file)?;
    }
    folder::sync(folder)
}

fn read(folder: &Path, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let path = file(folder, number);
    match fs::read(&path) {
        Ok(page) => Ok(Some(page)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::io("read a rewritten key page", &path, source)),
    }
}

fn file(folder: &Path, number: u64) -> PathBuf {
    folder.join(number.to_string())
}

/// Files that never took their place: what they hold is in no other.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "new") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
