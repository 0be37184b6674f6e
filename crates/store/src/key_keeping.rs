//! The journal's part in erasing bodies and rotating keys.

use std::sync::Arc;
use std::thread;

use causeway_model::LeafIndex;
use futures_channel::oneshot;

use crate::error::StoreError;
use crate::journal::Journal;
use crate::node_keys::CaughtUp;
use crate::work::{Task, TaskAnswer, Work};

impl Journal {
    /// Keeps an erasure order's entry (canonical bytes) apart from the log, in the keys folder and its mirror, so that a
    /// log that is restored from before learns of it. Durable when it returns; the same entry twice is once.
    ///
    /// # Errors
    /// When it cannot be written: the order may be in one of the two.
    pub async fn register_erasure(&self, order_entry: Vec<u8>) -> Result<(), StoreError> {
        let erasures = Arc::clone(&self.erasures);
        self.readers.ask(move |_| erasures.add(order_entry)).await
    }

    /// The canonical bytes of all entries that were registered, in their order.
    ///
    /// # Errors
    /// None today: what is there was read at the start.
    pub fn registered_erasures(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.erasures.all())
    }

    /// Destroys the keys of the bodies beside these entries, though not of their openings; returns how many there were.
    /// When it returns, no copy of those bodies can be read: none here, and none in a backup of the data directory. What
    /// is beside other entries reads as before. Asking again for the same is harmless and ends what was interrupted. A key
    /// page whose page key is destroyed or absent holds nothing any more that could be erased.
    ///
    /// Of a node of a cluster all of this is said of the node itself: the others do the same, each for itself.
    ///
    /// # Errors
    /// When a file cannot be read or written: some of the keys may be destroyed, and none is to be thought so. The same holds for
    /// [`StoreError::NodesAway`]: other nodes have to write their key pages anew first.
    pub async fn shred(&self, leaves: Vec<LeafIndex>) -> Result<u64, StoreError> {
        let places = self.readers.ask(move |reader| reader.body_places(&leaves)).await?;
        let Some(node) = self.node_keys.clone() else { return self.ask(|answer| Task::Shred { places, answer }).await };
        let sought = node.clone();
        let (kept, others) = aside(move || sought.find(&places).map(|()| sought.by_keeper(places))).await?;
        let shredded = self.ask(|answer| Task::Shred { places: kept, answer }).await?;
        aside(move || node.follow(&others)).await?;
        Ok(shredded)
    }

    /// Takes from the other nodes of a cluster the page keys that this one lacks, and destroys what they have destroyed. To be called
    /// about once a minute; a gateway that is alone has nobody to ask.
    ///
    /// # Errors
    /// When a file cannot be read or written. A node that does not answer is none.
    pub async fn catch_up_keys(&self) -> Result<CaughtUp, StoreError> {
        match self.node_keys.clone() {
            Some(node) => aside(move || node.catch_up()).await,
            None => Ok(CaughtUp::default()),
        }
    }

    /// Writes every key page anew under a page key that is made after the call, and destroys the page keys before, used or
    /// not; returns how many pages that were. Appends go on in between. A page whose page key is destroyed or absent is left
    /// alone: no key in it can be read.
    ///
    /// # Errors
    /// When a file cannot be read or written: some pages are written anew; asking again goes through all.
    pub async fn rotate_page_keys(&self) -> Result<u64, StoreError> {
        let end = self.ask(|answer| Task::BeginPages { answer }).await?;
        let (mut rewritten, mut next) = (0, Some(0));
        while let Some(from) = next {
            let slice = self.ask(|answer| Task::RotatePages { from, end, answer }).await?;
            rewritten += slice.rewritten;
            next = slice.next;
        }
        Ok(rewritten)
    }

    /// Puts a fresh root key in the place of the one in its file, and wraps the ring and all page keys under it, here and
    /// in the mirror. The bundle and every copy of the old root key open nothing that is written from now on: make a new
    /// bundle at once.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when the root key does not come from its file. Where a file cannot be written, either nothing
    /// has changed, or the journal stops and its next start ends the rotation.
    pub async fn rotate_root(&self) -> Result<(), StoreError> {
        self.ask(|answer| Task::RotateRoot { answer }).await
    }

    async fn ask<R>(&self, task: impl FnOnce(TaskAnswer<R>) -> Task) -> Result<R, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Work::Maintain(task(answer))).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

/// Runs on a thread of its own what waits for other nodes, so that no reading waits behind it.
async fn aside<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, StoreError> + Send + 'static,
) -> Result<R, StoreError> {
    let (answer, answered) = oneshot::channel();
    let run = move || drop(answer.send(work()));
    thread::Builder::new().name("page-keys".into()).spawn(run).map_err(|error| StoreError::Engine(Box::new(error)))?;
    answered.await.map_err(|_| StoreError::Closed)?
}
