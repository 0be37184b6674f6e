//! Making a backup while the journal runs: the log's frames up to where it stood when the run began, in short slices, then key pages
//! and checkpoints of the past, then the checkpoint of where it stood.

use std::sync::Arc;

use causeway_crypto::{Digest, SealingPublicKey, random};
use causeway_journal::frame_id;
use causeway_model::FrameSeq;

use super::header::Header;
use super::place::BackupPlace;
use super::records::Record;
use super::sealed_part;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::page_keys::NodeNumber;

/// A part is ended by the record that makes it this long. Whoever is interrupted makes at most one part again.
pub(super) const PART_BYTES: usize = 8 << 20;

/// Bytes of frames that one slice reads: commits wait for no longer than that takes, and the readers' other questions come between.
const SLICE_BYTES: usize = 512 * 1024;

/// Key pages that one slice reads: as many bytes.
const SLICE_PAGES: usize = 128;

/// Checkpoints of the past that one slice reads.
const SLICE_NOTES: usize = 256;

/// One part, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupPart {
    /// Its header, in clear.
    pub header: Vec<u8>,
    /// Its chunks.
    pub sealed: Vec<u8>,
}

/// A run of a backup: part after part, and after the last one nothing. Nothing happens between two calls.
#[derive(Debug)]
pub struct BackupRun {
    journal: Journal,
    recipient: SealingPublicKey,
    target: Target,
    stage: Stage,
    /// See [`PART_BYTES`].
    pub(super) part_bytes: usize,
    /// What the backup reaches to with the part before; its length, recipient and encapsulation are those of no part.
    reached: Header,
    digest: Digest,
}

/// Where the journal stood when the run began.
#[derive(Debug)]
struct Target {
    head: FrameSeq,
    size: u64,
    checkpoint: Arc<str>,
}

/// What is read next.
#[derive(Debug)]
enum Stage {
    Frames,
    Pages { from: u64, last: Option<u64> },
    Past { from_size: u64 },
    Checkpoint,
    Over,
}

impl Journal {
    /// Begins a run of a backup, sealed to `recipient`: of everything, or of what has come since `after`. It comes to where the journal
    /// stands now. It reads as auditors do: nothing else waits behind it for longer than a slice.
    ///
    /// # Errors
    /// [`StoreError::BackupPlace`] where what is to be gone on with is not of this journal, or sealed to another key.
    pub async fn backup(
        &self,
        after: Option<&BackupPlace>,
        recipient: SealingPublicKey,
    ) -> Result<BackupRun, StoreError> {
        let journal = self.for_auditors();
        let target = self.shared.read(|state| Target {
            head: state.head().0,
            size: state.tree().size(),
            checkpoint: self.shared.checkpoint(),
        });
        let (reached, digest) = match after {
            Some(place) => {
                if place.header.recipient != recipient.key_id() {
                    return Err(StoreError::BackupPlace("is sealed to another key than the one to seal to now"));
                }
                journal.is_of_this_log(&place.header, &target).await?;
                (place.header.clone(), place.digest)
            }
            None => (nothing(), Digest([0; 32])),
        };
        let (stage, part_bytes) = (Stage::Frames, PART_BYTES);
        Ok(BackupRun { journal, recipient, target, stage, part_bytes, reached, digest })
    }

    async fn is_of_this_log(&self, header: &Header, target: &Target) -> Result<(), StoreError> {
        let (through, stated) = (header.through, header.through_id);
        if through == FrameSeq(0) {
            return Ok(());
        }
        if through > target.head || header.tree_size > target.size {
            return Err(StoreError::BackupPlace("holds more than this journal: was an older copy put back?"));
        }
        let found = self.readers.ask(move |reader| Ok(reader.shared.log.read(through, 1)?)).await?;
        let is_ours = found.first().is_some_and(|(seq, bytes)| *seq == through && frame_id(bytes) == stated);
        if is_ours {
            Ok(())
        } else {
            Err(StoreError::BackupPlace("is of another journal, or of another history of it"))
        }
    }
}

/// What an empty backup reaches to.
fn nothing() -> Header {
    Header {
        id: random(),
        part: 0,
        through: FrameSeq(0),
        through_id: Digest([0; 32]),
        next_page: 0,
        tree_size: 0,
        closes: false,
        length: 0,
        previous: Digest([0; 32]),
        recipient: causeway_crypto::SealingKeyId([0; 16]),
        encapsulation: Vec::new(),
    }
}

impl BackupRun {
    /// The frames that the run comes to.
    pub fn head(&self) -> FrameSeq {
        self.target.head
    }

    /// The next part; none once the one with the checkpoint has been given.
    ///
    /// # Errors
    /// What cannot be read. The run is over then; another one goes on from the newest part that was kept.
    pub async fn next(&mut self) -> Result<Option<BackupPart>, StoreError> {
        let mut held = Vec::new();
        let mut closes = false;
        while held.len() < self.part_bytes {
            match self.stage {
                Stage::Frames => self.frames(&mut held).await?,
                Stage::Pages { from, last } => self.pages(from, last, &mut held).await?,
                Stage::Past { from_size } => self.past(from_size, &mut held).await?,
                Stage::Checkpoint => {
                    Record::Checkpoint(&self.target.checkpoint).put(&mut held);
                    self.reached.tree_size = self.target.size;
                    closes = true;
                    self.stage = Stage::Over;
                }
                Stage::Over => break,
            }
        }
        if held.is_empty() { Ok(None) } else { self.seal(held, closes).await.map(Some) }
    }

    async fn frames(&mut self, held: &mut Vec<u8>) -> Result<(), StoreError> {
        let (next, head) = (self.reached.through.next(), self.target.head);
        if next > head {
            // All frames are read: whatever page their keys are in has them by now.
            let last = self.journal.readers.ask(|reader| Ok(reader.shared.log.last_key_page()?)).await?;
            // Of several nodes each has a page that grows, and not only the one with the greatest number: all are read again then.
            let is_of_nodes = last.is_some_and(|last| NodeNumber::of_page(last) != NodeNumber::ALONE);
            let from = if is_of_nodes { 0 } else { self.reached.next_page };
            self.stage = Stage::Pages { from, last };
            return Ok(());
        }
        let most = SLICE_BYTES.min(self.part_bytes);
        let frames = self.journal.readers.ask(move |reader| Ok(reader.shared.log.read(next, most)?)).await?;
        if frames.is_empty() {
            return Err(StoreError::Corrupt("a frame that was applied is not in the log"));
        }
        for (seq, bytes) in frames.into_iter().take_while(|(seq, _)| *seq <= head) {
            Record::Frame(seq, &bytes).put(held);
            (self.reached.through, self.reached.through_id) = (seq, frame_id(&bytes));
        }
        Ok(())
    }

    /// Pages are begun one after the other, and only the newest one grows: the next run reads that again, and none before it.
    async fn pages(&mut self, from: u64, last: Option<u64>, held: &mut Vec<u8>) -> Result<(), StoreError> {
        let over = Stage::Past { from_size: self.reached.tree_size };
        let Some(last) = last.filter(|last| from <= *last) else {
            self.stage = over;
            return Ok(());
        };
        let read = move |reader: &crate::reader::Reader| {
            let (mut pages, mut next) = (Vec::new(), from);
            while pages.len() < SLICE_PAGES
                && let Some(number) = reader.shared.log.next_key_page(next)?.filter(|number| *number <= last)
            {
                pages.extend(reader.shared.log.key_page(number)?.map(|page| (number, page)));
                next = number.saturating_add(1);
            }
            Ok((pages, next))
        };
        let (pages, next) = self.journal.readers.ask(read).await?;
        let is_over = pages.len() < SLICE_PAGES || next > last;
        for (number, page) in pages {
            Record::KeyPage(number, &page).put(held);
        }
        self.reached.next_page = next.min(last).max(self.reached.next_page);
        self.stage = if is_over { over } else { Stage::Pages { from: next, last: Some(last) } };
        Ok(())
    }

    /// From the size of the run before: its own checkpoint may have been cosigned since.
    async fn past(&mut self, from_size: u64, held: &mut Vec<u8>) -> Result<(), StoreError> {
        let size = self.target.size;
        let history = Arc::clone(&self.journal.past.history);
        let notes = self.journal.readers.ask(move |_| history.up_to(from_size, size, SLICE_NOTES)).await?;
        for (_, note) in &notes {
            Record::Past(note).put(held);
        }
        self.stage = match notes.last() {
            Some((last, _)) if notes.len() == SLICE_NOTES => Stage::Past { from_size: last + 1 },
            _ => Stage::Checkpoint,
        };
        Ok(())
    }

    /// On a reader's thread: sealing a part takes some milliseconds.
    async fn seal(&mut self, held: Vec<u8>, closes: bool) -> Result<BackupPart, StoreError> {
        let (recipient, reached, previous) = (self.recipient.clone(), self.reached.clone(), self.digest);
        let work = move |_: &crate::reader::Reader| {
            Ok(sealed_part::seal(&recipient, &held, |encapsulation, length| Header {
                part: reached.part + 1,
                closes,
                length,
                previous,
                recipient: recipient.key_id(),
                encapsulation,
                ..reached
            }))
        };
        let (header, sealed, digest) = self.journal.readers.ask(work).await?;
        let part = BackupPart { header: header.encode(), sealed };
        self.digest = digest;
        self.reached = header;
        Ok(part)
    }
}
