//! What became of an import's rows, in numbers: the share that was accepted, and the rest by rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::Broken;
use crate::push::Totals;

/// Refused rows by rule and by the member that breaks it.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<String, Rule>);

#[derive(Default)]
struct Rule {
    rows: u64,
    members: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts one row. A row that breaks two rules counts under both; one rule at two places of a list counts once.
    pub(super) fn row(&mut self, faults: &[Broken]) {
        let broken: BTreeSet<(&str, String)> =
            faults.iter().map(|fault| (fault.rule.as_str(), member(fault))).collect();
        let rules: BTreeSet<&str> = broken.iter().map(|(rule, _)| *rule).collect();
        for rule in rules {
            self.0.entry(rule.to_owned()).or_default().rows += 1;
        }
        for (rule, member) in broken {
            *self.0.entry(rule.to_owned()).or_default().members.entry(member).or_default() += 1;
        }
    }

    /// The lines that an import ends with.
    pub(super) fn summary(&self, totals: &Totals) -> Vec<String> {
        let (all, faulty) = (totals.all(), totals.refused + totals.not_sent);
        let share = share(totals.accepted, all);
        let mut lines = vec![format!("{all} rows: {} accepted ({share}), {faulty} refused", totals.accepted)];
        let mut rules: Vec<_> = self.0.iter().collect();
        rules.sort_by_key(|(_, broken)| std::cmp::Reverse(broken.rows));
        if !rules.is_empty() {
            lines.push("refused, by rule (a row may break several):".into());
        }
        for (rule, Rule { rows, members }) in rules {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
            let members: Vec<String> = members.iter().map(|(member, rows)| format!("{member} {rows}")).collect();
            lines.push(format!("{rows:>9}  {rule}: {}", members.join(", ")));
        }
        lines
    }
}

/// The member, whatever its place in a list.
fn member(fault: &Broken) -> String {
    let names = fault.pointer.split('/').filter(|part| part.parse::<u32>().is_err());
    let member = names.collect::<Vec<_>>().join("/");
    if member.is_empty() { "the row".into() } else { member }
}

/// Hundredths of a percent, rounded down, so that what is short of an aim never reads as if it reached it.
fn share(part: u64, all: u64) -> String {
    let hundredths = (u128::from(part) * 10_000).checked_div(u128::from(all)).unwrap_or(0);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(pointer: &str, rule: &str) -> Broken {
        Broken { pointer: pointer.into(), rule: rule.into(), reason: String::new() }
    }

    #[test]
    fn rows_are_counted_by_rule_and_member() {
        let mut tally = Tally::default();
        tally.row(&[fault("/legs/0/from/country", "not-a-country"), fault("/legs/1/from/country", "not-a-country")]);
        tally.row(&[fault("/legs/0/to/country", "not-a-country"), fault("/gender", "unlisted-value")]);
        tally.row(&[fault("", "column-count")]);
        tally.row(&[]);
        let totals = Totals { accepted: 5, refused: 1, not_sent: 2 };
        assert_eq!(
            tally.summary(&totals),
            [
                "8 rows: 5 accepted (62.50%), 3 refused",
                "refused, by rule (a row may break several):",
                "        2  not-a-country: /legs/from/country 1, /legs/to/country 1",
                "        1  column-count: the row 1",
                "        1  unlisted-value: /gender 1",
            ]
        );
        assert_eq!(Tally::default().summary(&Totals::default()), ["0 rows: 0 accepted (0.00%), 0 refused"]);
        assert_eq!(share(9_999_999, 10_000_000), "99.99%", "rounded down");
    }
}
