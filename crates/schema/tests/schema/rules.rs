//! Every rule with a record that breaks it: where the violation points, its name, and that nothing else is reported.

use causeway_schema::Schema;
use serde_json::{Value, json};

use crate::records::{profile, profiles, route, routes, set, unset, violations};

/// `Null` removes the place.
type Edits<'a> = &'a [(&'a str, Value)];

fn edited(mut record: Value, edits: Edits<'_>) -> Value {
    for (pointer, value) in edits {
        if value.is_null() { unset(&mut record, pointer) } else { set(&mut record, pointer, value.clone()) }
    }
    record
}

fn found(schema: &Schema, record: &Value) -> Vec<(String, String)> {
    let mut found: Vec<_> = violations(schema, record).into_iter().map(|v| (v.pointer, v.rule)).collect();
    found.sort();
    found
}

#[track_caller]
fn breaks(schema: &Schema, record: Value, edits: Edits<'_>, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(at, rule)| ((*at).to_owned(), (*rule).to_owned())).collect();
    assert_eq!(found(schema, &edited(record, edits)), expected);
}

#[test]
fn keywords_point_at_the_place() {
    let cases: &[(Edits<'_>, &[(&str, &str)])] = &[
        (&[("/tlp", json!("WHITE"))], &[("/tlp", "enum")]),
        (&[("/tlp", json!(null))], &[("/tlp", "required")]),
        (&[("/is_minor", json!(true))], &[("/is_minor", "enum"), ("/is_minor", "type")]),
        (&[("/nationalities", json!(["AL", "AL"]))], &[("/nationalities", "uniqueItems")]),
        (&[("/nationalities/1", json!("ZZ"))], &[("/nationalities/1", "enum")]),
        (&[("/nationalities", json!(["AL", "GB", "VN"]))], &[("/nationalities", "maxItems")]),
        (&[("/exploitation_types", json!([]))], &[("/exploitation_types", "minItems")]),
        (&[("/number_of_children", json!(31))], &[("/number_of_children", "maximum")]),
        (&[("/number_of_children", json!(-1))], &[("/number_of_children", "minimum")]),
        (&[("/number_of_children", json!(1.5))], &[("/number_of_children", "type")]),
        (&[("/email", json!("not mail"))], &[("/email", "format")]),
        (&[("/referral_date", json!("2026-02-30"))], &[("/referral_date", "format")]),
        (&[("/date_of_birth", json!("1999-13"))], &[("/date_of_birth", "format")]),
        (&[("/phones/0", json!("+0123"))], &[("/phones/0", "pattern")]),
        (&[("/releasable_to/0", json!("AL-police"))], &[("/releasable_to/0", "pattern")]),
        (&[("/given_name", json!("x".repeat(101)))], &[("/given_name", "maxLength")]),
        (&[("/given_name", json!(""))], &[("/given_name", "minLength")]),
        (&[("/address/secretquill", json!("x"))], &[("/address", "additionalProperties")]),
        (&[("/secretquill", json!("x"))], &[("", "additionalProperties")]),
        (&[("/identity_documents/0/number", json!(null))], &[("/identity_documents/0/number", "required")]),
    ];
    for (edits, expected) in cases {
        breaks(profiles(), profile(), edits, expected);
    }
}

#[test]
fn handling_c_has_both_codes_and_p_has_neither() {
    breaks(profiles(), profile(), &[("/action_code", json!(null))], &[("/action_code", "handling-codes")]);
    let both: &[(&str, &str)] = &[("/action_code", "handling-codes"), ("/sanitisation_code", "handling-codes")];
    breaks(profiles(), profile(), &[("/handling", json!("P"))], both);
    breaks(routes(), route(), &[("/handling", json!("C"))], both);
    breaks(
        profiles(),
        profile(),
        &[("/europol_handling_text", json!(null))],
        &[("/europol_handling_text", "europol-text")],
    );
}

#[test]
fn an_anonymous_referral_names_nobody() {
    let identifying = [
        "address",
        "aliases",
        "birth_place",
        "current_location",
        "date_of_birth",
        "email",
        "external_references",
        "family_name",
        "given_name",
        "identity_documents",
        "middle_name",
        "nrm_reference",
        "phones",
        "route_refs",
        "subject_reference",
    ];
    let every: Vec<(String, String)> =
        identifying.iter().map(|name| (format!("/{name}"), "anonymous-identifier".to_owned())).collect();
    let mut record = edited(profile(), &[("/anonymous", json!(true))]);
    assert_eq!(found(profiles(), &record), every);
    identifying.iter().for_each(|name| unset(&mut record, &format!("/{name}")));
    assert_eq!(found(profiles(), &record), []);
    set(&mut record, "/anonymous", json!(false));
    assert_eq!(found(profiles(), &record), [("/subject_reference".into(), "subject-required".into())]);
}

#[test]
fn a_duty_to_notify_without_consent_is_anonymous() {
    let edits = [("/nrm_route", json!("duty_to_notify")), ("/consent_given", json!(false))];
    breaks(profiles(), profile(), &edits, &[("/anonymous", "duty-to-notify-anonymous")]);
    breaks(profiles(), profile(), &edits[..1], &[]);
    let absent = [edits[0].clone(), ("/consent_given", json!(null)), ("/anonymous", json!(null))];
    breaks(profiles(), profile(), &absent, &[("/anonymous", "duty-to-notify-anonymous")]);
}

#[test]
fn age_and_minority_agree() {
    let unborn = ("/date_of_birth", json!(null));
    let edits = [("/age_band", json!("9-17")), unborn.clone()];
    breaks(profiles(), profile(), &edits, &[("/age_band", "age-band-minor")]);
    let minor = |answer: &str| [("/is_minor", json!(answer)), ("/sanitised_summary", json!(null)), unborn.clone()];
    breaks(profiles(), profile(), &minor("yes"), &[("/age_band", "age-band-minor")]);
    breaks(profiles(), profile(), &minor("not_sure"), &[]);
    let detail = [("/child_detail", json!({"missing_from_care": "yes"}))];
    breaks(profiles(), profile(), &detail, &[("/child_detail", "child-detail-adult")]);
}

#[test]
fn dates_are_in_order_and_in_the_past() {
    for (field, date) in
        [("/date_of_birth", "2027"), ("/referral_date", "2026-11-22"), ("/exploitation_end", "2026-12")]
    {
        breaks(profiles(), profile(), &[(field, json!(date))], &[(field, "date-not-in-future")]);
    }
    breaks(profiles(), profile(), &[("/referral_date", json!("2026-11-21"))], &[]);
    breaks(profiles(), profile(), &[("/exploitation_end", json!("2026"))], &[]);
    breaks(
        profiles(),
        profile(),
        &[("/exploitation_end", json!("2025-01"))],
        &[("/exploitation_end", "period-ordered")],
    );
    breaks(profiles(), profile(), &[("/exploitation_end", json!("2025"))], &[]);
    breaks(routes(), route(), &[("/last_observed", json!("2025"))], &[("/last_observed", "period-ordered")]);
    breaks(
        routes(),
        route(),
        &[("/legs/0/arrive_on", json!("2026-02-02"))],
        &[("/legs/0/arrive_on", "period-ordered")],
    );
    breaks(
        routes(),
        route(),
        &[("/legs/1/depart_on", json!("2027-01-01"))],
        &[("/legs/1/depart_on", "date-not-in-future")],
    );
    let retention = [("/retention_review_due", json!(null)), ("/retain_until", json!("2026-11-21"))];
    breaks(profiles(), profile(), &retention, &[("/retain_until", "retention-ends-later")]);
    let review = [("/retention_review_due", json!("2029-01-01"))];
    breaks(profiles(), profile(), &review, &[("/retention_review_due", "review-before-end")]);
}

#[test]
fn a_date_that_no_decision_could_read_is_refused() {
    let every: &[(&Schema, Value, &[&str])] = &[
        (profiles(), profile(), &["/retain_until", "/retention_review_due", "/date_of_birth", "/referral_date"]),
        (profiles(), profile(), &["/exploitation_start", "/exploitation_end"]),
        (routes(), route(), &["/retain_until", "/legs/0/depart_on", "/legs/0/arrive_on", "/first_observed"]),
        (routes(), route(), &["/last_observed", "/facilitators/0/date_of_birth"]),
    ];
    for (schema, record, fields) in every {
        for (field, text) in fields.iter().flat_map(|field| UNREADABLE.map(|text| (field, text))) {
            let reported = found(schema, &edited(record.clone(), &[(*field, json!(text))]));
            assert!(reported.contains(&((*field).to_owned(), "format".to_owned())), "{field} {text}: {reported:?}");
        }
    }
    // A day is not a month or a year.
    for text in ["2030", "2030-01"] {
        breaks(profiles(), profile(), &[("/retain_until", json!(text))], &[("/retain_until", "format")]);
    }
    breaks(profiles(), profile(), &[("/retain_until", json!("9999-12-31"))], &[]);
}

/// What RFC 3339 or a lenient reader may take for a date, and the model does not.
const UNREADABLE: [&str; 6] = ["0000-12-31", "0000-01-01", "2026-02-29", "2026-13-01", "2026-1-1", "+202-01-01"];

#[test]
fn legs_are_ordered_and_connected() {
    breaks(routes(), route(), &[("/legs/1/seq", json!(1))], &[("/legs/1/seq", "legs-ordered")]);
    breaks(routes(), route(), &[("/legs/2/seq", json!(3))], &[("/legs/2/seq", "legs-ordered")]);
    breaks(routes(), route(), &[("/legs/1/from/country", json!("FR"))], &[("/legs/1/from", "legs-connected")]);
    let other_port = [("/legs/1/from/unlocode", json!("BEANR"))];
    breaks(routes(), route(), &other_port, &[("/legs/1/from", "legs-connected")]);
    breaks(routes(), route(), &[("/legs", json!([]))], &[("/legs", "minItems")]);
}

#[test]
fn codes_of_places_lie_in_their_country() {
    let port = [("/legs/0/to/unlocode", json!("GBDVR"))];
    breaks(routes(), route(), &port, &[("/legs/0/to/unlocode", "unlocode-country")]);
    let subdivision = [("/legs/0/from/subdivision", json!("GB-KEN"))];
    breaks(routes(), route(), &subdivision, &[("/legs/0/from/subdivision", "subdivision-country")]);
    let crossing = [("/legs/1/border_crossing/unlocode", json!("FRCQF"))];
    breaks(routes(), route(), &crossing, &[("/legs/1/border_crossing/unlocode", "unlocode-country")]);
    let place = [("/exploitation_uk_places/0/subdivision", json!("FR-62"))];
    breaks(profiles(), profile(), &place, &[("/exploitation_uk_places/0/subdivision", "subdivision-country")]);
    breaks(routes(), route(), &[("/origin_country", json!("VN"))], &[("/origin_country", "countries-match-legs")]);
    breaks(
        routes(),
        route(),
        &[("/transit_countries/0", json!("FR"))],
        &[("/transit_countries/0", "countries-match-legs")],
    );
}

#[test]
fn every_violation_is_reported_and_none_says_a_value() {
    let edits = [
        ("/tlp", json!("SECRETQUILL-VALUE")),
        ("/secretquill_member", json!({"deeper_secretquill": 1})),
        ("/address/secretquill_member", json!("x")),
        ("/nationalities/0", json!("secretquill")),
        ("/email", json!("secretquill")),
        ("/phones/1", json!("secretquill")),
        ("/referral_date", json!("2999-01-01")),
        ("/retain_until", json!("2020-01-01")),
        ("/number_of_children", json!(99_123)),
    ];
    let record = edited(profile(), &edits);
    let reported = violations(profiles(), &record);
    assert_eq!(reported.len(), 10, "{reported:#?}");
    let text = format!("{reported:?}").to_lowercase();
    for secret in ["secretquill", "99123", "99_123", "2999", "2020-01-01", "givenquill"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn a_flood_of_violations_is_cut_and_says_so() {
    let many: Vec<Value> = (0..5_000).map(|number| json!(number)).collect();
    let reported = violations(profiles(), &edited(profile(), &[("/languages", json!(many))]));
    assert_eq!(reported.len(), causeway_schema::MAX_VIOLATIONS + 1);
    assert_eq!(reported.last().map(|last| last.rule.as_str()), Some("more"));
}
