//! Filling a log that nobody serves yet, without a sync for each frame: what is in it is durable once it has been closed.

use std::io::ErrorKind;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use causeway_crypto::Digest;
use sled::Batch;

use super::{Opened, SledLog, rows};
use crate::error::StoreError;
use crate::log::{Beside, FrameLog};

/// A log in a folder that has not taken its place. A stop leaves nothing that counts.
#[derive(Debug)]
pub(crate) struct Filling(SledLog);

impl Filling {
    /// Over a log without frames.
    pub(crate) fn of(log: SledLog) -> Self {
        Self(log)
    }

    /// Puts a frame behind the newest one.
    pub(crate) fn frame(&self, id: &Digest, bytes: &[u8], beside: &Beside) -> Result<(), StoreError> {
        let seq = self.0.tail().head.next();
        self.apply(rows::batch(seq, id, bytes, beside).map_err(StoreError::Corrupt)?)?;
        self.0.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.0.tail().push(*id, seq);
        Ok(())
    }

    /// Puts a key page in its place.
    pub(crate) fn key_page(&self, number: u64, page: &[u8]) -> Result<(), StoreError> {
        if page.len() > rows::MAX_VALUE {
            return Err(StoreError::Corrupt("a key page is longer than a value may be"));
        }
        let mut batch = Batch::default();
        batch.insert(&rows::key_page_key(number), page);
        self.apply(batch)
    }

    /// Makes all of it durable, and lets go of it.
    pub(crate) fn close(self) -> Result<(), StoreError> {
        Ok(self.0.close()?)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let gate = self.0.gate.write().unwrap_or_else(PoisonError::into_inner);
        let Opened { db, .. } = gate.as_ref().ok_or(StoreError::Closed)?;
        db.apply_batch(batch).map_err(|error| match error {
            sled::Error::Io(source) if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                StoreError::VolumeFull { path: self.0.dir.clone(), source }
            }
            error => StoreError::Engine(Box::new(error)),
        })
    }
}
