//! Outside the hours in which an agency works.

use std::collections::BTreeMap;

use super::finding::{Entries, Finding, person, system};
use super::rules::{AgencyHours, Day, HoursRule};
use crate::audit::checks::Row;

const RULE: &str = "hours";
const MICROS_A_SECOND: i64 = 1_000_000;
const SECONDS_A_DAY: i64 = 86_400;
const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
/// 1970-01-01 was a Thursday.
const FIRST_DAY: i64 = 3;

/// What each did outside the hours of a day: one finding a day, at the end of the span.
#[derive(Debug)]
pub(super) struct Watch {
    rule: HoursRule,
    outside: BTreeMap<String, (String, Entries)>,
}

impl Watch {
    pub(super) const fn new(rule: HoursRule) -> Self {
        Self { rule, outside: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, row: &Row) {
        let system = system(row);
        if !self.rule.operations.count(row) || self.rule.unattended.contains(&system) {
            return;
        }
        let agency = row.entry.actor.as_ref().map_or("", |actor| actor.agency.as_str());
        let hours = self.rule.agencies.iter().find(|hours| hours.agency == agency);
        let Some((hours, local)) = hours.and_then(|hours| Some((hours, local(hours, row)?))) else { return };
        if local.is_within(hours) {
            return;
        }
        let who = person(row).unwrap_or(system);
        let key = format!("{} {who}", local.date());
        let (_, entries) = self.outside.entry(key).or_insert_with(|| (who, Entries::default()));
        entries.add(row.leaf());
    }

    /// One finding for each person, or system where the person is not known, and day.
    pub(super) fn rest(&mut self) -> Vec<Finding> {
        let outside = std::mem::take(&mut self.outside);
        let finding = |(key, (who, entries)): (String, (String, Entries))| Finding {
            rule: RULE,
            when: key.split(' ').next().unwrap_or_default().to_owned(),
            who,
            what: "outside the hours of its agency".into(),
            entries,
        };
        outside.into_iter().map(finding).collect()
    }
}

/// A moment by an agency's own clock.
struct Local {
    day: i64,
    second: i64,
}

fn local(hours: &AgencyHours, row: &Row) -> Option<Local> {
    let seconds = i64::try_from(row.entry.time_micros).ok()? / MICROS_A_SECOND + hours.offset;
    Some(Local { day: seconds.div_euclid(SECONDS_A_DAY), second: seconds.rem_euclid(SECONDS_A_DAY) })
}

impl Local {
    fn is_within(&self, hours: &AgencyHours) -> bool {
        let weekday = usize::try_from((self.day + FIRST_DAY).rem_euclid(7)).unwrap_or_default();
        let second = u64::try_from(self.second).unwrap_or_default();
        hours.days.contains(&DAYS[weekday]) && (hours.from..hours.to).contains(&second)
    }

    fn date(&self) -> String {
        causeway_model::Date::from_day(u32::try_from(self.day).unwrap_or_default()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Actor, Operation};

    use super::super::rules::Rules;
    use super::*;
    use crate::audit::test_answers::{entry, row};

    /// An entry of vn-police (UTC+7) so many minutes into Sunday, 2026-11-22 (UTC).
    fn act(minute: u64, system: &str) -> Row {
        let mut entry = entry(minute, Operation::Consultation, "receipt");
        entry.actor = Some(Actor { agency: "vn-police".into(), system: system.into(), ..Actor::default() });
        row(minute, entry)
    }

    #[test]
    fn the_agencys_own_clock_and_days_decide() {
        let mut watch = Watch::new(Rules::of(None).expect("built in").hours.expect("stated"));
        for minute in [
            10 * 60,      // Sunday, 17:00 there: it does not work on Sundays.
            20 * 60,      // Monday, 03:00 there.
            23 * 60 + 30, // Monday, 06:30 there: within.
            38 * 60 + 30, // Monday, 21:30 there.
        ] {
            watch.take(&act(minute, "audit"));
            watch.take(&act(minute, "feed"));
        }
        let found = watch.rest();
        let found: Vec<_> = found
            .iter()
            .map(|finding| (finding.who.as_str(), finding.when.as_str(), finding.entries.clone()))
            .collect();
        assert_eq!(
            found,
            [
                ("vn-police/audit", "2026-11-22", Entries::of([10 * 60])),
                ("vn-police/audit", "2026-11-23", Entries::of([20 * 60, 38 * 60 + 30]))
            ]
        );
    }
}
