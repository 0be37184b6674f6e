//! Splitting loses nothing, the classified body holds no identifier, and a projection shows what was listed only.

use std::cell::RefCell;

use causeway_model::{Class, FieldNumber, Floor, Ladder, Step};
use causeway_schema::{Classified, Projected, Schema, Split};
use serde_json::{Value, json};

use crate::records::{document, field_path, leaves, profile, profiles, route, routes, set, unset};

pub(crate) fn split(schema: &Schema, record: &Value) -> Split {
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
