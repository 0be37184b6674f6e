//! Checkpoints: the newest, the newest that witnesses have cosigned, and those of the past, of which some are kept.

use std::sync::{Arc, Mutex, PoisonError};

use causeway_journal::{note, v1};
use causeway_model::{SystemId, Timestamp};

use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange, Tallied};

/// Checkpoints of a list where the caller states no limit.
const DEFAULT_CHECKPOINTS: u32 = 100;

/// Most checkpoints of a list.
const MAX_CHECKPOINTS: u32 = 1_000;

/// Of the log's own checkpoints and of the witnessed ones, one in so long is kept.
const KEEP_EVERY_MICROS: u64 = 600_000_000;

/// Which checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The newest.
    Newest,
    /// The newest that the witnesses' quorum has cosigned.
    Witnessed,
    /// The one that was kept of this tree size.
    OfSize(u64),
}

/// A checkpoint, and what belongs to it.
#[derive(Debug, Clone)]
pub struct PublishedCheckpoint {
    /// The signed note that was asked for.
    pub checkpoint: Arc<str>,
    /// The key that verifies the log's own newest one.
    pub verifier_key: String,
    /// The newest that the witnesses' quorum has cosigned.
    pub witnessed: Option<Arc<str>>,
    /// Why the journal is halted.
    pub halted: Option<Arc<str>>,
}

/// Checkpoints of the past, the smallest first.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// Signed notes.
    pub notes: Vec<String>,
    /// The size of the next one; none at the end.
    pub next: Option<u64>,
}

/// When checkpoints were kept last.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<[Option<Last>; 2]>);

/// A kept checkpoint.
#[derive(Debug, Clone)]
struct Last {
    at: Timestamp,
    note: Arc<str>,
}

impl Exchange {
    /// A checkpoint. Of a journal that is halted or has stopped it is given too, without an entry, since none can be written.
    ///
    /// # Errors
    /// `NotFound` where there is none such; `Denied` for a purpose for which the law lets no log be used; `Unavailable`.
    pub async fn published_checkpoint(&self, caller: &Caller, which: Which) -> Result<PublishedCheckpoint, Error> {
        let asked = Said::allowed(v1::Operation::Consultation, "checkpoint").by(caller);
        match self.audit(caller, asked).await {
            Err(error) if self.is_healthy() || !caller.purpose.code.permits_audit() => return Err(error),
            Ok(_) | Err(_) => {}
        }
        let found = self.found_checkpoint(which).await?;
        match found {
            Some(found) => Ok(found),
            None if self.is_healthy() => {
                Err(self.refuse(caller, v1::Operation::Consultation, unknown_checkpoint(which)).await)
            }
            None => Err(unknown_checkpoint(which)),
        }
    }

    /// The same for who reads it as a file: hashes only, so it is summed up.
    ///
    /// # Errors
    /// `NotFound` where there is none such; `Unavailable`.
    pub async fn checkpoint_file(&self, system: &SystemId, which: Which) -> Result<Arc<str>, Error> {
        self.tally("", Some(system), Tallied::HashesRead, 1);
        let found = self.found_checkpoint(which).await?;
        found.map(|found| found.checkpoint).ok_or_else(|| unknown_checkpoint(which))
    }

    async fn found_checkpoint(&self, which: Which) -> Result<Option<PublishedCheckpoint>, Error> {
        let (newest, verifier_key) = self.newest_with_key().await?;
        let witnessed = self.witnessed().checkpoint();
        let checkpoint = match which {
            Which::Newest => Some(newest),
            Which::Witnessed => witnessed.clone(),
            Which::OfSize(size) => self.checkpoint_of(size).await?,
        };
        let halted = self.halted();
        Ok(checkpoint.map(|checkpoint| PublishedCheckpoint { checkpoint, verifier_key, witnessed, halted }))
    }

    /// The newest checkpoint, and the key that verifies it.
    async fn newest_with_key(&self) -> Result<(Arc<str>, String), Error> {
        let mut after_stop = 0;
        loop {
            // The two are read one after the other, and the key may have been rotated in between.
            let (changed, key) = (self.changed(), self.journal().verifier_key());
            let (checkpoint, _) = self.head()?;
            if note::verify(&checkpoint, &key).is_ok() {
                return Ok((checkpoint, key.to_string()));
            }
            match (self.is_running(), after_stop) {
                (true, _) => changed.await,
                // It may have been halted in between: then there is another pair, which stays.
                (false, 0) => after_stop = 1,
                (false, _) => return Err(self.unavailable()),
            }
        }
    }

    /// The checkpoint that is known of a tree size; none where none is.
    pub(crate) async fn checkpoint_of(&self, size: u64) -> Result<Option<Arc<str>>, Error> {
        let kept = self.journal().checkpoint_of(size).await.map_err(Error::corrupt)?;
        if let Some(kept) = kept {
            return Ok(Some(kept.into()));
        }
        let witnessed = self.witnessed().newest().filter(|witnessed| witnessed.size == size);
        let (newest, newest_size) = self.head()?;
        Ok(witnessed.map(|witnessed| witnessed.note).or_else(|| (newest_size == size).then_some(newest)))
    }

    /// Checkpoints of the past, of this tree size and larger ones; 0 stands for a hundred of them.
    ///
    /// # Errors
    /// `Invalid` for more than a thousand; `Denied`; `Unavailable`.
    pub async fn checkpoints(&self, caller: &Caller, from_size: u64, limit: u32) -> Result<Checkpoints, Error> {
        if limit > MAX_CHECKPOINTS {
            let message = "a list has at most 1,000 checkpoints: go on with the size that it names";
            return Err(self.refused(caller, "too-many-checkpoints", message).await);
        }
        self.audit(caller, Said::allowed(v1::Operation::Consultation, "checkpoints").by(caller)).await?;
        let limit = if limit == 0 { DEFAULT_CHECKPOINTS } else { limit };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut notes = self.journal().checkpoints(from_size, limit + 1).await.map_err(Error::corrupt)?;
        let beyond = if notes.len() > limit { notes.pop() } else { None };
        let next = beyond.and_then(|note| note.lines().nth(1).and_then(|size| size.parse().ok()));
        Ok(Checkpoints { notes, next })
    }

    /// Keeps checkpoints for the time when their sizes are the past: the newest, and the newest witnessed one, each at most every ten
    /// minutes while the log grows, or at once.
    pub(crate) async fn keep_checkpoints(&self, at_once: bool) {
        if self.halted().is_some() || self.is_disk_low() {
            return;
        }
        let (now, newest) = (self.now(), [Some(self.journal().checkpoint()), self.witnessed().checkpoint()]);
        for (place, note) in newest.into_iter().enumerate() {
            let Some(note) = note.filter(|note| self.kept_checkpoints().is_due(place, note, now, at_once)) else {
                continue;
            };
            match self.journal().keep_checkpoint(Arc::clone(&note)).await {
                Ok(_) => self.kept_checkpoints().noted(place, Last { at: now, note }),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a checkpoint was not kept for later");
                }
            }
        }
    }
}

impl Kept {
    fn is_due(&self, place: usize, note: &Arc<str>, now: Timestamp, at_once: bool) -> bool {
        let lasts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = lasts.get(place).and_then(Option::as_ref);
        last.is_none_or(|last| last.note != *note && (at_once || now.0.abs_diff(last.at.0) >= KEEP_EVERY_MICROS))
    }

    fn noted(&self, place: usize, last: Last) {
        if let Some(slot) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *slot = Some(last);
        }
    }
}

fn unknown_checkpoint(which: Which) -> Error {
    let message = match which {
        Which::Newest => "there is no checkpoint yet",
        Which::Witnessed => "no quorum of witnesses has cosigned a checkpoint of this journal, or it has no witnesses",
        Which::OfSize(_) => "no checkpoint of this size was kept; the list of checkpoints says which were",
    };
    Error::new(Class::NotFound, "unknown-checkpoint", message)
}
