//! Much more in one day than usual: against the median of the same person's or system's own days, or against a bound.

use std::collections::BTreeMap;

use causeway_journal::REASON_IDENTITY_REQUESTED;
use causeway_model::Timestamp;

use super::finding::{Entries, Finding, person, system};
use super::rules::VolumeRule;
use crate::audit::checks::Row;

const RULE: &str = "volume";

/// What each did on each day: as many sums as there are persons, systems and days.
#[derive(Debug)]
pub(super) struct Watch {
    rule: VolumeRule,
    days: BTreeMap<(String, u64), Day>,
}

#[derive(Debug, Default)]
struct Day {
    done: u64,
    entries: Entries,
}

impl Watch {
    pub(super) const fn new(rule: VolumeRule) -> Self {
        Self { rule, days: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, row: &Row) {
        if !self.rule.operations.count(row) {
            return;
        }
        let day = Timestamp(row.entry.time_micros).day();
        for who in std::iter::once(system(row)).chain(person(row)) {
            let sum = self.days.entry((who, day)).or_default();
            sum.done = sum.done.saturating_add(weight(row));
            sum.entries.add(row.leaf());
        }
    }

    /// The days on which somebody did more than the rule lets pass.
    pub(super) fn rest(&self) -> Vec<Finding> {
        let mut days_of = BTreeMap::<&str, Vec<u64>>::new();
        for ((who, _), day) in &self.days {
            days_of.entry(who).or_default().push(day.done);
        }
        let medians: BTreeMap<&str, Option<u64>> =
            days_of.into_iter().map(|(who, done)| (who, self.median(done))).collect();
        let finding = |((who, number), day): (&(String, u64), &Day)| {
            let what = self.beyond(day.done, medians.get(who.as_str()).copied().flatten())?;
            let when = Timestamp(number * 86_400_000_000).date().to_string();
            Some(Finding { rule: RULE, who: who.clone(), when, what, entries: day.entries.clone() })
        };
        self.days.iter().filter_map(finding).collect()
    }

    /// The median of somebody's days, where there are enough of them.
    fn median(&self, mut done: Vec<u64>) -> Option<u64> {
        done.sort_unstable();
        (done.len() >= self.rule.days).then(|| done[done.len() / 2])
    }

    fn beyond(&self, done: u64, median: Option<u64>) -> Option<String> {
        let VolumeRule { times_median, minimum, absolute, .. } = self.rule;
        if absolute > 0 && done > absolute {
            return Some(format!("{done} in a day; more than {absolute}"));
        }
        let median = median.filter(|median| done >= minimum && done > median.saturating_mul(times_median))?;
        Some(format!("{done} in a day; more than {times_median} times the median of its days, {median}"))
    }
}

/// A page counts as often as it has positions, and an entry that stands for many things as often as they are: a range of raw entries,
/// an answer with many cells, calls that were summed up.
fn weight(row: &Row) -> u64 {
    let page = row.entry.page.as_ref().filter(|_| row.discloses_page());
    match page {
        Some(page) => (page.to_position + 1).saturating_sub(page.from_position),
        // There the number is the month's cap.
        None if row.entry.reason == REASON_IDENTITY_REQUESTED => 1,
        None => row.entry.count.max(1),
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Entry, Operation, Page};
    use causeway_proto::v1::OpenedTexts;

    use super::super::rules::Rules;
    use super::*;
    use crate::audit::test_answers::{entry, row};

    const A_DAY: u64 = 24 * 60;

    fn watch() -> Watch {
        let rule = Rules::of(None).expect("built in").volume.expect("stated");
        Watch::new(VolumeRule { times_median: 3, days: 3, minimum: 10, absolute: 500, ..rule })
    }

    fn act(leaf: u64, day: u64) -> Row {
        let mut row = row(leaf, entry(day * A_DAY, Operation::Consultation, "receipt"));
        row.wire.opened = Some(OpenedTexts { operator_id: "inspector-7".into(), ..OpenedTexts::default() });
        row
    }

    #[test]
    fn a_day_far_above_the_median_is_found_for_the_person_and_the_system() {
        let mut watch = watch();
        let mut leaf = 0;
        for (day, acts) in [(0, 4), (1, 5), (2, 4), (3, 13)] {
            for _ in 0..acts {
                watch.take(&act(leaf, day));
                leaf += 1;
            }
        }
        let found = watch.rest();
        let who: Vec<&str> = found.iter().map(|finding| finding.who.as_str()).collect();
        // The upper of the two days in the middle is 5, and 13 is less than three times that.
        assert!(who.is_empty(), "{found:?}");
        (0..3).for_each(|extra| watch.take(&act(leaf + extra, 3)));
        let found = watch.rest();
        let who: Vec<&str> = found.iter().map(|finding| finding.who.as_str()).collect();
        assert_eq!(who, ["al-police/feed", "al-police: inspector-7"]);
        assert_eq!(
            (found[0].when.as_str(), found[0].what.as_str()),
            ("2026-11-25", "16 in a day; more than 3 times the median of its days, 5")
        );
        assert_eq!(found[0].entries, Entries::of(13..29));
    }

    #[test]
    fn a_page_counts_its_positions_against_the_bound_and_few_days_have_no_median() {
        let mut watch = watch();
        let page = Page { feed: "ISA-AL-2026-014".into(), from_position: 1, to_position: 501, ..Page::default() };
        watch.take(&row(3, Entry { page: Some(page), ..entry(0, Operation::Disclosure, "disclosed") }));
        (0..400).for_each(|leaf| watch.take(&act(leaf + 4, 1)));
        watch.take(&row(999, entry(0, Operation::Collection, "accepted")));
        let found = watch.rest();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].what, "501 in a day; more than 500");
    }

    #[test]
    fn an_entry_counts_for_as_much_as_it_stands_for() {
        let mut watch = watch();
        let raw = Entry { count: 1_000_000, ..entry(0, Operation::Consultation, "raw-entries") };
        let cap = Entry { count: 900, ..entry(A_DAY, Operation::Consultation, REASON_IDENTITY_REQUESTED) };
        watch.take(&row(3, raw));
        watch.take(&row(4, cap));
        let found = watch.rest();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].what, "1000000 in a day; more than 500");
    }
}
