//! A data directory with its keys, and drafts to append.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use causeway_journal::v1;
use causeway_model::{EntryId, Timestamp};
use causeway_store::{Clock, Committed, Draft, DraftBody, FrameLog, Journal, Keys, Options, SledLog, StoreError};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "gateway.causeway.example/journal";

/// A folder of its own, a clock that stands still, and keys.
pub(crate) struct Setting {
    pub(crate) folder: TempDir,
    pub(crate) keys: Arc<Keys>,
    pub(crate) mirrored: bool,
    pub(crate) clock: Clock,
    pub(crate) queue_depth: usize,
    pub(crate) signing_overlap: Duration,
    pub(crate) headroom_bytes: u64,
}

impl Setting {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (keys, _) = Keys::load_or_create(&folder.path().join("keys")).expect("keys are made");
        let (clock, _) = Clock::manual(Timestamp(1_793_314_499_000_000));
        Self {
            folder,
            keys: Arc::new(keys),
            mirrored: false,
            clock,
            queue_depth: 1_024,
            signing_overlap: Duration::ZERO,
            headroom_bytes: 0,
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn keys_dir(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    pub(crate) fn mirror_dir(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    /// Reads the keys from their files, as the next start of the gateway does.
    pub(crate) fn read_keys(&mut self) {
        let (keys, created) = Keys::load_or_create(&self.keys_dir()).expect("keys are read");
        assert!(!created);
        self.keys = Arc::new(keys);
    }

    pub(crate) fn log(&self) -> SledLog {
        SledLog::open(&self.data_dir()).expect("the log opens")
    }

    pub(crate) fn start(&self) -> Journal {
        self.start_over(Box::new(self.log())).expect("the journal starts")
    }

    /// A journal with its genesis behind it: two entries.
    pub(crate) fn begin(&self) -> Journal {
        let journal = self.start();
        genesis(&journal);
        journal
    }

    pub(crate) fn start_over(&self, log: Box<dyn FrameLog>) -> Result<Journal, StoreError> {
        self.start_in(&self.data_dir(), log)
    }

    pub(crate) fn start_in(&self, data_dir: &Path, log: Box<dyn FrameLog>) -> Result<Journal, StoreError> {
        Journal::start(log, self.options(data_dir, Arc::clone(&self.keys)))
    }

    pub(crate) fn options(&self, data_dir: &Path, keys: Arc<Keys>) -> Options {
        Options {
            data_dir: data_dir.to_owned(),
            keys_dir: self.keys_dir(),
            mirror_dir: self.mirrored.then(|| self.mirror_dir()),
            keys,
            clock: self.clock.clone(),
            node: "node-1".into(),
            origin: ORIGIN.into(),
            software: "causeway/0.1.0".into(),
            signing_overlap: self.signing_overlap,
            headroom_bytes: self.headroom_bytes,
            node_keys: None,
            queue_depth: self.queue_depth,
            index: true,
        }
    }
}

pub(crate) fn genesis(journal: &Journal) {
    for reason in ["genesis", "genesis-complete"] {
        let mut draft = draft(0);
        draft.entry.operation = v1::Operation::Administration.into();
        draft.entry.reason = reason.into();
        append(journal, draft);
    }
}

/// An entry that changes nothing; its request id says which it is.
pub(crate) fn draft(number: u64) -> Draft {
    let entry = v1::Entry {
        entry_id: causeway_crypto::random::<16>().to_vec(),
        operation: v1::Operation::Consultation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: "accepted".into(),
        actor: Some(v1::Actor { agency: "gb-nca".into(), ..Default::default() }),
        request_id: u128::from(number).to_be_bytes().to_vec(),
        ..Default::default()
    };
    Draft { entry, openings: None, body: None, document_text: None }
}

/// The same with openings and a body of `bytes` bytes.
pub(crate) fn draft_with_body(number: u64, bytes: usize, encapsulation: Option<Arc<[u8]>>) -> Draft {
    let mut draft = draft(number);
    let sealed = encapsulation.as_ref().map(|encapsulation| v1::SealedBody {
        encapsulation_id: causeway_crypto::sha256(&[encapsulation]).0[..16].to_vec(),
        ..Default::default()
    });
    let classified = vec![u8::try_from(number % 251).expect("below 251"); bytes];
    let body = v1::Body { schema: "victim-profile/1.0".into(), classified, sealed };
    let entry_id = EntryId::try_from(draft.entry.entry_id.as_slice()).expect("16 bytes");
    draft.body = Some(DraftBody::encrypt(&body, &entry_id, encapsulation));
    draft.openings = Some(v1::Openings { operator: format!("operator-{number}"), ..Default::default() });
    draft
}

pub(crate) fn append(journal: &Journal, draft: Draft) -> Committed {
    wait_for(journal.append(draft)).expect("appended")
}

/// Appends `count` numbered entries together, and returns what became of each.
pub(crate) fn append_many(journal: &Journal, count: u64) -> Vec<Committed> {
    let taken: Vec<_> = (0..count).map(|number| wait_for(journal.enqueue(draft(number))).expect("taken")).collect();
    taken.into_iter().map(|appending| wait_for(appending).expect("appended")).collect()
}

/// What a `kill -9` at this moment would leave: the files as they are, without the locks.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// Runs a future on this thread. The store needs no runtime, so its tests have none.
pub(crate) fn wait_for<F: Future>(future: F) -> F::Output {
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
