//! A stream of bytes in a file, in pages that each carry a keyed tag over their bytes, their place and whether they are the last: nothing
//! is read of what was not written so, and no end is cut off unseen.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};

use causeway_crypto::MacKey;

use crate::error::StoreError;

/// Bytes of the stream in a page; the last one may have fewer.
pub(super) const PAYLOAD: usize = 65_536;

/// Bytes of a page's tag: the first half of an HMAC-SHA-256.
pub(super) const TAG: usize = 16;

/// Pages after which the file is synced, so that no great deal of it stands before a commit's sync: 1 MiB.
const PAGES_A_SYNC: u64 = 16;

/// A file's pages are bound to the tag of its mark, which no other file has.
fn tag(key: &MacKey, file: &[u8; 32], page: u64, is_last: bool, payload: &[u8]) -> [u8; TAG] {
    let parts: [&[u8]; 4] = [file, &page.to_be_bytes(), &[u8::from(is_last)], payload];
    *key.tag("causeway/v1/state/page", &parts).first_chunk().expect("a code has 32 bytes")
}

/// Why writing ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    Disk(io::Error),
    Pace(StoreError),
}

/// Writes the stream.
pub(super) struct PageWriter<'a> {
    file: File,
    key: MacKey,
    mark: [u8; 32],
    page: u64,
    buffer: Vec<u8>,
    length: u64,
    pace: &'a mut dyn FnMut() -> Result<(), StoreError>,
    refused: Option<StoreError>,
}

impl<'a> PageWriter<'a> {
    pub(super) fn new(
        file: File,
        key: MacKey,
        mark: [u8; 32],
        pace: &'a mut dyn FnMut() -> Result<(), StoreError>,
    ) -> Self {
        Self { file, key, mark, page: 0, buffer: Vec::with_capacity(PAYLOAD + TAG), length: 0, pace, refused: None }
    }

    fn flush_page(&mut self, is_last: bool) -> io::Result<()> {
        let tag = tag(&self.key, &self.mark, self.page, is_last, &self.buffer);
        self.buffer.extend_from_slice(&tag);
        self.file.write_all(&self.buffer)?;
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        self.page += 1;
        if self.page.is_multiple_of(PAGES_A_SYNC) {
            self.file.sync_data()?;
        }
        (self.pace)().map_err(|error| {
            self.refused = Some(error);
            io::Error::other("not to go on")
        })
    }

    /// Ends the stream, unless writing it has `written` an error, and syncs the file. Gives its bytes.
    pub(super) fn close(mut self, written: io::Result<()>) -> Result<u64, Stopped> {
        let ended = written.and_then(|()| self.flush_page(true)).and_then(|()| self.file.sync_all());
        match (ended, self.refused) {
            (Ok(()), _) => Ok(self.length),
            (Err(_), Some(error)) => Err(Stopped::Pace(error)),
            (Err(error), None) => Err(Stopped::Disk(error)),
        }
    }
}

impl Write for PageWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full page is written when something follows it: the last one says so.
        if self.buffer.len() == PAYLOAD {
            self.flush_page(false)?;
        }
        let now = bytes.len().min(PAYLOAD - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..now]);
        Ok(now)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the stream: each page is checked before anything of it is given out.
pub(super) struct PageReader {
    file: File,
    key: MacKey,
    mark: [u8; 32],
    page: u64,
    /// Bytes of the file that are still to be read.
    left: u64,
    payload: Vec<u8>,
    at: usize,
}

impl PageReader {
    /// Reads a file from where it stands, `left` bytes to its end.
    pub(super) fn new(file: File, key: MacKey, mark: [u8; 32], left: u64) -> Self {
        Self { file, key, mark, page: 0, left, payload: Vec::new(), at: 0 }
    }

    fn next_page(&mut self) -> io::Result<()> {
        let whole = (PAYLOAD + TAG) as u64;
        let (bytes, is_last) = (self.left.min(whole), self.left <= whole);
        self.payload.resize(usize::try_from(bytes).expect("a page at most"), 0);
        self.file.read_exact(&mut self.payload)?;
        let damaged = || io::Error::new(ErrorKind::InvalidData, "a page is not as it was written");
        let end = self.payload.len().checked_sub(TAG).ok_or_else(damaged)?;
        let (payload, found) = self.payload.split_at(end);
        if tag(&self.key, &self.mark, self.page, is_last, payload) != found {
            return Err(damaged());
        }
        self.payload.truncate(end);
        (self.left, self.page, self.at) = (self.left - bytes, self.page + 1, 0);
        Ok(())
    }
}

impl Read for PageReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.payload.len() && self.left > 0 {
            self.next_page()?;
        }
        let rest = &self.payload[self.at..];
        let now = into.len().min(rest.len());
        into[..now].copy_from_slice(&rest[..now]);
        self.at += now;
        Ok(now)
    }
}
