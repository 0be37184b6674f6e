//! A backup of the journal for the operator: recorded first, then given out part by part, sealed to the recipient of the settings, so
//! that neither the system that carries it nor whoever has that system's certificate can read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use causeway_crypto::SealingPublicKey;
use causeway_journal::v1;
use causeway_store::{BackupPart, BackupPlace, BackupRun, StoreError};

use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange, Notice};

/// When to try again while another backup runs.
const RETRY: Duration = Duration::from_secs(10);

/// Whether a backup runs. There is one at a time: each takes some memory, and turns of the threads that read.
#[derive(Debug, Clone, Default)]
pub(crate) struct BackupTurn(Arc<AtomicBool>);

impl BackupTurn {
    fn take(&self) -> Option<Held> {
        let was_taken = self.0.swap(true, Ordering::AcqRel);
        (!was_taken).then(|| Held(Self(Arc::clone(&self.0))))
    }
}

#[derive(Debug)]
struct Held(BackupTurn);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}

/// A backup that is being given out.
#[derive(Debug)]
pub struct Backup {
    exchange: Exchange,
    run: BackupRun,
    /// Whether what follows the last part has been done.
    ended: bool,
    _turn: Held,
}

impl Exchange {
    /// Begins a backup of everything, or of what has come since `after`, sealed to `recipient`. Its entry is written before anything is
    /// read, and is in it.
    ///
    /// # Errors
    /// `Invalid` where the settings name no recipient, or where what is to be gone on with is not of this journal or not sealed to that
    /// recipient; `Denied` for an agency that does not operate the gateway; `Busy` while another backup runs; `Unavailable`.
    pub async fn open_backup(
        &self,
        caller: &Caller,
        recipient: Option<&SealingPublicKey>,
        after: Option<&BackupPlace>,
    ) -> Result<Backup, Error> {
        let (turn, recipient) = match self.may_back_up(caller, recipient) {
            Ok(may) => may,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Administration, refusal).await),
        };
        // Once to see whether it can be gone on with, and again once its entry is there, which is to be in it.
        if let Err(error) = self.journal().backup(after, recipient.clone()).await {
            let refusal = not_gone_on(error);
            return Err(self.refuse(caller, v1::Operation::Administration, refusal).await);
        }
        self.record(Said::allowed(v1::Operation::Administration, "backup-begun").by(caller)).await?;
        let run = self.journal().backup(after, recipient).await.map_err(not_gone_on)?;
        Ok(Backup { exchange: self.clone(), run, ended: false, _turn: turn })
    }

    fn may_back_up(
        &self,
        caller: &Caller,
        recipient: Option<&SealingPublicKey>,
    ) -> Result<(Held, SealingPublicKey), Error> {
        self.only_operator(caller)?;
        let recipient = recipient.ok_or_else(|| {
            let message = "the gateway's settings name nobody to seal backups to: make a pair of keys with `causeway keys new` on another \
                           machine, name its public half as [backup] recipient, and start the gateway again";
            Error::invalid("no-backup-recipient", message)
        })?;
        let turn = self.backup_turn().take().ok_or_else(|| {
            let message = "another backup runs at this moment; try again after the delay";
            Error { retry_after: Some(RETRY), ..Error::new(Class::Busy, "backup-under-way", message) }
        })?;
        Ok((turn, recipient.clone()))
    }
}

fn not_gone_on(error: StoreError) -> Error {
    match error {
        StoreError::BackupPlace(what) => {
            let message = format!("the backup that is to be gone on with {what}; begin a new one in an empty folder");
            Error::invalid("backup-not-ours", message)
        }
        error => Error::corrupt(error),
    }
}

impl Backup {
    /// The next part; none once the last one has been given, which is recorded then.
    ///
    /// # Errors
    /// `Corrupt` where what is stored does not read.
    pub async fn next(&mut self) -> Result<Option<BackupPart>, Error> {
        let part = self.run.next().await.map_err(Error::corrupt)?;
        if part.is_none() && !self.ended {
            self.ended = true;
            self.exchange.note(&Notice::BackupMade).await;
        }
        Ok(part)
    }
}
