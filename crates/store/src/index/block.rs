//! An immutable block of the index: a file with a sorted table of terms and the places that each has, marked with the log,
//! the leaves that it covers and the tree's root at their end.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use causeway_crypto::Digest;

use super::pages::{FileId, PAYLOAD, PageCache, PageFile, PageKey, StreamReader};
use super::postings::{Cursor, List};
use super::row::{ROW, Row};
use crate::error::StoreError;

/// What a footer begins with.
const MAGIC: &[u8; 16] = b"causeway-index-3";

/// A row of the table of terms: the hash, and the place of the only entry, or the number of the list.
pub(crate) const TERM_ROW: usize = 12;

/// Rows of terms that a page holds.
pub(crate) const TERMS_A_PAGE: u64 = (PAYLOAD / TERM_ROW) as u64;

/// Set in a row whose term has one place, which is in the other bits.
pub(crate) const SINGLE: u32 = 1 << 31;

/// Most leaves of a block, so that a place leaves room for [`SINGLE`].
pub(crate) const MAX_LEAVES: u64 = 1 << 30;

/// What a block is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) log_id: [u8; 16],
    /// A number that only the same key of terms gives: hashes under another key say nothing.
    pub(crate) key_check: u64,
    pub(crate) leaves: Range<u64>,
    /// The root of the tree of all leaves before the range's end.
    pub(crate) root: Digest,
}

/// How long each part of a block is, and which pages hold its streams. The pages of what a start reads follow each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The pages of the lists' bytes.
    pub(crate) postings: Vec<u32>,
    /// The pages of the terms' rows.
    pub(crate) terms: Vec<u32>,
    /// The pages of the lists' rows.
    pub(crate) lists: Vec<u32>,
    /// The pages of the rows that say where each entry is.
    pub(crate) rows: Vec<u32>,
    /// Terms.
    pub(crate) term_count: u64,
    /// The first hash of each page of terms.
    pub(crate) fence: Vec<u64>,
    /// The times of the leaves that are sampled.
    pub(crate) times: Vec<u64>,
}

/// What has one term in a block.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    One(u32),
    List(u32, Cursor<'a>),
}

/// A block, open.
pub(crate) struct Block {
    pub(crate) mark: Mark,
    layout: Layout,
    file: PageFile,
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({:?})", self.mark.leaves)
    }
}

impl Block {
    /// Opens a block and checks what of it is kept in memory; the rest is checked when it is read.
    pub(crate) fn open(path: &Path, key: &PageKey, number: u64, cache: &Arc<PageCache>) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::io("open an index block", path, source))?;
        let (payload, pages) = PageFile::footer(&file, path, key)?;
        let Footer { mark, id, lengths } = Footer::read(&payload)?;
        let file = PageFile::new(file, path, id, key.clone(), pages, number, Arc::clone(cache));
        let layout = lengths.layout(&file, pages)?;
        Ok(Self { mark, layout, file })
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    pub(crate) fn times(&self) -> &[u64] {
        &self.layout.times
    }

    pub(crate) fn term_count(&self) -> u64 {
        self.layout.term_count
    }

    /// The places of a term.
    pub(crate) fn find(&self, term: u64) -> Result<Option<Found<'_>>, StoreError> {
        let Some(page) = self.layout.fence.partition_point(|first| *first <= term).checked_sub(1) else {
            return Ok(None);
        };
        let number = self.layout.terms.get(page).ok_or(StoreError::Corrupt("an index block lacks a page of terms"))?;
        let payload = self.file.page(*number)?;
        let before = page as u64 * TERMS_A_PAGE;
        let rows = usize::try_from(self.layout.term_count.saturating_sub(before)).unwrap_or(usize::MAX);
        let (all, _) = payload.as_chunks::<TERM_ROW>();
        let rows = &all[..rows.min(all.len())];
        let Ok(place) = rows.binary_search_by_key(&term, |row| term_of(row).0) else { return Ok(None) };
        let (_, value) = term_of(&rows[place]);
        if value & SINGLE != 0 {
            return Ok(Some(Found::One(value & !SINGLE)));
        }
        let mut row = [0; List::ROW];
        self.file.read(&self.layout.lists, u64::from(value) * List::ROW as u64, &mut row)?;
        let list = List::from_row(row);
        Ok(Some(Found::List(list.count, Cursor::new(&self.file, &self.layout.postings, list))))
    }

    /// Where an entry is.
    pub(crate) fn row(&self, leaf: u64) -> Result<Option<Row>, StoreError> {
        if !self.mark.leaves.contains(&leaf) {
            return Ok(None);
        }
        let mut row = [0; ROW];
        self.file.read(&self.layout.rows, (leaf - self.mark.leaves.start) * ROW as u64, &mut row)?;
        Ok(Some(Row::from_bytes(&row)))
    }

    /// Its rows, from the first leaf's on.
    pub(crate) fn rows(&self) -> StreamReader<'_> {
        StreamReader::new(&self.file, &self.layout.rows)
    }

    /// Reads all of it.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.file.check()
    }

    /// Its streams, each from the beginning: the terms' rows, the lists' rows and the lists.
    pub(crate) fn streams(&self) -> [StreamReader<'_>; 3] {
        [&self.layout.terms, &self.layout.lists, &self.layout.postings]
            .map(|pages| StreamReader::new(&self.file, pages))
    }
}

/// A row of the table of terms.
pub(crate) fn term_of(row: &[u8; TERM_ROW]) -> (u64, u32) {
    let (hash, value) = row.split_at(8);
    let hash = u64::from_le_bytes(*hash.first_chunk().expect("8 bytes"));
    (hash, u32::from_le_bytes(*value.first_chunk().expect("4 bytes")))
}

/// What the last page says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) mark: Mark,
    pub(crate) id: FileId,
    pub(crate) lengths: Lengths,
}

/// How long the parts of a layout are: numbers of pages, of terms, and of samples of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) postings: u32,
    pub(crate) terms: u32,
    pub(crate) lists: u32,
    pub(crate) rows: u32,
    pub(crate) times: u32,
    pub(crate) term_count: u64,
    /// The first page of what a start reads.
    pub(crate) from_page: u32,
}

impl Footer {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { mark, id, lengths } = self;
        let mut bytes = Vec::with_capacity(PAYLOAD);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&id.log_id);
        bytes.extend_from_slice(&id.salt);
        bytes.extend_from_slice(&mark.root.0);
        for number in [mark.key_check, mark.leaves.start, mark.leaves.end, lengths.term_count] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [lengths.postings, lengths.terms, lengths.lists, lengths.rows, lengths.times, lengths.from_page] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn read(payload: &[u8]) -> Result<Self, StoreError> {
        let mut rest = payload;
        if take::<16>(&mut rest)? != *MAGIC {
            return Err(StoreError::Corrupt("an index block is of another format"));
        }
        let id = FileId { log_id: take(&mut rest)?, salt: take(&mut rest)? };
        let root = Digest(take(&mut rest)?);
        let mut long = || Ok::<_, StoreError>(u64::from_le_bytes(take(&mut rest)?));
        let (key_check, start, end, term_count) = (long()?, long()?, long()?, long()?);
        let mut short = || Ok::<_, StoreError>(u32::from_le_bytes(take(&mut rest)?));
        let (postings, terms, lists, rows) = (short()?, short()?, short()?, short()?);
        let (times, from_page) = (short()?, short()?);
        if start >= end || end - start > MAX_LEAVES {
            return Err(StoreError::Corrupt("an index block covers what no block can"));
        }
        let mark = Mark { log_id: id.log_id, key_check, leaves: start..end, root };
        Ok(Self { mark, id, lengths: Lengths { postings, terms, lists, rows, times, term_count, from_page } })
    }
}

impl Lengths {
    /// Reads the part that is kept in memory: the numbers of all pages, the first hash of each page of terms, and times.
    fn layout(self, file: &PageFile, pages: u32) -> Result<Layout, StoreError> {
        let words = [self.postings, self.terms, self.lists, self.rows].map(u64::from).iter().sum::<u64>();
        let longs = u64::from(self.terms) + u64::from(self.times);
        let bytes = longs * 8 + words * 4;
        let held = u64::from(pages.saturating_sub(self.from_page)) * PAYLOAD as u64;
        if bytes > held {
            return Err(StoreError::Corrupt("an index block ends too early"));
        }
        let span: Vec<u32> = (self.from_page..pages).collect();
        let mut stream = StreamReader::new(file, &span);
        let fence = many(self.terms, || stream.array().map(u64::from_le_bytes))?;
        let times = many(self.times, || stream.array().map(u64::from_le_bytes))?;
        let mut numbers = |count| many(count, || stream.array().map(u32::from_le_bytes));
        let (postings, terms, lists) = (numbers(self.postings)?, numbers(self.terms)?, numbers(self.lists)?);
        let rows = numbers(self.rows)?;
        Ok(Layout { postings, terms, lists, rows, term_count: self.term_count, fence, times })
    }
}

fn many<T>(count: u32, mut next: impl FnMut() -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
    (0..count).map(|_| next()).collect()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], StoreError> {
    let (taken, left) = rest.split_first_chunk().ok_or(StoreError::Corrupt("an index block ends too early"))?;
    *rest = left;
    Ok(*taken)
}
