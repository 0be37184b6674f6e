//! What can go wrong with the store, by what the caller can do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_crypto::CryptoError;
use causeway_journal::JournalError;
use causeway_model::{FrameSeq, LeafIndex, Timestamp};

use crate::log::{EngineError, ReadError};
use crate::page_keys::NodeNumber;

/// Why the store did not open, or could not answer.
#[derive(Debug)]
pub enum StoreError {
    /// The operating system refused.
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The data directory, or the keys folder, is not of a format that this version reads.
    Format {
        /// The file that says so.
        file: PathBuf,
        /// The format that it says, where it says one of a later version.
        later: Option<u32>,
        /// The newest format that this version reads.
        newest: u32,
    },
    /// Another process has the journal or its keys open.
    Locked {
        /// The data directory, or the keys folder.
        path: PathBuf,
    },
    /// Other nodes of the cluster do not answer, or have not come as far as they must first. What was asked for is to be asked for again.
    NodesAway {
        /// Which.
        nodes: Vec<NodeNumber>,
    },
    /// The engine did not open, or panicked.
    Engine(EngineError),
    /// The log that nodes share cannot be relied on, or not be reached.
    Upstream(EngineError),
    /// The log could not be read.
    Read(ReadError),
    /// A key file is absent, unreadable or not what it should be.
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: &'static str,
    },
    /// A bundle of keys does not open: it is none, or sealed to another key.
    Bundle(CryptoError),
    /// A backup, or a part of it, is not what was written, or not what it is taken for.
    Backup {
        /// The folder or the part.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A part of a backup does not open: it is sealed to another key, or was altered.
    BackupSealed {
        /// The part.
        path: PathBuf,
        /// What the opening says.
        source: CryptoError,
    },
    /// A backup cannot be gone on with by this journal: why not.
    BackupPlace(&'static str),
    /// What was to be restored is not what its signed checkpoint says. Nothing is in place.
    NotRestored {
        /// What does not hold.
        what: String,
    },
    /// A journal did not get to the other log, or not wholly.
    NotMigrated {
        /// Why.
        what: String,
    },
    /// There is no more room where a backup, or a journal from one, was to be written. A backup is gone on with once there is.
    VolumeFull {
        /// Where it was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal is smaller than, or differs from, a checkpoint that it has signed: it was truncated or an old copy
    /// was put back. It must not serve, nor sign.
    RolledBack {
        /// The tree size that was signed.
        signed_size: u64,
        /// The tree size that the log holds now.
        found_size: u64,
    },
    /// The log holds entries and the file that says how far it has come is not there.
    CheckpointMissing {
        /// The file.
        path: PathBuf,
    },
    /// The checkpoint file is not a checkpoint of this journal that a key of the ring has signed. A key that a rotation has
    /// retired does not count: whoever stole it could have made the journal up.
    CheckpointFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: EngineError,
    },
    /// A stored frame is refused by the rules.
    Replay {
        /// The frame.
        at: FrameSeq,
        /// Why it is refused.
        source: JournalError,
    },
    /// What is stored is not what was written.
    Corrupt(&'static str),
    /// A ciphertext did not open.
    Unopened(CryptoError),
    /// A proof could not be made.
    Proof(JournalError),
    /// A volume has less room than is kept back; nothing was done that would take of it.
    DiskLow,
    /// There is no such entry.
    NoSuchEntry(LeafIndex),
    /// The journal has been closed.
    Closed,
}

impl StoreError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn backup(path: &Path, what: &'static str) -> Self {
        Self::Backup { path: path.to_owned(), what }
    }

    pub(crate) fn keys(path: &Path, what: &'static str) -> Self {
        Self::Keys { path: path.to_owned(), what }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, path, .. } => write!(f, "could not {what}: {}", path.display()),
            Self::Format { file, later: Some(later), newest } => write!(
                f,
                "{} says format {later}, and this version of causeway ({}) reads formats up to {newest}: it was written by a newer \
                 version; start that one, or restore a backup that was made before the upgrade into an empty folder (docs/backup.md)",
                file.display(),
                env!("CARGO_PKG_VERSION")
            ),
            Self::Format { file, later: None, newest } => write!(
                f,
                "{} does not say a format that causeway knows (1 to {newest}): it is damaged, or the folder is something else's",
                file.display()
            ),
            Self::Locked { path } => write!(f, "another process has this folder open: {}", path.display()),
            Self::NodesAway { nodes } => {
                f.write_str("these nodes of the cluster do not answer, or are not as far:")?;
                nodes.iter().try_for_each(|node| write!(f, " {node}"))
            }
            Self::Engine(_) => f.write_str("the log's engine did not open"),
            Self::Upstream(_) => f.write_str("the log that the nodes share cannot be relied on"),
            Self::Read(_) => f.write_str("the log could not be read"),
            Self::Bundle(_) => f.write_str("the bundle of keys does not open"),
            Self::Keys { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Backup { path, what } => write!(f, "{} {what}", path.display()),
            Self::BackupSealed { path, .. } => write!(f, "{} does not open", path.display()),
            Self::BackupPlace(what) => write!(f, "the backup that is to be gone on with {what}"),
            Self::NotRestored { what } => write!(f, "the backup does not hold: {what}; nothing is in place"),
            Self::NotMigrated { what } => write!(f, "not migrated: {what}"),
            Self::VolumeFull { path, .. } => {
                write!(f, "there is no more room at {}: make some, and run the same command again", path.display())
            }
            Self::RolledBack { signed_size, found_size } if found_size < signed_size => write!(
                f,
                "the journal holds {found_size} entries but has signed a checkpoint of {signed_size}: it was truncated \
                 or an old copy was put back; restore the newest copy, nothing is served or signed until then"
            ),
            Self::RolledBack { signed_size, .. } => write!(
                f,
                "the journal's first {signed_size} entries are not those that it has signed: it was replaced; restore \
                 the newest copy, nothing is served or signed until then"
            ),
            Self::CheckpointMissing { path } => write!(
                f,
                "the journal holds entries, but {} is gone, and without it nobody can tell whether the journal was cut \
                 back; restore it from the newest copy, nothing is served or signed until then",
                path.display()
            ),
            Self::CheckpointFile { path, .. } => {
                write!(
                    f,
                    "{} is no checkpoint that a key of the ring has signed: the journal is not of these keys, or from before a \
                     rotation of the signing key; restore a newer copy of it (docs/keys.md, \"The data directory is restored \
                     from a backup\")",
                    path.display()
                )
            }
            Self::Replay { at, .. } => write!(f, "frame {at} of the log is refused by the journal's rules"),
            Self::Corrupt(what) => write!(f, "the store is damaged: {what}"),
            Self::Unopened(_) => f.write_str("a stored ciphertext does not open"),
            Self::Proof(_) => f.write_str("a proof could not be made"),
            Self::DiskLow => f.write_str("a volume has less room than is kept back"),
            Self::NoSuchEntry(leaf) => write!(f, "there is no entry {leaf}"),
            Self::Closed => f.write_str("the journal is closed"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::VolumeFull { source, .. } => Some(source),
            Self::Engine(source) | Self::Upstream(source) | Self::CheckpointFile { source, .. } => {
                Some(source.as_ref())
            }
            Self::Read(source) => Some(source),
            Self::Replay { source, .. } | Self::Proof(source) => Some(source),
            Self::Unopened(source) | Self::Bundle(source) | Self::BackupSealed { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<ReadError> for StoreError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Closed,
            other => Self::Read(other),
        }
    }
}

/// Why an entry was not appended. Only `Stopped` leaves open whether it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendFailure {
    /// The queue is full; nothing was taken. Try again a little later.
    Busy,
    /// The journal has stopped, for this reason. The entry may be in the log or not: what the journal holds after the
    /// next start is the truth.
    Stopped(Arc<str>),
    /// The journal is halted, for this reason: its history is not what it has signed. The entry counts for nothing.
    Halted(Arc<str>),
    /// The machine's clock is more than 5 s behind the journal's newest entry. Nothing was appended.
    ClockBehind {
        /// The machine's time.
        now: Timestamp,
        /// The newest entry's time.
        newest: Timestamp,
    },
    /// The machine's clock has jumped more than an hour ahead of the time that has passed, and has not run on for ten minutes since.
    /// Nothing was appended.
    ClockAhead {
        /// The machine's time.
        now: Timestamp,
        /// What it would be without the jump.
        expected: Timestamp,
    },
    /// A volume has less room than is kept back, and the entry is none that is written of that. Nothing was appended.
    DiskLow,
    /// What is being written has not come to the disk for long ([`STALL`](crate::STALL)). Nothing of this entry was appended.
    Stalled,
    /// The log that nodes share did not take the entry's frame, or took it where it counts for nothing, for this reason. The same may be
    /// tried again.
    NotTaken(Arc<str>),
    /// The entry or what travels with it exceeds a limit. Nothing was appended.
    TooLarge(&'static str),
    /// The entry is not one that the journal's rules take. Nothing was appended.
    Refused(JournalError),
}

impl fmt::Display for AppendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the journal's queue is full"),
            Self::Stopped(reason) => write!(f, "the journal has stopped: {reason}"),
            Self::Halted(reason) => write!(f, "the journal is halted: {reason}"),
            Self::ClockBehind { now, newest } => {
                write!(f, "the clock says {now}, but the journal's newest entry is of {newest}")
            }
            Self::ClockAhead { now, expected } => {
                write!(f, "the clock says {now}, where by the time that has passed it should say {expected}")
            }
            Self::DiskLow => f.write_str("a volume has less room than is kept back"),
            Self::Stalled => f.write_str("what was written before does not come to the disk"),
            Self::NotTaken(reason) => write!(f, "the shared log did not take it: {reason}"),
            Self::TooLarge(what) => write!(f, "{what} exceeds its limit"),
            Self::Refused(_) => f.write_str("the journal's rules refuse the entry"),
        }
    }
}

impl Error for AppendFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(source) => Some(source),
            _ => None,
        }
    }
}
