//! What came of each fault: the table that is printed, and the same as JSON.

use serde::Serialize;

/// What came of one fault.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The fault.
    pub(crate) name: &'static str,
    /// How many times it was injected.
    pub(crate) injected: u64,
    /// How many acknowledged things were looked for afterwards, over all injections.
    pub(crate) acknowledged: u64,
    /// How many of them were not there, or not as they were acknowledged.
    pub(crate) lost: u64,
    /// The longest time from a start, or from the end of the fault, until the gateway served again, in milliseconds; none where one
    /// did not.
    pub(crate) recovered_ms: Option<u64>,
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

    /// Adds a fault that could not be injected, or after which nothing could be looked at.
    pub(crate) fn add_failed(&mut self, name: &'static str) {
        self.add(Row { name, injected: 0, acknowledged: 0, lost: 0, recovered_ms: None });
    }

    /// Whether nothing was lost and everything recovered.
    pub(crate) fn is_good(&self) -> bool {
        self.faults.iter().all(|row| row.lost == 0 && row.recovered_ms.is_some())
    }

    /// Prints it, as a table or as one JSON object.
    #[expect(clippy::print_stdout, reason = "what the command is for")]
    pub(crate) fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::to_string(self).expect("rows are names and numbers"));
            return;
        }
        println!("{:<28} {:>9} {:>13} {:>6} {:>12}", "fault", "injected", "acknowledged", "lost", "recovered ms");
        for Row { name, injected, acknowledged, lost, recovered_ms } in &self.faults {
            let recovered = recovered_ms.map_or_else(|| "never".to_owned(), |millis| millis.to_string());
            println!("{name:<28} {injected:>9} {acknowledged:>13} {lost:>6} {recovered:>12}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_and_a_gateway_that_never_served_again_are_not_good() {
        let row = Row { name: "power-cut", injected: 2, acknowledged: 3, lost: 0, recovered_ms: Some(4) };
        let of = |row: Row| Table { faults: vec![row] };
        assert!(of(row.clone()).is_good());
        assert!(!of(Row { lost: 1, ..row.clone() }).is_good());
        assert!(!of(Row { recovered_ms: None, ..row.clone() }).is_good());
        let json = serde_json::to_value(of(row)).expect("rows are names and numbers");
        let expected = serde_json::json!({"faults": [
            {"name": "power-cut", "injected": 2, "acknowledged": 3, "lost": 0, "recovered_ms": 4}]});
        assert_eq!(json, expected);
    }
}
