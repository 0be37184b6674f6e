//! Searching: piece by piece in the order that is asked for, and the log where no piece is.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_journal::{MOST_LATE, RULES_SHARED};
use causeway_model::{LeafIndex, Timestamp};
use event_listener::Listener;

use super::covered::Cover;
use super::query::{Looked, Query};
use super::scan::{Operators, Scan};
use super::{Index, IndexMeasures, Piece, Term};
use crate::error::StoreError;
use crate::journal::Journal;
use crate::reader::Reader;

/// A gap that is read from the log at once, without waiting for the follower to cover it.
const SMALL_GAP: u64 = 4_096;

/// How long a search waits for the follower before it reads a larger gap from the log.
const PATIENCE: Duration = Duration::from_millis(250);

/// What entries are searched for. What is left empty does not narrow the search.
#[derive(Debug, Clone)]
pub struct Search {
    /// All of these.
    pub terms: Vec<Term>,
    /// Only these entries, in ascending order: those of a record, from [`causeway_journal::State::subject`].
    pub among: Option<Vec<LeafIndex>>,
    /// Not before this entry.
    pub from: LeafIndex,
    /// Before this entry, and before the newest that is durable when the search begins.
    pub before: LeafIndex,
    /// Whether the newest comes first.
    pub newest_first: bool,
    /// So many entries at most.
    pub limit: usize,
}

/// A search on its way.
#[derive(Debug)]
struct Searching {
    query: Query,
    operators: Operators,
    rest: Range<u64>,
    limit: usize,
    found: Vec<LeafIndex>,
    has_waited: bool,
}

impl Searching {
    fn is_done(&self) -> bool {
        self.rest.is_empty() || self.found.len() >= self.limit
    }

    /// Goes on behind a part that has been searched.
    fn pass(&mut self, part: &Range<u64>, looked: Looked) {
        self.found.extend(looked.found);
        if self.query.newest_first {
            self.rest.end = looked.next.map_or(part.start, |next| next + 1);
        } else {
            self.rest.start = looked.next.unwrap_or(part.end);
        }
    }
}

impl Index {
    fn begin(&self, reader: &Reader, search: Search, within: &[Vec<Term>]) -> Searching {
        let size = reader.shared.read(|state| state.tree().size());
        let rest = search.from.0..search.before.0.min(size);
        if rest.end > self.covered().open.range().end {
            self.absorb();
        }
        let hash = |term| self.terms.hash(term);
        let names_operator =
            search.terms.iter().chain(within.iter().flatten()).any(|term| matches!(term, Term::Operator { .. }));
        Searching {
            operators: if names_operator { Operators::Opened } else { Operators::Left },
            query: Query {
                terms: search.terms.iter().map(hash).collect(),
                within: within.iter().map(|group| group.iter().map(hash).collect()).collect(),
                among: search.among,
                newest_first: search.newest_first,
            },
            rest,
            limit: search.limit,
            found: Vec::new(),
            has_waited: false,
        }
    }

    /// Goes on until the search is done, has taken its steps or has read a part of the log: then other reads get their turn.
    fn go_on(&self, reader: &Reader, search: &mut Searching) -> Result<(), StoreError> {
        let mut steps = self.settings.turn;
        while !search.is_done() && steps > 0 {
            let limit = search.limit - search.found.len();
            let (piece, part) = match self.covered().first_of(&search.rest, search.query.newest_first) {
                Cover::Open(segment, part) => {
                    let looked = search.query.in_segment(segment, &part, limit, &mut steps)?;
                    search.pass(&part, looked);
                    continue;
                }
                Cover::Piece(piece, part) => (Some(piece), part),
                Cover::Gap(part) => (None, part),
            };
            match piece {
                Some(Piece::Segment(segment)) => {
                    let looked = search.query.in_segment(&segment, &part, limit, &mut steps)?;
                    search.pass(&part, looked);
                }
                Some(Piece::Block(block)) => match search.query.in_block(&block, &part, limit, &mut steps) {
                    Ok(looked) => search.pass(&part, looked),
                    // What it covered is a gap now.
                    Err(error) => self.discard(&block, &error),
                },
                None if part.end - part.start > SMALL_GAP && !search.has_waited => {
                    search.has_waited = true;
                    self.wait_for(&part);
                }
                None => return self.scan(reader, search, part),
            }
        }
        Ok(())
    }

    /// Reads a part of the log in the place of a piece.
    fn scan(&self, reader: &Reader, search: &mut Searching, part: Range<u64>) -> Result<(), StoreError> {
        let part = if search.query.newest_first {
            part.end.saturating_sub(SMALL_GAP).max(part.start)..part.end
        } else {
            part.start..part.end.min(part.start.saturating_add(SMALL_GAP))
        };
        let scan = Scan { reader, key: &self.terms, operators: search.operators };
        let found = scan.search(part.clone(), &search.query, search.limit - search.found.len())?;
        search.pass(&part, Looked { found, next: None });
        Ok(())
    }

    /// Waits a bounded moment for the follower to cover a part.
    fn wait_for(&self, part: &Range<u64>) {
        if !self.follows() {
            return;
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let grown = self.grown.listen();
            self.woken.notify(1);
            let is_covered = !matches!(self.covered().first_of(part, true), Cover::Gap(_));
            if is_covered || self.is_stopping() || grown.wait_deadline(until).is_none() {
                return;
            }
        }
    }
}

impl Journal {
    /// Entries that have all of the terms, in order. They are candidates: a hash of 64 bits stands for a term, so whoever
    /// asks looks at each entry. What was acknowledged before the call is covered. The next page begins behind the last one.
    ///
    /// # Errors
    /// When the log cannot be read. A damaged index is none: it is made anew, and its part of the log read instead.
    pub async fn search(&self, search: Search) -> Result<Vec<LeafIndex>, StoreError> {
        self.search_within(search, Vec::new()).await
    }

    /// The same among the entries that have, of each of these groups, at least one term. Nothing outside them is looked at, and the
    /// time that it takes does not tell what is there.
    ///
    /// # Errors
    /// As [`Journal::search`].
    pub async fn search_within(&self, search: Search, within: Vec<Vec<Term>>) -> Result<Vec<LeafIndex>, StoreError> {
        let index = Arc::clone(&self.index);
        let mut searching = self.readers.ask(move |reader| Ok(index.begin(reader, search, &within))).await?;
        while !searching.is_done() {
            let index = Arc::clone(&self.index);
            let going_on = move |reader: &Reader| index.go_on(reader, &mut searching).map(|()| searching);
            searching = self.readers.ask(going_on).await?;
        }
        Ok(searching.found)
    }

    /// A leaf from which on no entry is earlier than `time`; before it there may be some that are not, where several writers' clocks differ.
    ///
    /// # Errors
    /// As [`Journal::leaf_at`].
    pub async fn leaf_behind(&self, time: Timestamp) -> Result<LeafIndex, StoreError> {
        let is_shared = self.read(|state| state.rules() >= RULES_SHARED);
        self.leaf_at(if is_shared { time.plus_seconds(MOST_LATE.as_secs()) } else { time }).await
    }

    /// The first entry whose time is not before `time`; the tree's size where there is none. In a log with one writer the time never goes
    /// back; where there are several, an entry behind it may be earlier, by [`MOST_LATE`] at most.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn leaf_at(&self, time: Timestamp) -> Result<LeafIndex, StoreError> {
        let index = Arc::clone(&self.index);
        self.readers.ask(move |reader| index.leaf_at(reader, time)).await
    }

    /// How the index stands.
    pub fn index_measures(&self) -> IndexMeasures {
        self.index.measures()
    }
}
