//! The log as a log: proofs between its sizes, tiles, and ranges of raw entries. Each call leaves its entry; hashes that are read as
//! files are summed up.

use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::{JournalError, TILE_WIDTH, tlog_path, v1};
use causeway_model::{LeafIndex, SystemId};
use causeway_store::{Bundle, StoreError};

use crate::answering::AnswerPlace;
use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange, ProvedEntry, Tallied};

/// Most entries of one range.
pub const MAX_RANGE_ENTRIES: u64 = 1_000_000;

/// Levels of tiles in a tree of at most 2^62 leaves: 256^7 is 2^56, 256^8 is more.
const TILE_LEVELS: u32 = 8;

/// A part of a range ends where its entries and texts reach this: few do before 256 entries. With the largest entry and text it
/// stays below 4 MiB, which is what clients take as a rule.
const PART_BYTES: usize = 3 << 20;

/// A range of raw entries that is being read.
#[derive(Debug)]
pub struct Range {
    exchange: Exchange,
    caller: Caller,
    next: u64,
    to: u64,
    _place: AnswerPlace,
}

impl Exchange {
    /// The proof that the tree of the first size is the beginning of the tree of the second.
    ///
    /// # Errors
    /// `Invalid` for sizes that are 0, out of order or beyond the journal; `Denied`; `Unavailable`.
    pub async fn consistency_proof(&self, caller: &Caller, first: u64, second: u64) -> Result<Vec<Digest>, Error> {
        if first == 0 || first > second {
            let message =
                "the first size is at least 1 and not larger than the second: from an empty tree nothing follows";
            return Err(self.refused(caller, "sizes-out-of-order", message).await);
        }
        if second > self.size() {
            return Err(self.refused(caller, "beyond-the-journal", BEYOND).await);
        }
        self.audit(caller, Said::allowed(v1::Operation::Consultation, "consistency-proof").by(caller)).await?;
        self.for_auditors().consistency_proof(first, second).await.map_err(Error::corrupt)
    }

    /// An entry with its inclusion proof in the tree of a size that the journal has had, 0 for the newest. The checkpoint is empty
    /// where none of that size is known.
    ///
    /// # Errors
    /// `NotFound` for a leaf that is not there as for one that is not the caller's to see; `Invalid` for a size that does not hold the
    /// leaf, or beyond the journal; `Denied`; `Unavailable`.
    pub async fn prove_at(&self, caller: &Caller, leaf: LeafIndex, tree_size: u64) -> Result<ProvedEntry, Error> {
        if tree_size == 0 {
            return self.prove(caller, leaf).await;
        }
        let Some(entry) = self.visible(caller, leaf).await? else {
            let refusal = Error::new(Class::NotFound, "unknown-entry", "there is no such entry for this auditor");
            return Err(self.refuse(caller, v1::Operation::Consultation, refusal).await);
        };
        if tree_size > self.size() {
            return Err(self.refused(caller, "beyond-the-journal", BEYOND).await);
        }
        if leaf.0 >= tree_size {
            let message = "the tree of this size does not hold the entry yet";
            return Err(self.refused(caller, "not-in-tree", message).await);
        }
        self.audit(caller, Said::allowed(v1::Operation::Consultation, "inclusion-proof").by(caller)).await?;
        let proof = self.for_auditors().inclusion_proof(leaf, tree_size).await.map_err(Error::corrupt)?;
        let checkpoint = self.checkpoint_of(tree_size).await?.unwrap_or_else(|| Arc::from(""));
        Ok(ProvedEntry { entry, leaf, proof, tree_size, checkpoint })
    }

    /// Hashes of the tree: the first `width` of the tile at this place.
    ///
    /// # Errors
    /// `Invalid` for a place that no tree has; `NotFound` where this one has not so many hashes; `Denied`; `Unavailable`.
    pub async fn tile(&self, caller: &Caller, level: u32, index: u64, width: u32) -> Result<Vec<u8>, Error> {
        let place = u8::try_from(level).ok().filter(|_| level < TILE_LEVELS);
        let width = usize::try_from(width).ok().filter(|width| (1..=TILE_WIDTH).contains(width));
        let (Some(level), Some(width)) = (place, width) else {
            let message = "a tile has a level from 0 to 7 and a width from 1 to 256";
            return Err(self.refused(caller, "no-such-tile", message).await);
        };
        match self.hashes(level, index, width).await {
            Ok(hashes) => {
                self.audit(caller, Said::allowed(v1::Operation::Consultation, "tile").by(caller)).await?;
                Ok(hashes)
            }
            Err(error) if error.class == Class::NotFound => {
                Err(self.refuse(caller, v1::Operation::Consultation, error).await)
            }
            Err(error) => Err(error),
        }
    }

    /// The same for who reads it as a file: hashes only, so it is summed up.
    ///
    /// # Errors
    /// `NotFound` where the tree has not so many hashes there.
    pub async fn tile_file(&self, system: &SystemId, level: u8, index: u64, width: u16) -> Result<Vec<u8>, Error> {
        self.tally("", Some(system), Tallied::HashesRead, 1);
        self.hashes(level, index, width.into()).await
    }

    async fn hashes(&self, level: u8, index: u64, width: usize) -> Result<Vec<u8>, Error> {
        match self.for_auditors().tile(level, index, width).await {
            Ok(hashes) => Ok(tlog_path::encode_tile(&hashes)),
            Err(StoreError::Proof(JournalError::OutOfRange(_))) => Err(not_published()),
            Err(error) => Err(Error::corrupt(error)),
        }
    }

    /// The bytes of an entry bundle: the first `width` entries of the bundle with this index, whole or not at all.
    ///
    /// # Errors
    /// `Denied` but to unrestricted auditors of the operator's agency; `NotFound` where the journal has not so many entries there;
    /// `Unavailable`.
    pub async fn entry_bundle(&self, caller: &Caller, index: u64, width: u16) -> Result<Vec<u8>, Error> {
        self.raw_permitted(caller).await?;
        let from = index.checked_mul(TILE_WIDTH as u64);
        let to = from.and_then(|from| from.checked_add(u64::from(width)));
        let (Some(from), Some(_)) = (from, to.filter(|to| *to <= self.size())) else {
            return Err(self.refuse(caller, v1::Operation::Consultation, not_published()).await);
        };
        self.audit(caller, self.raw_read(caller, u64::from(width))).await?;
        let entries = self.for_auditors().entries(LeafIndex(from), width.into()).await.map_err(Error::corrupt)?;
        tlog_path::encode_bundle(&entries).map_err(Error::corrupt)
    }

    /// Opens a range of raw entries; its entry is written before anything of it is read.
    ///
    /// # Errors
    /// `Denied` but to unrestricted auditors of the operator's agency; `Invalid` for a range that is empty, too long or beyond the
    /// journal; `Busy` while the agency has as many answers under way as it may; `Unavailable`.
    pub async fn open_range(&self, caller: &Caller, from: LeafIndex, to: LeafIndex) -> Result<Range, Error> {
        let place = self.answer_place(caller)?;
        self.raw_permitted(caller).await?;
        if from >= to {
            let message = "the range ends where it begins, or before";
            return Err(self.refused(caller, "range-empty", message).await);
        }
        if to.0 - from.0 > MAX_RANGE_ENTRIES {
            let message = "a range has at most 1,000,000 entries: go on from its end";
            return Err(self.refused(caller, "range-too-long", message).await);
        }
        if to.0 > self.size() {
            return Err(self.refused(caller, "beyond-the-journal", BEYOND).await);
        }
        self.audit(caller, self.raw_read(caller, to.0 - from.0)).await?;
        Ok(Range { exchange: self.clone(), caller: caller.clone(), next: from.0, to: to.0, _place: place })
    }

    fn raw_read(&self, caller: &Caller, count: u64) -> causeway_store::Draft {
        let mut draft = Said::allowed(v1::Operation::Consultation, "raw-entries").by(caller);
        draft.entry.count = count;
        draft
    }

    async fn raw_permitted(&self, caller: &Caller) -> Result<(), Error> {
        let message = "raw entries are given to auditors of the operator's agency that no limit is set for";
        match self.unrestricted(caller, "raw-for-unrestricted", message) {
            Ok(()) => Ok(()),
            Err(refusal) => Err(self.refuse(caller, v1::Operation::Consultation, refusal).await),
        }
    }

    fn size(&self) -> u64 {
        self.journal().read(|state| state.tree().size())
    }

    pub(crate) async fn refused(&self, caller: &Caller, reason: &'static str, message: &str) -> Error {
        self.refuse(caller, v1::Operation::Consultation, Error::invalid(reason, message)).await
    }
}

impl Range {
    /// The next entries with their notes, up to the next multiple of 256; none at the end.
    ///
    /// # Errors
    /// `Denied` once the caller is no unrestricted auditor any more; `Corrupt` where what is stored does not read.
    pub async fn next(&mut self) -> Result<Option<Bundle>, Error> {
        if self.next >= self.to {
            return Ok(None);
        }
        self.exchange.raw_permitted(&self.caller).await?;
        let width = TILE_WIDTH as u64;
        let end = self.to.min((self.next / width + 1) * width);
        let count = usize::try_from(end - self.next).unwrap_or(TILE_WIDTH);
        let bundle = self.exchange.for_auditors().bundle(LeafIndex(self.next), count, PART_BYTES).await;
        let bundle = bundle.map_err(Error::corrupt)?;
        if bundle.entries.is_empty() {
            return Err(Error::internal("a range within the journal has no entries"));
        }
        self.next += bundle.entries.len() as u64;
        Ok(Some(bundle))
    }
}

const BEYOND: &str = "the journal has not had so many entries yet";

fn not_published() -> Error {
    let message =
        "the newest checkpoint does not cover this; what is at the right edge of its tree has fewer than 256 in it";
    Error::new(Class::NotFound, "not-published", message)
}
