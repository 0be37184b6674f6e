//! The mapping of rows: the first shipped map on single rows, and maps that are wrong. Beside it: what each key of a map
//! does, the shipped maps on their real sources, and sources that mean harm.

mod hostile;
mod keys;
mod shipped;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{ImportMap, Mapped, Reject, Row, map_file};

const HEADER: &str =
    "yearOfRegistration,gender,ageBroad,citizenship,isForcedLabour,isSexualExploit,CountryOfExploitation";

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn ctdc() -> ImportMap {
    ImportMap::load(&workspace("config/imports/ctdc.toml")).expect("the sample map is well formed")
}

/// A map that is not in a file; its table files are those of the shipped maps.
fn parse(text: &str) -> Result<ImportMap, Vec<String>> {
    map_file::parse(text, &workspace("config/imports"))
}

fn rows(map: ImportMap, table: &str) -> Vec<Row> {
    map.rows(table.as_bytes()).expect("the header is as the map says").collect()
}

/// The one CTDC row that these cells are.
fn ctdc_row(cells: &str) -> Result<Mapped, Vec<Reject>> {
    rows(ctdc(), &format!("{HEADER}\n{cells}\n")).remove(0).result
}

fn document(cells: &str) -> Value {
    serde_json::from_slice(&ctdc_row(cells).expect("maps").document).expect("JSON")
}

fn reject(pointer: &str, rule: &'static str) -> Reject {
    Reject { pointer: pointer.into(), rule: rule.into() }
}

/// A map of one member over the columns `a` and `b`.
fn one_member(member: &str) -> ImportMap {
    let head = "schema = \"victim-profile/1.0\"\nsubmission_id = \"t-{row}-{digest}\"\nmissing = [\"\", \"0\"]\nunused = [\"b\"]\n";
    parse(&format!("{head}{member}")).expect("well formed")
}

fn member(map: &str, cell: &str) -> Result<Value, Vec<Reject>> {
    let row = rows(one_member(map), &format!("a,b\n{cell},\n")).remove(0);
    row.result.map(|mapped| serde_json::from_slice(&mapped.document).expect("JSON"))
}

#[test]
fn a_row_becomes_a_document() {
    assert_eq!(
        document("2016,Female,18--20,AL,0.0,1.0,GB"),
        json!({
            "anonymous": true,
            "data_subject_category": "victim",
            "assertion_basis": "assessment",
            "source_grade": "2",
            "info_grade": "C",
            "handling": "P",
            "tlp": "GREEN",
            "releasable_to": ["AL", "VN"],
            "onward_transfer": "with_originator_authorisation",
            "referral_date": "2016",
            "gender": "female",
            "age_band": "18-20",
            "is_minor": "no",
            "nationalities": ["AL"],
            "exploitation_countries": ["GB"],
            "exploitation_types": ["SexualExploitation"],
        })
    );
}

#[test]
fn na_is_namibia_and_the_codes_for_missing_are_missing() {
    let namibia = document("2016,Male,48+,NA,1.0,1.0,NA");
    assert_eq!(namibia["nationalities"], json!(["NA"]));
    assert_eq!(namibia["exploitation_countries"], json!(["NA"]));
    for missing in ["", "0", "00", "-99", " ", " 0 "] {
        let document = document(&format!("2016,{missing},{missing},{missing},1.0,0.0,{missing}"));
        assert_eq!(document.get("nationalities"), None, "{missing:?}");
        assert_eq!(document.get("exploitation_countries"), None, "{missing:?}");
        assert_eq!((&document["gender"], &document["age_band"]), (&json!("unknown"), &json!("unknown")));
        assert_eq!(document["is_minor"], "not_sure", "not known to be an adult");
    }
}

#[test]
fn flags_become_a_list_and_nothing_known_is_said_so() {
    let types = |labour: &str, sexual: &str| {
        document(&format!("2016,Male,48+,UA,{labour},{sexual},PL"))["exploitation_types"].clone()
    };
    assert_eq!(types("1.0", "1.0"), json!(["ForcedLabour", "SexualExploitation"]));
    assert_eq!(types("1.0", ""), json!(["ForcedLabour"]));
    assert_eq!(types("1", "0"), json!(["ForcedLabour"]), "0 is a no here, not a missing value");
    assert_eq!(types("0.0", "0.0"), json!(["Other"]));
    assert_eq!(types("", ""), json!(["NotSpecified"]));
    assert_eq!(types("0.0", "-99"), json!(["NotSpecified"]));
}

#[test]
fn every_cell_that_the_map_has_no_answer_for_is_named_without_its_value() {
    let rejects = ctdc_row("2016,Femme,17,AL,yes,1.0,GB").expect_err("three cells are not in the map");
    assert_eq!(
        rejects,
        [
            reject("/age_band", "unlisted-value"),
            reject("/exploitation_types", "not-a-flag"),
            reject("/gender", "unlisted-value"),
            reject("/is_minor", "unlisted-value"),
        ]
    );
    assert!(!format!("{rejects:?}").contains("Femme"));
}

#[test]
fn a_bad_row_does_not_stop_the_rest() {
    let good = "2016,Female,18--20,AL,0.0,1.0,GB";
    let table =
        [HEADER.as_bytes(), b"\n2016,Female\n", good.as_bytes(), b"\n2016,\xff,18--20,AL,,,\n", good.as_bytes()]
            .concat();
    let rows: Vec<Row> = ctdc().rows(table.as_slice()).expect("the header is good").collect();
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(rows[0].result.as_ref().expect_err("too short"), &[reject("", "column-count")]);
    assert!(rows[1].result.is_ok() && rows[3].result.is_ok());
    assert_eq!(rows[2].result.as_ref().expect_err("not UTF-8"), &[reject("/gender", "utf-8")]);

    let long = format!("{HEADER}\n2016,Female,{},AL,,,\n{good}\n", "x".repeat(200_000));
    assert_eq!(rows_of(&long)[0].result.as_ref().expect_err("too long"), &[reject("", "row-too-long")]);
    assert!(rows_of(&long)[1].result.is_ok());
}

fn rows_of(table: &str) -> Vec<Row> {
    rows(ctdc(), table)
}

#[test]
fn a_submission_id_stays_with_its_row() {
    let id = |row: &Row| row.result.as_ref().expect("maps").submission_id.expose().to_owned();
    let line = "2016,Female,18--20,AL,0.0,1.0,GB\n";
    let first = rows_of(&format!("{HEADER}\n{line}{line}"));
    let again = rows_of(&format!("{HEADER}\n{line}{line}"));
    assert_eq!((id(&first[0]), id(&first[1])), (id(&again[0]), id(&again[1])));
    assert_ne!(id(&first[0]), id(&first[1]), "two persons with the same cells are two persons");
    assert!(id(&first[0]).starts_with("ctdc-2020-1-"));
    let moved = rows_of(&format!("{HEADER}\n2016,Female,18--20,AL,0.0,1.,0GB\n").replace("1.,0GB", "1.0,BG"));
    assert_ne!(id(&first[0]), id(&moved[0]), "a row that has changed is another submission");
}

#[test]
fn the_header_must_be_the_one_that_the_map_knows() {
    let faults = |header: &str| ctdc().rows(header.as_bytes()).expect_err("another header");
    assert_eq!(
        faults("yearOfRegistration,gender,age,citizenship,isForcedLabour,isSexualExploit,CountryOfExploitation\n"),
        [
            "the table has no column ageBroad",
            "the map neither uses nor sets aside column 3 of the table: name it in unused"
        ]
    );
    assert_eq!(faults(&format!("{HEADER},gender\n")), ["the table has two columns gender"]);
    assert_eq!(faults("").len(), 7);
    let marked = format!("\u{feff}{HEADER}\n");
    assert!(ctdc().rows(marked.as_bytes()).is_ok(), "a byte-order mark is not part of a name");
}

#[test]
fn cells_are_split_cased_typed_and_placed() {
    let split = "[fields.nationalities]\ncolumn = \"a\"\nsplit = \";\"\ncase = \"upper\"";
    assert_eq!(member(split, "al; xk ;al;0").expect("maps"), json!({"nationalities": ["AL", "XK"]}));
    assert_eq!(member(split, "0").expect("maps"), json!({}));
    let number = "[fields.number_of_children]\ncolumn = \"a\"\ntype = \"integer\"\nmissing = [\"\"]";
    assert_eq!(member(number, "0").expect("maps"), json!({"number_of_children": 0}), "its own list of missing values");
    assert_eq!(member(number, "two").expect_err("no number"), [reject("/number_of_children", "not-an-integer")]);
    let inside = "[fields.\"address.country\"]\ncolumn = \"a\"\nvalues = { Albania = \"AL\" }\nunlisted = \"missing\"";
    assert_eq!(member(inside, "Albania").expect("maps"), json!({"address": {"country": "AL"}}));
    assert_eq!(member(inside, "Atlantis").expect("maps"), json!({}));
    let strict = "[fields.\"address.country\"]\ncolumn = \"a\"\nvalues = { Albania = \"AL\" }";
    assert_eq!(member(strict, "Atlantis").expect_err("unlisted"), [reject("/address/country", "unlisted-value")]);
    let boolean =
        "[fields.consent_given]\ncolumn = \"a\"\ntype = \"boolean\"\nvalues = { Y = \"true\" }\nunlisted = \"missing\"";
    assert_eq!(member(boolean, "Y").expect("maps"), json!({"consent_given": true}));
    let float = "[fields.x]\ncolumn = \"a\"\ntype = \"number\"";
    assert_eq!(member(float, "NaN").expect_err("not JSON"), [reject("/x", "not-a-number")]);
}

#[test]
fn all_faults_of_a_map_are_listed() {
    let faults = parse(
        r#"
schema = "victim/1.0"
submission_id = "x-{row}"
delimiter = ";;"
missing = []
unused = ["a"]

[constants]
tlp = "GREEN"
Bad-name = 1
retain_until = 2030-01-01

[fields.tlp]
column = "a"

[fields.address]
column = "b"

[fields."address.country"]
column = "b"
split = ""

[fields.gender]
column = "c"
flags = { d = "x" }

[fields.age_band]
colum = "c"

[fields.types]
flags = { d = "x" }
set = ["1"]
clear = ["1"]
list = true

[fields.number]
column = "c"
type = "integer"
values = { one = "1", two = "zwei" }
"#,
    )
    .expect_err("has faults");
    let expected = [
        "constants.Bad-name: is not a member name",
        "constants.retain_until: is a date: write it in quotes",
        "fields.address.country: split is empty",
        "fields.age_band: needs one of column, columns and flags",
        "fields.gender: needs one of column, columns and flags",
        "fields.number: values: zwei is not a value of the member's type",
        "fields.types: unknown field `list` beside flags",
        "fields.tlp: is a constant too",
        "unused: a member is filled from a",
        "schema: is a malformed kind",
        "submission_id: needs {digest} once, or two rows would share an id",
        "delimiter: is not one ASCII character",
    ];
    for fault in expected {
        assert!(faults.iter().any(|found| found.starts_with(fault)), "{fault:?} is not among {faults:#?}");
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
}

#[test]
fn a_member_is_a_value_or_an_object() {
    let text = "schema = \"victim-profile/1.0\"\nsubmission_id = \"{row}{digest}\"\nmissing = []\n\
                [fields.address]\ncolumn = \"a\"\n[fields.\"address.country\"]\ncolumn = \"a\"\n";
    let faults = parse(text).expect_err("address is both");
    assert_eq!(faults, ["fields.address.country: shares its place with address"]);
    assert_eq!(parse("missing = = 1").expect_err("not TOML").len(), 1);
    let misspelt = parse(&text.replace("missing", "mising")).expect_err("an unknown key");
    assert!(misspelt.iter().any(|fault| fault.starts_with("map: unknown field `mising`")), "{misspelt:?}");
}
