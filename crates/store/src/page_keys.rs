//! The page-key file: fixed slots outside sled, each holding one page key wrapped under the root key.
//!
//! sled never overwrites in place, so a key that must be destroyed cannot live there. A slot can be overwritten and synced:
//! that destroys the page key, and with it every copy of the page that was written under it.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;

use causeway_crypto::{AeadKey, RootKey};

use crate::error::StoreError;
use crate::folder;

/// One slot: a mark of four bytes, then nonce (12), wrapped key (32) and tag (16).
const SLOT_BYTES: usize = 64;
const MARK: &[u8; 4] = b"CPK1";

/// Slots that are written and synced at once, ahead of their use: one sync for 64 pages, which is 8,192 keys.
const RUN: usize = 64;

/// What a slot's wrapping is bound to, with its number.
const SLOT_DOMAIN: &[u8] = b"causeway/v1/page-key-slot\0";

/// A slot's number in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u64);

/// The open page-key file.
#[derive(Debug)]
pub(crate) struct PageKeys {
    file: File,
    path: PathBuf,
    wrapping: AeadKey,
    ahead: Mutex<Ahead>,
}

/// Slots that are durable and not yet used, and the number of the first slot that is not written.
#[derive(Debug)]
struct Ahead {
    ready: VecDeque<(Slot, AeadKey)>,
    end: u64,
}

impl PageKeys {
    /// Opens, or creates, the file in a data directory. Slots of earlier runs that were never used stay unused.
    pub(crate) fn open(data_dir: &Path, root: &RootKey) -> Result<Self, StoreError> {
        let path = data_dir.join("page-keys");
        let failed = |source| StoreError::io("open the page-key file", &path, source);
        let file = folder::open_private(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        folder::sync(data_dir).map_err(failed)?;
        // A run that was cut short was never used: the next one begins at the slot after the cut.
        let ahead = Ahead { ready: VecDeque::new(), end: length.div_ceil(slot_bytes()) };
        Ok(Self { file, wrapping: root.page_wrapping_key(), ahead: Mutex::new(ahead), path: path.clone() })
    }

    /// The number of the first slot that has never been written: above every slot and every page in use.
    pub(crate) fn end(&self) -> u64 {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).end
    }

    /// A fresh page key in a slot of its own, durable before this returns.
    pub(crate) fn allocate(&self) -> Result<(Slot, AeadKey), StoreError> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.ready.is_empty() {
            self.write_run(&mut ahead)
                .map_err(|source| StoreError::io("write the page-key file", &self.path, source))?;
        }
        Ok(ahead.ready.pop_front().expect("a run has just been written"))
    }

    /// The page key in a slot.
    pub(crate) fn key(&self, slot: Slot) -> Result<AeadKey, StoreError> {
        let mut bytes = [0; SLOT_BYTES];
        let offset = slot.0.checked_mul(slot_bytes()).ok_or(StoreError::Corrupt("a page-key slot is out of range"))?;
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(|source| StoreError::io("read the page-key file", &self.path, source))?;
        let wrapped = bytes.strip_prefix(MARK).ok_or(StoreError::Corrupt("a page-key slot is empty or destroyed"))?;
        let key = self.wrapping.open(&slot_aad(slot), wrapped).map_err(StoreError::Unopened)?;
        let key = key.as_slice().try_into().map_err(|_| StoreError::Corrupt("a page key is not 32 bytes"))?;
        Ok(AeadKey::new(key))
    }

    fn write_run(&self, ahead: &mut Ahead) -> std::io::Result<()> {
        let mut bytes = Vec::with_capacity(RUN * SLOT_BYTES);
        let mut ready = VecDeque::with_capacity(RUN);
        for number in (ahead.end..).take(RUN) {
            let (slot, key) = (Slot(number), AeadKey::generate());
            bytes.extend_from_slice(MARK);
            bytes.extend_from_slice(&self.wrapping.seal(&slot_aad(slot), key.expose()));
            ready.push_back((slot, key));
        }
        self.file.write_all_at(&bytes, ahead.end * slot_bytes())?;
        self.file.sync_data()?;
        ahead.end += u64::try_from(RUN).expect("a small constant");
        ahead.ready = ready;
        Ok(())
    }
}

fn slot_aad(slot: Slot) -> Vec<u8> {
    [SLOT_DOMAIN, &slot.0.to_be_bytes()].concat()
}

const fn slot_bytes() -> u64 {
    SLOT_BYTES as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_found_again_and_never_given_twice() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = RootKey::generate();
        let keys = PageKeys::open(dir.path(), &root).expect("opened");
        let given: Vec<_> = (0..RUN + 1).map(|_| keys.allocate().expect("allocated")).collect();
        assert_eq!(given[RUN].0, Slot(64));

        let again = PageKeys::open(dir.path(), &root).expect("opened");
        for (slot, key) in &given {
            assert_eq!(again.key(*slot).expect("there").expose(), key.expose());
        }
        assert_eq!(again.allocate().expect("allocated").0, Slot(128), "the rest of a run is not used after a restart");
        assert!(PageKeys::open(dir.path(), &RootKey::generate()).expect("opened").key(Slot(0)).is_err());
    }

    #[test]
    fn a_moved_a_cut_and_an_overwritten_slot_do_not_open() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = RootKey::generate();
        let keys = PageKeys::open(dir.path(), &root).expect("opened");
        keys.allocate().expect("allocated");
        let path = dir.path().join("page-keys");
        let mut bytes = std::fs::read(&path).expect("read");
        let (first, second) = bytes.split_at_mut(SLOT_BYTES);
        first.copy_from_slice(&second[..SLOT_BYTES]);
        second[..SLOT_BYTES].fill(0);
        std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("written");
        assert!(matches!(keys.key(Slot(0)), Err(StoreError::Unopened(_))), "another slot's bytes");
        assert!(matches!(keys.key(Slot(1)), Err(StoreError::Corrupt(_))), "overwritten with zeros");
        assert!(matches!(keys.key(Slot(63)), Err(StoreError::Io { .. })), "cut");
        assert_eq!(PageKeys::open(dir.path(), &root).expect("opened").end(), 64, "a cut slot is not given again");
    }
}
