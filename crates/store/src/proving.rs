//! Proofs, tiles and roots of the tree at any size that it has had, from full tiles in the log and the tree's growing edge.

use causeway_crypto::Digest;
use causeway_journal::{JournalError, TILE_HEIGHT, TILE_WIDTH, Tree, consistency_proof, inclusion_proof, root_at};
use causeway_model::LeafIndex;

use crate::error::StoreError;
use crate::journal::Journal;
use crate::shared::Shared;

impl Journal {
    /// The audit path of a leaf in the tree of `size` leaves, which the journal must have had.
    ///
    /// # Errors
    /// [`StoreError::Proof`] for a leaf or size beyond the tree, or a tile that is missing.
    pub async fn inclusion_proof(&self, leaf: LeafIndex, size: u64) -> Result<Vec<Digest>, StoreError> {
        self.readers.ask(move |reader| reader.shared.inclusion_proof(leaf, size)).await
    }

    /// The same at once, where it takes none of the tiles that are full: mostly that of a leaf that was appended a moment ago. Otherwise
    /// none.
    pub fn inclusion_proof_at_hand(&self, leaf: LeafIndex, size: u64) -> Option<Vec<Digest>> {
        let tiles = |_, _| Err(JournalError::OutOfRange("tile"));
        inclusion_proof(&self.shared.tree(), leaf, size, &tiles).ok()
    }

    /// The proof that the tree of `first` leaves is the beginning of the tree of `second`, both of which the journal must have had.
    ///
    /// # Errors
    /// [`StoreError::Proof`] for sizes that are 0, out of order or beyond the tree, or a tile that is missing.
    pub async fn consistency_proof(&self, first: u64, second: u64) -> Result<Vec<Digest>, StoreError> {
        let prove = move |shared: &Shared| {
            consistency_proof(&shared.tree(), first, second, &|level, index| shared.tile_nodes(level, index))
        };
        self.readers.ask(move |reader| prove(&reader.shared).map_err(StoreError::Proof)).await
    }

    /// The root of the tree of `size` leaves, which the journal must have had.
    ///
    /// # Errors
    /// [`StoreError::Proof`] for a size beyond the tree, or a tile that is missing.
    pub async fn root_at(&self, size: u64) -> Result<Digest, StoreError> {
        self.readers.ask(move |reader| reader.shared.root_at(size)).await
    }

    /// The first `width` hashes, 1 to 256, of the tile at this place: as it is, or as it was when it had so many.
    ///
    /// # Errors
    /// [`StoreError::Proof`] where the tree has not so many hashes there, or a tile is missing.
    pub async fn tile(&self, level: u8, index: u64, width: usize) -> Result<Vec<Digest>, StoreError> {
        self.readers.ask(move |reader| reader.shared.tile_of_width(level, index, width)).await
    }
}

impl Shared {
    /// A copy of the tree's right edge, so that no lock is held while tiles are read.
    fn tree(&self) -> Tree {
        self.read(|state| state.tree().clone())
    }

    pub(crate) fn inclusion_proof(&self, leaf: LeafIndex, size: u64) -> Result<Vec<Digest>, StoreError> {
        inclusion_proof(&self.tree(), leaf, size, &|level, index| self.tile_nodes(level, index))
            .map_err(StoreError::Proof)
    }

    pub(crate) fn root_at(&self, size: u64) -> Result<Digest, StoreError> {
        root_at(&self.tree(), size, &|level, index| self.tile_nodes(level, index)).map_err(StoreError::Proof)
    }

    fn tile_of_width(&self, level: u8, index: u64, width: usize) -> Result<Vec<Digest>, StoreError> {
        let beyond = || StoreError::Proof(JournalError::OutOfRange("tile"));
        if width == 0 || width > TILE_WIDTH {
            return Err(beyond());
        }
        let tree = self.tree();
        let full_tiles = tree.size().checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0);
        let mut hashes = match index.cmp(&full_tiles) {
            std::cmp::Ordering::Less => self.tile(level, index).map_err(StoreError::Proof)?,
            std::cmp::Ordering::Equal => tree.partial(level).to_vec(),
            std::cmp::Ordering::Greater => Vec::new(),
        };
        if hashes.len() < width {
            return Err(beyond());
        }
        hashes.truncate(width);
        Ok(hashes)
    }
}
