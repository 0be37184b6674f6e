//! What an auditor's answer reads beside its entries: several at a time, so that what they share is read once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::{JournalError, TileNodes, inclusion_proof, v1};
use causeway_model::LeafIndex;

use crate::error::StoreError;
use crate::journal::Journal;
use crate::reader::{Reader, THREADS, item_of};

/// Entries that are not worth another thread's turn.
const SMALLEST_SHARE: usize = 8;

impl Journal {
    /// The bytes of these entries, in their order. Where they are many, several threads read them at once.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`] beyond the newest.
    pub async fn entries_at(&self, leaves: Vec<LeafIndex>) -> Result<Vec<Vec<u8>>, StoreError> {
        self.each_of(leaves, Reader::entry).await
    }

    /// The openings of these entries' commitments, in their order, each as [`Journal::openings`] gives it; read like
    /// [`Journal::entries_at`].
    ///
    /// # Errors
    /// When one cannot be read or does not open.
    pub async fn openings_at(&self, leaves: Vec<LeafIndex>) -> Result<Vec<Option<v1::Openings>>, StoreError> {
        self.each_of(leaves, Reader::openings).await
    }

    async fn each_of<R: Send + 'static>(
        &self,
        leaves: Vec<LeafIndex>,
        read: fn(&Reader, LeafIndex) -> Result<R, StoreError>,
    ) -> Result<Vec<R>, StoreError> {
        let share = leaves.len().div_ceil(THREADS).max(SMALLEST_SHARE);
        let mut shares = Vec::with_capacity(THREADS);
        for share in leaves.chunks(share).map(<[LeafIndex]>::to_vec) {
            let read = move |reader: &Reader| share.into_iter().map(|leaf| read(reader, leaf)).collect();
            shares.push(self.readers.begin(read).await?);
        }
        let mut all: Vec<R> = Vec::with_capacity(leaves.len());
        for share in shares {
            let read: Vec<R> = share.answer().await?;
            all.extend(read);
        }
        Ok(all)
    }

    /// The audit paths of these leaves in the tree of `size` leaves, which the journal must have had. A tile that several of them
    /// need is read once.
    ///
    /// # Errors
    /// As [`Journal::inclusion_proof`].
    pub async fn inclusion_proofs(&self, leaves: Vec<LeafIndex>, size: u64) -> Result<Vec<Vec<Digest>>, StoreError> {
        self.readers.ask(move |reader| reader.inclusion_proofs(&leaves, size)).await
    }

    /// The text of the governed document or the published table that travels beside an entry; empty where there is none.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`] beyond the newest.
    pub async fn document_text(&self, leaf: LeafIndex) -> Result<Vec<u8>, StoreError> {
        self.readers
            .ask(move |reader| {
                let (frame, index) = reader.frame_with(leaf)?;
                Ok(item_of(&frame, index)?.document_text.clone())
            })
            .await
    }
}

impl Reader {
    fn inclusion_proofs(&self, leaves: &[LeafIndex], size: u64) -> Result<Vec<Vec<Digest>>, StoreError> {
        // A copy of the right edge, so that no lock is held while tiles are read.
        let tree = self.shared.read(|state| state.tree().clone());
        let tiles: RefCell<HashMap<(u8, u64), Arc<TileNodes>>> = RefCell::default();
        let tile = |level, index| -> Result<Arc<TileNodes>, JournalError> {
            if let Some(known) = tiles.borrow().get(&(level, index)) {
                return Ok(Arc::clone(known));
            }
            let read = self.shared.tile_nodes(level, index)?;
            tiles.borrow_mut().insert((level, index), Arc::clone(&read));
            Ok(read)
        };
        let proof = |leaf: &LeafIndex| inclusion_proof(&tree, *leaf, size, &tile).map_err(StoreError::Proof);
        leaves.iter().map(proof).collect()
    }
}
