//! Every fault has the line of its key, or of the table in which the key is missing.

use causeway_agreement::{Agreement, Fault, Lines};

use crate::{AGREEMENT, edited};

/// Where in `text` a piece stands, as a line from 1.
fn line_of(text: &str, piece: &str) -> Option<usize> {
    let at = text.find(piece)?;
    Some(text[..at].matches('\n').count() + 1)
}

fn faults(text: &str) -> Vec<Fault> {
    Agreement::parse(text).expect_err("has a fault")
}

#[test]
fn a_fault_has_the_line_of_its_key() {
    // What is changed, what of the changed text stands on the fault's line.
    let cases = [
        ("version = 1", "version = 0", "version = 0"),
        ("\"AL\", \"XK\"", "\"AL\", \"ALB\"", "\"ALB\""),
        ("\"GREEN\"", "\"RED\"", "\"RED\""),
        ("\"band\"", "\"coarse\"", "\"coarse\""),
        ("records_per_day", "records_per_week", "records_per_week"),
        (
            "minimum_cell = 1\nminimum_cell_reason = \"each person is assisted by name on return\"\n",
            "minimum_cell = 101\n",
            "minimum_cell = 101",
        ),
        ("\"legs[].from.country\" = \"exact\"", "\"legs[].from.country\" = 7", "= 7"),
        ("[\"investigation\", \"safeguarding\"]", "[\n  \"investigation\",\n  \"curiosity\",\n]", "\"curiosity\""),
    ];
    for (from, to, there) in cases {
        let text = edited(from, to);
        let found = faults(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].line, line_of(&text, there), "{to:?}: {found:?}");
    }
}

#[test]
fn a_missing_key_has_the_line_of_its_tables_header() {
    let second = "id = \"c3.2\"\n";
    let text = edited(second, "");
    let before = line_of(AGREEMENT, second).expect("it is there");
    let found = faults(&text);
    assert_eq!((found[0].place.as_str(), found[0].line), ("clauses[1].id", Some(before - 1)), "{found:?}");
    let found = faults(&edited("info_grade = \"C\", ", ""));
    assert_eq!(found[0].line, line_of(AGREEMENT, "ceiling = "), "the header of an inline table is its key");
    let found = faults(&edited("purposes = [\"investigation\", \"safeguarding\"]\n", ""));
    assert_eq!(found[0].line, Some(1), "the document has no header");
    let fields = "[clauses.fields]\n\"legs[].from.country\" = \"exact\"\n";
    let found = faults(&edited(fields, "[clauses.fields]\n"));
    assert_eq!(found[0].place, "clauses[1].fields.*");
    let second_header = AGREEMENT.rfind("[clauses.fields]").expect("there are two");
    assert_eq!(found[0].line, Some(AGREEMENT[..second_header].matches('\n').count() + 1));
    assert!(faults("").iter().all(|fault| fault.line == Some(1)));
}

#[test]
fn a_text_that_is_not_toml_has_a_line_and_one_that_is_too_long_none() {
    let found = faults("id = \"ISA-AL-2026-014\"\r\nversion = = 1\r\n");
    assert_eq!((found[0].place.as_str(), found[0].line), ("", Some(2)));
    assert!(found[0].to_string().starts_with("line 2: "));
    assert_eq!(faults(&"#".repeat(128 * 1024 + 1))[0].line, None);
}

#[test]
fn what_the_schemas_refuse_is_found_in_the_text() {
    let agreement = Agreement::parse(AGREEMENT).expect("well formed");
    let found = Lines::of(AGREEMENT).locate(agreement.check_fields(&|_| Vec::new()));
    let at: Vec<_> = found.iter().map(|fault| fault.line).collect();
    let line = |key| line_of(AGREEMENT, key);
    assert_eq!(at, [line("\"age_band\""), line("\"nrm_stage\""), line("\"legs[].from.country\"")]);
    assert_eq!(Lines::of("not toml").line("id"), None);
}
