//! What came of each fault of a cluster: the table that is printed, and the same as JSON.

use serde::Serialize;

/// What came of one fault.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The fault.
    pub(crate) name: &'static str,
    /// How many times it was injected.
    pub(crate) injected: u64,
    /// How many acknowledged things were looked for afterwards, on every node.
    pub(crate) acknowledged: u64,
    /// How many of them were not there, or not as they were acknowledged, on some node.
    pub(crate) lost: u64,
    /// How many things have taken effect twice.
    pub(crate) doubled: u64,
    /// The longest that a client which tries all nodes waited for one acceptance, in milliseconds.
    pub(crate) longest_refusal_ms: u64,
    /// Whether all nodes have one root over what they all have, and give every partner one feed.
    pub(crate) roots_equal: bool,
    /// Why it was not injected at all; none where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skipped: Option<String>,
}

impl Row {
    /// A fault of which nothing is known yet.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            injected: 0,
            acknowledged: 0,
            lost: 0,
            doubled: 0,
            longest_refusal_ms: 0,
            roots_equal: false,
            skipped: None,
        }
    }

    fn is_good(&self) -> bool {
        let held = self.injected > 0 && self.acknowledged > 0 && self.roots_equal;
        self.skipped.is_some() || (held && self.lost == 0 && self.doubled == 0)
    }
}

/// All rows.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Table {
    faults: Vec<Row>,
}

impl Table {
    /// Adds what came of a fault.
    pub(crate) fn add(&mut self, row: Row) {
        self.faults.push(row);
    }

    /// Whether nothing was lost or doubled, and all nodes were one after each.
    pub(crate) fn is_good(&self) -> bool {
        !self.faults.is_empty() && self.faults.iter().all(Row::is_good)
    }

    /// Prints it, as a table or as one JSON object.
    #[expect(clippy::print_stdout, reason = "what the command is for")]
    pub(crate) fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::to_string(self).expect("rows are names and numbers"));
            return;
        }
        let head = ["injected", "acknowledged", "lost", "doubled", "longest refusal ms", "roots equal"];
        let [injected, acknowledged, lost, doubled, longest, roots] = head;
        println!("{:<20} {injected:>9} {acknowledged:>13} {lost:>6} {doubled:>8} {longest:>19} {roots:>12}", "fault");
        for row in &self.faults {
            let Row { name, injected, acknowledged, lost, doubled, longest_refusal_ms, roots_equal, skipped } = row;
            if let Some(why) = skipped {
                println!("{name:<20} skipped: {why}");
                continue;
            }
            let equal = if *roots_equal { "yes" } else { "NO" };
            println!(
                "{name:<20} {injected:>9} {acknowledged:>13} {lost:>6} {doubled:>8} {longest_refusal_ms:>19} {equal:>12}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_doubled_other_or_was_never_looked_at_is_not_good() {
        let row = Row { injected: 1, acknowledged: 3, roots_equal: true, ..Row::new("leader-killed") };
        let of = |row: Row| Table { faults: vec![row] };
        assert!(of(row.clone()).is_good());
        assert!(of(Row { skipped: Some("no namespaces".into()), ..Row::new("partition") }).is_good());
        for bad in [
            Row { lost: 1, ..row.clone() },
            Row { doubled: 1, ..row.clone() },
            Row { roots_equal: false, ..row.clone() },
            Row { acknowledged: 0, ..row.clone() },
            Row::new("leader-killed"),
        ] {
            assert!(!of(bad.clone()).is_good(), "{bad:?}");
        }
        assert!(!Table::default().is_good());
        let json = serde_json::to_value(of(row)).expect("rows are names and numbers");
        let expected = serde_json::json!({"faults": [{"name": "leader-killed", "injected": 1, "acknowledged": 3, "lost": 0,
            "doubled": 0, "longest_refusal_ms": 0, "roots_equal": true}]});
        assert_eq!(json, expected);
    }
}
