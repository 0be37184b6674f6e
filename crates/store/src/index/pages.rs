//! Files of pages: each page with a keyed tag over its bytes and its place, checked whenever it is read from the file, so
//! that no bit of them can change unseen. A file holds several streams, whose pages lie between each other's.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use causeway_crypto::MacKey;

use crate::error::StoreError;
use crate::recent::Kept;

/// Bytes of a page in the file.
const PAGE: usize = 16_384;

/// Bytes of a page's tag: the first half of an HMAC-SHA-256.
const TAG: usize = 16;

/// Bytes of a stream that a page holds: a multiple of the 8, 12 and 16 bytes of rows, which so lie in one page each.
pub(crate) const PAYLOAD: usize = PAGE - TAG;

/// Pages kept in memory, of all blocks: 8 MiB.
const KEPT_PAGES: usize = 512;

/// Pages after which a file that is being written is synced, so that no great deal of it stands before a commit's sync.
const PAGES_A_SYNC: u32 = 64;

/// What a page is bound to beside its number: no page passes for one of another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    pub(crate) log_id: [u8; 16],
    /// Random, of each file anew.
    pub(crate) salt: [u8; 16],
}

/// The key of pages' tags.
#[derive(Clone)]
pub(crate) struct PageKey(MacKey);

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageKey(..)")
    }
}

impl PageKey {
    pub(crate) fn new(index_key: MacKey) -> Self {
        Self(index_key)
    }

    fn tag(&self, id: &FileId, page: u32, payload: &[u8]) -> [u8; TAG] {
        let tag = self.0.tag("causeway/v1/index/page", &[&id.log_id, &id.salt, &page.to_be_bytes(), payload]);
        *tag.first_chunk().expect("a code has 32 bytes")
    }

    /// The tag of a file's last page, which says what the file is and so cannot be bound to it.
    fn footer_tag(&self, payload: &[u8]) -> [u8; TAG] {
        let tag = self.0.tag("causeway/v1/index/footer", &[payload]);
        *tag.first_chunk().expect("a code has 32 bytes")
    }
}

/// One of the streams of a file that is being written.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    buffer: Vec<u8>,
    /// The pages that hold it, in its order.
    pages: Vec<u32>,
}

impl Stream {
    /// Bytes that it has so far.
    pub(crate) fn length(&self) -> u64 {
        (self.pages.len() * PAYLOAD + self.buffer.len()) as u64
    }

    /// The pages that hold it, once it is finished.
    pub(crate) fn pages(&self) -> &[u32] {
        &self.pages
    }
}

/// Called after each page that is written; an error ends the writing.
pub(crate) type Pace<'a> = &'a mut dyn FnMut() -> Result<(), StoreError>;

/// A file that is being written.
pub(crate) struct PageWriter<'a> {
    file: File,
    path: PathBuf,
    id: FileId,
    key: &'a PageKey,
    pages: u32,
    pace: Pace<'a>,
}

impl fmt::Debug for PageWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageWriter({}, {} pages)", self.path.display(), self.pages)
    }
}

impl<'a> PageWriter<'a> {
    pub(crate) fn new(file: File, path: &Path, id: FileId, key: &'a PageKey, pace: Pace<'a>) -> Self {
        Self { file, path: path.to_owned(), id, key, pages: 0, pace }
    }

    /// Pages written so far.
    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    /// Adds to a stream.
    pub(crate) fn write(&mut self, stream: &mut Stream, mut bytes: &[u8]) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PAYLOAD - stream.buffer.len()));
            stream.buffer.extend_from_slice(now);
            bytes = later;
            if stream.buffer.len() == PAYLOAD {
                self.flush(stream)?;
            }
        }
        Ok(())
    }

    /// Ends a stream: the rest of its last page is zeros.
    pub(crate) fn finish(&mut self, stream: &mut Stream) -> Result<(), StoreError> {
        if stream.buffer.is_empty() { Ok(()) } else { self.flush(stream) }
    }

    fn flush(&mut self, stream: &mut Stream) -> Result<(), StoreError> {
        stream.buffer.resize(PAYLOAD, 0);
        let tag = self.key.tag(&self.id, self.pages, &stream.buffer);
        stream.pages.push(self.pages);
        stream.buffer.extend_from_slice(&tag);
        self.put(&stream.buffer)?;
        stream.buffer.clear();
        if self.pages.is_multiple_of(PAGES_A_SYNC) {
            self.file.sync_data().map_err(|source| StoreError::io("sync an index block", &self.path, source))?;
        }
        (self.pace)()
    }

    fn put(&mut self, page: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(page).map_err(|source| StoreError::io("write an index block", &self.path, source))?;
        self.pages =
            self.pages.checked_add(1).ok_or(StoreError::Corrupt("an index block outgrows its page numbers"))?;
        Ok(())
    }

    /// Writes the last page and syncs the file.
    pub(crate) fn close(mut self, mut footer: Vec<u8>) -> Result<(), StoreError> {
        footer.resize(PAYLOAD, 0);
        let tag = self.key.footer_tag(&footer);
        footer.extend_from_slice(&tag);
        self.put(&footer)?;
        self.file.sync_all().map_err(|source| StoreError::io("sync an index block", &self.path, source))
    }
}

/// The pages read last, of all blocks.
#[derive(Debug)]
pub(crate) struct PageCache(Mutex<KeptPages>);

/// By file and page.
type KeptPages = Kept<(u64, u32), Arc<[u8]>>;

impl PageCache {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Kept::new(KEPT_PAGES)))
    }
}

/// A file of pages, open for reading.
#[derive(Debug)]
pub(crate) struct PageFile {
    file: File,
    path: PathBuf,
    id: FileId,
    key: PageKey,
    /// Pages before the last one.
    pages: u32,
    /// Which file it is in the cache.
    number: u64,
    cache: Arc<PageCache>,
}

impl PageFile {
    /// Reads and checks the last page of a file: what it holds, and how many pages are before it.
    pub(crate) fn footer(file: &File, path: &Path, key: &PageKey) -> Result<(Vec<u8>, u32), StoreError> {
        let failed = |source| StoreError::io("read an index block", path, source);
        let length = file.metadata().map_err(failed)?.len();
        let pages = length / PAGE as u64;
        if !length.is_multiple_of(PAGE as u64) || pages == 0 {
            return Err(StoreError::Corrupt("an index block is no run of pages"));
        }
        let pages = u32::try_from(pages - 1).map_err(|_| StoreError::Corrupt("an index block is too long"))?;
        let mut bytes = vec![0; PAGE];
        file.read_exact_at(&mut bytes, u64::from(pages) * PAGE as u64).map_err(failed)?;
        let (payload, tag) = bytes.split_at(PAYLOAD);
        if key.footer_tag(payload) != tag {
            return Err(StoreError::Corrupt("an index block does not end as it was written"));
        }
        bytes.truncate(PAYLOAD);
        Ok((bytes, pages))
    }

    pub(crate) fn new(
        file: File,
        path: &Path,
        id: FileId,
        key: PageKey,
        pages: u32,
        number: u64,
        cache: Arc<PageCache>,
    ) -> Self {
        Self { file, path: path.to_owned(), id, key, pages, number, cache }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        (u64::from(self.pages) + 1) * PAGE as u64
    }

    /// A page's part of its stream, checked when it is read from the file.
    pub(crate) fn page(&self, page: u32) -> Result<Arc<[u8]>, StoreError> {
        let place = (self.number, page);
        let kept = self.cache.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place);
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let read: Arc<[u8]> = self.read_page(page)?.into();
        self.cache.0.lock().unwrap_or_else(PoisonError::into_inner).put(place, Arc::clone(&read));
        Ok(read)
    }

    /// The same, past what is kept.
    pub(crate) fn read_page(&self, page: u32) -> Result<Vec<u8>, StoreError> {
        if page >= self.pages {
            return Err(StoreError::Corrupt("an index block names a page that it does not have"));
        }
        let mut bytes = vec![0; PAGE];
        let read = self.file.read_exact_at(&mut bytes, u64::from(page) * PAGE as u64);
        read.map_err(|source| StoreError::io("read an index block", &self.path, source))?;
        let (payload, tag) = bytes.split_at(PAYLOAD);
        if self.key.tag(&self.id, page, payload) != tag {
            return Err(StoreError::Corrupt("a page of an index block is not as it was written"));
        }
        bytes.truncate(PAYLOAD);
        Ok(bytes)
    }

    /// Reads every page.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        (0..self.pages).try_for_each(|page| self.read_page(page).map(drop))
    }

    /// Bytes of a stream, from an offset on, through the pages that are kept.
    pub(crate) fn read(&self, pages: &[u32], offset: u64, into: &mut [u8]) -> Result<(), StoreError> {
        let (mut page, mut at) = place(offset)?;
        let mut done = 0;
        while done < into.len() {
            let number = pages.get(page).ok_or(StoreError::Corrupt("an index block ends too early"))?;
            let payload = self.page(*number)?;
            let count = (into.len() - done).min(PAYLOAD - at);
            into[done..done + count].copy_from_slice(&payload[at..at + count]);
            done += count;
            (page, at) = (page + 1, 0);
        }
        Ok(())
    }
}

/// Page and place in it of an offset in a stream.
fn place(offset: u64) -> Result<(usize, usize), StoreError> {
    let offset =
        usize::try_from(offset).map_err(|_| StoreError::Corrupt("an index block names too great an offset"))?;
    Ok((offset / PAYLOAD, offset % PAYLOAD))
}

/// Reads a stream from its beginning to its end, past what is kept: a merge must not push out what is asked for.
#[derive(Debug)]
pub(crate) struct StreamReader<'a> {
    file: &'a PageFile,
    pages: &'a [u32],
    payload: Vec<u8>,
    next: usize,
    at: usize,
}

impl<'a> StreamReader<'a> {
    pub(crate) fn new(file: &'a PageFile, pages: &'a [u32]) -> Self {
        Self { file, pages, payload: Vec::new(), next: 0, at: 0 }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, StoreError> {
        if self.at == self.payload.len() {
            let page = self.pages.get(self.next).ok_or(StoreError::Corrupt("an index block ends too early"))?;
            self.payload = self.file.read_page(*page)?;
            (self.next, self.at) = (self.next + 1, 0);
        }
        let byte = self.payload[self.at];
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        if let Some(bytes) = self.payload.get(self.at..).and_then(|rest| rest.first_chunk()) {
            self.at += N;
            return Ok(*bytes);
        }
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }

    pub(crate) fn skip(&mut self, mut bytes: u64) -> Result<(), StoreError> {
        while bytes > 0 {
            let here = (self.payload.len() - self.at) as u64;
            if here == 0 {
                self.byte()?;
                bytes -= 1;
                continue;
            }
            let now = here.min(bytes);
            self.at += usize::try_from(now).expect("within a page");
            bytes -= now;
        }
        Ok(())
    }
}
