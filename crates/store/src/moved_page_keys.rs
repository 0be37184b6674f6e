//! Moving the page keys out of a data directory of the first format, where every backup took them along.

use std::path::Path;

use crate::error::StoreError;
use crate::folder;
use crate::format::JOURNAL;
use crate::key_folders::KeyFolders;
use crate::page_keys::NAME;
use crate::secret_file;

/// Moves them into the keys folder, marks the directory as of the newest format, and overwrites what was there.
///
/// Page keys that are in the keys folder already are the ones to go on with: either this was interrupted, or the directory
/// is a backup from before the move, and its page keys are those of keys that may have been destroyed since.
pub(crate) fn out_of(data_dir: &Path, folders: &KeyFolders) -> Result<(), StoreError> {
    let (old, new) = (data_dir.join(NAME), folders.primary().join(NAME));
    if folder::has_page_keys(data_dir)? {
        let there = folders.paths(NAME).iter().any(|path| path.metadata().is_ok_and(|about| about.len() > 0));
        if old.exists() && !there {
            let page_keys = secret_file::read(&old)?;
            folder::replace(&new, &page_keys).map_err(|source| StoreError::io("move the page keys", &new, source))?;
        }
        // If we stop here, the copy is whole, and the next start goes on with it.
        JOURNAL.mark(data_dir)?;
    }
    // If we stop here, an older version refuses the directory, and the next start takes away what is left.
    if old.exists() {
        secret_file::wipe_away(&old).map_err(|source| StoreError::io("move the page keys", &old, source))?;
        tracing::warn!(
            folder = %folders.primary().display(),
            "moved the page keys out of the data directory; backups made of it before can still be read, so rotate the \
             root key and make new ones"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use causeway_crypto::RootKey;

    use super::*;
    use crate::page_keys::PageKeys;
    use crate::steps::with_at_most;

    #[test]
    fn page_keys_are_moved_whole_wherever_the_move_stops() {
        for steps in 0.. {
            let dir = tempfile::tempdir().expect("a folder");
            let (data, keys) = (dir.path().join("data"), dir.path().join("keys"));
            let folders = KeyFolders::prepare(&keys, None, &data).expect("made");
            let root = RootKey::generate();
            let (slot, key) = PageKeys::open(&folders, &root).expect("opened").allocate().expect("allocated");
            fs::rename(keys.join(NAME), data.join(NAME)).expect("renamed");
            fs::write(data.join("format"), "causeway journal 1\n").expect("written");
            let (moved, _) = with_at_most(steps, || out_of(&data, &folders));
            out_of(&data, &folders).expect("ended");
            assert!(!data.join(NAME).exists());
            assert_eq!(fs::read(data.join("format")).expect("read"), b"causeway journal 2\n");
            let opened = PageKeys::open(&folders, &root).expect("opened");
            assert_eq!(opened.key(slot).expect("there").expose(), key.expose(), "{steps}");

            // A backup from before the move brings its old page keys along: they are not taken.
            opened.destroy(&[slot]).expect("destroyed");
            fs::write(data.join(NAME), b"older").expect("written");
            fs::write(data.join("format"), "causeway journal 1\n").expect("written");
            out_of(&data, &folders).expect("ended");
            assert!(!data.join(NAME).exists());
            assert!(!PageKeys::open(&folders, &root).expect("opened").has(slot), "it does not come back");
            if moved.is_ok() {
                break;
            }
        }
    }
}
