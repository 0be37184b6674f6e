//! Opening and closing sled so that a power cut at any moment leaves a log that opens again.
//!
//! sled 0.34.7 syncs neither its folders nor `conf`, and leaves a snapshot file behind when it is cut off while opening,
//! on which every later open fails. The steps here are those that were shown to be needed by simulated power cuts.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sled::Db;

use crate::error::StoreError;
use crate::folder;

/// Memory that sled's page cache aims at; its real use is about 1.8 times that.
const CACHE_BYTES: u64 = 64 << 20;

/// Where sled keeps all of its log.
pub(super) const DB_FILE: &str = "db";

/// How long a lock that another holds is waited for: sled lets go of its own a little after its last handle is dropped.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Takes the data directory's lock file, so that no second process tidies up under a first one.
pub(super) fn lock(data_dir: &Path) -> Result<File, StoreError> {
    let path = data_dir.join("lock");
    let file = folder::open_private(&path).map_err(|source| StoreError::io("open the lock file", &path, source))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => sleep(LOCK_PAUSE),
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::Locked { path: data_dir.to_owned() }),
            Err(fs::TryLockError::Error(source)) => return Err(StoreError::io("lock", &path, source)),
        }
    }
}

/// Opens sled in `dir`, with a second handle on its `db` file for syncing. Where there is no such folder, a new log is made
/// beside its place and put there whole: sled never opens a `conf` again that a power cut, or a kill, has left half written.
pub(super) fn open(dir: &Path) -> Result<(Db, File), StoreError> {
    if !dir.exists() {
        make(dir)?;
    }
    open_in(dir)
}

fn make(dir: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::io("create the log's folder", dir, source);
    let next = folder::beside(dir);
    match fs::remove_dir_all(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    folder::create_private(&next).map_err(failed)?;
    // If we stop here, the next start takes away what there is, and makes it anew.
    drop(open_in(&next)?);
    fs::rename(&next, dir).and_then(|()| folder::sync(folder::parent_of(dir))).map_err(failed)
}

fn open_in(dir: &Path) -> Result<(Db, File), StoreError> {
    let failed = |source| StoreError::io("open the log", dir, source);
    remove_half_made_snapshots(dir).map_err(failed)?;
    sync_if_there(&dir.join(DB_FILE)).map_err(failed)?;
    let db = open_engine(dir)?;
    let file = OpenOptions::new().read(true).write(true).open(dir.join(DB_FILE)).map_err(failed)?;
    db.flush().map_err(|error| StoreError::Engine(Box::new(error)))?;
    folder::tighten(dir).map_err(failed)?;
    sync_all(dir, &file).map_err(failed)?;
    Ok((db, file))
}

/// Syncs everything that sled keeps in `dir`, and the folder into its parent.
pub(super) fn sync_all(dir: &Path, db_file: &File) -> io::Result<()> {
    db_file.sync_all()?;
    sync_if_there(&dir.join("conf"))?;
    sync_if_there(&dir.join("blobs"))?;
    folder::sync(dir)?;
    folder::sync(folder::parent_of(dir))
}

/// Lets go of what the kernel has in memory of a file whose sync has failed. It takes such pages for written and goes on showing them,
/// and a later sync succeeds: a start that read them would acknowledge what the disk has never had.
pub(super) fn forget_cached(db_file: &File) {
    if let Err(error) = rustix::fs::fadvise(db_file, 0, None, rustix::fs::Advice::DontNeed) {
        tracing::warn!(error = &error as &dyn std::error::Error, "what is cached of the log could not be dropped");
    }
}

/// sled reads every `snap.*` file as a snapshot, also one that it had not finished. The one before it is still there.
fn remove_half_made_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path)?;
        }
    }
    folder::sync(dir)
}

fn sync_if_there(path: &Path) -> io::Result<()> {
    match folder::sync(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn open_engine(dir: &Path) -> Result<Db, StoreError> {
    let start = Instant::now();
    loop {
        let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        match caught(|| config.open())? {
            Ok(db) => return Ok(db),
            Err(error) if is_lock(&error) && start.elapsed() < LOCK_PATIENCE => sleep(LOCK_PAUSE),
            Err(error) if is_lock(&error) => return Err(StoreError::Locked { path: dir.to_owned() }),
            Err(error) => return Err(StoreError::Engine(Box::new(error))),
        }
    }
}

/// sled can panic on a damaged file; that must be an error with a reason, not the end of the process.
fn caught<T>(open: impl FnOnce() -> T) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(open))
        .map_err(|_| StoreError::Engine("sled panicked while it opened its files: they are damaged".into()))
}

fn is_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_was_half_made_is_made_anew() {
        let outer = tempfile::tempdir().expect("a folder");
        let (dir, next) = (outer.path().join("log"), outer.path().join("log.new"));
        fs::create_dir(&next).expect("made");
        fs::write(next.join("conf"), [7; 58]).expect("written");
        open(&dir).expect("opened");
        assert!(dir.join("conf").exists() && !next.exists());
    }

    #[test]
    fn a_panic_of_the_engine_is_an_error() {
        let refused = caught(|| -> sled::Result<Db> { panic!("tried to serialize Uninitialized") });
        assert!(matches!(refused, Err(StoreError::Engine(_))));
    }
}
