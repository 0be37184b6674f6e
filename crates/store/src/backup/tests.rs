//! Backups of a journal with bodies, in parts that are small, and whoever alters them.

mod altered;
mod interrupted;
mod round;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use causeway_crypto::SealingPrivateKey;
use causeway_journal::v1;
use causeway_model::{EntryId, Timestamp};
use tempfile::TempDir;

use super::{BackupFolder, BackupPlace, Restore, RestoreKeys, Restored};
use crate::{Clock, Draft, DraftBody, Journal, Keys, Options, RootSource, SledLog, StoreError};

const ORIGIN: &str = "gateway.causeway.example/journal";

/// So that a backup of a few dozen entries has several parts.
const PART_BYTES: usize = 24 * 1024;

/// A journal's folders, its keys, and who its backups are sealed to.
struct Setting {
    folder: TempDir,
    keys: Arc<Keys>,
    recipient: SealingPrivateKey,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (keys, _) = Keys::load_or_create(&folder.path().join("keys")).expect("keys are made");
        Self { folder, keys: Arc::new(keys), recipient: SealingPrivateKey::generate() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, data_dir: &Path) -> Journal {
        let options = Options {
            data_dir: data_dir.to_owned(),
            keys_dir: self.at("keys"),
            mirror_dir: None,
            keys: Arc::clone(&self.keys),
            clock: Clock::manual(Timestamp(1_793_314_499_000_000)).0,
            node: "node-1".into(),
            origin: ORIGIN.into(),
            software: "causeway/0.1.0".into(),
            queue_depth: 1_024,
            signing_overlap: Duration::ZERO,
            headroom_bytes: 0,
            node_keys: None,
            index: true,
        };
        let log = SledLog::open(data_dir).expect("the log opens");
        Journal::start(Box::new(log), options).expect("the journal starts")
    }

    /// A journal with its genesis and so many entries with bodies.
    fn begin(&self, entries: u64) -> Journal {
        let journal = self.start(&self.at("data"));
        for reason in ["genesis", "genesis-complete"] {
            let mut draft = draft(0, 0);
            draft.entry.operation = v1::Operation::Administration.into();
            draft.entry.reason = reason.into();
            draft.body = None;
            wait_for(journal.append(draft)).expect("appended");
        }
        append(&journal, entries);
        journal
    }

    /// Goes on with the backup in a folder, to its end.
    fn back_up(&self, journal: &Journal, to: &Path) -> Result<BackupPlace, StoreError> {
        let mut folder = BackupFolder::open(to)?;
        let mut run = wait_for(journal.backup(folder.newest(), self.recipient.public_key()))?;
        run.part_bytes = PART_BYTES;
        while let Some(part) = wait_for(run.next())? {
            folder.begin(&part.header)?;
            // Two pieces, as messages come.
            let (first, second) = part.sealed.split_at(part.sealed.len() / 2);
            assert!(!folder.write(first)? && folder.write(second)?);
        }
        Ok(folder.newest().expect("there is a part").clone())
    }

    fn restoring(&self, from: &Path, to: &Path) -> Restore {
        Restore {
            from: from.to_owned(),
            identity: self.recipient.clone(),
            to: to.to_owned(),
            origin: ORIGIN.into(),
            trusted: Vec::new(),
            keys: Some(RestoreKeys { keys_dir: self.at("keys"), mirror_dir: None, root: RootSource::File }),
        }
    }

    fn restore(&self, from: &Path, to: &Path) -> Result<Restored, StoreError> {
        super::restore(&self.restoring(from, to), &mut |_| {})
    }
}

/// An entry with a body and openings.
fn draft(number: u64, bytes: usize) -> Draft {
    let entry = v1::Entry {
        entry_id: causeway_crypto::random::<16>().to_vec(),
        operation: v1::Operation::Consultation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: "accepted".into(),
        actor: Some(v1::Actor { agency: "gb-nca".into(), ..Default::default() }),
        request_id: u128::from(number).to_be_bytes().to_vec(),
        ..Default::default()
    };
    let body = v1::Body { schema: "victim-profile/1.0".into(), classified: vec![7; bytes], sealed: None };
    let id = EntryId::try_from(entry.entry_id.as_slice()).expect("16 bytes");
    let body = Some(DraftBody::encrypt(&body, &id, None));
    let openings = v1::Openings { operator: format!("operator-{number}"), ..Default::default() };
    Draft { entry, openings: Some(openings), body, document_text: None }
}

fn append(journal: &Journal, count: u64) {
    for number in 0..count {
        wait_for(journal.append(draft(number, 2_000))).expect("appended");
    }
}

/// Runs a future on this thread.
fn wait_for<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
