//! The sample against the schemas that it is meant for.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use causeway_model::{Class, Date, Kind};
use causeway_schema::{Projected, Schema, Schemas, parse};

use crate::certs;

use super::{FaultKind, SampleRecord, clean, records};

fn schemas() -> Schemas {
    let file = |id: &str, text: &'static str| (id.parse().expect("a schema id"), text);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schemas");
    let lists = certs::code_lists(&folder).expect("the code lists are there");
    let lists: Vec<&str> = lists.iter().map(|(_, text)| text.as_str()).collect();
    let files = [
        file("victim-profile/1.0", include_str!("../../../../config/schemas/victim-profile-1.0.json")),
        file("victim-profile/1.1", include_str!("../../../../config/schemas/victim-profile-1.1.json")),
        file("trafficking-route/1.0", include_str!("../../../../config/schemas/trafficking-route-1.0.json")),
        file("trafficking-route/1.1", include_str!("../../../../config/schemas/trafficking-route-1.1.json")),
    ];
    Schemas::compile(&files, &lists).expect("the shipped schemas compile")
}

/// The reason or the rules by which the gateway would refuse the record; none for a good one.
fn found(schemas: &Schemas, record: &SampleRecord) -> Vec<String> {
    let today: Date = "2026-01-01".parse().expect("a date");
    let Some(schema) = schemas.get(record.schema) else { return vec!["unknown-schema".into()] };
    match parse(&record.document) {
        Err(fault) => vec![fault.reason().into()],
        Ok(document) => {
            let rules: HashSet<_> = schema.validate(&document, today).into_iter().map(|v| v.rule).collect();
            // That an id was used before is the gateway's to find, which has both records.
            let reused = record.fault.filter(|fault| *fault == FaultKind::SubmissionReused);
            let fault = record.fault.filter(|fault| rules.iter().all(|rule| fault.breaks(rule)));
            match fault {
                Some(fault) if rules.contains(fault.found_as()) => vec![fault.found_as().into()],
                _ => rules.into_iter().chain(reused.map(|fault| fault.found_as().into())).collect(),
            }
        }
    }
}

#[test]
fn records_are_valid_but_for_one_of_each_fault() {
    let schemas = schemas();
    let mut faults = Vec::new();
    for record in records(7, 3_000) {
        let found = found(&schemas, &record);
        match record.fault {
            None => assert!(found.is_empty(), "{}: {found:?}", record.submission_id),
            Some(fault) => {
                assert_eq!(found, [fault.found_as()], "{fault:?}");
                faults.push(fault);
            }
        }
    }
    assert_eq!(faults, FaultKind::ALL, "each kind once");
    assert!(clean(7, 500).all(|record| record.fault.is_none() && found(&schemas, &record).is_empty()));
}

#[test]
fn every_fault_is_alone_under_any_seed() {
    let schemas = schemas();
    for seed in 0..40 {
        for record in records(seed, FaultKind::ALL.len() * 2) {
            let expected: Vec<&str> = record.fault.iter().map(|fault| fault.found_as()).collect();
            assert_eq!(found(&schemas, &record), expected, "seed {seed}, {}", record.submission_id);
        }
    }
}

#[test]
fn a_small_sample_has_the_faults_it_has_room_for() {
    for (count, faults) in [
        (0, 0),
        (1, 0),
        (2, 1),
        (10, 5),
        (FaultKind::ALL.len() * 2, FaultKind::ALL.len()),
        (1_000, FaultKind::ALL.len()),
    ] {
        let sample: Vec<_> = records(3, count).collect();
        assert_eq!((sample.len(), sample.iter().filter(|r| r.fault.is_some()).count()), (count, faults), "{count}");
    }
}

#[test]
fn one_seed_gives_the_same_bytes_and_another_gives_others() {
    let bytes = |seed| records(seed, 50).map(|record| (record.submission_id, record.document)).collect::<Vec<_>>();
    assert_eq!(bytes(1), bytes(1));
    assert!(bytes(1).iter().zip(bytes(2)).all(|(a, b)| a.0 != b.0 && a.1 != b.1));
    let sample: Vec<_> = records(1, 500).collect();
    let ids: HashSet<_> = sample.iter().map(|record| &record.submission_id).collect();
    assert_eq!(ids.len(), 499, "one id is used twice");
    let reused = sample.iter().find(|record| record.fault == Some(FaultKind::SubmissionReused)).expect("there is one");
    assert_eq!(reused.submission_id, sample[0].submission_id);
    assert_ne!(reused.document, sample[0].document);
}

#[test]
fn the_mix_is_that_of_the_published_figures() {
    let schemas = schemas();
    let (mut profiles, mut counts) = (0_u32, BTreeMap::<&str, u32>::new());
    let mut count = |name: &'static str, yes: bool| *counts.entry(name).or_default() += u32::from(yes);
    for record in clean(11, 20_000) {
        if record.schema.kind == Kind::TraffickingRoute {
            continue;
        }
        profiles += 1;
        let schema = schemas.get(record.schema).expect("known");
        let document = parse(&record.document).expect("valid");
        let facts = schema.facts(&schema.split(&document, &|_, _| [0; 32]).classified);
        let first = facts.nationalities.first().map(ToString::to_string).unwrap_or_default();
        count("GB", first == "GB");
        count("AL", first == "AL");
        count("VN", first == "VN");
        count("child", facts.child);
        count("anonymous", facts.anonymous);
        count("nobody", facts.releasable_to.is_empty());
        count("restricted", facts.processing_restricted);
        count("red", facts.tlp == causeway_model::Tlp::Red);
    }
    assert!((16_500..17_500).contains(&profiles), "{profiles}");
    for (name, per_mille) in [
        ("GB", 210..250),
        ("AL", 115..145),
        ("VN", 100..125),
        ("child", 410..470),
        ("anonymous", 150..240),
        ("nobody", 100..300),
        ("restricted", 20..40),
        ("red", 65..95),
    ] {
        let share = counts[name] * 1000 / profiles;
        assert!(per_mille.contains(&share), "{name}: {share} per mille");
    }
}

/// Fields of routes that version 1.1 lets leave never, or not everywhere; the schema's own tests say where.
const SHOWN_LESS: &[&str] = &["legs[].from.unlocode", "legs[].to.unlocode", "vessels[].flag", "fees[].kind"];

#[test]
fn what_the_earlier_version_accepts_the_later_one_accepts_and_shows_alike() {
    let schemas = schemas();
    let today: Date = "2026-01-01".parse().expect("a date");
    let (mut older, mut newer) = (0, 0);
    for record in clean(23, 3_000) {
        let earlier = schemas.get(record.schema).expect("known");
        let later = schemas.newest_for(record.schema).expect("known");
        let counted = if earlier.id() == later.id() { &mut newer } else { &mut older };
        *counted += 1;
        let document = parse(&record.document).expect("valid");
        assert!(earlier.validate(&document, today).is_empty() && later.validate(&document, today).is_empty());
        let split = earlier.split(&document, &|_, value| [u8::try_from(value.len()).unwrap_or(0); 32]);
        let view = |schema: &Schema| {
            let form = |number| {
                let spec = schema.fields().by_number(number)?;
                if SHOWN_LESS.contains(&spec.path.as_str()) {
                    return None;
                }
                Some(if spec.class == Class::Link { Projected::Pseudonym } else { Projected::AsIs })
            };
            schema.project(&split.classified, &form, &|internal| format!("p{}", internal[0]))
        };
        assert_eq!(view(earlier), view(later), "{}", record.submission_id);
        assert_eq!(earlier.facts(&split.classified), later.facts(&split.classified));
    }
    assert_eq!((older, newer), (2_250, 750), "the sample is of both versions");
}
