//! The field lists that the design started from, row by row: each row has its leaf or leaves, protected as the row says
//! or more.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use causeway_model::{Class, FieldSpec, Floor, Ladder};
use causeway_schema::Schema;
use serde_json::Value;

use crate::records::{PROFILE_1_1_FILE, ROUTE_1_1_FILE, compile, id, schemas};

/// Leaves that differ from their row, each at least as strict, and why.
const STRICTER: &[(&str, &str)] = &[
    ("releasable_to[]", "whom else a record goes to is no partner's business"),
    ("processing_restricted", "a restricted record leaves not at all, so the flag says nothing but that"),
    ("legs[].from.subdivision", "a subdivision is its own finest form"),
    ("legs[].to.subdivision", "a subdivision is its own finest form"),
    ("legs[].from.latitude", "coordinates have a ladder of their own"),
    ("legs[].from.longitude", "coordinates have a ladder of their own"),
    ("legs[].to.latitude", "coordinates have a ladder of their own"),
    ("legs[].to.longitude", "coordinates have a ladder of their own"),
    ("legs[].from.precision_m", "without the exact coordinates it says nothing"),
    ("legs[].to.precision_m", "without the exact coordinates it says nothing"),
    ("victim_groups[].count", "counts leave by tables with a threshold, not in records"),
    ("exploitation_uk_places[].town", "the town is finer than the region that the row allows"),
    ("vessels[].flag", "small fleets make it as good as the vessel's number"),
    ("fees[].kind", "the band of the amount is what partners compare"),
];
/// Leaves of a row for a whole object that are protected less than the row says for all of it, and why. Their descriptions
/// say it too.
const LOOSER: &[(&str, &str)] = &[
    ("vehicles[].country", "a country has millions of vehicles, and the registration leaves as a pseudonym only"),
    ("fees[].currency", "many share one, and the band of the amount says nothing without it"),
];
/// Leaves that were as little protected until version 1.1. Records leave by the newest version, whichever they came in by.
const MENDED: &[&str] = &["vessels[].flag", "fees[].kind"];
/// The leaves of the handling block, by the names that the profile's rows give them.
const HANDLING: &[&str] = &[
    "source_grade",
    "info_grade",
    "handling",
    "action_code",
    "sanitisation_code",
    "europol_handling[]",
    "tlp",
    "releasable_to[]",
    "transfer_condition",
    "onward_transfer",
    "retention_review_due",
    "retain_until",
    "processing_restricted",
];

struct Row {
    fields: Vec<String>,
    class: String,
    floor: String,
    ladder: String,
    codes: String,
}

fn rows(name: &str) -> Option<Vec<Row>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fields").join(name);
    let Ok(mut reader) = csv::Reader::from_path(&path) else {
        let skipped = format!("skipped: {} is not here", path.display());
        writeln!(std::io::stderr(), "{skipped}").expect("standard error takes a line");
        return None;
    };
    let row = |record: csv::StringRecord| {
        let cell = |place: usize| record.get(place).unwrap_or_default().trim().to_owned();
        let fields = paths(&cell(0));
        Row { fields, codes: cell(2), class: cell(3), floor: cell(4), ladder: cell(5) }
    };
    Some(reader.records().map(|record| row(record.expect("a row"))).collect())
}

/// The paths that a row's first cell names: `facilitators[].phones[], handles[]` has its prefix once, and a place stands
/// at both ends of a leg.
fn paths(cell: &str) -> Vec<String> {
    if cell == "handling block" {
        return HANDLING.iter().map(|name| (*name).to_owned()).collect();
    }
    let mut paths: Vec<String> = Vec::new();
    for name in cell.split(", ") {
        let prefix = paths.first().and_then(|first| first.rsplit_once("[].")).map(|(prefix, _)| format!("{prefix}[]."));
        let plain = !name.contains('.');
        paths.push(prefix.filter(|_| plain).unwrap_or_default() + name.trim_end_matches(".*"));
    }
    let ends = |path: String| match path.strip_prefix("place.") {
        Some(part) => vec![format!("legs[].from.{part}"), format!("legs[].to.{part}")],
        None => vec![path],
    };
    paths.into_iter().flat_map(ends).collect()
}

/// How much a leaf is protected: what never leaves is highest.
fn rank(spec: &FieldSpec) -> usize {
    match (spec.class, spec.floor, spec.ladder) {
        (Class::Sealed, ..) | (_, Floor::Never, _) => 1_000,
        (Class::Link, ..) => 900,
        (Class::Coarse, Floor::Finest(step), Some(ladder)) => {
            100 + ladder.steps().iter().position(|known| *known == step).expect("on its ladder")
        }
        _ => 0,
    }
}

/// The same for what a row asks of one of its leaves; `None` where the row names a container only.
fn asked(row: &Row, path: &str) -> Option<usize> {
    let member = path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]");
    let member = if member == "date_of_birth" { "dob" } else { member };
    let class = match row.class.strip_prefix("per leaf: ") {
        Some(leaves) => {
            // A leaf that the row does not name has a row of its own.
            leaves.split("; ").find(|group| group.split([' ', ',']).any(|word| word == member))?.rsplit(' ').next()?
        }
        None => row.class.as_str(),
    };
    let coarse = match row.floor.split(';').next().unwrap_or_default() {
        floor if floor.starts_with("never") => 1_000,
        "month" | "band" | "organisation type" | "UK region" | "0.1 degree" => 101,
        "quarter" => 102,
        "year" => 103,
        floor if floor.starts_with("finest") || floor == "count with threshold" => 100,
        // A row without a floor is of a class that has none, or is a leaf that is open.
        "-" => 0,
        floor => panic!("{path}: the floor {floor} is not known"),
    };
    match class {
        _ if class.starts_with("container") => None,
        "sealed" => Some(1_000),
        "link" => Some(900),
        "coarse" => Some(coarse),
        "open" => Some(if coarse == 1_000 { coarse } else { 0 }),
        class => panic!("{path}: the class {class} is not known"),
    }
}

/// What is wrong with one leaf, by its row.
fn difference(row: &Row, spec: &FieldSpec) -> Option<String> {
    let path = spec.path.as_str();
    let asked = asked(row, path)?;
    let ladder = |name: &str| name.parse::<Ladder>().ok();
    let same_ladder = spec.class != Class::Coarse || rank(spec) == 1_000 || ladder(&row.ladder) == spec.ladder;
    match rank(spec) {
        found if found < asked && LOOSER.iter().any(|(known, _)| *known == path) => None,
        found if found < asked => Some(format!("{path}: protected less than its row says")),
        found if found == asked && same_ladder => None,
        _ => Some(format!("{path}: differs from its row")),
    }
}

fn compare(schema: &Schema, file: &str, rows: &[Row], explained: &mut BTreeSet<&'static str>) -> Vec<String> {
    let file: Value = serde_json::from_str(file).expect("JSON");
    let mut faults = Vec::new();
    for row in rows.iter().filter(|row| row.class != "gateway") {
        for path in &row.fields {
            let beneath = |spec: &&FieldSpec| {
                let rest = spec.path.as_str().strip_prefix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let leaves: Vec<&FieldSpec> = schema.fields().iter().filter(beneath).collect();
            if leaves.is_empty() {
                faults.push(format!("{path}: is no field"));
            }
            for spec in leaves {
                let reason = STRICTER.iter().find(|(known, _)| *known == spec.path.as_str());
                let old = schema.id().version.minor == 0 && MENDED.contains(&spec.path.as_str());
                match (difference(row, spec).filter(|_| !old), reason) {
                    (Some(what), Some((known, _))) if !what.ends_with("less than its row says") => {
                        explained.insert(*known);
                    }
                    (Some(what), _) => faults.push(what),
                    (None, _) => faults.extend(lacking(row, spec, &file)),
                }
            }
        }
    }
    faults
}

/// Codes of the row that the leaf does not have, where the row lists them and the leaf names a list.
fn lacking(row: &Row, spec: &FieldSpec, file: &Value) -> Option<String> {
    let listed = row.codes.contains(',') && !row.codes.contains([' ', '{', '[', '.', '^', '(']);
    let name =
        spec.path.as_str().trim_end_matches("[]").replace("[].", "/items/properties/").replace('.', "/properties/");
    let node = file.pointer(&format!("/properties/{name}"))?;
    let node = node.get("items").unwrap_or(node);
    let list =
        node.get("x-codes").or_else(|| file.pointer(node.get("$ref")?.as_str()?.strip_prefix('#')?)?.get("x-codes"));
    let codes = crate::codes::codes_of(list?.as_str()?);
    let missing: Vec<&str> =
        row.codes.split(',').filter(|code| listed && !codes.iter().any(|known| known == code)).collect();
    (!missing.is_empty()).then(|| format!("{}: lacks {missing:?}", spec.path))
}

#[test]
fn every_row_of_the_field_lists_has_its_leaves_as_protected_as_it_says() {
    let (Some(profile), Some(route)) = (rows("fields_victim_profile.csv"), rows("fields_trafficking_route.csv")) else {
        return;
    };
    assert_eq!((profile.len(), route.len()), (69, 37), "rows of the lists");
    let mut explained = BTreeSet::new();
    for version in ["1.0", "1.1"] {
        for (kind, file, rows) in
            [("victim-profile", PROFILE_1_1_FILE, &profile), ("trafficking-route", ROUTE_1_1_FILE, &route)]
        {
            let schema = schemas().get(id(&format!("{kind}/{version}"))).expect("compiled");
            let faults = compare(schema, file, rows, &mut explained);
            assert!(faults.is_empty(), "{kind}/{version}: {faults:#?}");
        }
    }
    let unused: Vec<_> = STRICTER.iter().filter(|(path, _)| !explained.contains(path)).collect();
    assert!(unused.is_empty(), "these are as their rows say: {unused:?}");
}

#[test]
fn a_leaf_that_is_protected_less_than_its_row_is_found() {
    let Some(profile) = rows("fields_victim_profile.csv") else { return };
    for (from, to) in [
        (r#""x-floor": "quarter""#, r#""x-floor": "month""#),
        (r#""x-field": 25,"#, r#""x-field": 25, "x-floor": "exact","#),
    ] {
        let text = PROFILE_1_1_FILE.replacen(from, to, 1);
        let text = if from.contains("25") { opened(&text) } else { text };
        let compiled = compile(&[(id("victim-profile/1.1"), &text)]).expect("it compiles");
        let schema = compiled.get(id("victim-profile/1.1")).expect("compiled");
        let faults = compare(schema, &text, &profile, &mut BTreeSet::new());
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].ends_with("protected less than its row says"), "{faults:?}");
    }
}

/// The file with the given name in the open.
fn opened(text: &str) -> String {
    let at = text.find(r#""x-field": 25,"#).expect("the given name");
    let (head, tail) = text.split_at(at);
    head.to_owned() + &tail.replacen(r#""sealed""#, r#""open""#, 1)
}

/// On the road, a child's own part of the country and kind of exploitation stay sealed.
#[test]
fn a_childs_profile_shows_neither_subdivision_nor_sexual_exploitation() {
    use crate::records::{document, profile, set, unset};
    use causeway_schema::Projected;
    use serde_json::json;
    for (minor, shown) in [("no", true), ("yes", false), ("not_sure", false)] {
        let mut record = profile();
        set(&mut record, "/is_minor", json!(minor));
        unset(&mut record, "/sanitised_summary");
        unset(&mut record, "/age_band");
        for version in ["1.0", "1.1"] {
            let schema = schemas().get(id(&format!("victim-profile/{version}"))).expect("compiled");
            let split = schema.split(&document(&record), &|_, _| [0; 32]);
            let view = schema.project(&split.classified, &|_| Some(Projected::AsIs), &|_| String::new());
            let view: Value = serde_json::from_slice(&view).expect("JSON");
            for pointer in ["/sexual_exploitation_types", "/exploitation_uk_places/0/subdivision"] {
                assert_eq!(view.pointer(pointer).is_some(), shown, "{version}: {pointer} where is_minor is {minor}");
            }
            let sealed: Value = serde_json::from_slice(split.sealed.expect("sealed").expose()).expect("JSON");
            assert_eq!(sealed.pointer("/sexual_exploitation_types").is_some(), !shown);
        }
    }
}
