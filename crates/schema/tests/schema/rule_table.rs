//! Every rule by its name, with a record that it lets pass and one that it refuses. The rules are taken from the pages
//! that describe them, so one without a case is found.
//!
//! Not here, because a record that breaks them is valid and only not released: TLP:RED, restricted processing and an empty
//! `releasable_to` (the agreement crate's `decide`).

use std::collections::BTreeSet;

use causeway_schema::{DocsPage, docs};
use serde_json::{Value, json};

use crate::records::{
    PROFILE_1_1_FILE, PROFILE_FILE, ROUTE_1_1_FILE, ROUTE_FILE, id, lists, profile, route, schemas, set, unset,
    violations,
};

const MAPPING: &str = include_str!("../../../../config/schemas/mapping/standards.json");

/// Edits of a valid record: a pointer and its new value; `null` removes.
type Edits = Vec<(&'static str, Value)>;

struct Case {
    rule: &'static str,
    kind: &'static str,
    accepted: Edits,
    refused: Edits,
    /// Where the refusal points.
    at: &'static str,
}

fn profile_case(rule: &'static str, accepted: Edits, refused: Edits, at: &'static str) -> Case {
    Case { rule, kind: "victim-profile", accepted, refused, at }
}

fn route_case(rule: &'static str, accepted: Edits, refused: Edits, at: &'static str) -> Case {
    Case { rule, kind: "trafficking-route", accepted, refused, at }
}

/// The record of somebody who must not be known.
fn nobody() -> Edits {
    let identifying = [
        "/subject_reference",
        "/given_name",
        "/middle_name",
        "/family_name",
        "/aliases",
        "/date_of_birth",
        "/birth_place",
        "/email",
        "/phones",
        "/address",
        "/current_location",
        "/identity_documents",
        "/external_references",
        "/nrm_reference",
        "/route_refs",
    ];
    let mut edits: Edits = identifying.into_iter().map(|pointer| (pointer, Value::Null)).collect();
    edits.push(("/anonymous", json!(true)));
    edits
}

fn with(mut edits: Edits, pointer: &'static str, value: Value) -> Edits {
    edits.push((pointer, value));
    edits
}

fn of_the_schema() -> Vec<Case> {
    let minor =
        || vec![("/is_minor", json!("yes")), ("/date_of_birth", Value::Null), ("/sanitised_summary", Value::Null)];
    vec![
        profile_case(
            "handling-codes",
            vec![("/action_code", json!("A3"))],
            vec![("/action_code", json!(null))],
            "/action_code",
        ),
        profile_case(
            "handling-codes",
            vec![("/handling", json!("P")), ("/action_code", json!(null)), ("/sanitisation_code", json!(null))],
            vec![("/handling", json!("P")), ("/action_code", json!(null))],
            "/sanitisation_code",
        ),
        profile_case(
            "europol-text",
            vec![("/europol_handling", json!(["H1"])), ("/europol_handling_text", json!(null))],
            vec![("/europol_handling_text", json!(null))],
            "/europol_handling_text",
        ),
        profile_case("anonymous-identifier", nobody(), with(nobody(), "/birth_place", json!("Tirana")), "/birth_place"),
        profile_case("subject-required", nobody(), vec![("/subject_reference", json!(null))], "/subject_reference"),
        profile_case(
            "duty-to-notify-anonymous",
            with(with(nobody(), "/nrm_route", json!("duty_to_notify")), "/consent_given", json!(false)),
            vec![("/nrm_route", json!("duty_to_notify")), ("/consent_given", json!(false))],
            "/anonymous",
        ),
        profile_case("age-band-minor", with(minor(), "/age_band", json!("9-17")), minor(), "/age_band"),
        profile_case(
            "age-band-minor",
            vec![("/age_band", json!("48+")), ("/date_of_birth", Value::Null)],
            vec![("/age_band", json!("0-8")), ("/date_of_birth", Value::Null)],
            "/age_band",
        ),
        profile_case(
            "child-detail-adult",
            with(with(minor(), "/age_band", json!(null)), "/child_detail", json!({"missing_from_care": "no"})),
            vec![("/child_detail", json!({"missing_from_care": "no"}))],
            "/child_detail",
        ),
        route_case(
            "handling-codes",
            vec![("/handling", json!("C")), ("/action_code", json!("A1")), ("/sanitisation_code", json!("S2"))],
            vec![("/handling", json!("C")), ("/action_code", json!("A1"))],
            "/sanitisation_code",
        ),
        route_case(
            "europol-text",
            vec![("/europol_handling", json!(["H3"])), ("/europol_handling_text", json!("Only once"))],
            vec![("/europol_handling", json!(["H3"]))],
            "/europol_handling_text",
        ),
    ]
}

fn of_dates() -> Vec<Case> {
    let minor = || vec![("/is_minor", json!("yes")), ("/age_band", Value::Null), ("/sanitised_summary", Value::Null)];
    vec![
        profile_case(
            "date-not-in-future",
            with(minor(), "/date_of_birth", json!("2026-11-21")),
            with(minor(), "/date_of_birth", json!("2026-11-22")),
            "/date_of_birth",
        ),
        profile_case(
            "period-ordered",
            vec![("/exploitation_end", json!("2025"))],
            vec![("/exploitation_end", json!("2024"))],
            "/exploitation_end",
        ),
        profile_case(
            "retention-ends-later",
            vec![("/retain_until", json!("2027-11-22"))],
            vec![("/retain_until", json!("2026-11-21")), ("/retention_review_due", json!(null))],
            "/retain_until",
        ),
        profile_case(
            "review-before-end",
            vec![("/retention_review_due", json!("2028-11-21"))],
            vec![("/retention_review_due", json!("2028-11-22"))],
            "/retention_review_due",
        ),
        profile_case(
            "subdivision-country",
            vec![("/exploitation_uk_places/0/subdivision", json!("GB-LND"))],
            vec![("/exploitation_uk_places/0/subdivision", json!("BE-VLG"))],
            "/exploitation_uk_places/0/subdivision",
        ),
        route_case(
            "date-not-in-future",
            vec![("/last_observed", json!("2026-11"))],
            vec![("/last_observed", json!("2026-12"))],
            "/last_observed",
        ),
        route_case(
            "period-ordered",
            vec![("/legs/0/arrive_on", json!("2026-02-03"))],
            vec![("/legs/0/arrive_on", json!("2026-01"))],
            "/legs/0/arrive_on",
        ),
        route_case(
            "retention-ends-later",
            vec![("/retain_until", json!("2026-11-22"))],
            vec![("/retain_until", json!("2026-11-20"))],
            "/retain_until",
        ),
        route_case(
            "review-before-end",
            vec![("/retention_review_due", json!("2029-12-31"))],
            vec![("/retention_review_due", json!("2031-01-01"))],
            "/retention_review_due",
        ),
    ]
}

/// Each side of each rule on the day that divides them, by a date that is known to the day, the month and the year.
fn of_ages() -> Vec<Case> {
    let born = |date: &str, minor: &str| {
        let band = ("/age_band", Value::Null);
        let edits = vec![("/date_of_birth", json!(date)), ("/is_minor", json!(minor)), band];
        if minor == "no" { edits } else { with(edits, "/sanitised_summary", Value::Null) }
    };
    let banded = |date: &str, band: &str, referred: &str| {
        let edits = vec![("/date_of_birth", json!(date)), ("/is_minor", json!("not_sure")), ("/age_band", json!(band))];
        let edits = with(with(edits, "/sanitised_summary", Value::Null), "/referral_date", json!(referred));
        with(with(edits, "/exploitation_start", Value::Null), "/exploitation_end", Value::Null)
    };
    let trafficked =
        |age: u8, minor: &str| vec![("/age_when_trafficked", json!(age)), ("/was_minor_at_exploitation", json!(minor))];
    let mut cases = Vec::new();
    for (accepted, refused) in [
        // Of age on the day of receipt, 2026-11-21, or perhaps so.
        (("2008-11-21", "no"), ("2008-11-22", "no")),
        (("2008-11", "no"), ("2008-12", "no")),
        (("2008", "no"), ("2009", "no")),
        (("2008-11-22", "yes"), ("2008-11-21", "yes")),
        (("2008-11", "yes"), ("2008-10", "yes")),
        (("2008", "yes"), ("2007", "yes")),
        (("2014-11-03", "not_sure"), ("2014-11-03", "no")),
        (("1980", "not_sure"), ("1980", "yes")),
    ] {
        let (accepted, refused) = (born(accepted.0, accepted.1), born(refused.0, refused.1));
        cases.push(profile_case("birth-date-minor", accepted, refused, "/is_minor"));
    }
    for (accepted, refused) in [
        // No older than on the day of receipt.
        (("2008-11-21", "18-20", "2026"), ("2008-11-22", "18-20", "2026")),
        (("1978", "48+", "2026"), ("1979", "48+", "2026")),
        (("2014", "unknown", "2026"), ("2014", "30-38", "2026")),
        // No younger than when the case was referred; a record that is loaded later keeps its band.
        (("2005", "9-17", "2022-12-31"), ("2005", "9-17", "2024-01")),
        (("1998-05-01", "18-20", "2019"), ("1998-05-01", "18-20", "2019-05-01")),
    ] {
        let accepted = banded(accepted.0, accepted.1, accepted.2);
        let refused = banded(refused.0, refused.1, refused.2);
        cases.push(profile_case("birth-date-age-band", accepted, refused, "/age_band"));
    }
    for (accepted, refused) in [((18, "no"), (17, "no")), ((17, "yes"), (18, "yes")), ((3, "not_sure"), (3, "no"))] {
        let (accepted, refused) = (trafficked(accepted.0, accepted.1), trafficked(refused.0, refused.1));
        cases.push(profile_case("age-trafficked-minor", accepted, refused, "/was_minor_at_exploitation"));
    }
    cases
}

fn of_places() -> Vec<Case> {
    let region = |place: Value| vec![("/legs/0/from", place), ("/origin_country", json!(null))];
    vec![
        route_case("legs-ordered", vec![("/legs/1/seq", json!(2))], vec![("/legs/1/seq", json!(1))], "/legs/1/seq"),
        route_case(
            "legs-connected",
            vec![("/legs/1/from/unlocode", json!("BEZEE"))],
            vec![("/legs/1/from/unlocode", json!("BEANR"))],
            "/legs/1/from",
        ),
        route_case(
            "place-known",
            region(json!({"region": "Balkans"})),
            region(json!({"name": "Somewhere"})),
            "/legs/0/from",
        ),
        route_case(
            "unlocode-country",
            vec![("/legs/1/border_crossing/unlocode", json!("BEZEE"))],
            vec![("/legs/1/border_crossing/unlocode", json!("NLRTM"))],
            "/legs/1/border_crossing/unlocode",
        ),
        route_case(
            "unlocode-country",
            region(json!({"region": "Balkans"})),
            region(json!({"region": "Balkans", "unlocode": "ALDRZ"})),
            "/legs/0/from/unlocode",
        ),
        route_case(
            "subdivision-country",
            vec![("/legs/0/from/subdivision", json!("AL-11"))],
            vec![("/legs/0/from/subdivision", json!("BE-VLG"))],
            "/legs/0/from/subdivision",
        ),
        route_case(
            "countries-match-legs",
            vec![("/transit_countries", json!(["BE"]))],
            vec![("/transit_countries", json!(["NL"]))],
            "/transit_countries/0",
        ),
        route_case(
            "countries-match-legs",
            vec![("/destination_country", json!("GB"))],
            vec![("/destination_country", json!("IE"))],
            "/destination_country",
        ),
    ]
}

fn of_the_summary() -> Vec<Case> {
    let text = |text: &str| vec![("/sanitised_summary", json!(text))];
    let child =
        |answer: &str| vec![("/is_minor", json!(answer)), ("/age_band", Value::Null), ("/date_of_birth", Value::Null)];
    let mut cases = Vec::new();
    for (rule, accepted, refused) in [
        ("summary-email", "Was paid @ 5.50 a day.", "Wrote from someone@example.com."),
        ("summary-phone", "Travelled from 2026-03-14 to 2026-03-20.", "Rang 020 7946 0999."),
        ("summary-postcode", "Was driven along the M25.", "Was kept near SW1A 1AA."),
        ("summary-document-number", "Paid EUR 15000 in 12-34 weeks.", "Held passport number 5334012."),
    ] {
        cases.push(profile_case(rule, text(accepted), text(refused), "/sanitised_summary"));
        cases.push(route_case(rule, text(accepted), text(refused), "/sanitised_summary"));
    }
    let own = "summary-own-identifier";
    cases.push(profile_case(own, text("She was deceived."), text("Familyquill was deceived."), "/sanitised_summary"));
    cases.push(route_case(own, text("A driver took them."), text("Drivequill took them."), "/sanitised_summary"));
    cases.push(profile_case(
        "summary-child",
        with(child("yes"), "/sanitised_summary", json!(null)),
        child("yes"),
        "/sanitised_summary",
    ));
    cases.push(profile_case("summary-child", vec![], child("not_sure"), "/sanitised_summary"));
    for (pointer, value) in [
        ("/victim_groups", json!([{"group": "girls"}])),
        ("/exploitation_types", json!(["ChildLabour"])),
        ("/means_of_recruitment", json!(["child_fostering"])),
    ] {
        let without = vec![(pointer, value.clone()), ("/sanitised_summary", Value::Null)];
        cases.push(route_case("summary-child", without, vec![(pointer, value)], "/sanitised_summary"));
    }
    cases
}

fn every_case() -> impl Iterator<Item = Case> {
    [of_the_schema(), of_dates(), of_ages(), of_places(), of_the_summary()].into_iter().flatten()
}

fn broken(case: &Case, edits: &Edits) -> Vec<(String, String)> {
    let schema = schemas().get(id(&format!("{}/1.1", case.kind))).expect("compiled");
    let mut record = if case.kind == "victim-profile" { profile() } else { route() };
    for (pointer, value) in edits {
        if value.is_null() { unset(&mut record, pointer) } else { set(&mut record, pointer, value.clone()) }
    }
    violations(schema, &record).into_iter().map(|violation| (violation.pointer, violation.rule)).collect()
}

#[test]
fn each_rule_lets_pass_and_refuses() {
    for case in every_case() {
        assert_eq!(broken(&case, &case.accepted), [], "{} of {}", case.rule, case.kind);
        let refused = broken(&case, &case.refused);
        assert_eq!(refused, [(case.at.to_owned(), case.rule.to_owned())], "{} of {}", case.rule, case.kind);
    }
}

fn pages() -> Vec<DocsPage> {
    let files = [
        (id("victim-profile/1.0"), PROFILE_FILE),
        (id("victim-profile/1.1"), PROFILE_1_1_FILE),
        (id("trafficking-route/1.0"), ROUTE_FILE),
        (id("trafficking-route/1.1"), ROUTE_1_1_FILE),
    ];
    docs(&files, &lists(), MAPPING).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[test]
fn every_rule_that_is_described_has_its_case() {
    let cases: Vec<Case> = every_case().collect();
    let mut checked = 0;
    for kind in ["victim-profile", "trafficking-route"] {
        let pages = pages();
        let page = pages.iter().find(|page| page.name == format!("{kind}.md")).expect("a page for each kind");
        let (_, rules) = page.text.split_once("## Rules").expect("the rules");
        let described = rules.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let described: BTreeSet<&str> = described.map(|(rule, _)| rule).collect();
        let covered: BTreeSet<&str> = cases.iter().filter(|case| case.kind == kind).map(|case| case.rule).collect();
        assert_eq!(described, covered, "{kind}");
        checked += covered.len();
    }
    assert!(checked >= 30, "{checked}");
}

#[test]
fn a_field_without_a_sentence_or_a_row_of_the_mapping_has_no_pages() {
    let files = |profile: &str| {
        let files = [(id("victim-profile/1.1"), profile), (id("trafficking-route/1.1"), ROUTE_1_1_FILE)];
        docs(&files, &lists(), MAPPING).expect_err("a fault")
    };
    let faults = files(&PROFILE_1_1_FILE.replace(r#""description": "The person's given name.","#, ""));
    assert_eq!(faults[0], "victim-profile/1.1: given_name: has no sentence as description");
    let faults = files(&PROFILE_1_1_FILE.replacen(r#""deceased""#, r#""has_died""#, 1));
    assert!(faults.iter().any(|fault| fault.contains("no row for has_died")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("deceased is no field")), "{faults:?}");
}
