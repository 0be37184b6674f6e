//! Rotating the root key: everything that is wrapped under it is wrapped under the next one, all or nothing.
//!
//! The new files are written beside the old ones first. Then one rename decides; from then on there is no way back, and
//! whoever finds the decision puts the new files in their places and ends it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_crypto::RootKey;

use crate::error::StoreError;
use crate::folder;
use crate::key_folders::KeyFolders;
use crate::keys::{Keys, RING};
use crate::page_keys::{self, PageKeys, Slot};
use crate::root_source;
use crate::secret_file;
use crate::steps;

/// The file that says that a rotation is decided, in the keys folder.
const DECIDED: &str = "rotating";

/// Why a rotation failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: StoreError,
    /// Whether it may be decided: then only a start can go on from here.
    pub(crate) decided: bool,
}

/// Whether a rotation of the keys in this folder is decided and not ended.
pub(crate) fn is_decided(keys_dir: &Path) -> bool {
    keys_dir.join(DECIDED).exists()
}

/// Wraps ring and page keys under `next`, which replaces the root key, in its file too where it is `in_file`. `in_use` tells
/// which slots of page keys must not be lost.
pub(crate) fn rotate(
    keys: &Keys,
    page_keys: &PageKeys,
    folders: &KeyFolders,
    next: RootKey,
    in_file: bool,
    in_use: impl FnOnce() -> Result<BTreeSet<Slot>, StoreError>,
) -> Result<(), Failed> {
    let mut root = keys.held_root();
    let held = page_keys.hold().map_err(|error| Failed { error, decided: false })?;
    let prepared = held.wrapped_under(&next, in_use).and_then(|wrapped| {
        prepare(keys.ring_path(), &keys.ring().wrap(&next))?;
        for (name, bytes) in &wrapped {
            folders.paths(name).iter().try_for_each(|path| prepare(path, bytes))?;
        }
        if in_file { prepare(&folders.primary().join(root_source::FILE), next.expose()) } else { Ok(()) }
    });
    // If we stop here, the next start takes away what was prepared.
    let decided = prepared.and_then(|()| decide(folders.primary()));
    if let Err(error) = decided {
        let decided = is_decided(folders.primary());
        if !decided {
            let discard = |path: PathBuf| {
                secret_file::discard(&path)
                    .map_err(|source| StoreError::io("take away what was prepared", &path, source))
            };
            let left = targets(folders).and_then(|targets| targets.into_iter().try_for_each(discard));
            if let Err(left) = left {
                tracing::warn!(
                    error = &left as &dyn std::error::Error,
                    "what was prepared is taken away at the next start"
                );
            }
        }
        return Err(Failed { error, decided });
    }
    // If we stop here, the next start goes on as we do.
    held.exchange(&next, || end(folders)).map_err(|error| Failed { error, decided: true })?;
    *root = next;
    Ok(())
}

/// Ends a rotation that was decided, or takes away what one that was not has left. The ring and the root key's file have
/// been seen to when the keys were read; seeing to them again does nothing.
pub(crate) fn recover(folders: &KeyFolders) -> Result<(), StoreError> {
    if is_decided(folders.primary()) {
        tracing::info!("going on with a rotation of the root key that was interrupted");
        return end(folders);
    }
    files_of_page_keys(folders)?.iter().try_for_each(|path| {
        secret_file::discard(path).map_err(|source| StoreError::io("recover the page-key file", path, source))
    })
}

/// Puts all that was prepared in its place, then forgets the decision.
fn end(folders: &KeyFolders) -> Result<(), StoreError> {
    for path in targets(folders)? {
        secret_file::settle(&path).map_err(|source| StoreError::io("end a rotation of the root key", &path, source))?;
    }
    let marker = folders.primary().join(DECIDED);
    steps::next()
        .and_then(|()| fs::remove_file(&marker))
        .and_then(|()| folder::sync(folders.primary()))
        .map_err(|source| StoreError::io("end a rotation of the root key", &marker, source))
}

fn targets(folders: &KeyFolders) -> Result<Vec<PathBuf>, StoreError> {
    let own = [RING, root_source::FILE].map(|name| folders.primary().join(name));
    Ok(own.into_iter().chain(files_of_page_keys(folders)?).collect())
}

fn files_of_page_keys(folders: &KeyFolders) -> Result<Vec<PathBuf>, StoreError> {
    Ok(page_keys::names(folders)?.iter().flat_map(|name| folders.paths(name)).collect())
}

fn prepare(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    secret_file::prepare(path, bytes).map_err(|source| StoreError::io("wrap the keys anew", path, source))
}

fn decide(keys_dir: &Path) -> Result<(), StoreError> {
    let marker = keys_dir.join(DECIDED);
    steps::next()
        .and_then(|()| folder::replace(&marker, b"the root key\n"))
        .map_err(|source| StoreError::io("decide the rotation of the root key", &marker, source))
}

#[cfg(test)]
mod tests;
