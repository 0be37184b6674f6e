//! A purpose that a system does not act for otherwise.

use std::collections::BTreeMap;

use super::finding::{Entries, Finding, system};
use super::rules::PurposeRule;
use crate::audit::checks::Row;

const RULE: &str = "off-purpose";

/// For what each system acted so far.
#[derive(Debug)]
pub(super) struct Watch {
    rule: PurposeRule,
    done: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Watch {
    pub(super) const fn new(rule: PurposeRule) -> Self {
        Self { rule, done: BTreeMap::new() }
    }

    /// Takes the next entry; a finding where its purpose is another than the system's.
    pub(super) fn take(&mut self, row: &Row) -> Option<Finding> {
        let (system, purpose) = (system(row), row.entry.purpose_code.clone());
        if purpose.is_empty() {
            return None;
        }
        let done = self.done.entry(system.clone()).or_default();
        let others: u64 = done.values().sum();
        let is_new = !done.contains_key(&purpose);
        *done.entry(purpose.clone()).or_default() += 1;
        let stated = self.rule.systems.iter().find(|stated| stated.system == system);
        let what = match stated {
            Some(stated) if !stated.purposes.contains(&purpose) => {
                format!("{purpose}: not one of its purposes ({})", stated.purposes.join(", "))
            }
            Some(_) => return None,
            None if is_new && self.rule.new_after > 0 && others >= self.rule.new_after => {
                format!("{purpose}: for the first time, after {others} entries for other purposes")
            }
            None => return None,
        };
        Some(Finding { rule: RULE, who: system, when: row.time(), what, entries: Entries::of([row.leaf()]) })
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Actor, Entry, Operation};

    use super::super::rules::Rules;
    use super::*;
    use crate::audit::test_answers::{entry, row};

    fn act(leaf: u64, system: &str, purpose: &str) -> Row {
        let actor = Actor { agency: "gb-nca".into(), system: system.into(), ..Actor::default() };
        let entry = entry(leaf, Operation::Consultation, "receipt");
        row(leaf, Entry { actor: Some(actor), purpose_code: purpose.into(), ..entry })
    }

    #[test]
    fn a_purpose_that_is_not_the_systems_is_found() {
        let rule = Rules::of(None).expect("built in").off_purpose.expect("stated");
        let mut watch = Watch::new(PurposeRule { new_after: 3, ..rule });
        assert_eq!(watch.take(&act(0, "audit", "lawfulness")), None);
        assert!(
            watch
                .take(&act(1, "audit", "investigation"))
                .is_some_and(|found| found.what.contains("not one of its purposes"))
        );
        let new = |watch: &mut Watch, leaf, purpose| watch.take(&act(leaf, "case-management", purpose));
        assert_eq!(new(&mut watch, 2, "safeguarding"), None);
        assert_eq!(new(&mut watch, 3, "detection"), None, "too little is known of it yet");
        assert_eq!(new(&mut watch, 4, "safeguarding"), None);
        let found = new(&mut watch, 5, "prosecution").expect("it is new");
        assert_eq!(found.what, "prosecution: for the first time, after 3 entries for other purposes");
        assert_eq!(new(&mut watch, 6, "prosecution"), None, "once");
    }
}
