//! Holds a file of items that a partner kept against the pages that it received: every line must be of a page, line by line, and
//! what every position held last must be there.

use std::collections::{HashMap, HashSet};
use std::fmt;

use causeway_crypto::Digest;

/// An item as it was printed: its position, and the digest of its line.
pub(crate) type Printed = (u64, Digest);

/// What is wrong with a file of items, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The item of this position is not there.
    Omitted(u64),
    /// The line of this position is not what was received.
    Altered(u64),
    /// The item of this position stands once more.
    Repeated(u64),
    /// The item of this position stands where another should.
    Reordered(u64),
    /// No page holds this position.
    Added(u64),
}

/// A fault, with the line where it shows, from 1; none at the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) line: Option<usize>,
    pub(crate) fault: Fault,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: ")?,
            None => f.write_str("at its end: ")?,
        }
        match self.fault {
            Fault::Omitted(position) => write!(f, "position {position} is left out"),
            Fault::Altered(position) => write!(f, "position {position} is not what was received"),
            Fault::Repeated(position) => write!(f, "position {position} stands once more"),
            Fault::Reordered(position) => write!(f, "position {position} is out of order"),
            Fault::Added(position) => write!(f, "position {position} is in no kept page"),
        }
    }
}

/// Compares. The lines of a page stand together and in order. A pull that was cut short may have kept a page and written some of its
/// lines, or none: the next pull reads those positions again, so that they are in a later page.
///
/// `pages` are in the order in which they were received, each with what it prints.
///
/// # Errors
/// The first fault.
pub(crate) fn compare(pages: &[Vec<Printed>], lines: &[Printed]) -> Result<(), Found> {
    let mut walk = Walk::new(pages, lines);
    while walk.at < lines.len() {
        walk.run()?;
    }
    let newest: HashMap<u64, Digest> = pages.iter().flatten().copied().collect();
    let missing = newest.iter().filter(|(position, line)| walk.written.get(position) != Some(line));
    match missing.map(|(position, _)| *position).min() {
        None => Ok(()),
        Some(position) => Err(Found { line: None, fault: Fault::Omitted(position) }),
    }
}

struct Walk<'a> {
    pages: &'a [Vec<Printed>],
    lines: &'a [Printed],
    /// Pages by the first position that they print.
    starts: HashMap<u64, Vec<usize>>,
    known: HashSet<u64>,
    /// What was found last at each position.
    written: HashMap<u64, Digest>,
    /// The next line.
    at: usize,
    /// Pages before this one are behind.
    next_page: usize,
    /// What the page that is being read still has.
    rest: &'a [Printed],
}

impl<'a> Walk<'a> {
    fn new(pages: &'a [Vec<Printed>], lines: &'a [Printed]) -> Self {
        let mut starts: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, page) in pages.iter().enumerate() {
            if let Some((first, _)) = page.first() {
                starts.entry(*first).or_default().push(index);
            }
        }
        let known = pages.iter().flatten().map(|(position, _)| *position).collect();
        Self { pages, lines, starts, known, written: HashMap::new(), at: 0, next_page: 0, rest: &[] }
    }

    /// Takes the lines of one page: of several that begin alike, the one that goes with most of them.
    fn run(&mut self) -> Result<(), Found> {
        let (position, _) = self.lines[self.at];
        let alike = self.starts.get(&position).map(Vec::as_slice).unwrap_or_default();
        let rest = &self.lines[self.at..];
        let length =
            |page: usize| self.pages[page].iter().zip(rest).take_while(|(printed, line)| printed == line).count();
        let candidates = alike.iter().filter(|page| **page >= self.next_page).map(|page| (length(*page), *page));
        // Of pages that go equally far the first: those after it are there for what follows.
        let best = candidates.rev().max_by_key(|(length, _)| *length).filter(|(length, _)| *length > 0);
        let Some((length, page)) = best else { return Err(self.fault()) };
        self.written.extend(rest[..length].iter().copied());
        self.at += length;
        self.next_page = page + 1;
        self.rest = &self.pages[page][length..];
        Ok(())
    }

    /// Why the next line is that of no page that could come here.
    fn fault(&self) -> Found {
        let line = self.lines[self.at];
        let position = line.0;
        let after = self.pages[self.next_page.min(self.pages.len())..].iter().find_map(|page| page.first());
        let wanted = self.rest.first().or(after).map(|(position, _)| *position);
        let comes_later = |wanted: u64| self.lines[self.at..].iter().any(|(position, _)| *position == wanted);
        let fault = match wanted {
            _ if !self.known.contains(&position) => Fault::Added(position),
            Some(wanted) if wanted == position => Fault::Altered(position),
            Some(wanted) if self.rest.contains(&line) && !comes_later(wanted) => Fault::Omitted(wanted),
            _ if self.written.contains_key(&position) => Fault::Repeated(position),
            Some(wanted) if !comes_later(wanted) => Fault::Omitted(wanted),
            _ => Fault::Reordered(position),
        };
        Found { line: Some(self.at + 1), fault }
    }
}

#[cfg(test)]
mod tests {
    use causeway_crypto::sha256;

    use super::*;

    fn line(position: u64, text: &str) -> Printed {
        (position, sha256(&[text.as_bytes()]))
    }

    fn page(positions: std::ops::RangeInclusive<u64>) -> Vec<Printed> {
        positions.map(|position| line(position, "as received")).collect()
    }

    fn faults(pages: &[Vec<Printed>], lines: &[Printed]) -> (Option<usize>, Fault) {
        let found = compare(pages, lines).expect_err("something is wrong");
        (found.line, found.fault)
    }

    #[test]
    fn all_pages_in_order_hold_and_every_tampering_is_found_where_it_is() {
        let pages = [page(1..=3), page(4..=6), page(7..=8)];
        let good: Vec<Printed> = pages.concat();
        compare(&pages, &good).expect("as received");
        let with = |change: &dyn Fn(&mut Vec<Printed>)| {
            let mut lines = good.clone();
            change(&mut lines);
            faults(&pages, &lines)
        };
        for index in 0..good.len() {
            let position = good[index].0;
            assert_eq!(with(&|lines| _ = lines.remove(index)).1, Fault::Omitted(position));
            assert_eq!(
                with(&|lines| lines[index] = line(position, "else")),
                (Some(index + 1), Fault::Altered(position))
            );
            let repeated = with(&|lines| lines.insert(index, lines[index]));
            assert_eq!(repeated, (Some(index + 2), Fault::Repeated(position)));
            for other in index + 1..good.len() {
                let (line, fault) = with(&|lines| lines.swap(index, other));
                assert!(line.is_some_and(|line| line > index), "{index} {other}: {line:?}");
                assert!(matches!(fault, Fault::Reordered(_)), "{index} {other}: {fault:?}");
            }
            let cut = with(&|lines| lines.truncate(index));
            assert_eq!(cut, (None, Fault::Omitted(position)));
        }
        let added = with(&|lines| lines.push(line(9, "as received")));
        assert_eq!(added, (Some(9), Fault::Added(9)));
        let pages_swapped = with(&|lines| lines.rotate_left(3));
        assert_eq!(pages_swapped, (Some(6), Fault::Reordered(1)));
    }

    #[test]
    fn what_was_put_off_comes_later_and_withdrawals_may_come_twice() {
        let ahead = vec![line(1, "a"), line(4, "withdrawn")];
        let later = vec![line(2, "b"), line(3, "c"), line(4, "withdrawn")];
        let pages = [ahead, later];
        compare(&pages, &pages.concat()).expect("both pages");
        let mut cut = pages.concat();
        cut.remove(3);
        assert_eq!(faults(&pages, &cut).1, Fault::Omitted(3));
    }

    #[test]
    fn a_pull_that_was_cut_short_is_read_again() {
        let (first, again) = (page(1..=3), page(1..=3));
        let pages = [first.clone(), again.clone(), page(4..=5)];
        for written in 0..=3 {
            let lines = [&first[..written], &again, &page(4..=5)].concat();
            compare(&pages, &lines).unwrap_or_else(|found| panic!("{written} lines: {found}"));
        }
        let withdrawn = vec![line(1, "as received"), line(2, "withdrawn"), line(3, "as received")];
        let pages = [first.clone(), withdrawn];
        assert_eq!(faults(&pages, &first), (None, Fault::Omitted(2)), "what the position held last is not there");
        compare(&pages, &pages[1]).expect("the first page's lines were never written");
    }
}
