//! Writing blocks: of a segment, and of neighbouring blocks that become one.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{Block, Footer, Lengths, Mark, SINGLE, TERM_ROW, TERMS_A_PAGE, term_of};
use super::pages::{FileId, Pace, PageKey, PageWriter, Stream, StreamReader};
use super::postings::{List, ListWriter, read_list};
use super::row::ROW;
use super::segment::Segment;
use crate::error::StoreError;
use crate::folder;

/// Writes the block of a segment into a folder; gives its path.
pub(crate) fn write_segment(
    folder: &Path,
    mark: Mark,
    key: &PageKey,
    segment: &Segment,
    pace: Pace<'_>,
) -> Result<PathBuf, StoreError> {
    write(folder, mark, key, pace, |builder| {
        segment.rows().iter().try_for_each(|row| builder.row(&row.to_bytes()))?;
        for (term, places) in segment.sorted() {
            match places {
                [only] => builder.single(term, *only)?,
                many => {
                    builder.list(term, |builder, list| many.iter().try_for_each(|place| builder.push(list, *place)))?
                }
            }
        }
        Ok(segment.times().to_vec())
    })
}

/// Writes the block that neighbours in ascending order make together; gives its path.
pub(crate) fn write_merged(
    folder: &Path,
    mark: Mark,
    key: &PageKey,
    blocks: &[Arc<Block>],
    pace: Pace<'_>,
) -> Result<PathBuf, StoreError> {
    let first = mark.leaves.start;
    write(folder, mark, key, pace, |builder| {
        for block in blocks {
            let mut rows = block.rows();
            block.mark.leaves.clone().try_for_each(|_| builder.row(&rows.array()?))?;
        }
        let mut sources = Vec::with_capacity(blocks.len());
        for block in blocks {
            sources.push(Source::new(block, first)?);
        }
        while let Some(least) = Least::of(&sources) {
            if let Some(place) = sources[least.first].single().filter(|_| least.is_alone) {
                builder.single(least.term, place)?;
                sources[least.first].next()?;
                continue;
            }
            let having = || |source: &&mut Source<'_>| source.term() == Some(least.term);
            builder.list(least.term, |builder, list| {
                let mut having = sources.iter_mut().filter(having());
                having.try_for_each(|source| source.each(|place| builder.push(list, place)))
            })?;
            sources.iter_mut().filter(having()).try_for_each(Source::next)?;
        }
        Ok(blocks.iter().flat_map(|block| block.times()).copied().collect())
    })
}

/// Makes a file under a name of its own, and gives it its place once it is durable. If we stop before, it is swept away by the
/// next start; after, it counts.
fn write(
    folder: &Path,
    mark: Mark,
    key: &PageKey,
    pace: Pace<'_>,
    fill: impl FnOnce(&mut Builder<'_>) -> Result<Vec<u64>, StoreError>,
) -> Result<PathBuf, StoreError> {
    let path = folder.join(format!("{:016x}-{:016x}.block", mark.leaves.start, mark.leaves.end));
    let unfinished = folder::beside(&path);
    let failed = |source| StoreError::io("write an index block", &unfinished, source);
    let file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(failed)?;
    let id = FileId { log_id: mark.log_id, salt: causeway_crypto::random() };
    let mut builder = Builder::new(PageWriter::new(file, &unfinished, id, key, pace));
    let written = fill(&mut builder).and_then(|times| builder.finish(mark, id, &times));
    if let Err(error) = written {
        // A full disk is not to be kept full by half a block.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    fs::rename(&unfinished, &path).map_err(failed)?;
    folder::sync(folder).map_err(failed)?;
    Ok(path)
}

/// A block that is being written, term after term.
#[derive(Debug)]
struct Builder<'a> {
    pages: PageWriter<'a>,
    postings: Stream,
    terms: Stream,
    lists: Stream,
    rows: Stream,
    fence: Vec<u64>,
    term_count: u64,
    list_count: u32,
}

impl<'a> Builder<'a> {
    fn new(pages: PageWriter<'a>) -> Self {
        Self {
            pages,
            postings: Stream::default(),
            terms: Stream::default(),
            lists: Stream::default(),
            rows: Stream::default(),
            fence: Vec::new(),
            term_count: 0,
            list_count: 0,
        }
    }

    /// Adds the row of the leaf behind the last one.
    fn row(&mut self, row: &[u8; ROW]) -> Result<(), StoreError> {
        self.pages.write(&mut self.rows, row)
    }

    fn single(&mut self, term: u64, place: u32) -> Result<(), StoreError> {
        self.term(term, place | SINGLE)
    }

    fn list(
        &mut self,
        term: u64,
        fill: impl FnOnce(&mut Self, &mut ListWriter) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut list = ListWriter::new(&self.postings);
        fill(self, &mut list)?;
        let list = list.finish(&mut self.pages, &mut self.postings)?;
        self.pages.write(&mut self.lists, &list.to_row())?;
        self.term(term, self.list_count)?;
        self.list_count += 1;
        Ok(())
    }

    fn push(&mut self, list: &mut ListWriter, place: u32) -> Result<(), StoreError> {
        list.push(&mut self.pages, &mut self.postings, place)
    }

    fn term(&mut self, term: u64, value: u32) -> Result<(), StoreError> {
        if self.term_count.is_multiple_of(TERMS_A_PAGE) {
            self.fence.push(term);
        }
        self.term_count += 1;
        let mut row = [0; TERM_ROW];
        row[..8].copy_from_slice(&term.to_le_bytes());
        row[8..].copy_from_slice(&value.to_le_bytes());
        self.pages.write(&mut self.terms, &row)
    }

    fn finish(mut self, mark: Mark, id: FileId, times: &[u64]) -> Result<(), StoreError> {
        for stream in [&mut self.postings, &mut self.terms, &mut self.lists, &mut self.rows] {
            self.pages.finish(stream)?;
        }
        let from_page = self.pages.pages();
        let mut rest = Stream::default();
        for number in self.fence.iter().chain(times) {
            self.pages.write(&mut rest, &number.to_le_bytes())?;
        }
        for stream in [&self.postings, &self.terms, &self.lists, &self.rows] {
            for page in stream.pages() {
                self.pages.write(&mut rest, &page.to_le_bytes())?;
            }
        }
        self.pages.finish(&mut rest)?;
        let lengths = Lengths {
            postings: count(self.postings.pages())?,
            terms: count(self.terms.pages())?,
            lists: count(self.lists.pages())?,
            rows: count(self.rows.pages())?,
            times: count(times)?,
            term_count: self.term_count,
            from_page,
        };
        self.pages.close(Footer { mark, id, lengths }.to_bytes())
    }
}

fn count<T>(all: &[T]) -> Result<u32, StoreError> {
    u32::try_from(all.len()).map_err(|_| StoreError::Corrupt("an index block outgrows its numbers"))
}

/// The least term that any source has come to.
#[derive(Debug)]
struct Least {
    term: u64,
    /// The first source that has it, and whether no other has.
    first: usize,
    is_alone: bool,
}

impl Least {
    fn of(sources: &[Source<'_>]) -> Option<Self> {
        let mut least: Option<Self> = None;
        for (place, source) in sources.iter().enumerate() {
            let Some(term) = source.term() else { continue };
            match &mut least {
                Some(least) if term > least.term => {}
                Some(least) if term == least.term => least.is_alone = false,
                _ => least = Some(Self { term, first: place, is_alone: true }),
            }
        }
        least
    }
}

/// One of the blocks that are merged, read once from its beginning to its end.
#[derive(Debug)]
struct Source<'a> {
    terms: StreamReader<'a>,
    lists: StreamReader<'a>,
    postings: StreamReader<'a>,
    left: u64,
    row: Option<(u64, u32)>,
    /// What its places are more by in the merged block.
    offset: u32,
}

impl<'a> Source<'a> {
    fn new(block: &'a Block, first: u64) -> Result<Self, StoreError> {
        let [terms, lists, postings] = block.streams();
        let offset = block.mark.leaves.start.checked_sub(first).and_then(|offset| u32::try_from(offset).ok());
        let offset = offset.ok_or(StoreError::Corrupt("index blocks that are no neighbours"))?;
        let mut source = Self { terms, lists, postings, left: block.term_count(), row: None, offset };
        source.next()?;
        Ok(source)
    }

    fn term(&self) -> Option<u64> {
        self.row.map(|(term, _)| term)
    }

    /// The only place of the term that it has come to.
    fn single(&self) -> Option<u32> {
        let (_, value) = self.row?;
        (value & SINGLE != 0).then_some((value & !SINGLE) + self.offset)
    }

    /// Takes all places of the term that it has come to.
    fn each(&mut self, mut take: impl FnMut(u32) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if let Some(place) = self.single() {
            return take(place);
        }
        let list = List::from_row(self.lists.array()?);
        let offset = self.offset;
        read_list(&mut self.postings, list, |place| take(place + offset))
    }

    fn next(&mut self) -> Result<(), StoreError> {
        self.row = None;
        if self.left > 0 {
            self.left -= 1;
            self.row = Some(term_of(&self.terms.array()?));
        }
        Ok(())
    }
}
