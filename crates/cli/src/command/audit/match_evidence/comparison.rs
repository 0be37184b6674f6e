//! Both sides, entry by entry: what was kept against what the journal has.

use std::collections::{BTreeMap, BTreeSet};

use causeway_crypto::Digest;
use causeway_journal::Checkpoint;
use causeway_model::LeafIndex;
use causeway_verify::{Histories, Unlike};
use serde::Serialize;

use super::Wanted;
use crate::Failure;
use crate::audit::checks::Row;
use causeway_verify::plain::plain;

/// What the gateway says of an entry that did what it says.
const EFFECTIVE: &str = "effective";

/// What one side kept of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// The entry's leaf hash.
    pub(super) hash: Digest,
    /// Where it is kept, and what it is.
    pub(super) name: String,
    /// First and last position, of a page.
    pub(super) positions: Option<(u64, u64)>,
    /// The checkpoint that its proof led to.
    pub(super) checkpoint: Checkpoint,
    /// The same, signed.
    pub(super) note: String,
}

/// Two signed checkpoints that cannot both be of one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    /// Up to which size they differ.
    pub(super) size: u64,
    /// The one that was kept first.
    pub(super) known: String,
    /// The other one.
    pub(super) found: String,
}

/// A comparison under way.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    kept: BTreeMap<u64, Held>,
    /// All that was kept: whether it can be of one journal.
    histories: Histories,
    split: Option<Split>,
    /// What was kept and does not hold by itself: it has been reported.
    broken: BTreeSet<u64>,
    /// Positions of all pages that are kept.
    positions: Vec<(u64, u64)>,
    agreed: u64,
    faults: Vec<Fault>,
}

/// What one side has otherwise than the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    /// `not-kept`, `not-in-journal`, `altered`, `broken` or `history`.
    what: &'static str,
    leaf_index: u64,
    detail: String,
}

/// The end of a comparison.
#[derive(Debug)]
pub(super) struct Report {
    agreed: u64,
    faults: Vec<Fault>,
    /// The first two checkpoints with which what was kept contradicts itself.
    pub(super) split: Option<Split>,
}

/// A line of JSON: a fault, or the total in the last line.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Form<'a> {
    Fault(&'a Fault),
    Total { total: bool, agreed: u64, faults: usize },
}

impl Comparison {
    /// Something was kept, and holds by itself. What cannot be of the journal that the rest is of shows that there are two histories.
    pub(super) fn hold(&mut self, leaf: u64, held: Held) {
        match self.histories.take(LeafIndex(leaf), held.hash, &held.checkpoint, &held.note) {
            Ok(()) => {
                self.positions.extend(held.positions);
                self.kept.entry(leaf).or_insert(held);
            }
            Err(Unlike::Journal { first, other }) => {
                self.fault("history", leaf, format!("{}: it is of the journal {other}, not of {first}", held.name));
            }
            Err(Unlike::History { size, known, found }) => {
                let detail = format!("{}: what was kept is of two histories that differ below size {size}", held.name);
                self.fault("history", leaf, detail);
                self.split.get_or_insert(Split { size, known, found });
            }
        }
    }

    /// Something was kept that does not hold by itself.
    pub(super) fn broken(&mut self, leaf: u64, detail: String) {
        self.broken.insert(leaf);
        self.fault("broken", leaf, detail);
    }

    /// Something does not agree.
    pub(super) fn fault(&mut self, what: &'static str, leaf_index: u64, detail: String) {
        self.faults.push(Fault { what, leaf_index, detail });
    }

    /// Takes an entry of the journal.
    pub(super) fn take(&mut self, row: &Row, wanted: Wanted) {
        let leaf = row.leaf();
        let held = self.kept.remove(&leaf);
        match held {
            Some(held) if held.hash.0.as_slice() == row.wire.leaf_hash => self.agreed += 1,
            Some(held) => self.altered(row, &held),
            None if self.broken.contains(&leaf) || !is_wanted(row, wanted) => {}
            None => {
                let detail = self.not_kept(row);
                self.fault("not-kept", leaf, detail);
            }
        }
    }

    fn altered(&mut self, row: &Row, held: &Held) {
        let there = positions(row);
        let detail = match (held.positions, there) {
            (Some((from, to)), Some(other)) if (from, to) != other => {
                format!("{}; the journal has positions {} to {} there", held.name, other.0, other.1)
            }
            _ => format!("{}; the journal has another entry there: {}", held.name, row.deed()),
        };
        self.fault("altered", row.leaf(), detail);
    }

    fn not_kept(&self, row: &Row) -> String {
        let who = format!("{} by {}", row.time(), row.system());
        let Some((from, to)) = positions(row) else { return format!("{}, {who}", row.deed()) };
        let elsewhere = (from..=to).all(|at| self.positions.iter().any(|(from, to)| (from..=to).contains(&&at)));
        let outcome = row.wire.outcome.as_str();
        let stated = if outcome == EFFECTIVE { String::new() } else { format!("; the gateway says of it: {outcome}") };
        // The entry comes before the page: nobody can tell from it that the page came after it.
        let lost = match elsewhere {
            true => "; other pages hold them: it was abandoned before it left, or its answer got lost",
            false => "; it may have been abandoned before it left",
        };
        format!("positions {from} to {to}, {who}{lost}{stated}")
    }

    /// The report: what was kept and did not come from the journal is missing there.
    pub(super) fn end(mut self) -> Report {
        for (leaf, held) in std::mem::take(&mut self.kept) {
            self.fault("not-in-journal", leaf, held.name);
        }
        self.faults.sort_by_key(|fault| fault.leaf_index);
        Report { agreed: self.agreed, faults: self.faults, split: self.split }
    }
}

/// Whether the other side must have kept an entry. That a disclosure had no effect is the gateway's word, and nothing proves it: stated
/// of one that the partner never got, it would hide it.
fn is_wanted(row: &Row, wanted: Wanted) -> bool {
    match wanted {
        Wanted::Pages => row.discloses_page(),
        Wanted::Effective => row.wire.outcome == EFFECTIVE,
        Wanted::None => false,
    }
}

fn positions(row: &Row) -> Option<(u64, u64)> {
    row.entry.page.as_ref().map(|page| (page.from_position, page.to_position))
}

impl Report {
    pub(super) fn lines(&self) -> Vec<String> {
        let words = |fault: &Fault| match fault.what {
            "not-kept" => "in the journal, NOT KEPT",
            "not-in-journal" => "kept, NOT IN THE JOURNAL",
            "altered" => "kept, and OTHERWISE in the journal",
            "broken" => "kept, and DOES NOT HOLD",
            _ => "the JOURNAL ITSELF is another one",
        };
        self.faults
            .iter()
            .map(|fault| plain(&format!("{:>8}  {}: {}", fault.leaf_index, words(fault), fault.detail)))
            .collect()
    }

    pub(super) fn forms(&self) -> impl Iterator<Item = Form<'_>> {
        let total = Form::Total { total: true, agreed: self.agreed, faults: self.faults.len() };
        self.faults.iter().map(Form::Fault).chain(std::iter::once(total))
    }

    pub(super) fn sentence(&self, signed: bool) -> String {
        let unsigned = if signed { "" } else { "; no signature was checked: give --verifier-key" };
        format!("{} agree on both sides, {} do not{unsigned}", self.agreed, self.faults.len())
    }

    /// # Errors
    /// Two sides that do not agree in everything.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        match self.faults.len() {
            0 => Ok(()),
            faults => {
                Err(Failure::does_not_hold(format!("what was kept and the journal do not agree: {faults} differences")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Entry, Operation, Page};
    use causeway_journal::{Tree, leaf_hash};

    use super::*;
    use crate::audit::test_answers::{entry, row};

    fn page(leaf: u64, from_position: u64, to_position: u64) -> Row {
        let page = Page { feed: "ISA-AL-2026-014".into(), from_position, to_position, ..Page::default() };
        row(leaf, Entry { page: Some(page), ..entry(leaf, Operation::Disclosure, "disclosed") })
    }

    fn held(row: &Row) -> Held {
        let mut tree = Tree::new();
        (0..row.leaf()).for_each(|other| drop(tree.push(leaf_hash(&other.to_be_bytes()))));
        tree.push(leaf_hash(&row.wire.entry));
        let checkpoint = Checkpoint { origin: "test.example/journal".into(), size: tree.size(), root: tree.root() };
        let note = format!("note of {}", checkpoint.root);
        Held {
            hash: leaf_hash(&row.wire.entry),
            name: format!("page {}", row.leaf()),
            positions: positions(row),
            checkpoint,
            note,
        }
    }

    fn compared(kept: &[Row], journal: &[Row]) -> Vec<&'static str> {
        let mut comparison = Comparison::default();
        kept.iter().for_each(|row| comparison.hold(row.leaf(), held(row)));
        journal.iter().for_each(|row| comparison.take(row, Wanted::Pages));
        let report = comparison.end();
        assert_eq!(report.verdict().is_ok(), report.faults.is_empty());
        report.faults.iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn what_either_side_lacks_or_has_otherwise_is_reported() {
        let all = [page(3, 1, 2), page(5, 3, 4), page(9, 5, 6)];
        assert!(compared(&all, &all).is_empty());
        assert_eq!(compared(&all[..2], &all), ["not-kept"]);
        assert_eq!(compared(&all, &all[1..]), ["not-in-journal"]);
        let other = [page(3, 1, 2), page(5, 3, 5), page(9, 5, 6)];
        assert_eq!(compared(&all, &other), ["altered"]);
        assert_eq!(compared(&[], &[row(4, entry(4, Operation::Disclosure, "count-disclosed"))]), Vec::<&str>::new());
    }

    #[test]
    fn two_entries_of_one_place_are_two_histories_and_neither_is_passed_over() {
        let (one, other) = (page(3, 1, 2), page(3, 3, 4));
        assert_eq!(compared(&[one.clone(), other.clone()], std::slice::from_ref(&one)), ["history"]);
        assert_eq!(compared(&[one.clone(), other.clone()], std::slice::from_ref(&other)), ["history", "altered"]);
        assert!(compared(&[one.clone(), one.clone()], std::slice::from_ref(&one)).is_empty(), "the same twice");
        let mut comparison = Comparison::default();
        [&one, &other].into_iter().for_each(|row| comparison.hold(row.leaf(), held(row)));
        let (known, found) = (held(&one).note, held(&other).note);
        assert_eq!(comparison.end().split, Some(Split { size: 4, known, found }));
        let mut elsewhere = held(&page(9, 5, 6));
        elsewhere.checkpoint.origin = "other.example/journal".into();
        let mut comparison = Comparison::default();
        comparison.hold(3, held(&one));
        comparison.hold(9, elsewhere);
        comparison.take(&one, Wanted::Pages);
        let report = comparison.end();
        assert!(report.split.is_none() && report.lines()[0].contains("other.example"), "{:#?}", report.lines());
    }

    #[test]
    fn a_disclosure_that_is_said_to_have_had_no_effect_must_have_been_kept_too() {
        let mut hidden = page(5, 3, 4);
        hidden.wire.outcome = "void".into();
        let mut comparison = Comparison::default();
        comparison.take(&hidden, Wanted::Pages);
        comparison.take(&hidden, Wanted::Effective);
        let lines = comparison.end().lines();
        assert!(
            lines.len() == 1 && lines[0].contains("NOT KEPT") && lines[0].contains("says of it: void"),
            "{lines:#?}"
        );
    }

    #[test]
    fn a_page_whose_answer_got_lost_and_that_was_pulled_again_is_said_to_be_so() {
        let mut comparison = Comparison::default();
        comparison.hold(5, held(&page(5, 1, 4)));
        comparison.take(&page(3, 1, 2), Wanted::Pages);
        comparison.take(&page(5, 1, 4), Wanted::Pages);
        comparison.take(&page(9, 4, 5), Wanted::Pages);
        let lines = comparison.end().lines();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.contains("abandoned before it left")), "{lines:#?}");
        assert!(lines[0].contains("its answer got lost") && !lines[1].contains("lost"), "{lines:#?}");
    }

    #[test]
    fn what_does_not_hold_by_itself_is_reported_once() {
        let mut comparison = Comparison::default();
        comparison.broken(3, "page 3: its chain".into());
        comparison.take(&page(3, 1, 2), Wanted::Pages);
        let report = comparison.end();
        assert_eq!(report.faults.len(), 1);
        assert!(report.verdict().is_err());
    }
}
