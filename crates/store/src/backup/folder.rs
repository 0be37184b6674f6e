//! The folder that a backup is kept in: a part takes its place only when it is whole and synced, so that a stop at any moment leaves
//! a backup that another run goes on with.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use causeway_crypto::{Digest, sha256};

use super::header::{HEADER_BYTES, Header};
use super::place::BackupPlace;
use crate::error::StoreError;
use crate::folder;
use crate::steps;

/// What parts' names begin with; then the number, in eight digits or more.
const PART: &str = "part-";

/// A part on its way into its place.
#[derive(Debug)]
struct Writing {
    header: Header,
    file: File,
    /// Bytes that are still to come.
    left: u64,
}

/// The folder, held by one writer.
#[derive(Debug)]
pub struct BackupFolder {
    dir: PathBuf,
    newest: Option<BackupPlace>,
    bytes: u64,
    writing: Option<Writing>,
    _lock: File,
}

impl BackupFolder {
    /// Opens a backup to go on with it; makes the folder where it is absent. What an interrupted run left half written is removed.
    ///
    /// # Errors
    /// [`StoreError::Backup`] where what is there is not parts that follow each other; [`StoreError::Locked`] while another process
    /// writes to it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        if !dir.exists() && !folder::parent_of(dir).is_dir() {
            let what = "cannot be made: the folder that it is to be in is not there; is its volume mounted?";
            return Err(StoreError::backup(dir, what));
        }
        folder::create_private(dir).map_err(|source| StoreError::io("make the backup's folder", dir, source))?;
        let lock = lock(dir)?;
        let parts = parts(dir)?;
        remove_unfinished(dir).map_err(|source| StoreError::io("tidy the backup's folder", dir, source))?;
        // What was renamed before a stop may not have been synced into the folder yet.
        folder::sync(dir).map_err(|source| StoreError::io("sync the backup's folder", dir, source))?;
        let bytes = parts.iter().map(|(_, header)| header.file_bytes()).sum();
        let newest = match parts.into_iter().next_back() {
            Some((path, header)) => Some(BackupPlace { digest: digest_of(&path)?, header }),
            None => None,
        };
        Ok(Self { dir: dir.to_owned(), newest, bytes, writing: None, _lock: lock })
    }

    /// The newest part; none in an empty folder.
    pub const fn newest(&self) -> Option<&BackupPlace> {
        self.newest.as_ref()
    }

    /// Bytes of all parts that are in their places.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Begins the next part by its header.
    ///
    /// # Errors
    /// [`StoreError::Backup`] where it does not go on from the newest one; [`StoreError::VolumeFull`].
    pub fn begin(&mut self, head: &[u8]) -> Result<(), StoreError> {
        let refused = |what| StoreError::backup(&self.dir, what);
        if self.writing.is_some() {
            return Err(refused("was given a part before the one before it was whole"));
        }
        let header = Header::decode(head).map_err(refused)?;
        match &self.newest {
            Some(newest) => header.follows(&newest.header, &newest.digest),
            None => header.begins(),
        }
        .map_err(refused)?;
        let path = folder::beside(&place(&self.dir, header.part));
        let begun = steps::next().and_then(|()| create(&path)).and_then(|mut file| {
            file.write_all(head)?;
            Ok(file)
        });
        let file = begun.map_err(|source| self.failed(&path, source))?;
        let left = header.file_bytes() - HEADER_BYTES as u64;
        self.writing = Some(Writing { header, file, left });
        Ok(())
    }

    /// Takes the part's next bytes. With the last of them it is synced and takes its place; says whether it did.
    ///
    /// # Errors
    /// [`StoreError::VolumeFull`] where there is no more room: what is half written is removed, and the backup can be gone on with.
    pub fn write(&mut self, sealed: &[u8]) -> Result<bool, StoreError> {
        let refused = |what| StoreError::backup(&self.dir, what);
        let Some(writing) = &mut self.writing else { return Err(refused("was given chunks of no part")) };
        let left = writing.left.checked_sub(sealed.len() as u64);
        writing.left = left.ok_or_else(|| refused("was given more than the part's header says"))?;
        let written = steps::next().and_then(|()| writing.file.write_all(sealed));
        if writing.left > 0 && written.is_ok() {
            return Ok(false);
        }
        let writing = self.writing.take().expect("it is there");
        let path = place(&self.dir, writing.header.part);
        match written.and_then(|()| settle(&writing.file, &path)) {
            Ok(()) => {
                self.bytes += writing.header.file_bytes();
                self.newest = Some(BackupPlace { header: writing.header, digest: digest_of(&path)? });
                Ok(true)
            }
            Err(source) => Err(self.failed(&folder::beside(&path), source)),
        }
    }

    /// Makes room where a write failed, and says why it did.
    fn failed(&self, unfinished: &Path, source: io::Error) -> StoreError {
        if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            let _ = fs::remove_file(unfinished);
            return StoreError::VolumeFull { path: self.dir.clone(), source };
        }
        StoreError::io("write a part of the backup", unfinished, source)
    }
}

/// Syncs a part and puts it in its place. If we stop before the rename, the next run makes it again; after it, it is whole.
fn settle(file: &File, path: &Path) -> io::Result<()> {
    steps::next()?;
    file.sync_all()?;
    steps::next()?;
    fs::rename(folder::beside(path), path)?;
    steps::next()?;
    folder::sync(folder::parent_of(path))
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let failed = |source| StoreError::io("lock the backup's folder", &path, source);
    let file = folder::open_private(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The parts of a folder in order, each with its header: they are there without a gap, follow each other, and none is cut off.
pub(super) fn parts(dir: &Path) -> Result<Vec<(PathBuf, Header)>, StoreError> {
    let mut numbers = Vec::new();
    let failed = |source| StoreError::io("list the backup's folder", dir, source);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PART)).map(str::parse::<u64>);
        numbers.extend(number.and_then(Result::ok));
    }
    numbers.sort_unstable();
    let mut parts: Vec<(PathBuf, Header)> = Vec::new();
    for number in numbers {
        let path = place(dir, number);
        let header = header_of(&path)?;
        let follows = match parts.last() {
            // Its digest is compared by whoever reads all of the part.
            Some((_, before)) => header.follows(before, &header.previous),
            None => header.begins(),
        };
        let named = if header.part == number { follows } else { Err("is not the part that its name says") };
        named.map_err(|what| StoreError::backup(&path, what))?;
        parts.push((path, header));
    }
    Ok(parts)
}

fn header_of(path: &Path) -> Result<Header, StoreError> {
    let failed = |source| StoreError::io("read a part of the backup", path, source);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut head = Vec::with_capacity(HEADER_BYTES);
    (&file).take(HEADER_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
    let header = Header::decode(&head).map_err(|what| StoreError::backup(path, what))?;
    if length == header.file_bytes() {
        Ok(header)
    } else {
        Err(StoreError::backup(path, "is cut off, or longer than it was"))
    }
}

fn digest_of(path: &Path) -> Result<Digest, StoreError> {
    let bytes = fs::read(path).map_err(|source| StoreError::io("read a part of the backup", path, source))?;
    Ok(sha256(&[&bytes]))
}

fn place(dir: &Path, part: u64) -> PathBuf {
    dir.join(format!("{PART}{part:08}"))
}

fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(PART) && name.ends_with(".new") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
