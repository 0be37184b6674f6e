//! Lists of places in a block: in chunks of at most 128, the first of each as it is and the rest as steps, with a table of
//! the chunks behind them, so that any place is found without reading what is before it.

use std::ops::Range;

use super::pages::{PageFile, PageWriter, Stream, StreamReader};
use crate::error::StoreError;

/// Places in a full chunk.
pub(crate) const CHUNK: usize = 128;

/// A row of the table of chunks: the chunk's first place and its offset from the list's beginning, 4 bytes each.
const CHUNK_ROW: u64 = 8;

/// Most bytes of a number.
const VARINT: usize = 5;

/// A row of the table of lists: how many places, bytes of its chunks, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) count: u32,
    pub(crate) bytes: u32,
    pub(crate) start: u64,
}

impl List {
    /// Bytes of its row.
    pub(crate) const ROW: usize = 16;

    pub(crate) fn to_row(self) -> [u8; Self::ROW] {
        let mut row = [0; Self::ROW];
        row[..4].copy_from_slice(&self.count.to_le_bytes());
        row[4..8].copy_from_slice(&self.bytes.to_le_bytes());
        row[8..].copy_from_slice(&self.start.to_le_bytes());
        row
    }

    pub(crate) fn from_row(row: [u8; Self::ROW]) -> Self {
        let (words, _) = row.as_chunks::<4>();
        let (_, start) = row.split_at(8);
        Self {
            count: u32::from_le_bytes(words[0]),
            bytes: u32::from_le_bytes(words[1]),
            start: u64::from_le_bytes(*start.first_chunk().expect("8 bytes are left")),
        }
    }

    const fn chunks(self) -> u32 {
        // CHUNK, in 32 bits.
        self.count.div_ceil(128)
    }
}

/// A list that is being written.
#[derive(Debug)]
pub(crate) struct ListWriter {
    start: u64,
    count: u32,
    before: u32,
    /// The table of chunks.
    chunks: Vec<u8>,
}

impl ListWriter {
    pub(crate) fn new(stream: &Stream) -> Self {
        Self { start: stream.length(), count: 0, before: 0, chunks: Vec::new() }
    }

    pub(crate) fn push(
        &mut self,
        pages: &mut PageWriter<'_>,
        stream: &mut Stream,
        place: u32,
    ) -> Result<(), StoreError> {
        let begins = (self.count as usize).is_multiple_of(CHUNK);
        if begins {
            let offset = self.offset(stream)?;
            self.chunks.extend_from_slice(&place.to_le_bytes());
            self.chunks.extend_from_slice(&offset.to_le_bytes());
        }
        let (bytes, length) = varint(if begins { place } else { place - self.before - 1 });
        pages.write(stream, &bytes[..length])?;
        self.before = place;
        self.count += 1;
        Ok(())
    }

    pub(crate) fn finish(self, pages: &mut PageWriter<'_>, stream: &mut Stream) -> Result<List, StoreError> {
        let bytes = self.offset(stream)?;
        pages.write(stream, &self.chunks)?;
        Ok(List { count: self.count, bytes, start: self.start })
    }

    fn offset(&self, stream: &Stream) -> Result<u32, StoreError> {
        let bytes = stream.length() - self.start;
        u32::try_from(bytes).map_err(|_| StoreError::Corrupt("a list of an index block outgrows its offsets"))
    }
}

/// Takes all places of the list that a stream has come to, and goes behind it.
pub(crate) fn read_list(
    stream: &mut StreamReader<'_>,
    list: List,
    mut take: impl FnMut(u32) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut before = 0;
    for at in 0..list.count as usize {
        let number = read_varint(|| stream.byte())?;
        before = follow(at.is_multiple_of(CHUNK), before, number)?;
        take(before)?;
    }
    stream.skip(u64::from(list.chunks()) * CHUNK_ROW)
}

/// A place in a list, which goes only one way.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    file: &'a PageFile,
    pages: &'a [u32],
    list: List,
    /// The chunk at hand.
    chunk: Option<u32>,
    places: Vec<u32>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(file: &'a PageFile, pages: &'a [u32], list: List) -> Self {
        Self { file, pages, list, chunk: None, places: Vec::with_capacity(CHUNK) }
    }

    /// The first place from `target` on.
    pub(crate) fn at_or_after(&mut self, target: u32) -> Result<Option<u32>, StoreError> {
        if !self.holds(target) {
            self.find(target)?;
        }
        let here = self.places.partition_point(|place| *place < target);
        if let Some(place) = self.places.get(here) {
            return Ok(Some(*place));
        }
        let next = self.chunk.map_or(0, |chunk| chunk + 1);
        if next >= self.list.chunks() {
            return Ok(None);
        }
        self.load(next)?;
        Ok(self.places.first().copied())
    }

    /// The last place up to `target`.
    pub(crate) fn at_or_before(&mut self, target: u32) -> Result<Option<u32>, StoreError> {
        if !self.holds(target) {
            self.find(target)?;
        }
        let here = self.places.partition_point(|place| *place <= target);
        Ok(here.checked_sub(1).and_then(|here| self.places.get(here)).copied())
    }

    /// Whether the chunk at hand is where a place is, or would be.
    fn holds(&self, target: u32) -> bool {
        match (self.places.first(), self.places.last()) {
            (Some(first), Some(last)) => (*first..=*last).contains(&target),
            _ => false,
        }
    }

    /// Takes the last chunk that begins at or before a place into hand, else the first one.
    fn find(&mut self, target: u32) -> Result<(), StoreError> {
        // Mostly it is the neighbour.
        let (mut low, mut high) = (0, self.list.chunks());
        if let Some(chunk) = self.chunk {
            if self.places.first().is_some_and(|first| *first <= target) {
                low = chunk;
                if chunk + 1 < high && self.first_of(chunk + 1)? > target {
                    high = chunk + 1;
                }
            } else {
                high = chunk;
                if chunk > 0 && self.first_of(chunk - 1)? <= target {
                    low = chunk - 1;
                }
            }
        }
        while high > low + 1 {
            let middle = low + (high - low) / 2;
            if self.first_of(middle)? <= target { low = middle } else { high = middle }
        }
        if self.chunk == Some(low) { Ok(()) } else { self.load(low) }
    }

    fn first_of(&self, chunk: u32) -> Result<u32, StoreError> {
        Ok(self.row(chunk)?.0)
    }

    fn row(&self, chunk: u32) -> Result<(u32, u32), StoreError> {
        let mut row = [0; 8];
        let table = self.list.start + u64::from(self.list.bytes);
        self.file.read(self.pages, table + u64::from(chunk) * CHUNK_ROW, &mut row)?;
        let (words, _) = row.as_chunks::<4>();
        Ok((u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])))
    }

    fn load(&mut self, chunk: u32) -> Result<(), StoreError> {
        let Range { start, end } = self.extent(chunk)?;
        let length = usize::try_from(end.saturating_sub(start)).expect("32 bits fit");
        if length > CHUNK * VARINT {
            return Err(StoreError::Corrupt("a chunk of an index block is too long"));
        }
        let mut bytes = [0; CHUNK * VARINT];
        self.file.read(self.pages, self.list.start + u64::from(start), &mut bytes[..length])?;
        let mut rest = bytes[..length].iter();
        self.places.clear();
        let mut before = 0;
        while !rest.as_slice().is_empty() {
            let number = read_varint(|| {
                rest.next().copied().ok_or(StoreError::Corrupt("a chunk of an index block ends too early"))
            })?;
            before = follow(self.places.is_empty(), before, number)?;
            self.places.push(before);
        }
        self.chunk = Some(chunk);
        Ok(())
    }

    /// Where a chunk's bytes are within its list.
    fn extent(&self, chunk: u32) -> Result<Range<u32>, StoreError> {
        let (_, start) = self.row(chunk)?;
        let end = if chunk + 1 < self.list.chunks() { self.row(chunk + 1)?.1 } else { self.list.bytes };
        Ok(start..end)
    }
}

/// The place that a number of a list means.
fn follow(begins: bool, before: u32, number: u32) -> Result<u32, StoreError> {
    let place = if begins { Some(number) } else { before.checked_add(number).and_then(|place| place.checked_add(1)) };
    place.ok_or(StoreError::Corrupt("a list of an index block runs over"))
}

/// LEB128: seven bits a byte, the lowest first.
fn varint(mut number: u32) -> ([u8; VARINT], usize) {
    let mut bytes = [0; VARINT];
    let mut length = 0;
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes[length] = low & 0x7f;
            return (bytes, length + 1);
        }
        bytes[length] = low | 0x80;
        length += 1;
    }
}

fn read_varint(mut byte: impl FnMut() -> Result<u8, StoreError>) -> Result<u32, StoreError> {
    let mut number = 0u32;
    for place in 0..5 {
        let byte = byte()?;
        let bits = u32::from(byte & 0x7f);
        number |= bits.checked_shl(7 * place).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(StoreError::Corrupt("a number of an index block is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u32::MAX / 3, u32::MAX] {
            let (bytes, length) = varint(number);
            let mut rest = bytes[..length].iter();
            assert_eq!(read_varint(|| Ok(*rest.next().expect("a byte"))).expect("read"), number);
            assert!(rest.next().is_none());
        }
    }

    #[test]
    fn a_list_s_row_comes_back_as_it_was() {
        let list = List { count: 7, bytes: 1 << 30, start: 1 << 40 };
        assert_eq!(List::from_row(list.to_row()), list);
    }
}
