//! The facts that decisions look at: those of the record, and protective where it does not say them.

use causeway_model::{Country, EuropolCode, Handling, Tlp};
use causeway_schema::{Classified, Schema};
use serde_json::{Value, json};

use crate::records::{profile, profiles, route, routes, set, unset};
use crate::split::split;

#[test]
fn facts_are_those_of_the_record() {
    let facts = profiles().facts(&split(profiles(), &profile()).classified);
    let countries = |codes: &[&str]| codes.iter().map(|c| c.parse().expect("a country")).collect::<Vec<Country>>();
    assert_eq!(facts.nationalities, countries(&["AL", "XK"]));
    assert_eq!(facts.exploitation_countries, countries(&["GB", "BE"]));
    assert_eq!(
        (facts.tlp, facts.handling, facts.child, facts.anonymous),
        (Tlp::Amber, Handling::Conditions, false, false)
    );
    assert_eq!(facts.releasable_to.len(), 2);
    assert_eq!(facts.retain_until.map(|date| date.to_string()).as_deref(), Some("2028-11-21"));
    let facts = routes().facts(&split(routes(), &route()).classified);
    assert_eq!(facts.route_countries, countries(&["AL", "BE", "GB"]), "in order of travel");
    assert!(!facts.child);
    let mut girls = route();
    set(&mut girls, "/victim_groups/0/group", json!("girls"));
    assert!(routes().facts(&split(routes(), &girls).classified).child);
}

#[test]
fn missing_facts_protect() {
    let empty = Classified::decode(&[1]).expect("a body without cells");
    let facts = profiles().facts(&empty);
    assert!(facts.child && facts.releasable_to.is_empty() && facts.nationalities.is_empty());
    assert_eq!((facts.tlp, facts.handling), (Tlp::Red, Handling::Conditions));
    assert_eq!(facts.retain_until, None, "no term is stated");
    assert!(!facts.dissemination_permission_needed, "no restriction is stated");
}

/// A body of one cell, written by hand: the schema would not let its value in today.
fn one_cell(schema: &Schema, path: &str, indices: &[u8], value: &[u8]) -> Classified {
    let number = schema.fields().by_path(&path.parse().expect("a path")).expect("known").number.0;
    let count = u8::try_from(indices.len()).expect("few");
    let body = [&[1][..], &number.to_be_bytes(), &[count], indices, value].concat();
    Classified::decode(&body).expect("a well-formed body")
}

fn text_cell(schema: &Schema, path: &str, indices: &[u8], text: &str) -> Classified {
    let length = u16::try_from(text.len()).expect("short").to_be_bytes();
    one_cell(schema, path, indices, &[&[0], &length[..], text.as_bytes()].concat())
}

#[test]
fn a_retention_that_cannot_be_read_is_over() {
    let long_past = Some("0001-01-01".parse().expect("a date"));
    for text in ["0000-12-31", "2030", "2030-13-01", "", "for ever"] {
        for schema in [profiles(), routes()] {
            assert_eq!(schema.facts(&text_cell(schema, "retain_until", &[], text)).retain_until, long_past, "{text:?}");
        }
    }
    let number = one_cell(profiles(), "retain_until", &[], &[&[1][..], &20_300_101_i64.to_be_bytes()].concat());
    assert_eq!(profiles().facts(&number).retain_until, long_past, "a number is no date");
    let read = profiles().facts(&text_cell(profiles(), "retain_until", &[], "2030-01-01")).retain_until;
    assert_eq!(read, Some("2030-01-01".parse().expect("a date")));
}

#[test]
fn retention_by_itself_is_that_of_the_facts() {
    let day = |text: &str| text.parse().ok();
    let of = |schema: &Schema, body: &Classified| {
        let retention = schema.retention(body);
        assert_eq!(retention.until, schema.facts(body).retain_until);
        (retention.until, retention.review_due)
    };
    let of_profile = (day("2028-11-21"), day("2027-11-01"));
    for (schema, record, expected) in
        [(profiles(), profile(), of_profile), (routes(), route(), (day("2030-01-01"), None))]
    {
        assert_eq!(of(schema, &split(schema, &record).classified), expected);
        for text in ["0000-12-31", "2030", "", "for ever"] {
            assert_eq!(
                of(schema, &text_cell(schema, "retain_until", &[], text)),
                (day("0001-01-01"), None),
                "{text:?}"
            );
            let review = text_cell(schema, "retention_review_due", &[], text);
            assert_eq!(of(schema, &review), (None, None), "{text:?}");
        }
        let number = one_cell(schema, "retain_until", &[], &[&[1][..], &20_300_101_i64.to_be_bytes()].concat());
        assert_eq!(of(schema, &number), (day("0001-01-01"), None), "a number is no date");
        assert_eq!(of(schema, &one_cell(schema, "tlp", &[], &[0, 0, 0])), (None, None), "it states none");
    }
}

#[test]
fn other_facts_that_cannot_be_read_protect() {
    let number = [&[1][..], &0_i64.to_be_bytes()].concat();
    let facts = |path, indices: &[u8]| profiles().facts(&one_cell(profiles(), path, indices, &number));
    assert!(facts("is_minor", &[]).child);
    assert!(facts("processing_restricted", &[]).processing_restricted);
    assert!(facts("europol_handling[]", &[0]).dissemination_permission_needed);
    assert_eq!(facts("tlp", &[]).tlp, Tlp::Red);
}

#[test]
fn europols_codes_say_whether_permission_is_needed() {
    for (schema, mut record) in [(profiles(), profile()), (routes(), route())] {
        for (codes, needed) in [
            (json!([]), false),
            (json!(["H0"]), false),
            (json!(["H1"]), false),
            (json!(["H0", "H1"]), false),
            (json!(["H2"]), true),
            (json!(["H3"]), true),
            (json!(["H1", "H2"]), true),
            (json!(["H3", "H0"]), true),
        ] {
            set(&mut record, "/europol_handling", codes.clone());
            let facts = schema.facts(&split(schema, &record).classified);
            assert_eq!(facts.dissemination_permission_needed, needed, "{codes}");
        }
        for code in ["H4", "h1", ""] {
            let facts = schema.facts(&text_cell(schema, "europol_handling[]", &[0], code));
            assert!(facts.dissemination_permission_needed, "{code:?} is unknown");
        }
    }
}

#[test]
fn europols_codes_are_those_of_the_record() {
    for (schema, mut record) in [(profiles(), profile()), (routes(), route())] {
        set(&mut record, "/europol_handling", json!(["H1", "H0"]));
        let facts = schema.facts(&split(schema, &record).classified);
        assert_eq!(facts.europol_codes, [EuropolCode::H1, EuropolCode::H0]);
        unset(&mut record, "/europol_handling");
        assert!(schema.facts(&split(schema, &record).classified).europol_codes.is_empty());
        let unknown = schema.facts(&text_cell(schema, "europol_handling[]", &[0], "H4"));
        assert!(unknown.europol_codes.is_empty() && unknown.dissemination_permission_needed);
    }
}

#[test]
fn a_route_starts_with_its_first_leg_and_ends_with_its_last() {
    let facts = |record: &Value| routes().facts(&split(routes(), record).classified);
    let country = |code: &str| code.parse::<Country>().ok();
    let all = facts(&route());
    assert_eq!((all.route_start, all.route_end), (country("AL"), country("GB")));
    let stop = |path: &str, leg: u8, code: &str| routes().facts(&text_cell(routes(), path, &[leg], code));
    let (from, to) = ("legs[].from.country", "legs[].to.country");
    assert_eq!(stop(from, 0, "AL").route_start, country("AL"));
    assert_eq!(stop(from, 0, "AL").route_end, None, "its last leg reaches nothing that is known");
    assert_eq!(stop(from, 1, "AL").route_start, None, "what is known is not of its first leg");
    assert_eq!(stop(to, 0, "GB").route_end, country("GB"));
    assert_eq!(stop(to, 0, "??").route_end, None);
    let profile = profiles().facts(&split(profiles(), &profile()).classified);
    assert_eq!((profile.route_start, profile.route_end), (None, None));
}

/// A body of texts, written by hand: each with its field, the leg it is of and the text.
fn text_cells(cells: &[(&str, u8, &str)]) -> Classified {
    let cell = |(path, leg, text): &(&str, u8, &str)| {
        let number = routes().fields().by_path(&path.parse().expect("a path")).expect("known").number.0.to_be_bytes();
        let length = u16::try_from(text.len()).expect("short").to_be_bytes();
        [&number[..], &[1, *leg, 0], &length, text.as_bytes()].concat()
    };
    let mut cells: Vec<Vec<u8>> = cells.iter().map(cell).collect();
    cells.sort_unstable();
    Classified::decode(&[&[1][..], &cells.concat()].concat()).expect("a well-formed body")
}

#[test]
fn a_stop_without_a_country_is_an_unknown_one_wherever_it_is() {
    let (from, to, mode) = ("legs[].from.country", "legs[].to.country", "legs[].mode");
    let whole = [(from, 0, "AL"), (to, 0, "BE"), (from, 1, "BE"), (to, 1, "FR"), (from, 2, "FR"), (to, 2, "GB")];
    let facts = |cells: &[(&str, u8, &str)]| routes().facts(&text_cells(cells));
    let ends = |code: &str| code.parse::<Country>().ok();
    assert!(!facts(&whole).route_has_unknown_stop);
    assert!(!routes().facts(&split(routes(), &route()).classified).route_has_unknown_stop);
    for missing in 0..whole.len() {
        let mut holed = whole.to_vec();
        holed[missing].2 = "??";
        assert!(facts(&holed).route_has_unknown_stop, "stop {missing} cannot be read");
        holed.remove(missing);
        assert!(facts(&holed).route_has_unknown_stop, "stop {missing} is not there");
    }
    let without_middle: Vec<_> = whole.iter().copied().filter(|cell| cell.1 != 1).collect();
    assert!(facts(&without_middle).route_has_unknown_stop, "a leg of which nothing is known");
    // A last leg that says nothing but how it is travelled: the route does not end where the leg before it does.
    let on = facts(&[&whole[..], &[(mode, 3, "Road")]].concat());
    assert_eq!((on.route_has_unknown_stop, on.route_start, on.route_end), (true, ends("AL"), None));
    let within = facts(&[&whole[..], &[(mode, 2, "Road")]].concat());
    assert_eq!((within.route_has_unknown_stop, within.route_end), (false, ends("GB")));
    let nothing = Classified::decode(&[1]).expect("a body without cells");
    assert!(routes().facts(&nothing).route_has_unknown_stop, "no legs");
    assert!(!profiles().facts(&nothing).route_has_unknown_stop, "a profile has none");
}

#[test]
fn a_record_is_of_all_days_that_its_stored_dates_can_mean() {
    let days = |first: &str, last: &str| Some((first.parse().expect("a date"), last.parse().expect("a date")));
    let referred = |text: &str| profiles().facts(&text_cell(profiles(), "referral_date", &[], text)).dates;
    for (text, expected) in [
        ("2024-Q1", days("2024-01-01", "2024-03-31")),
        ("2024-Q4", days("2024-10-01", "2024-12-31")),
        ("2024", days("2024-01-01", "2024-12-31")),
        ("2024-02", days("2024-02-01", "2024-02-29")),
        ("2024-02-03", days("2024-02-03", "2024-02-03")),
        ("2024-Q5", None),
        ("2024-02-Q1", None),
        ("long ago", None),
        ("", None),
    ] {
        assert_eq!(referred(text), expected, "{text:?}");
    }
    let mut record = profile();
    set(&mut record, "/referral_date", json!("2026-05-17"));
    let facts = |record: &Value| profiles().facts(&split(profiles(), record).classified);
    assert_eq!(facts(&record).dates, days("2026-04-01", "2026-06-30"), "the stored step is the quarter");
    unset(&mut record, "/referral_date");
    assert_eq!(facts(&record).dates, None);

    let observed = |first: Option<&str>, last: Option<&str>| {
        let mut record = route();
        for (place, date) in [("/first_observed", first), ("/last_observed", last)] {
            unset(&mut record, place);
            if let Some(date) = date {
                set(&mut record, place, json!(date));
            }
        }
        routes().facts(&split(routes(), &record).classified).dates
    };
    assert_eq!(observed(Some("2025-11-30"), Some("2026-02-03")), days("2025-11-01", "2026-02-28"), "whole months");
    assert_eq!(observed(Some("2025"), Some("2025")), days("2025-01-01", "2025-12-31"));
    assert_eq!((observed(Some("2025"), None), observed(None, Some("2025"))), (None, None), "both ends or none");
    assert_eq!(observed(Some("2026-01"), Some("2025-01")), None, "out of order");
}

#[test]
fn a_route_is_of_children_where_anything_on_it_says_so() {
    let child = |edits: &[(&str, Value)]| {
        let mut record = route();
        unset(&mut record, "/victim_groups");
        edits.iter().for_each(|(place, value)| set(&mut record, place, value.clone()));
        routes().facts(&split(routes(), &record).classified).child
    };
    assert!(!child(&[]), "a route without any statement is not one of children");
    let groups = |names: &[&str]| json!(names.iter().map(|name| json!({ "group": name })).collect::<Vec<_>>());
    for (names, expected) in [
        (&["women"][..], false),
        (&["men", "women"], false),
        (&["girls"], true),
        (&["men", "boys"], true),
        (&["transgender"], true),
    ] {
        assert_eq!(child(&[("/victim_groups", groups(names))]), expected, "{names:?}");
    }
    for (types, expected) in [
        (json!(["ForcedLabour", "ForcedMarriage", "Other"]), false),
        (json!(["ForcedLabour", "ChildLabour"]), true),
        (json!(["ForcedAdoption"]), true),
    ] {
        assert_eq!(child(&[("/exploitation_types", types.clone())]), expected, "{types}");
        // Adults beside them change nothing.
        let beside = [("/exploitation_types", types.clone()), ("/victim_groups", groups(&["men"]))];
        assert_eq!(child(&beside), expected, "{types} beside men");
    }
    for (means, expected) in [
        (json!(["kidnapping", "generational", "fraudulent_education_offer"]), false),
        (json!(["child_fostering"]), true),
    ] {
        assert_eq!(child(&[("/means_of_recruitment", means.clone())]), expected, "{means}");
    }
    assert!(
        !child(&[("/means_of_control", json!(["ThreatensChildrenFamily"]))]),
        "the children at home are threatened"
    );
    // What an adult's profile says of the past does not make the adult a child.
    let mut adult = profile();
    set(&mut adult, "/exploitation_types", json!(["ChildLabour"]));
    assert!(!profiles().facts(&split(profiles(), &adult).classified).child);
}
