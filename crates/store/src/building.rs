//! A frame that is being built from drafts, and who waits for it.

use std::collections::HashSet;
use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::{MAX_FRAME_BYTES, RULES_SHARED, encode_entry, v1};
use causeway_model::Timestamp;
use futures_channel::oneshot;

use crate::committed::Committed;
use crate::draft::{FRAME_OVERHEAD, Locked, Prepared};
use crate::error::{AppendFailure, StoreError};
use crate::key_pages::{KEYS_A_PAGE, KeyPages};

/// Most entries in a frame: beyond it, sled's memory grows faster than its throughput. With two keys each, 4 key pages.
pub(crate) const MAX_ENTRIES: usize = 256;

/// Room that a full key page takes in a frame: its 4,132 bytes, its number, tags and lengths.
const PAGE_IN_FRAME: usize = 4_132 + 20;

/// Where the answer to an append goes.
pub(crate) type Answer = oneshot::Sender<Result<Committed, AppendFailure>>;

/// A draft on its way to the sequencer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) prepared: Prepared,
    pub(crate) answer: Answer,
}

/// What the sequencer puts into every entry.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub(crate) node: String,
    pub(crate) software: String,
    /// The rules that frames are written under.
    pub(crate) rules: u32,
}

impl Stamp {
    fn put_on(&self, entry: &mut v1::Entry, time: Timestamp) {
        entry.time_micros = time.0;
        entry.node.clone_from(&self.node);
        entry.software_version.clone_from(&self.software);
        entry.rules_version = self.rules;
    }
}

/// The frame so far.
#[derive(Debug)]
pub(crate) struct Building {
    frame: v1::Frame,
    /// What its items' entries say.
    entries: Vec<v1::Entry>,
    answers: Vec<Answer>,
    terms: Vec<Vec<u64>>,
    bytes: usize,
    /// Keys that its ciphertexts are under.
    keys: usize,
    encapsulations: HashSet<Arc<[u8]>>,
}

/// What became of a draft that was offered to a frame.
#[derive(Debug)]
pub(crate) enum Offered {
    /// It is in, or its sender has been told why not.
    Settled,
    /// It does not fit any more: it opens the next frame.
    Full(Box<Request>),
}

impl Building {
    /// An empty frame after the one with this id, which only a log's only writer can know.
    pub(crate) fn after(log_id: [u8; 16], rules: u32, previous: Option<Digest>) -> Self {
        let previous = previous.filter(|_| rules < RULES_SHARED);
        let frame = v1::Frame {
            rules_version: rules,
            log_id: log_id.to_vec(),
            previous_frame: previous.map(|id| id.0.to_vec()).unwrap_or_default(),
            ..v1::Frame::default()
        };
        let (entries, answers, terms) = (Vec::new(), Vec::new(), Vec::new());
        Self { frame, entries, answers, terms, bytes: FRAME_OVERHEAD, keys: 0, encapsulations: HashSet::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Whether another draft like those in it would not fit.
    pub(crate) fn is_almost_full(&self) -> bool {
        self.bytes + self.bytes / self.len().max(1) > MAX_FRAME_BYTES
    }

    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.answers.len() >= MAX_ENTRIES
    }

    /// Takes a draft, stamped, with its keys placed. An error is of the page-key file: nothing can be appended then.
    pub(crate) fn offer(
        &mut self,
        request: Request,
        time: Timestamp,
        stamp: &Stamp,
        pages: &mut KeyPages,
    ) -> Result<Offered, (Answer, StoreError)> {
        let Request { mut prepared, answer } = request;
        stamp.put_on(&mut prepared.entry, time);
        let entry = match encode_entry(&prepared.entry) {
            Ok(entry) => entry,
            Err(error) => {
                refuse(answer, AppendFailure::Refused(error));
                return Ok(Offered::Settled);
            }
        };
        let new_encapsulation = prepared.encapsulation.clone().filter(|known| !self.encapsulations.contains(known));
        let encapsulation_bytes = new_encapsulation.as_ref().map_or(0, |_| prepared.encapsulation_bytes());
        let bytes = self.bytes + entry.len() + prepared.bytes_beside + encapsulation_bytes;
        let keys = self.keys + usize::from(prepared.aside.is_some()) + usize::from(prepared.body.is_some());
        if bytes + self.bytes_of_pages(keys) > MAX_FRAME_BYTES {
            if self.is_empty() {
                refuse(answer, AppendFailure::TooLarge("the entry with what travels beside it"));
                return Ok(Offered::Settled);
            }
            return Ok(Offered::Full(Box::new(Request { prepared, answer })));
        }
        let shroud =
            |locked: Option<Locked>, pages: &mut KeyPages| locked.map(|locked| place(locked, pages)).transpose();
        let shrouded = shroud(prepared.aside, pages).and_then(|aside| Ok((aside, shroud(prepared.body, pages)?)));
        let (aside, body) = match shrouded {
            Ok(shrouded) => shrouded,
            Err(error) => return Err((answer, error)),
        };
        (self.bytes, self.keys) = (bytes, keys);
        if let Some(encapsulation) = new_encapsulation {
            self.frame.encapsulations.push(encapsulation.to_vec());
            self.encapsulations.insert(encapsulation);
        }
        self.frame.items.push(v1::Item { entry, aside, body, document_text: prepared.document_text });
        self.entries.push(prepared.entry);
        self.answers.push(answer);
        self.terms.push(prepared.terms);
        Ok(Offered::Settled)
    }

    /// Room for the pages that so many keys lie in, where they travel in the frame: the first and the last may hold others too.
    fn bytes_of_pages(&self, keys: usize) -> usize {
        let travels = self.frame.rules_version >= RULES_SHARED && keys > 0;
        if travels { (keys / KEYS_A_PAGE + 2) * PAGE_IN_FRAME } else { 0 }
    }

    /// Puts the pages that its keys lie in into the frame.
    pub(crate) fn carry(&mut self, mut pages: Vec<v1::KeyPage>) {
        pages.sort_unstable_by_key(|page| page.number);
        self.frame.key_pages = pages;
    }

    /// The frame, with what belongs to each of its entries, in order.
    pub(crate) fn finish(self) -> Built {
        let Self { frame, entries, answers, terms, .. } = self;
        Built { frame, entries, answers, terms }
    }
}

/// A frame that has been built.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) frame: v1::Frame,
    /// What its items' entries say.
    pub(crate) entries: Vec<v1::Entry>,
    /// Who waits for each of them.
    pub(crate) answers: Vec<Answer>,
    /// The hashes of each one's terms, for the index.
    pub(crate) terms: Vec<Vec<u64>>,
}

fn place(locked: Locked, pages: &mut KeyPages) -> Result<v1::Shrouded, StoreError> {
    let place = pages.place(locked.key)?;
    Ok(v1::Shrouded { page: place.page, slot: place.slot, ciphertext: locked.ciphertext })
}

/// Tells a sender why its draft was not appended. It may have gone.
pub(crate) fn refuse(answer: Answer, failure: AppendFailure) {
    let _ = answer.send(Err(failure));
}
