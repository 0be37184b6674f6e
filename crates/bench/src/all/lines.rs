//! The numbers that the design (section 11) and issue 7 hold Causeway to, by the checks that say them.

use crate::check::Check;

/// What is held to something, and what the names of the checks hold that say it; each of them has to be there.
const LINES: &[(&str, &[&str])] = &[
    ("streamed submit, records a second", &["submit stream: records/s"]),
    ("streamed submit, of what the bill allows", &["submit stream: ratio to the limit"]),
    ("streamed submit over OpenTAXII", &["peer opentaxii: streamed over"]),
    ("streamed submit over PostgreSQL", &["peer postgres: streamed over"]),
    ("unary submit at 64 in flight, of echo and disk", &["submit unary 64: ratio to the limit"]),
    ("unary submit at 64 in flight, p99", &["submit unary 64: p99, corrected"]),
    ("unary submit at 1 in flight", &["submit unary 1: p50"]),
    ("pull, records a second", &["pull 90% by pages: records/s", "pull 5% by pages: records/s"]),
    ("pull, pages as the feed grows", &["pull curve: page p99"]),
    (
        "watches, from the commit to the page",
        &["watches, each record to one partner: p99", "watches, each record to every partner: p99"],
    ),
    (
        "mixed load, p99 over that alone",
        &[
            "mixed submit: in the mix over alone, p99",
            "mixed pull: in the mix over alone, p99",
            "mixed watch: in the mix over alone, p99",
            "mixed audit query: in the mix over alone, p99",
        ],
    ),
    ("the library alone, appends a second", &["journal: plain, 64 in flight", "journal: plain, 256 in flight"]),
    ("audit query, first page", &["audit: first page by operator", "who-saw: the rows, p50"]),
    ("inclusion proof, made and verified", &["audit: inclusion proof", "audit: verifying proof"]),
    ("disk", &["journal: bodies, disk an entry", "start: disk, an entry"]),
    ("start, after a clean stop and after a kill", &["start: after a clean stop", "start: after a kill"]),
    ("memory", &["start: memory after a start"]),
    ("instructions a record", &["instructions: of the gateway"]),
    ("revocation to cut stream", &["cut: from revocation to the end of the stream, longest"]),
];

/// What nothing was found of.
pub(super) fn missing(checks: &[Check]) -> impl Iterator<Item = String> {
    let is_there = |name: &str| checks.iter().any(|check| check.name.contains(name));
    LINES.iter().flat_map(move |(line, names)| {
        names.iter().filter(move |name| !is_there(name)).map(move |name| format!("{line} ({name})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_named() {
        let found = [Check::shown("cut: from revocation to the end of the stream, longest", 1.0, "ms")];
        let missing: Vec<String> = missing(&found).collect();
        assert!(missing.iter().any(|line| line.starts_with("memory (")), "{missing:?}");
        assert!(!missing.iter().any(|line| line.contains("cut: from")), "{missing:?}");
    }
}
