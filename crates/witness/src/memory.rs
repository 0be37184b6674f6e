//! What the witness holds of all its logs: opened and verified whole, or not at all, and by one process at a time.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway_crypto::Digest;
use causeway_journal::witness::{AddCheckpoint, WitnessRefusal, decide};

use crate::config::Config;
use crate::error::Error;
use crate::evidence::Evidence;
use crate::folder;
use crate::held::Held;
use crate::identity::Identity;
use crate::register::Register;
use crate::watched_log::{Cosigned, Refused, WatchedLog};

/// The file that is locked while a witness runs.
const LOCK: &str = "lock";

/// The logs, the identity that signs for them, and the folder.
#[derive(Debug)]
pub(crate) struct Memory {
    identity: Identity,
    register: Register,
    logs: Vec<WatchedLog>,
    /// The newest time of any cosignature, in seconds since 1970.
    newest_time: AtomicU64,
    evidence: Evidence,
    /// Keeps every other process away from the folder.
    _lock: File,
}

/// Makes the state folder of a witness that has never run.
///
/// # Errors
/// A folder that a witness has begun in already, or one that cannot be made.
pub fn begin(config: &Config) -> Result<(), Error> {
    let folder = &config.state_dir;
    let at = |what: String| Error::one(format!("{}: {what}", folder.display()));
    folder::create_private(folder).map_err(|error| at(error.to_string()))?;
    let _lock = lock(folder).map_err(Error::one)?;
    let mut entries = std::fs::read_dir(folder).map_err(|error| at(error.to_string()))?;
    // A beginning that a power cut has interrupted is begun again: nothing is signed before the register is in its place.
    let begun = |name: &std::ffi::OsStr| name != LOCK && !Register::is_unfinished(name);
    let is_used = entries.any(|entry| entry.is_ok_and(|entry| begun(&entry.file_name())));
    if is_used || Register::exists(folder) {
        return Err(at("a witness has begun here already: start without --begin".into()));
    }
    Register::create(folder).map_err(|error| at(error.to_string()))
}

impl Memory {
    /// Opens the folder. Every file of a log in the settings is verified before any is signed for.
    ///
    /// # Errors
    /// All faults, one line each.
    pub(crate) fn open(config: &Config, identity: Identity) -> Result<Self, Vec<String>> {
        let folder = &config.state_dir;
        // Before a lock is made in it: whether this is the folder of a witness at all.
        Register::open(folder).map_err(|fault| vec![fault])?;
        let lock = lock(folder).map_err(|fault| vec![fault])?;
        let register = Register::open(folder).map_err(|fault| vec![fault])?;
        let logs: Vec<_> = config.logs.iter().map(|log| WatchedLog::new(folder, log)).collect();
        let faults: Vec<_> = logs.iter().filter_map(|log| log.look(&identity, &register).err()).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut newest = 0;
        for log in &logs {
            let held = log.held(&identity, &register).map_err(|refused| vec![refused.to_string()])?;
            newest = newest.max(held.map_or(0, |held| held.time));
        }
        let evidence = Evidence::in_dir(folder);
        Ok(Self { identity, register, logs, newest_time: AtomicU64::new(newest), evidence, _lock: lock })
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn logs(&self) -> usize {
        self.logs.len()
    }

    pub(crate) fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The newest time of any cosignature, in seconds since 1970; 0 before the first.
    pub(crate) fn newest_time(&self) -> u64 {
        self.newest_time.load(Ordering::SeqCst)
    }

    /// The log that a request is about, by the first line of its checkpoint.
    ///
    /// # Errors
    /// A checkpoint that is no note, or of a log that is not watched.
    pub(crate) fn log(&self, request: &AddCheckpoint) -> Result<&WatchedLog, WitnessRefusal> {
        let found = self.logs.iter().find(|log| log.origin() == request.origin());
        // Without keys the rules can say only why not.
        found.ok_or_else(|| decide(None, request, &[]).err().unwrap_or(WitnessRefusal::UnknownOrigin))
    }

    /// Has a log check, write and sign a request; `now` is in seconds since 1970. No cosignature has an earlier time than
    /// the one before it, whatever the clock was set to.
    ///
    /// # Errors
    /// As [`WatchedLog::add`].
    pub(crate) fn add(&self, log: &WatchedLog, request: &AddCheckpoint, now: u64) -> Result<Cosigned, Refused> {
        let time = || self.newest_time.fetch_max(now, Ordering::SeqCst).max(now);
        log.add(request, &self.identity, &self.register, time)
    }

    /// The newest checkpoint of the log whose file has this name, with its cosignature; none where there is no such log, or
    /// nothing of it yet.
    ///
    /// # Errors
    /// As [`WatchedLog::held`].
    pub(crate) fn checkpoint(&self, name: &str) -> Result<Option<String>, Refused> {
        match self.logs.iter().find(|log| log.name() == name) {
            None => Ok(None),
            Some(log) => Ok(log.held(&self.identity, &self.register)?.map(|held| held.note)),
        }
    }
}

fn lock(folder: &Path) -> Result<File, String> {
    let path = folder.join(LOCK);
    let at = |what: String| format!("{}: {what}", path.display());
    let file = folder::open_private(&path).map_err(|error| at(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(at("another witness is running in this folder".into())),
        Err(TryLockError::Error(error)) => Err(at(error.to_string())),
    }
}

/// What is held of one log, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastHeld {
    /// The log's name.
    pub origin: String,
    /// Hexadecimal SHA-256 of the name: where monitors find the checkpoint, at `/<this>/checkpoint`.
    pub name: String,
    /// Its newest checkpoint; none before the first.
    pub checkpoint: Option<LastCheckpoint>,
}

/// The newest checkpoint that was cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCheckpoint {
    /// Number of leaves.
    pub size: u64,
    /// Root hash.
    pub root: Digest,
    /// When it was cosigned, in seconds since 1970.
    pub time_seconds: u64,
}

/// What is held of each log of the settings, verified as at a start. A witness may be running meanwhile.
///
/// # Errors
/// All faults, as a start would have them.
pub fn last_held(config: &Config) -> Result<Vec<LastHeld>, Error> {
    let identity = Identity::load(config).map_err(Error::one)?;
    let register = Register::open(&config.state_dir).map_err(Error::one)?;
    let (mut logs, mut faults) = (Vec::new(), Vec::new());
    for log in config.logs.iter().map(|log| WatchedLog::new(&config.state_dir, log)) {
        match log.look(&identity, &register) {
            Ok(held) => logs.push(LastHeld {
                origin: log.origin().to_owned(),
                name: log.name().to_owned(),
                checkpoint: held.map(LastCheckpoint::from),
            }),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(logs) } else { Err(Error::Faults(faults)) }
}

impl From<Held> for LastCheckpoint {
    fn from(held: Held) -> Self {
        Self { size: held.checkpoint.size, root: held.checkpoint.root, time_seconds: held.time }
    }
}
