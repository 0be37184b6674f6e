//! Checking listed fields against the schemas' tables, and the codes of filters against theirs.

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

pub(crate) fn profiles() -> FieldTable {
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
        ("place.unlocode", Class::Open, None, exact),
    ])
}

pub(crate) fn routes() -> FieldTable {
    table(&[("legs[].from.country", Class::Open, None, Floor::Finest(Step::Exact))])
}

fn faults(agreement: &Agreement) -> Vec<String> {
    let (profiles, routes) = (profiles(), routes());
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

#[test]
fn what_is_stated_of_a_child_is_no_finer_than_the_clauses_own() {
    let fields = "\"age_band\" = \"band\"\n\"gender\" = \"female-male\"\n\"referral_date\" = \"quarter\"\n";
    let of_child = |line: &str| {
        let children = format!(
            "id = \"c3.1\"\nchildren = true\nchildren_reason = \"child protection units assist\"\n\
             child_fields = {{ {line} }}\n"
        );
        let text = edited("\"age_band\" = \"band\"\n", fields).replacen("id = \"c3.1\"\n", &children, 1);
        faults(&Agreement::parse(&text).expect("well formed"))
    };
    for line in [
        "\"age_band\" = \"band\"",
        "\"age_band\" = \"adult-child\", \"referral_date\" = \"year\"",
        "\"nrm_stage\" = \"exact\"",
    ] {
        assert!(of_child(line).is_empty(), "{line}");
    }
    for (line, expected) in [
        ("\"gender\" = \"exact\"", "clauses[0].child_fields.\"gender\": is finer than among the fields of the clause"),
        (
            "\"referral_date\" = \"month\"",
            "clauses[0].child_fields.\"referral_date\": may not leave at \"month\": use one of \"quarter\", \"year\"",
        ),
        (
            "\"nrm_stage\" = \"pseudonym\"",
            "clauses[0].child_fields.\"nrm_stage\": is not a link field: it has no pseudonym",
        ),
    ] {
        assert_eq!(of_child(line), [expected]);
    }
}

#[test]
fn a_table_counts_by_what_may_leave() {
    let counting = |clause: &str, dimension: &str| {
        let table = format!("[[tables]]\nid = \"t1\"\nclause = \"{clause}\"\ndimensions = [\"{dimension}\"]\n");
        faults(&Agreement::parse(&format!("{}{table}", crate::AGREEMENT)).expect("well formed"))
    };
    for dimension in ["age_band", "gender", "stage", "quarter"] {
        assert!(counting("c3.1", dimension).is_empty(), "{dimension}, whether the clause lists it or not");
    }
    let refused =
        |dimension| format!("tables[0].dimensions: {dimension} is read from a field that no agreement may count by");
    assert_eq!(counting("c3.1", "nationality"), [refused("nationality")], "no schema has the field");
    assert_eq!(counting("c3.2", "route_corridor"), [refused("route_corridor")]);
}

#[test]
fn a_table_counts_by_nothing_below_a_floor() {
    let exact = Floor::Finest(Step::Exact);
    let with = |floor: Floor, stage: Floor| {
        table(&[
            ("age_band", Class::Coarse, Some(Ladder::Age), Floor::Finest(Step::Band)),
            ("referral_date", Class::Coarse, Some(Ladder::Date), floor),
            ("nrm_stage", Class::Open, None, stage),
        ])
    };
    let text = "[[tables]]\nid = \"t1\"\nclause = \"c3.1\"\ndimensions = [\"quarter\", \"stage\"]\n";
    let mut agreement = Agreement::parse(&format!("{}{text}", crate::AGREEMENT)).expect("well formed");
    agreement.clauses.truncate(1);
    agreement.clauses[0].fields.truncate(1);
    let count = |tables: &[&FieldTable]| agreement.check_fields(&|_| tables.to_vec()).len();
    let fine = with(Floor::Finest(Step::Day), exact);
    assert_eq!(count(&[&fine]), 0);
    assert_eq!(count(&[&with(Floor::Finest(Step::Year), exact)]), 1);
    assert_eq!(count(&[&fine, &with(Floor::Never, Floor::Never)]), 2, "each version must allow it");
}

/// As the schemas would say it, each field with one code that only it has.
fn knows(kind: Kind, path: &str, code: &str) -> Option<bool> {
    let known: &[&str] = match (kind, path) {
        (Kind::VictimProfile, "nationalities[]") => &["AL", "XK"],
        (Kind::VictimProfile, "birth_country") => &["AL", "RS"],
        (Kind::VictimProfile, "exploitation_types[]") => &["ForcedLabour", "Servitude"],
        (Kind::TraffickingRoute, "legs[].from.country") => &["AL", "ME"],
        (Kind::TraffickingRoute, "legs[].to.country") => &["AL", "GB"],
        (Kind::TraffickingRoute, "exploitation_types[]") => &["ForcedLabour", "OrganRemoval"],
        _ => panic!("{path} is not compared with for {kind}"),
    };
    Some(known.contains(&code))
}

/// What is wrong with the codes of a filter, of an exclusion of these kinds and of a clause of them.
fn unknown_codes(kinds: &str, filter: &str) -> Vec<String> {
    let exclusion = format!("[[exclusions]]\nid = \"c9.1\"\nkinds = [{kinds}]\nfilter = {{ {filter} }}\n");
    let text = format!("{}\n{exclusion}reason = \"subject to an order of the court\"\n", crate::AGREEMENT);
    let mut agreement = Agreement::parse(&text).unwrap_or_else(|faults| panic!("{:?}", lines(faults)));
    let found = lines(agreement.check_codes(&knows));
    let excluded = agreement.exclusions.remove(0);
    agreement.clauses[1].kinds = excluded.kinds;
    agreement.clauses[1].filter = excluded.filter;
    let of_clause = lines(agreement.check_codes(&knows));
    assert_eq!(of_clause, found.iter().map(|line| line.replace("exclusions[0]", "clauses[1]")).collect::<Vec<_>>());
    found
}

#[test]
fn each_code_of_a_filter_is_one_of_the_field_that_it_is_compared_with() {
    assert!(lines(sample().check_codes(&knows)).is_empty());
    let (profile, route) = ("\"victim-profile\"", "\"trafficking-route\"");
    let both = format!("{profile}, {route}");
    let cases = [
        (profile, "nationalities", "AL", "UK"),
        (profile, "nationalities", "XK", "RS"),
        (profile, "birth_countries", "RS", "XK"),
        (profile, "exploitation_types", "Servitude", "OrganRemoval"),
        (route, "exploitation_types", "OrganRemoval", "ForcedLabor"),
        (&both, "exploitation_types", "OrganRemoval", "forcedLabour"),
        (&both, "exploitation_types", "Servitude", "ForcedLabour "),
        (route, "route_starts", "ME", "GB"),
        (route, "route_ends", "GB", "ME"),
        (route, "route_countries", "ME", "UK"),
        (route, "route_countries", "GB", "XK"),
    ];
    for (kinds, list, known, unknown) in cases {
        assert_eq!(unknown_codes(kinds, &format!("{list} = [\"{known}\"]")), Vec::<String>::new(), "{list}: {known}");
        let expected =
            format!("exclusions[0].filter.{list}[1]: {unknown:?} is no code that the schemas know: no record has it");
        assert_eq!(unknown_codes(kinds, &format!("{list} = [\"{known}\", \"{unknown}\"]")), [expected]);
    }
}

#[test]
fn a_code_of_which_nothing_can_be_told_is_no_fault() {
    let two = sample();
    assert!(two.check_codes(&|_, _, _| None).is_empty());
    let found = lines(two.check_codes(&|_, path, _| if path == "legs[].to.country" { None } else { Some(false) }));
    assert_eq!(found.len(), 2, "the nationalities only: {found:?}");
}
