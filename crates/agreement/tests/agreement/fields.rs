//! Checking listed fields against the schemas' tables.

use causeway_agreement::Agreement;
use causeway_model::{Class, FieldNumber, FieldSpec, FieldTable, Floor, Kind, Ladder, Step};

use crate::{edited, lines, sample};

fn table(fields: &[(&str, Class, Option<Ladder>, Floor)]) -> FieldTable {
    let spec = |(number, (path, class, ladder, floor)): (u16, &(&str, Class, Option<Ladder>, Floor))| FieldSpec {
        number: FieldNumber(number),
        path: path.parse().expect("a path"),
        class: *class,
        ladder: *ladder,
        floor: *floor,
    };
    FieldTable::new((1..).zip(fields).map(spec).collect()).expect("distinct")
}

fn profiles() -> FieldTable {
    let exact = Floor::Finest(Step::Exact);
    table(&[
        ("age_band", Class::Coarse, Some(Ladder::Age), Floor::Finest(Step::Band)),
        ("nrm_stage", Class::Open, None, exact),
        ("still_in_situation", Class::Open, None, Floor::Never),
        ("referral_date", Class::Coarse, Some(Ladder::Date), Floor::Finest(Step::Quarter)),
        ("gender", Class::Coarse, Some(Ladder::Gender), exact),
        ("family_name", Class::Sealed, None, Floor::Never),
        ("subject_reference", Class::Link, None, exact),
        ("phones[]", Class::Link, None, exact),
    ])
}

fn faults(agreement: &Agreement) -> Vec<String> {
    let profiles = profiles();
    let routes = table(&[("legs[].from.country", Class::Open, None, Floor::Finest(Step::Exact))]);
    lines(agreement.check_fields(&|kind| match kind {
        Kind::VictimProfile => vec![&profiles],
        Kind::TraffickingRoute => vec![&routes],
    }))
}

/// The faults of the sample with one more field in its first clause.
fn with_field(line: &str) -> Vec<String> {
    let text = edited("\"age_band\" = \"band\"\n", &format!("\"age_band\" = \"band\"\n{line}\n"));
    faults(&Agreement::parse(&text).expect("well formed"))
        .into_iter()
        .map(|fault| fault.split_once("\": ").expect("a place and what is wrong").1.to_owned())
        .collect()
}

#[test]
fn fields_that_may_leave_pass() {
    assert!(faults(&sample()).is_empty());
    for line in [
        "\"referral_date\" = \"quarter\"",
        "\"referral_date\" = \"year\"",
        "\"gender\" = \"exact\"",
        "\"gender\" = \"female-male\"",
        "\"phones[]\" = \"pseudonym\"",
    ] {
        assert!(with_field(line).is_empty(), "{line}");
    }
}

#[test]
fn fields_that_may_not_leave_are_named() {
    let links = "is a link field and leaves as \"pseudonym\" only";
    let cases = [
        ("\"favourite_colour\" = \"exact\"", "is not a field of the clause's kinds"),
        ("\"legs[].from.country\" = \"exact\"", "is not a field of the clause's kinds"),
        ("\"family_name\" = \"exact\"", "is sealed and never leaves"),
        ("\"family_name\" = \"pseudonym\"", "is sealed and never leaves"),
        ("\"still_in_situation\" = \"exact\"", "may leave under no agreement"),
        ("\"referral_date\" = \"month\"", "may not leave at \"month\": use one of \"quarter\", \"year\""),
        ("\"referral_date\" = \"exact\"", "may not leave at \"exact\": use one of \"quarter\", \"year\""),
        ("\"referral_date\" = \"band\"", "may not leave at \"band\": use one of \"quarter\", \"year\""),
        ("\"gender\" = \"pseudonym\"", "is not a link field: it has no pseudonym"),
        ("\"phones[]\" = \"exact\"", links),
        ("\"phones[]\" = \"year\"", links),
    ];
    for (line, expected) in cases {
        assert_eq!(with_field(line), [expected], "{line}");
    }
    let stepped = edited("\"nrm_stage\" = \"exact\"", "\"nrm_stage\" = \"year\"");
    assert_eq!(
        faults(&Agreement::parse(&stepped).expect("well formed")),
        ["clauses[0].fields.\"nrm_stage\": is an open field and has no steps: write \"exact\""]
    );
}

#[test]
fn a_persons_pseudonym_leaves_only_where_persons_are_linked() {
    let line = "\"subject_reference\" = \"pseudonym\"";
    assert_eq!(
        with_field(line),
        ["links persons, which the clause does not: state link_persons = true with its reason"]
    );
    let mut linking = sample();
    linking.clauses[0].fields.push(("subject_reference".parse().expect("a path"), causeway_agreement::Form::Pseudonym));
    assert_eq!(faults(&linking).len(), 1);
    linking.clauses[0].link_persons = true;
    assert!(faults(&linking).is_empty());
}

#[test]
fn every_schema_version_must_allow_the_form() {
    let (old, new) = (
        table(&[
            ("age_band", Class::Coarse, Some(Ladder::Age), Floor::Finest(Step::Band)),
            ("nrm_stage", Class::Open, None, Floor::Finest(Step::Exact)),
        ]),
        table(&[("age_band", Class::Coarse, Some(Ladder::Age), Floor::Finest(Step::AdultChild))]),
    );
    let mut agreement = sample();
    agreement.clauses.truncate(1);
    let found = lines(agreement.check_fields(&|_| vec![&old, &new]));
    assert_eq!(found, ["clauses[0].fields.\"age_band\": may not leave at \"band\": use one of \"adult-child\""]);
}
