//! The code lists: those that ship are what the generator makes, and one with a fault stops the start.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use causeway_model::Kind;
use causeway_schema::{CodeList, Schemas, code_lists_named};
use serde_json::{Value, json};

use crate::records::{PROFILE_1_1_FILE, PROFILE_FILE, ROUTE_1_1_FILE, ROUTE_FILE, id, lists, schemas};

#[path = "../../examples/codes/lists.rs"]
mod generator;

static SHIPPED: LazyLock<Vec<CodeList>> = LazyLock::new(|| {
    lists().iter().map(|text| CodeList::parse(text).unwrap_or_else(|faults| panic!("{faults:?}"))).collect()
});

fn list(name: &str) -> &'static CodeList {
    SHIPPED.iter().find(|list| list.name == name).unwrap_or_else(|| panic!("{name} is shipped"))
}

/// The codes that an `x-codes` names.
pub(crate) fn codes_of(name: &str) -> Vec<String> {
    let (name, group) = name.split_once('/').map_or((name, None), |(name, group)| (name, Some(group)));
    list(name).group(group).map(|code| code.code.clone()).collect()
}

#[test]
fn the_derived_lists_are_what_the_data_files_give() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        let skipped = format!("skipped: {} is not here", data.display());
        writeln!(std::io::stderr(), "{skipped}").expect("standard error takes a line");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schemas/codes");
    let derived = generator::derived(&data).expect("generated");
    for (name, text) in &derived {
        let file = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("shipped");
        assert!(file == *text, "{name}.json is not what `cargo run -p causeway-schema --example codes` writes");
    }
    let derived: BTreeSet<&str> = derived.iter().map(|(name, _)| *name).collect();
    for list in SHIPPED.iter().filter(|list| !derived.contains(list.name.as_str())) {
        assert!(list.provenance.starts_with("written for this schema"), "{}: {}", list.name, list.provenance);
    }
}

#[test]
fn every_list_says_where_it_is_from_and_under_which_licence() {
    let all = &*SHIPPED;
    assert_eq!(all.len(), 11);
    for list in all {
        assert!(!list.source.is_empty() && !list.licence.is_empty() && !list.provenance.is_empty(), "{}", list.name);
    }
    let htcds = list("htcds");
    assert!(htcds.source.contains("HTCDS) 2.0") && htcds.source.contains("IOM") && htcds.licence.contains("CC BY 4.0"));
    let files = [PROFILE_FILE, PROFILE_1_1_FILE, ROUTE_FILE, ROUTE_1_1_FILE];
    let named: BTreeSet<String> = files.iter().flat_map(|text| code_lists_named(text)).collect();
    let known: BTreeSet<String> = all.iter().map(|list| list.name.clone()).collect();
    assert_eq!(named, known, "each list is there, and has a field or a ladder that needs it");
    assert!(!files.iter().any(|text| text.contains(r#""type": "string", "enum""#)), "every list of codes has a name");
}

#[test]
fn the_traps_of_country_codes_are_met() {
    let country = list("country");
    let of = |code: &str| country.codes.iter().find(|known| known.code == code).expect("listed");
    assert_eq!(country.codes.len(), 250, "249 of ISO 3166-1, and Kosovo");
    assert_eq!((of("NA").name.as_str(), of("NA").text("alpha3")), ("Namibia", Some("NAM")));
    assert_eq!(of("AL").text("numeric"), Some("008"), "leading zeros are kept");
    assert_eq!((of("XK").text("numeric"), of("XK").text("region")), (None, Some("Southern Europe")));
    for missing in ["0", "00", "-99", "UK", "EU", "YU"] {
        assert!(country.codes.iter().all(|known| known.code != missing), "{missing}");
    }
    let regions: BTreeSet<&str> = country.codes.iter().filter_map(|code| code.text("region")).collect();
    let known = list("region");
    assert!(regions.iter().all(|region| known.codes.iter().any(|code| code.code == **region)), "{regions:?}");
    assert!(codes_of("htcds/exploitation").contains(&"ForcedCriminality".to_owned()), "which HTCDS lacks");
}

/// The faults of a start with one list changed.
fn faults(name: &str, change: impl Fn(&mut Value)) -> Vec<String> {
    let mut changed = 0;
    let texts: Vec<String> = lists()
        .iter()
        .map(|text| {
            let mut file: Value = serde_json::from_str(text).expect("JSON");
            if file["name"] == name {
                change(&mut file);
                changed += 1;
            }
            file.to_string()
        })
        .collect();
    assert_eq!(changed, 1, "{name} is one of the lists");
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let files = [(id("victim-profile/1.1"), PROFILE_1_1_FILE), (id("trafficking-route/1.1"), ROUTE_1_1_FILE)];
    Schemas::compile(&files, &texts).err().unwrap_or_default()
}

#[test]
fn a_list_with_a_fault_stops_the_start() {
    let remove = |key: &'static str| move |file: &mut Value| drop(file.as_object_mut().expect("an object").remove(key));
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("states no licence", faults("nrm", remove("licence"))),
        ("states no source", faults("nrm", remove("source"))),
        ("states no retrieved or derived", faults("nrm", remove("derived"))),
        ("states no retrieved or derived", faults("nrm", |file| file["derived"] = json!("  "))),
        ("has no version", faults("nrm", |file| file["version"] = json!(0))),
        ("stands twice", faults("nrm", |file| file["codes"][1] = file["codes"][0].clone())),
        ("is not a code with its name", faults("nrm", |file| file["codes"][0]["name"] = json!(""))),
        ("is not a code with its name", faults("country", |file| file["codes"][0]["code"] = json!(7))),
        (
            "within groups and codes outside",
            faults("nrm", |file| drop(file["codes"][0].as_object_mut().expect("one").remove("group"))),
        ),
        ("has a member that is not known: licens", faults("nrm", |file| file["licens"] = json!("x"))),
        ("has no codes", faults("nrm", |file| file["codes"] = json!([]))),
        ("names the code list \"nrm/stage\", which is not there", faults("nrm", |file| file["name"] = json!("other"))),
        ("stands twice", faults("nrm", |file| file["name"] = json!("ctdc"))),
        (
            "its ladder needs the code list country",
            faults("country", |file| {
                let codes = file["codes"].as_array_mut().expect("codes");
                codes.iter_mut().for_each(|code| drop(code.as_object_mut().expect("one").remove("region")));
            }),
        ),
    ];
    for (expected, found) in cases {
        assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:#?}");
    }
    assert!(faults("nrm", |_| {}).is_empty());
}

#[test]
fn a_code_that_is_added_is_accepted_without_a_new_schema() {
    use crate::records::{document, profile, set, today};
    let texts: Vec<String> = lists()
        .iter()
        .map(|text| {
            text.replacen(
                r#"{"group": "stage", "code": "referred""#,
                r#"{"group": "stage", "code": "appeal", "name": "Appeal"}, {"group": "stage", "code": "referred""#,
                1,
            )
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut record = profile();
    set(&mut record, "/nrm_stage", json!("appeal"));
    let document = document(&record);
    for (texts, accepted) in [(texts, true), (lists(), false)] {
        let schemas = Schemas::compile(&[(id("victim-profile/1.1"), PROFILE_1_1_FILE)], &texts).expect("compiles");
        let found = schemas.get(id("victim-profile/1.1")).expect("compiled").validate(&document, today());
        assert_eq!(found.is_empty(), accepted, "{found:?}");
    }
}

/// What the schema files were before there were code lists.
fn inline(file: &mut Value) {
    match file {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.remove("x-codes") {
                members.insert("enum".into(), codes_of(&name).into());
            }
            members.values_mut().for_each(inline);
        }
        Value::Array(items) => items.iter_mut().for_each(inline),
        _ => {}
    }
}

#[test]
fn a_journal_from_before_code_lists_still_starts_and_makes_values_coarser() {
    use crate::records::{document, profile};
    use causeway_model::Step;
    use causeway_schema::Projected;
    let mut file: Value = serde_json::from_str(PROFILE_FILE).expect("JSON");
    inline(&mut file);
    let text = file.to_string();
    let schemas = Schemas::compile(&[(id("victim-profile/1.0"), &text)], &[]).expect("compiles without lists");
    let schema = schemas.get(id("victim-profile/1.0")).expect("compiled");
    let split = schema.split(&document(&profile()), &|_, _| [0; 32]);
    let form = |number| match schema.fields().by_number(number)?.path.as_str() {
        "birth_country" => Some(Projected::Step(Step::Region)),
        "first_responder" => Some(Projected::AsIs),
        _ => None,
    };
    let view = schema.project(&split.classified, &form, &|_| String::new());
    let view: Value = serde_json::from_slice(&view).expect("JSON");
    assert_eq!(view, json!({"birth_country": "Southern Europe", "first_responder": "police"}));
}

#[test]
fn a_code_is_known_where_any_version_of_the_kind_has_it() {
    let all = schemas();
    for (kind, path) in [
        (Kind::VictimProfile, "nationalities[]"),
        (Kind::VictimProfile, "birth_country"),
        (Kind::TraffickingRoute, "legs[].from.country"),
        (Kind::TraffickingRoute, "legs[].to.country"),
    ] {
        let known = |code: &str| all.knows_code(kind, path, code);
        assert_eq!(
            (known("GB"), known("XK"), known("UK"), known("gb")),
            (Some(true), Some(true), Some(false), Some(false))
        );
    }
    for kind in Kind::ALL {
        let known = |code: &str| all.knows_code(kind, "exploitation_types[]", code);
        for code in codes_of("htcds/exploitation") {
            assert_eq!(known(&code), Some(true), "{code}");
        }
        assert_eq!((known("ForcedLabor"), known("GB"), known("")), (Some(false), Some(false), Some(false)));
    }
    assert_eq!(all.knows_code(Kind::VictimProfile, "legs[].to.country", "GB"), None, "a field of the other kind");
    assert_eq!(all.knows_code(Kind::VictimProfile, "birth_place", "GB"), None, "any text");
    assert_eq!(all.knows_code(Kind::VictimProfile, "legs", "GB"), None, "no field");
}

#[test]
fn a_code_of_one_version_only_is_known() {
    let known = |version: &str, change: &dyn Fn(&mut Vec<String>), code: &str| {
        let mut codes = codes_of("htcds/exploitation");
        change(&mut codes);
        let file = PROFILE_1_1_FILE.replace("victim-profile/1.1", version);
        let mut file: Value = serde_json::from_str(&file).expect("JSON");
        let definition = file.pointer_mut("/$defs/exploitation_type").and_then(Value::as_object_mut).expect("there");
        definition.remove("x-codes");
        definition.insert("enum".into(), json!(codes));
        let later = file.to_string();
        let files = [(id("victim-profile/1.0"), PROFILE_FILE), (id(version), later.as_str())];
        let all = Schemas::compile(&files, &lists()).unwrap_or_else(|faults| panic!("{faults:?}"));
        all.knows_code(Kind::VictimProfile, "exploitation_types[]", code)
    };
    let more = |codes: &mut Vec<String>| codes.push("BegGang".into());
    for (code, expected) in [("BegGang", true), ("Servitude", true), ("ForcedLabor", false)] {
        assert_eq!(known("victim-profile/1.1", &more, code), Some(expected), "{code}");
    }
    let fewer = |codes: &mut Vec<String>| codes.retain(|code| code != "Servitude");
    assert_eq!(
        known("victim-profile/2.0", &fewer, "Servitude"),
        Some(true),
        "records of the earlier major may have it"
    );
    assert_eq!(schemas().knows_code(Kind::VictimProfile, "exploitation_types[]", "BegGang"), Some(false));
}
