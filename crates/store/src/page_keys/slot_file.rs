//! One file of slots, and what a slot's bytes say of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use causeway_crypto::random;

use super::Slot;
use crate::error::StoreError;
use crate::folder;
use crate::steps;

/// One slot: a mark of four bytes, then nonce (12), wrapped key (32) and tag (16).
pub(super) const SLOT_BYTES: usize = 64;
const MARK_BYTES: usize = 4;
/// Before a wrapped key.
const WRITTEN: &[u8; MARK_BYTES] = b"CPK1";
/// Before random bytes that lie where a wrapped key was. A mark of its own, so that a damaged slot is not taken for a
/// destroyed one: destruction spreads to the mirror, damage is repaired from it.
const DESTROYED: &[u8; MARK_BYTES] = b"CPKX";

pub(super) type SlotBytes = [u8; SLOT_BYTES];

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// A wrapped key.
    Key(&'a [u8]),
    /// A key was destroyed here.
    Destroyed,
    /// It was never written, or is damaged.
    Nothing,
}

pub(super) fn content(bytes: &SlotBytes) -> Content<'_> {
    match bytes.split_first_chunk::<MARK_BYTES>() {
        Some((WRITTEN, wrapped)) => Content::Key(wrapped),
        Some((DESTROYED, _)) => Content::Destroyed,
        _ => Content::Nothing,
    }
}

/// A slot with a wrapped key in it.
pub(super) fn written(wrapped: &[u8]) -> SlotBytes {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..MARK_BYTES].copy_from_slice(WRITTEN);
    bytes[MARK_BYTES..].copy_from_slice(wrapped);
    bytes
}

/// What a slot is overwritten with.
pub(super) fn destroyed() -> SlotBytes {
    let mut bytes = random();
    bytes[..MARK_BYTES].copy_from_slice(DESTROYED);
    bytes
}

/// The open file.
#[derive(Debug)]
pub(super) struct SlotFile {
    file: File,
    path: PathBuf,
}

impl SlotFile {
    /// Opens the file, making it where it is absent.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::io("open the page-key file", path, source);
        let file = folder::open_private(path).map_err(failed)?;
        folder::sync(folder::parent_of(path)).map_err(failed)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Opens the file for reading.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::io("open the page-key file", path, source))?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many slots it reaches over; the last may be cut.
    pub(super) fn slots(&self) -> Result<u64, StoreError> {
        let length = self.file.metadata().map_err(|source| self.failed("read the page-key file", source))?.len();
        Ok(length.div_ceil(SLOT_BYTES as u64))
    }

    /// Up to `count` slots from the place `first` on; what lies beyond the end reads as zeros.
    pub(super) fn read(&self, first: u64, count: usize) -> Result<Vec<SlotBytes>, StoreError> {
        let mut bytes = vec![0; count * SLOT_BYTES];
        let offset = offset(first)?;
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.failed("read the page-key file", source)),
            }
        }
        Ok(bytes.as_chunks().0.to_vec())
    }

    /// Writes slots from `first` on. They are durable after [`SlotFile::sync`].
    pub(super) fn write(&self, first: Slot, slots: &[SlotBytes]) -> Result<(), StoreError> {
        let offset = offset(first.index())?;
        steps::next()
            .and_then(|()| self.file.write_all_at(slots.as_flattened(), offset))
            .map_err(|source| self.failed("write the page-key file", source))
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        steps::next()
            .and_then(|()| self.file.sync_data())
            .map_err(|source| self.failed("write the page-key file", source))
    }

    fn failed(&self, what: &'static str, source: io::Error) -> StoreError {
        StoreError::io(what, &self.path, source)
    }
}

fn offset(index: u64) -> Result<u64, StoreError> {
    index.checked_mul(SLOT_BYTES as u64).ok_or(StoreError::Corrupt("a page-key slot is out of range"))
}
