//! One person after one record, or refused again and again, within some hours.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use causeway_journal::v1::Operation;

use super::finding::{Entries, Finding, person, system};
use super::rules::SubjectRule;
use crate::audit::checks::Row;
use causeway_verify::hex::hex;

const RULE: &str = "same-subject";
const MICROS_AN_HOUR: u64 = 3_600_000_000;

/// What was asked within the hours of the rule: no more is held than came in that time.
#[derive(Debug)]
pub(super) struct Watch {
    rule: SubjectRule,
    /// Per person and record.
    asked: BTreeMap<(String, String), Recent>,
    /// Per person.
    refused: BTreeMap<String, Recent>,
    /// When what is too old was last put away.
    swept: u64,
}

/// What came within the hours.
#[derive(Debug, Default)]
struct Recent {
    acts: VecDeque<Act>,
    /// Since when nothing is reported again: the rule is broken still.
    told: bool,
}

#[derive(Debug)]
struct Act {
    time: u64,
    leaf: u64,
    /// What it was about: a record, or the entry itself where it names none; the reason where it sums up.
    about: String,
}

impl Recent {
    /// Takes an act, and puts away what is too old.
    fn add(&mut self, act: Act, since: u64) {
        self.forget(since);
        self.acts.push_back(act);
    }

    fn forget(&mut self, since: u64) {
        while self.acts.front().is_some_and(|act| act.time < since) {
            self.acts.pop_front();
        }
        self.told &= !self.acts.is_empty();
    }

    /// Whether there are so many, and that has not been said yet.
    fn reaches(&mut self, bound: usize, count: usize) -> bool {
        let reached = count >= bound;
        let first = reached && !self.told;
        self.told = reached;
        first
    }

    fn entries(&self) -> Entries {
        Entries::of(self.acts.iter().map(|act| act.leaf))
    }

    fn subjects(&self) -> usize {
        self.acts.iter().map(|act| act.about.as_str()).collect::<BTreeSet<_>>().len()
    }
}

impl Watch {
    pub(super) const fn new(rule: SubjectRule) -> Self {
        Self { rule, asked: BTreeMap::new(), refused: BTreeMap::new(), swept: 0 }
    }

    /// Takes the next entry; what it makes certain.
    pub(super) fn take(&mut self, row: &Row) -> Vec<Finding> {
        let time = row.entry.time_micros;
        let since = time.saturating_sub(self.rule.hours * MICROS_AN_HOUR);
        self.sweep(time, since);
        let who = person(row).unwrap_or_else(|| system(row));
        let finding = |what: String, recent: &Recent| Finding {
            rule: RULE,
            who: who.clone(),
            when: row.time(),
            what,
            entries: recent.entries(),
        };
        let mut found = Vec::new();
        let SubjectRule { hours, times, refused } = self.rule;
        // A page of a feed covers records without anybody having asked after one of them.
        let asks = matches!(row.entry.operation(), Operation::Consultation | Operation::Disclosure)
            && row.entry.page.is_none();
        let records: BTreeSet<String> = row.entry.records.iter().map(|record| hex(&record.record_id)).collect();
        for record in records.iter().filter(|_| asks) {
            let recent = self.asked.entry((who.clone(), record.clone())).or_default();
            recent.add(Act { time, leaf: row.leaf(), about: record.clone() }, since);
            if recent.reaches(times, recent.acts.len()) {
                let what = format!("asked {} times about record {record} within {hours} hours", recent.acts.len());
                found.push(finding(what, recent));
            }
        }
        if !row.is_allowed() {
            let recent = self.refused.entry(who.clone()).or_default();
            // Refusals that are summed up are one entry a minute: they are no different records.
            let summed = row.entry.period.is_some();
            let nothing = || if summed { row.entry.reason.clone() } else { format!("entry {}", row.leaf()) };
            let about = records.first().cloned().unwrap_or_else(nothing);
            recent.add(Act { time, leaf: row.leaf(), about }, since);
            let subjects = recent.subjects();
            if recent.reaches(refused, subjects) {
                let what = format!("refused for {subjects} different records, or what is none, within {hours} hours");
                found.push(finding(what, recent));
            }
        }
        found
    }

    /// Puts away what is too old of everybody, once in the hours of the rule.
    fn sweep(&mut self, time: u64, since: u64) {
        if time.saturating_sub(self.swept) < self.rule.hours * MICROS_AN_HOUR {
            return;
        }
        self.swept = time;
        let keep = |recent: &mut Recent| {
            recent.forget(since);
            !recent.acts.is_empty()
        };
        self.asked.retain(|_, recent| keep(recent));
        self.refused.retain(|_, recent| keep(recent));
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Decision, Entry, Period, RecordRef};
    use causeway_proto::v1::OpenedTexts;

    use super::*;
    use crate::audit::test_answers::{entry, row};

    fn act(minute: u64, record: Option<u8>, decision: Decision) -> Row {
        let records = record.map(|id| RecordRef { record_id: vec![id; 16], ..RecordRef::default() });
        let entry = Entry {
            records: records.into_iter().collect(),
            decision: decision.into(),
            ..entry(minute, Operation::Consultation, "holders")
        };
        let mut row = row(minute, entry);
        row.wire.opened = Some(OpenedTexts { operator_id: "inspector-7".into(), ..OpenedTexts::default() });
        row
    }

    fn watch() -> Watch {
        Watch::new(SubjectRule { hours: 2, times: 3, refused: 3 })
    }

    #[test]
    fn one_person_after_one_record_is_found_once_and_only_within_the_hours() {
        let mut watch = watch();
        let mut take = |minute| watch.take(&act(minute, Some(1), Decision::Allowed));
        assert!(take(0).is_empty() && take(60).is_empty());
        assert!(take(121).is_empty(), "the first was more than two hours ago");
        let found = take(122);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].who.as_str(), &found[0].entries),
            ("al-police: inspector-7", &Entries::of([60, 121, 122]))
        );
        assert!(take(123).is_empty(), "it has been said");
        assert!(take(500).is_empty() && take(501).is_empty());
        assert_eq!(take(502).len(), 1, "it happened again");
    }

    #[test]
    fn refusals_for_different_records_are_found_and_one_refusal_again_is_not() {
        let mut watch = watch();
        for minute in 0..5 {
            let found = watch.take(&act(minute, Some(1), Decision::Denied));
            assert!(found.iter().all(|finding| finding.what.starts_with("asked")), "{found:?}");
        }
        assert!(watch.take(&act(6, Some(2), Decision::Denied)).is_empty());
        let found = watch.take(&act(7, None, Decision::Denied));
        assert_eq!(found.len(), 1);
        assert!(found[0].what.starts_with("refused for 3 different records"), "{found:?}");
    }

    #[test]
    fn refusals_that_are_summed_up_every_minute_are_not_of_different_records() {
        let mut watch = watch();
        for minute in 0..9 {
            let mut summed = act(minute, None, Decision::Denied);
            (summed.entry.count, summed.entry.period) = (40, Some(Period::default()));
            assert!(watch.take(&summed).is_empty(), "minute {minute}");
        }
    }

    #[test]
    fn what_is_too_old_is_put_away() {
        let mut watch = watch();
        (0..10_000).for_each(|minute| {
            drop(watch.take(&act(minute, Some(u8::try_from(minute % 251).expect("small")), Decision::Denied)))
        });
        assert!(watch.asked.len() <= 251);
        watch.take(&act(20_000, Some(1), Decision::Allowed));
        assert_eq!((watch.asked.len(), watch.refused.len()), (1, 0));
    }
}
