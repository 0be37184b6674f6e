//! One log that is watched: what is held of it, and the one place where a checkpoint is checked, written and signed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_crypto::sha256;
use causeway_journal::witness::{AddCheckpoint, WitnessRefusal, decide};
use causeway_journal::{Checkpoint, JournalError, VerifierKey};

use crate::config::LogKeys;
use crate::evidence::Suspicion;
use crate::folder;
use crate::held::{Held, SignedNote};
use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::register::Register;

/// One log.
#[derive(Debug)]
pub(crate) struct WatchedLog {
    origin: String,
    keys: Vec<VerifierKey>,
    /// Hexadecimal SHA-256 of the origin: the name of its file, and its place in monitors' paths.
    name: String,
    path: PathBuf,
    place: Mutex<Place>,
}

/// What is known of the file.
#[derive(Debug, Default)]
struct Place {
    /// What it holds; nothing before the first checkpoint.
    held: Option<Box<Held>>,
    /// Not so at the start, nor where a write failed, which may nevertheless have come to be: the file is read before
    /// anything is decided.
    is_sure: bool,
}

/// A checkpoint that is on disk and cosigned.
#[derive(Debug)]
pub(crate) struct Cosigned {
    /// The signature line.
    pub(crate) line: String,
    /// The log's size before.
    pub(crate) old_size: u64,
    /// What is held now.
    pub(crate) held: Held,
}

/// A checkpoint that was not cosigned.
#[derive(Debug)]
pub(crate) enum Refused {
    /// By the rules.
    Rules(WitnessRefusal),
    /// By the rules, and the log may have two histories: what is held and what was offered.
    Suspected(Box<Suspected>),
    /// It could not be read or written.
    Disk { what: &'static str, source: io::Error },
}

/// Two checkpoints that do not go together.
#[derive(Debug)]
pub(crate) struct Suspected {
    refusal: WitnessRefusal,
    pub(crate) suspicion: Suspicion,
    pub(crate) held: Held,
    pub(crate) offered: SignedNote,
}

impl Refused {
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Rules(refusal) => Refusal::Rules(refusal.clone()),
            Self::Suspected(suspected) => Refusal::Rules(suspected.refusal.clone()),
            Self::Disk { .. } => Refusal::NotStored,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules(refusal) => refusal.fmt(f),
            Self::Suspected(suspected) => suspected.refusal.fmt(f),
            Self::Disk { what, source } => write!(f, "could not {what}: {source}"),
        }
    }
}

impl WatchedLog {
    /// The log, of whose file nothing is known yet.
    pub(crate) fn new(state_dir: &Path, log: &LogKeys) -> Self {
        let name = sha256(&[log.origin.as_bytes()]).to_string();
        let path = state_dir.join(&name);
        Self { origin: log.origin.clone(), keys: log.keys.clone(), name, path, place: Mutex::default() }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What is held now; on disk for good, as everything that leaves the witness is.
    ///
    /// # Errors
    /// Before anything is known of the file, and after a write that failed: a file that does not verify, or a disk that
    /// cannot be written.
    pub(crate) fn held(&self, identity: &Identity, register: &Register) -> Result<Option<Held>, Refused> {
        let mut place = self.lock();
        Ok(self.settle(&mut place, identity, register)?.cloned())
    }

    /// Checks a request against what is held, writes the checkpoint with the cosignature, and only then gives the latter.
    /// One request at a time: no two are checked against the same state. `time` gives the cosignature's, in seconds since
    /// 1970.
    ///
    /// # Errors
    /// The refusal. Nothing of what was signed for it has left; after an error of the disk it may be in the file, which is
    /// harmless: the same request again is accepted, and another one is checked against what is there.
    pub(crate) fn add(
        &self,
        request: &AddCheckpoint,
        identity: &Identity,
        register: &Register,
        time: impl FnOnce() -> u64,
    ) -> Result<Cosigned, Refused> {
        let mut place = self.lock();
        let held = self.settle(&mut place, identity, register)?;
        let known: Option<&Checkpoint> = held.map(|held| &held.checkpoint);
        let old_size = known.map_or(0, |known| known.size);
        if let Err(refusal) = decide(known, request, &self.keys) {
            return Err(self.refused(refusal, held, request));
        }
        let signed = SignedNote::of(&request.checkpoint, &self.keys).map_err(not_cosigned)?;
        let (next, line) = Held::cosigned(&signed, identity, time()).map_err(not_cosigned)?;
        let now = next.clone();
        // The very same note within one second: whoever repeats a checkpoint, which anybody can, makes no writes.
        if held.is_none_or(|held| held.note != next.note) {
            self.write(&mut place, Box::new(next), register)?;
        }
        Ok(Cosigned { line, old_size, held: now })
    }

    /// Writes what is to be held, and that there is something, in this order: a file that the register does not have yet is
    /// entered when it is next read, and one that it has must be there.
    fn write(&self, place: &mut Place, next: Box<Held>, register: &Register) -> Result<(), Refused> {
        let failed = |what| move |source| Refused::Disk { what, source };
        // If we stop here, what was held is held.
        folder::write_beside(&self.path, next.note.as_bytes()).map_err(failed("write what is held of a log"))?;
        place.is_sure = false;
        // If we stop between these, the file is the old or the new one: the next one to look writes again what it finds.
        folder::put_in_place(&self.path).map_err(failed("put what is held of a log in its place"))?;
        register.add(&self.name).map_err(failed("write the register"))?;
        *place = Place { held: Some(next), is_sure: true };
        Ok(())
    }

    /// The refusal, with what it gives to suspect. Only what the log itself has signed can be held against it.
    fn refused(&self, refusal: WitnessRefusal, held: Option<&Held>, request: &AddCheckpoint) -> Refused {
        let proof_failed = refusal == WitnessRefusal::Unprocessable;
        let found = held.and_then(|held| {
            let offered = SignedNote::of(&request.checkpoint, &self.keys).ok()?;
            let suspicion = Suspicion::between(held, &offered, proof_failed)?;
            Some((held.clone(), offered, suspicion))
        });
        match found {
            None => Refused::Rules(refusal),
            Some((held, offered, suspicion)) => {
                Refused::Suspected(Box::new(Suspected { refusal, suspicion, held, offered }))
            }
        }
    }

    /// What is held. Where that is not known, what the file holds is written again: it may be there for this process only,
    /// and not on the disk.
    fn settle<'p>(
        &self,
        place: &'p mut Place,
        identity: &Identity,
        register: &Register,
    ) -> Result<Option<&'p Held>, Refused> {
        if !place.is_sure {
            let failed = |what| Refused::Disk { what: "read what is held of a log", source: io::Error::other(what) };
            match self.look(identity, register).map_err(failed)? {
                Some(held) => self.write(place, Box::new(held), register)?,
                None => *place = Place { held: None, is_sure: true },
            }
        }
        Ok(place.held.as_deref())
    }

    /// What the file holds, and nothing else.
    ///
    /// # Errors
    /// A file that does not verify, or is not there although the register has it; in words.
    pub(crate) fn look(&self, identity: &Identity, register: &Register) -> Result<Option<Held>, String> {
        let at = |what: String| format!("{}: {what}", self.path.display());
        match folder::read(&self.path).map_err(|error| at(error.to_string()))? {
            Some(bytes) => Held::read(&bytes, &self.origin, &self.keys, identity.verifiers()).map(Some).map_err(at),
            None if register.has(&self.name) => Err(at(format!(
                "is not there, and this witness has signed for {}: one that has forgotten what it signed must not sign",
                self.origin
            ))),
            None => Ok(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        // A panic on the way leaves what is unsure, or what was known: both are true.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A checkpoint that the rules accept and that cannot be made a note: one so long that the cosignature does not fit.
fn not_cosigned(error: JournalError) -> Refused {
    Refused::Rules(WitnessRefusal::BadRequest(error))
}
