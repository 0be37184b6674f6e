//! Agreements and agency files from the outside: reading, checking against schemas, deciding, and the sample files.

mod agency;
mod any_record;
mod children;
mod decide;
mod difference;
mod exclusions;
mod fields;
mod joins;
mod lines;
mod narrowing;
mod parse;
mod samples;
mod tables;

use causeway_agreement::{Agreement, Fault};

/// A well-formed agreement that the tests change one thing of.
const AGREEMENT: &str = r#"
id = "ISA-AL-2026-014"
version = 1
granting = "gb-nca"
recipient = "al-police"
valid_from = 2026-01-01
valid_until = 2027-12-31
transfer_condition = "s75_instrument"
onward_transfer = "with_originator_authorisation"
purposes = ["investigation", "safeguarding"]

[quota]
records_per_day = 5000

[[clauses]]
id = "c3.1"
kinds = ["victim-profile"]
minimum_cell = 1
minimum_cell_reason = "each person is assisted by name on return"
filter = { nationalities = ["AL", "XK"] }
ceiling = { tlp = "AMBER", source_grade = "2", info_grade = "C", action_codes = ["A2"], sanitisation_codes = ["S2"] }

[clauses.fields]
"age_band" = "band"
"nrm_stage" = "exact"

[[clauses]]
id = "c3.2"
kinds = ["trafficking-route"]
minimum_cell = 1
minimum_cell_reason = "a route is no person's record"
filter = { route_countries = ["AL"] }
ceiling = { tlp = "GREEN", source_grade = "1", info_grade = "B" }

[clauses.fields]
"legs[].from.country" = "exact"
"#;

/// `AGREEMENT` with one piece of its text replaced.
fn edited(from: &str, to: &str) -> String {
    assert!(AGREEMENT.contains(from), "the sample has no {from:?}");
    AGREEMENT.replacen(from, to, 1)
}

fn sample() -> Agreement {
    Agreement::parse(AGREEMENT).expect("the sample is well formed")
}

fn lines(faults: Vec<Fault>) -> Vec<String> {
    faults.iter().map(Fault::to_string).collect()
}
