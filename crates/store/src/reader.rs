//! Reading entries, bodies, openings and proofs on threads of their own: sled's reads block, and wait for the writer.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use async_channel::{Receiver, Sender};
use causeway_journal::{decode_frame, v1};
use causeway_model::{FrameSeq, LeafIndex};
use futures_channel::oneshot;

use crate::draft::{open_body, open_openings};
use crate::error::StoreError;
use crate::index::Index;
use crate::key_pages::{KeyPage, KeyPlace};
use crate::shared::Shared;
use crate::vault::Vault;

/// Threads of each kind of reader: what several rows of an answer wait for on the disk, they wait for together.
pub(crate) const THREADS: usize = 4;

/// Reads that may wait; whoever asks beyond waits with its question.
const WAITING_READS: usize = 256;

type Job = Box<dyn FnOnce(&Reader) + Send>;

/// A record's body as it was submitted, with the encapsulation that its sealed half refers to.
pub struct OpenedBody {
    /// The body.
    pub body: v1::Body,
    /// The HPKE encapsulated key; none where nothing is sealed.
    pub encapsulation: Option<Vec<u8>>,
}

impl fmt::Debug for OpenedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedBody({})", self.body.schema)
    }
}

/// The way to the reader threads.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    jobs: Sender<Job>,
}

impl Readers {
    /// Starts the threads. They end when [`Readers::close`] is called or the last handle is dropped.
    pub(crate) fn start(
        name: &str,
        shared: &Arc<Shared>,
        vault: &Arc<Vault>,
        index: &Arc<Index>,
    ) -> Result<(Self, Vec<JoinHandle<()>>), StoreError> {
        let (jobs, queue) = async_channel::bounded::<Job>(WAITING_READS);
        let spawn = |number| {
            let index = Some(Arc::clone(index));
            let reader = Reader { shared: Arc::clone(shared), vault: Arc::clone(vault), index };
            let queue = queue.clone();
            thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || reader.run(&queue))
                .map_err(|error| StoreError::Engine(Box::new(error)))
        };
        let threads = (0..THREADS).map(spawn).collect::<Result<_, _>>()?;
        Ok((Self { jobs }, threads))
    }

    /// Runs a read on one of the threads.
    pub(crate) async fn ask<R, F>(&self, read: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Reader) -> Result<R, StoreError> + Send + 'static,
    {
        self.begin(read).await?.answer().await
    }

    /// Has a read run on one of the threads, while the caller goes on.
    pub(crate) async fn begin<R, F>(&self, read: F) -> Result<Asked<R>, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Reader) -> Result<R, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |reader| {
            // Whoever asked may have gone; then nobody misses the answer.
            if !answer.is_canceled() {
                let _ = answer.send(read(reader));
            }
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        Ok(Asked(answered))
    }

    pub(crate) fn close(&self) {
        self.jobs.close();
    }
}

/// A read that is on its way.
#[derive(Debug)]
pub(crate) struct Asked<R>(oneshot::Receiver<Result<R, StoreError>>);

impl<R> Asked<R> {
    pub(crate) async fn answer(self) -> Result<R, StoreError> {
        self.0.await.map_err(|_| StoreError::Corrupt("a read panicked"))?
    }
}

/// Reads from the log, with what was read last at hand.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) vault: Arc<Vault>,
    /// What says where entries are; none for what the index itself reads by.
    pub(crate) index: Option<Arc<Index>>,
}

impl Reader {
    fn run(&self, queue: &Receiver<Job>) {
        while let Ok(job) = queue.recv_blocking() {
            if catch_unwind(AssertUnwindSafe(|| job(self))).is_err() {
                tracing::error!("a read of the journal panicked");
            }
        }
    }

    /// An entry's bytes.
    pub(crate) fn entry(&self, leaf: LeafIndex) -> Result<Vec<u8>, StoreError> {
        Ok(self.item(leaf)?.entry)
    }

    /// The body beside an entry; none where there was none or its key has been erased.
    pub(crate) fn body(&self, leaf: LeafIndex) -> Result<Option<OpenedBody>, StoreError> {
        let (frame, index) = self.frame_with(leaf)?;
        let item = item_of(&frame, index)?;
        let Some(body) = self.opened(item)? else { return Ok(None) };
        let encapsulation = match &body.sealed {
            None => None,
            Some(sealed) => Some(encapsulation_of(&frame, &sealed.encapsulation_id)?),
        };
        Ok(Some(OpenedBody { body, encapsulation }))
    }

    /// The body beside the entry of an item; none where there was none or its key has been erased.
    pub(crate) fn opened(&self, item: &v1::Item) -> Result<Option<v1::Body>, StoreError> {
        let Some(shrouded) = &item.body else { return Ok(None) };
        let entry_id = entry_id_of(&item.entry)?;
        self.with_key(shrouded, |key| open_body(key, &entry_id, &shrouded.ciphertext))
    }

    /// Where the keys of the bodies beside these entries lie.
    pub(crate) fn body_places(&self, leaves: &[LeafIndex]) -> Result<Vec<KeyPlace>, StoreError> {
        let mut places = Vec::new();
        for leaf in leaves {
            let (frame, index) = self.frame_with(*leaf)?;
            let body = &item_of(&frame, index)?.body;
            places.extend(body.as_ref().map(|body| KeyPlace { page: body.page, slot: body.slot }));
        }
        Ok(places)
    }

    /// The openings beside an entry; none where there were none or their key has been erased.
    pub(crate) fn openings(&self, leaf: LeafIndex) -> Result<Option<v1::Openings>, StoreError> {
        self.openings_of(&self.item(leaf)?)
    }

    /// The openings beside the entry of an item; none where there were none or their key has been erased.
    pub(crate) fn openings_of(&self, item: &v1::Item) -> Result<Option<v1::Openings>, StoreError> {
        let Some(shrouded) = &item.aside else { return Ok(None) };
        let entry_id = entry_id_of(&item.entry)?;
        self.with_key(shrouded, |key| open_openings(key, &entry_id, &shrouded.ciphertext))
    }

    pub(crate) fn frame_with(&self, leaf: LeafIndex) -> Result<(Arc<v1::Frame>, u32), StoreError> {
        let place = self.shared.read(|state| state.place(leaf)).ok_or(StoreError::NoSuchEntry(leaf))?;
        Ok((self.frame(place.seq)?, place.item))
    }

    pub(crate) fn frame(&self, seq: FrameSeq) -> Result<Arc<v1::Frame>, StoreError> {
        if let Some(frame) = self.shared.recent.frame(seq) {
            return Ok(frame);
        }
        let mut frames = self.shared.log.read(seq, 1)?;
        let (_, bytes) = frames.pop().ok_or(StoreError::Corrupt("a frame that was applied is not in the log"))?;
        let frame = decode_frame(&bytes).map_err(|source| StoreError::Replay { at: seq, source })?;
        let frame = Arc::new(frame);
        self.shared.recent.keep_frame(seq, Arc::clone(&frame));
        Ok(frame)
    }

    /// The bytes of a frame, if it was applied: nobody knows what is in another one.
    pub(crate) fn unless_passed_over(&self, seq: FrameSeq, bytes: Vec<u8>) -> Option<Vec<u8>> {
        self.shared.read(|state| state.passed_over(seq)).is_none().then_some(bytes)
    }

    fn with_key<R>(
        &self,
        shrouded: &v1::Shrouded,
        open: impl FnOnce(&causeway_crypto::AeadKey) -> Result<R, StoreError>,
    ) -> Result<Option<R>, StoreError> {
        let page = self.key_page(shrouded.page, shrouded.slot)?;
        page.key(shrouded.slot)?.map(open).transpose()
    }

    /// The key page, read anew where the one at hand is from before it took that key.
    pub(crate) fn key_page(&self, number: u64, slot: u32) -> Result<Arc<KeyPage>, StoreError> {
        if let Some(page) = self.shared.recent.page(number).filter(|page| page.reaches(slot)) {
            return Ok(page);
        }
        let forgotten = self.shared.recent.forgotten();
        let page = Arc::new(self.vault.page(number, self.shared.log.as_ref())?);
        self.shared.recent.keep_read_page(number, Arc::clone(&page), forgotten);
        Ok(page)
    }
}

pub(crate) fn item_of(frame: &v1::Frame, index: u32) -> Result<&v1::Item, StoreError> {
    let item = usize::try_from(index).ok().and_then(|index| frame.items.get(index));
    item.ok_or(StoreError::Corrupt("an entry is not where it was applied"))
}

/// The entry's id without decoding the entry: its canonical bytes begin with field 1, which is 16 bytes.
pub(crate) fn entry_id_of(entry: &[u8]) -> Result<[u8; 16], StoreError> {
    let id = entry.strip_prefix(&[0x0a, 16]).and_then(|rest| rest.first_chunk::<16>());
    id.copied().ok_or(StoreError::Corrupt("a stored entry does not begin with its id"))
}

fn encapsulation_of(frame: &v1::Frame, id: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut all = frame.encapsulations.iter();
    let found = all.find(|bytes| causeway_crypto::sha256(&[bytes]).0.starts_with(id) && id.len() == 16);
    found.cloned().ok_or(StoreError::Corrupt("a sealed body's encapsulation is not in its frame"))
}
