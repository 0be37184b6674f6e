//! Splitting loses nothing, the classified body holds no identifier, and a projection shows what was listed only.

use std::cell::RefCell;

use causeway_model::{Class, Country, FieldNumber, Floor, Handling, Ladder, Step, Tlp};
use causeway_schema::{Classified, Projected, Schema, Split};
use serde_json::{Value, json};

use crate::records::{document, field_path, leaves, profile, profiles, route, routes, set, unset};

fn split(schema: &Schema, record: &Value) -> Split {
    schema.split(&document(record), &|scheme, value| {
        let mut pseudonym = [0xee; 32];
        pseudonym[0] = u8::try_from(scheme.len()).expect("short");
        pseudonym[1] = u8::try_from(value.len() % 251).expect("small");
        pseudonym
    })
}

fn all_forms(schema: &Schema) -> impl Fn(FieldNumber) -> Option<Projected> {
    let classes: Vec<_> = schema.fields().iter().map(|spec| (spec.number, spec.class)).collect();
    move |number| {
        let (_, class) = classes.iter().find(|(known, _)| *known == number)?;
        Some(if *class == Class::Link { Projected::Pseudonym } else { Projected::AsIs })
    }
}

fn project(schema: &Schema, body: &Classified, forms: &dyn Fn(FieldNumber) -> Option<Projected>) -> Value {
    let bytes = schema.project(body, forms, &|internal| format!("p1-{:02x}", internal[0]));
    serde_json::from_slice(&bytes).expect("a projection is JSON")
}

fn listed<'s>(
    schema: &'s Schema,
    wanted: &'s [(&'s str, Projected)],
) -> impl Fn(FieldNumber) -> Option<Projected> + 's {
    move |number| {
        let spec = schema.fields().by_number(number)?;
        wanted.iter().find(|(path, _)| *path == spec.path.as_str()).map(|(_, form)| *form)
    }
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn nothing_is_lost_and_exact_values_stay_at_their_places() {
    for (schema, record) in [(profiles(), profile()), (routes(), route())] {
        let parts = split(schema, &record);
        let sealed: Value =
            serde_json::from_slice(parts.sealed.as_ref().expect("much is sealed").expose()).expect("sealed JSON");
        let open = project(schema, &parts.classified, &all_forms(schema));
        let mut kept = 0;
        for (pointer, value) in leaves(&record) {
            let path = field_path(&pointer).parse().expect("a field path");
            let spec = schema.fields().by_path(&path).unwrap_or_else(|| panic!("{path} is in the schema"));
            let in_sealed = sealed.pointer(&pointer);
            match (spec.class, spec.floor) {
                (Class::Open, Floor::Never) => assert_eq!(in_sealed, None, "{pointer} is stored, and not shown"),
                (Class::Open, _) => {
                    assert!(open.pointer(&pointer) == Some(value) || in_sealed == Some(value), "{pointer}")
                }
                (Class::Coarse, _) if in_sealed.is_none() => {
                    assert_eq!(open.pointer(&pointer), Some(value), "{pointer}")
                }
                _ => assert_eq!(in_sealed, Some(value), "{pointer}"),
            }
            kept += 1;
        }
        assert!(kept >= 40, "{kept}");
        let strangers = leaves(&sealed).into_iter().filter(|(_, value)| !value.is_null());
        for (pointer, value) in strangers {
            assert_eq!(record.pointer(&pointer), Some(value), "{pointer} moved");
        }
    }
}

#[test]
fn the_classified_body_holds_no_identifier() {
    for (schema, record) in [(profiles(), profile()), (routes(), route())] {
        let body = split(schema, &record).classified.encode();
        let mut searched = 0;
        for (pointer, value) in leaves(&record) {
            let spec = schema.fields().by_path(&field_path(&pointer).parse().expect("a path")).expect("known");
            let hidden = matches!(spec.class, Class::Sealed | Class::Link)
                || (spec.class == Class::Coarse && spec.floor == Floor::Never);
            if let (true, Some(text)) = (hidden, value.as_str())
                && text.len() > 2
            {
                assert!(!contains(&body, text), "{pointer}");
                searched += 1;
            }
        }
        assert!(searched >= 20, "{searched}");
        for exact in ["quill", "2026-03-14", "2025-02", "GB-KEN/", "Kent", "2026-02-03", "2026-01-19"] {
            assert!(!contains(&body, exact), "{exact}");
        }
        for exact in [51.127_89_f64, 52.489_11, 52.5, 7123.5] {
            assert!(!body.windows(8).any(|window| window == exact.to_be_bytes()), "{exact}");
        }
    }
}

#[test]
fn coarse_values_are_stored_at_their_floor() {
    let shown = project(profiles(), &split(profiles(), &profile()).classified, &all_forms(profiles()));
    for (pointer, at_floor) in [
        ("/referral_date", json!("2026-Q1")),
        ("/exploitation_start", json!("2025")),
        ("/first_responder", json!("police")),
        ("/nationalities", json!(["AL", "XK"])),
        ("/gender", json!("transgender_female")),
        ("/exploitation_uk_places", json!([{"subdivision": "GB-KEN"}])),
    ] {
        assert_eq!(shown.pointer(pointer), Some(&at_floor), "{pointer}");
    }
    let shown = project(routes(), &split(routes(), &route()).classified, &all_forms(routes()));
    for (pointer, at_floor) in [
        ("/legs/0/depart_on", json!("2026-02")),
        ("/legs/1/to/latitude", json!(51.1)),
        ("/fees/0/amount", json!("5000-9999")),
        ("/legs/1/to/unlocode", json!("GBDVR")),
    ] {
        assert_eq!(shown.pointer(pointer), Some(&at_floor), "{pointer}");
    }
    assert_eq!(
        shown.pointer("/legs/2/to"),
        Some(&json!({"country": "GB"})),
        "no coordinates where people are exploited"
    );
}

#[test]
fn a_childs_detail_is_sealed() {
    let mut record = profile();
    set(&mut record, "/is_minor", json!("not_sure"));
    let parts = split(profiles(), &record);
    let shown = project(profiles(), &parts.classified, &all_forms(profiles()));
    let sealed: Value = serde_json::from_slice(parts.sealed.expect("sealed").expose()).expect("JSON");
    for pointer in ["/sexual_exploitation_types/0", "/exploitation_uk_places/0/subdivision", "/county_lines"] {
        assert_eq!(shown.pointer(pointer), None, "{pointer}");
        assert_eq!(sealed.pointer(pointer), record.pointer(pointer), "{pointer}");
    }
    assert!(profiles().facts(&parts.classified).child);
}

#[test]
fn a_projection_shows_the_listed_fields_only() {
    let body = split(profiles(), &profile()).classified;
    assert_eq!(project(profiles(), &body, &|_| None), json!({}));
    let wanted = [
        ("referral_date", Projected::Step(Step::Year)),
        ("age_band", Projected::Step(Step::AdultChild)),
        ("nationalities[]", Projected::Step(Step::Region)),
        ("subject_reference", Projected::Pseudonym),
        ("external_references[].value", Projected::Pseudonym),
        ("exploitation_types[]", Projected::AsIs),
        ("was_minor_at_exploitation", Projected::Step(Step::AdultChild)),
        ("gender", Projected::Step(Step::FemaleMale)),
    ];
    assert_eq!(
        project(profiles(), &body, &listed(profiles(), &wanted)),
        json!({
            "age_band": "adult", "exploitation_types": ["SexualExploitation", "ForcedCriminality"],
            "external_references": [{"value": "p1-04"}, {"value": "p1-04"}], "gender": "unknown",
            "nationalities": ["Southern Europe", "Southern Europe"], "referral_date": "2026", "subject_reference": "p1-07"
        }),
        "not sure is neither adult nor child, so it is left out"
    );
}

#[test]
fn no_list_gets_under_a_floor_or_a_class() {
    let record = profile();
    let body = split(profiles(), &record).classified;
    let forms = [Projected::AsIs, Projected::Pseudonym]
        .into_iter()
        .chain(Ladder::Date.steps().iter().chain(Ladder::Drop.steps()).map(|step| Projected::Step(*step)));
    for form in forms {
        let shown = project(profiles(), &body, &|_| Some(form));
        for (pointer, value) in leaves(&shown) {
            let spec = profiles().fields().by_path(&field_path(&pointer).parse().expect("path")).expect("known");
            assert_ne!(spec.floor, Floor::Never, "{pointer}");
            assert!(
                spec.class != Class::Link || value.as_str().is_some_and(|text| text.starts_with("p1-")),
                "{pointer}"
            );
            assert_eq!(spec.class == Class::Link, form == Projected::Pseudonym, "{pointer} as {form:?}");
        }
        let text = shown.to_string();
        for never in ["2026-03", "over-a-year-ago", "Poverty", "al-police", "PrimaryEducation", "\"no\",\"vul"] {
            assert!(!text.contains(never), "{never} as {form:?}");
        }
    }
}

#[test]
fn a_step_finer_than_the_floor_gives_nothing() {
    let body = split(profiles(), &profile()).classified;
    for step in [Step::Day, Step::Month, Step::Exact, Step::Band] {
        let wanted = [("referral_date", Projected::Step(step))];
        assert_eq!(project(profiles(), &body, &listed(profiles(), &wanted)), json!({}), "{step}");
    }
}

#[test]
fn identifiers_are_normalised_before_they_become_pseudonyms() {
    let asked = |schema: &Schema, record: &Value| {
        let asked = RefCell::new(Vec::new());
        schema.split(&document(record), &|scheme, value| {
            asked.borrow_mut().push(format!("{scheme}:{value}").replace('\u{1f}', "|"));
            [0; 32]
        });
        asked.into_inner()
    };
    let asked_profile = asked(profiles(), &profile());
    for one in ["subject:SUBJREF77123", "case:home_office|HOREF9911", "document:AL|BA771234", "phone:+447700900123"] {
        assert!(asked_profile.iter().any(|asked| asked == one), "{one} in {asked_profile:?}");
    }
    let asked_route = asked(routes(), &route());
    for one in ["subject:SUBJREF77123", "route:ROUTEREF5501", "handle:handlequill", "vehicle:BE|QX12ABC", "imo:9074729"]
    {
        assert!(asked_route.iter().any(|asked| asked == one), "{one} in {asked_route:?}");
    }
    assert!(asked_profile.contains(&"route:ROUTEREF5501".to_owned()), "a profile and its route share the pseudonym");
}

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

#[test]
fn a_record_without_secrets_has_no_sealed_body() {
    let mut record = json!({
        "is_minor": "no", "anonymous": true, "exploitation_types": ["NotSpecified"], "source_grade": "1",
        "info_grade": "A", "handling": "P", "tlp": "GREEN", "releasable_to": []
    });
    assert!(split(profiles(), &record).sealed.is_none());
    unset(&mut record, "/anonymous");
    set(&mut record, "/subject_reference", json!("S1"));
    let sealed = split(profiles(), &record).sealed.expect("the reference is sealed");
    assert_eq!(sealed.expose(), br#"{"subject_reference":"S1"}"#);
    assert_eq!(format!("{sealed:?}"), "SealedBody(..)");
}
