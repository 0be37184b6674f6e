//! What each key of a map does, and the faults of a map that uses it wrongly.

use std::fs;

use serde_json::{Value, json};

use super::{ImportMap, Row, member, one_member, parse, reject, rows, workspace};
use crate::import::map_file;

/// The document of one JSON object, by a map over any members.
fn from_json(members: &str, object: &Value) -> Result<Value, Vec<crate::import::Reject>> {
    let head = "schema = \"victim-profile/1.0\"\nsubmission_id = \"t-{row}-{digest}\"\nformat = \"json\"\nmissing = [\"\", \"-99\"]\n";
    let map = parse(&format!("{head}{members}")).expect("well formed");
    let row: Row = rows(map, &object.to_string()).remove(0);
    row.result.map(|mapped| serde_json::from_slice(&mapped.document).expect("JSON"))
}

fn faults(member: &str) -> Vec<String> {
    let head = "schema = \"victim-profile/1.0\"\nsubmission_id = \"t-{row}-{digest}\"\nmissing = [\"\"]\n";
    parse(&format!("{head}{member}")).expect_err("has faults")
}

#[test]
fn a_table_knows_a_country_however_it_is_written() {
    let country = "[tables.country]\nfile = \"names/countries.toml\"\n[fields.birth_country]\ncolumn = \"a\"\ntable = \"country\"\n\
                   missing = [\"\", \"0\", \"-99\"]";
    let written = [
        ("NA", "NA"),
        ("NAM", "NA"),
        ("namibia", "NA"),
        ("516", "NA"),
        ("004", "AF"),
        ("4", "AF"),
        ("04", "AF"),
        ("XKX", "XK"),
        ("Kosovo", "XK"),
        ("  viet   nam ", "VN"),
        ("\"Korea, Republic of\"", "KR"),
        ("Cote d\u{2019}Ivoire", "CI"),
        ("UK", "GB"),
        ("ALBANIA", "AL"),
        ("Micronesia", "FM"),
        ("\"Congo, Democratic Republic of the\"", "CD"),
        ("CURAÇAO", "CW"),
    ];
    for (text, code) in written {
        assert_eq!(member(country, text).expect(text), json!({ "birth_country": code }), "{text}");
    }
    for missing in ["", "0", "00", "000", "-99"] {
        assert_eq!(member(country, missing).expect("missing"), json!({}), "{missing:?}");
    }
    for (text, rule) in [
        ("West Africa", "not-a-country"),
        ("Europe", "not-a-country"),
        ("Netherlands Antilles", "former-country"),
        ("Korea", "ambiguous-country"),
        ("Atlantis", "unlisted-value"),
        ("AN", "unlisted-value"),
        ("999", "unlisted-value"),
    ] {
        assert_eq!(member(country, text).expect_err(text), [reject("/birth_country", rule)], "{text}");
    }
}

#[test]
fn every_shipped_table_is_well_formed_and_gives_codes() {
    for (file, member) in [
        ("countries", "country"),
        ("nationalities", "country"),
        ("languages", "languages"),
        ("regions", "region"),
        ("yes-no", "is_minor"),
    ] {
        let text =
            format!("[tables.t]\nfile = \"names/{file}.toml\"\n[fields.{member}]\ncolumn = \"a\"\ntable = \"t\"");
        one_member(&text);
    }
    let lists = fs::read_to_string(workspace("config/schemas/codes/country.json")).expect("the list is there");
    let lists: Value = serde_json::from_str(&lists).expect("JSON");
    let country = "[tables.country]\nfile = \"names/countries.toml\"\n[fields.c]\ncolumn = \"a\"\ntable = \"country\"";
    for code in lists["codes"].as_array().expect("codes") {
        let code = code["code"].as_str().expect("a code");
        assert_eq!(member(country, code).expect(code), json!({ "c": code }));
    }
    let regions = fs::read_to_string(workspace("config/schemas/codes/region.json")).expect("the list is there");
    let names = fs::read_to_string(workspace("config/imports/names/regions.toml")).expect("the table is there");
    let names: toml::Table = names.parse().expect("TOML");
    for region in names["values"].as_table().expect("a table").keys() {
        assert!(regions.contains(&format!("{region:?}")), "{region} is no region of the schema");
    }
}

#[test]
fn a_text_that_another_table_lists_belongs_to_another_member() {
    let tables = "[tables.country.values]\nFM = [\"Micronesia\"]\n[tables.country.refused]\nno = [\"Europe\"]\n[tables.region.values]\n\
                  R = [\"Europe\", \"Oceania\"]\n";
    let country = format!("{tables}[fields.c]\ncolumn = \"a\"\ntable = \"country\"\nexcept = \"region\"\n");
    assert_eq!(member(&country, "Micronesia").expect("maps"), json!({"c": "FM"}));
    assert_eq!(member(&country, "Europe").expect("elsewhere"), json!({}));
    assert_eq!(member(&country, "oceania").expect("elsewhere"), json!({}));
    assert_eq!(member(&country, "Else").expect_err("nowhere"), [reject("/c", "unlisted-value")]);
    let region =
        format!("{tables}[fields.r]\ncolumn = \"a\"\ntable = [\"country\", \"region\"]\nunlisted = \"missing\"\n");
    assert_eq!(member(&region, "Europe").expect("missing"), json!({}), "a refused text is unlisted too");
}

#[test]
fn several_codes_in_a_cell() {
    let types = "[fields.\"groups[].group\"]\ncolumn = \"a\"\nsplit = [\",\", \";\"]\nvalues = { 1 = \"women\", 3 = \"girls\", \"W, X\" = \"both\" }";
    assert_eq!(member(types, "\"1, 3\"").expect("maps"), json!({"groups": [{"group": "women"}, {"group": "girls"}]}));
    assert_eq!(
        member(types, "\"3;1;;03\"").expect("maps"),
        json!({"groups": [{"group": "girls"}, {"group": "women"}]})
    );
    assert_eq!(member(types, "\"W, X\"").expect("maps"), json!({"groups": [{"group": "both"}]}), "listed as a whole");
    assert_eq!(member(types, "\"1,5\"").expect_err("not listed"), [reject("/groups", "unlisted-value")]);
    let one = |several: &str| {
        format!(
            "[fields.x]\ncolumn = \"a\"\nsplit = \",\"\nseveral = \"{several}\"\nvalues = {{ 1 = \"A\", 2 = \"A\", 3 = \"B\" }}"
        )
    };
    for (several, cell, value) in [
        ("missing", "\"1,2\"", json!({"x": "A"})),
        ("missing", "\"1,3\"", json!({})),
        ("only", "\"1,3\"", json!({"x": ["A", "B"]})),
        ("only", "\"1,2\"", json!({})),
        ("reject", "1", json!({"x": "A"})),
    ] {
        assert_eq!(member(&one(several), cell).expect("maps"), value, "{several} {cell}");
    }
    assert_eq!(member(&one("reject"), "\"1,3\"").expect_err("two"), [reject("/x", "several-values")]);
}

#[test]
fn dates_in_several_forms() {
    let dates = "[fields.d]\ncolumn = \"a\"\ndates = [\"YYYY-MM-DD\", \"D/M/YYYY\", \"D MMMM YYYY\", \"D-MMM-YYYY\", \"YYYY-MM-DDT*\", \"MM.YYYY\", \"YYYY\"]";
    for (text, date) in [
        ("2016-02-29", "2016-02-29"),
        ("1/2/2016", "2016-02-01"),
        ("01/12/2016", "2016-12-01"),
        ("3 march 2016", "2016-03-03"),
        ("3-Sep-2016", "2016-09-03"),
        ("2016-03-01T10:00:00Z", "2016-03-01"),
        ("03.2016", "2016-03"),
        ("2016", "2016"),
    ] {
        assert_eq!(member(dates, text).expect(text), json!({ "d": date }));
    }
    for text in ["2015-02-29", "13/13/2016", "16", "2016-3-1", "3 Mar 2016", "tomorrow", "20160301", "2016-03-01 ago"] {
        assert_eq!(member(dates, text).expect_err(text), [reject("/d", "not-a-date")]);
    }
    let american = faults("[fields.d]\ncolumn = \"a\"\ndates = [\"DD/MM/YYYY\", \"M/D/YYYY\", \"YY\", \"DD/YYYY\"]");
    assert_eq!(american.len(), 3, "{american:#?}");
    assert!(american[0].contains("M/D/YYYY reads the same text as another form does"), "{american:?}");
}

#[test]
fn bands_hold_numbers_and_years() {
    let age = "[fields.age_band]\ncolumn = \"a\"\nmissing = [\"\"]\nbands = { \"0-8\" = \"0-8\", \"9-17\" = \"9-17\", \"48+\" = \"48+\" }";
    for (text, band) in [("0", "0-8"), ("8", "0-8"), ("9", "9-17"), ("130", "48+")] {
        assert_eq!(member(age, text).expect(text), json!({ "age_band": band }));
    }
    assert_eq!(member(age, "20").expect_err("a gap"), [reject("/age_band", "outside-the-bands")]);
    assert_eq!(member(age, "-1").expect_err("no age"), [reject("/age_band", "not-an-integer")]);
    let adult = "[fields.is_minor]\ncolumn = \"a\"\ndates = \"YYYY-MM-DD\"\nbands = { no = \"1900-2007\" }\nunlisted = \"missing\"\nwhen_missing = \"not_sure\"";
    assert_eq!(member(adult, "2007-12-31").expect("of age"), json!({"is_minor": "no"}));
    for text in ["2008-01-01", "", "unreadable"] {
        assert_eq!(member(adult, text).expect("perhaps a child"), json!({"is_minor": "not_sure"}), "{text:?}");
    }
    assert_eq!(faults("[fields.x]\ncolumn = \"a\"\nbands = { a = \"1-5\", b = \"5-6\", c = \"x\" }").len(), 2);
}

#[test]
fn texts_are_joined_cleaned_and_typed() {
    let joined = "[fields.\"narrative.account\"]\ncolumns = [\"a\", \"b\", \"c\"]\njoin = \" | \"\nheadings = true";
    let told = json!({"a": "One.", "b": "", "c": "Two."});
    assert_eq!(from_json(joined, &told).expect("maps"), json!({"narrative": {"account": "a: One. | c: Two."}}));
    assert_eq!(from_json(joined, &json!({"b": "-99"})).expect("maps"), json!({}));
    let phone =
        "[fields.phones]\ncolumn = \"a\"\nstrip = \" -()\"\nprefixes = { 00 = \"+\", 0 = \"+44\" }\nlist = true";
    for (text, phone_number) in
        [("020 7946-0991", "+442079460991"), ("(0044) 20 7946 0991", "+442079460991"), ("+355 69", "+35569")]
    {
        assert_eq!(member(phone, text).expect(text), json!({ "phones": [phone_number] }));
    }
    let yes = "[tables.yes_no]\nfile = \"names/yes-no.toml\"\n[fields.consent_given]\ncolumn = \"a\"\ntable = \"yes_no\"\ntype = \"boolean\"";
    for (text, value) in [("Y", true), ("YES", true), ("1", true), ("No", false), ("false", false)] {
        assert_eq!(member(yes, text).expect(text), json!({ "consent_given": value }));
    }
    assert_eq!(member(yes, "not sure").expect_err("neither"), [reject("/consent_given", "not-a-boolean")]);
}

#[test]
fn json_members_are_found_by_name_and_by_path() {
    let map = "[fields.a]\ncolumn = \"Customer.Name\"\n[fields.b]\ncolumn = \"legs[1].from.country\"\n[fields.c]\ncolumn = \"codes\"\n\
               split = \",\"\n[fields.d]\ncolumn = \"n\"\ntype = \"integer\"\n[fields.e]\ncolumn = \"flag\"\ntype = \"boolean\"\n";
    let map = format!("unused = [\"legs\", \"more\"]\n{map}");
    let object = json!({
        "Customer.Name": " X ", "legs": [{}, {"from": {"country": "VN"}}], "codes": ["1", "2,3", null, 4], "n": 7, "flag": false,
        "more": {"of": ["this"]},
    });
    let document = from_json(&map, &object).expect("maps");
    assert_eq!(document, json!({"a": "X", "b": "VN", "c": ["1", "2", "3", "4"], "d": 7, "e": false}));
    assert_eq!(from_json(&map, &json!({})).expect("all absent"), json!({}));
    let nested = from_json(&map, &json!({"Customer.Name": {"first": "X"}}));
    assert_eq!(nested.expect_err("an object is no value"), [reject("/a", "not-a-value")]);
    let several = from_json(&map, &json!({"Customer.Name": ["X", "Y"]}));
    assert_eq!(several.expect_err("one is wanted"), [reject("/a", "several-values")]);
    let unknown = from_json(&map, &json!({"n": 7, "legs": [], "new": {"deep": [0]}}));
    assert_eq!(unknown.expect_err("not in the map"), [reject("", "unknown-member")]);
    assert!(from_json(&map, &json!({"new": {"deep": [null, " "]}})).is_ok(), "what says nothing is no loss");
}

#[test]
fn members_lie_in_lists_and_objects() {
    let map = "[fields.\"refs[0].scheme\"]\ncolumn = \"a\"\nwhen_known = \"police\"\n[fields.\"refs[0].value\"]\ncolumn = \"a\"\n\
               [fields.\"refs[1].scheme\"]\ncolumn = \"b\"\nwhen_known = \"cid\"\n[fields.\"refs[1].value\"]\ncolumn = \"b\"\n";
    let refs = |object: Value| from_json(map, &object).expect("maps");
    assert_eq!(refs(json!({"b": "7"})), json!({"refs": [{"scheme": "cid", "value": "7"}]}), "no gap is left");
    assert_eq!(refs(json!({"a": "1", "b": "2"}))["refs"].as_array().map(Vec::len), Some(2));
    assert_eq!(refs(json!({})), json!({}));
}

#[test]
fn cases_set_and_leave_out() {
    let map = "[[when]]\nall = [{ column = \"route\", is = [\"DTN\"] }, { column = \"name\", known = true }]\n\
               set = { anonymous = true, \"child_detail.guardian\" = \"yes\" }\nleave_out = [\"address\"]\n\
               [[when]]\nall = [{ column = \"route\", is_not = [\"DTN\"] }]\nset = { name = \"fixed\" }\n\
               [fields.\"address.city\"]\ncolumn = \"city\"\ntype = \"integer\"\n[fields.name]\ncolumn = \"name\"\n";
    let mapped = |object: Value| from_json(map, &object);
    let anonymous = json!({"anonymous": true, "child_detail": {"guardian": "yes"}, "name": "n"});
    assert_eq!(mapped(json!({"route": "dtn", "name": "n", "city": "not read"})).expect("maps"), anonymous);
    assert_eq!(
        mapped(json!({"route": "NRM", "name": "n", "city": 1})).expect("maps"),
        json!({"address": {"city": 1}, "name": "fixed"})
    );
    assert_eq!(
        mapped(json!({"route": "DTN", "city": "x"})).expect_err("read"),
        [reject("/address/city", "not-an-integer")]
    );
    let wrong = faults(
        "[[when]]\nall = []\nset = { a = 1 }\n[[when]]\nall = [{ column = \"a\" }]\nleave_out = [\"nowhere\"]\n[fields.b]\ncolumn = \"a\"",
    );
    assert_eq!(
        wrong,
        [
            "when[0]: needs all, and set or leave_out",
            "when[1]: a needs one of is, is_not and known",
            "when[1]: leave_out: no column fills nowhere"
        ]
    );
}

const STOPS: &str = "schema = \"trafficking-route/1.0\"\nsubmission_id = \"t-{row}-{digest}\"\nmissing = [\"\"]\n\
    [[stops]]\nrole = \"Recruitment\"\nplace.country = { column = \"o\", case = \"upper\" }\nplace.name = { column = \"town\" }\n\
    [[stops]]\nrole = \"Transit\"\noptional = true\nplace.country = { column = \"t\", split = \";\" }\n\
    [[stops]]\nrole = \"Exploitation\"\nplace.country = { column = \"d\" }\nleg.arrive_on = { column = \"on\", dates = \"YYYY\" }\n";

fn legs(cells: &str) -> Result<Value, Vec<crate::import::Reject>> {
    let map: ImportMap = parse(STOPS).expect("well formed");
    let row = rows(map, &format!("o,town,t,d,on\n{cells}\n")).remove(0);
    row.result.map(|mapped| serde_json::from_slice::<Value>(&mapped.document).expect("JSON")["legs"].take())
}

#[test]
fn stops_become_connected_legs() {
    let direct = json!([{"seq": 1, "role": "Exploitation", "from": {"country": "AL", "name": "Vlora"}, "to": {"country": "GB"}, "arrive_on": "2016"}]);
    assert_eq!(legs("al,Vlora,,GB,2016").expect("maps"), direct);
    let long = json!([
        {"seq": 1, "role": "Transit", "from": {"country": "AL"}, "to": {"country": "IT"}},
        {"seq": 2, "role": "Transit", "from": {"country": "IT"}, "to": {"country": "FR"}},
        {"seq": 3, "role": "Exploitation", "from": {"country": "FR"}, "to": {"country": "GB"}},
    ]);
    assert_eq!(legs("AL,,IT; FR,GB,").expect("maps"), long);
    assert_eq!(legs(",,IT,GB,").expect_err("a stop is missing"), [reject("/legs/0/from", "missing-stop")]);
    assert_eq!(legs("AL,,IT,,").expect_err("a stop is missing"), [reject("/legs/1/to", "missing-stop")]);
    assert_eq!(legs("AL,,,GB,soon").expect_err("no year"), [reject("/legs/0/arrive_on", "not-a-date")]);
    let optional = parse(
        &STOPS
            .replace("[[stops]]\nrole", "[[stops]]\noptional = true\nrole")
            .replace("optional = true\nplace", "place"),
    );
    let row = rows(optional.expect("well formed"), "o,town,t,d,on\n,,IT,,\n").remove(0);
    assert_eq!(row.result.expect_err("one place"), [reject("/legs", "fewer-than-two-places")]);
}

#[test]
fn faults_of_the_further_keys_are_listed_with_their_places() {
    let found = faults(
        "delimiter = \";\"\nformat = \"json\"\n[tables.t]\nfile = \"names/none.toml\"\n[tables.u.values]\nA = [\"x\", \" X\"]\n\
         [tables.u.refused]\n\"=1\" = [\"y\"]\n[[stops]]\nrole = \"Transit\"\nplace.country = { column = \"a\", table = \"none\" }\n\
         [fields.\"a[].b[]\"]\ncolumn = \"a\"\n[fields.b]\ncolumns = [\"a\"]\nheadings = true\nlist = true\n\
         [fields.c]\ncolumn = \"a\"\njoin = \"\"\nseveral = \"missing\"\n[fields.d]\ncolumn = \"a\"\ndates = \"YYYY\"\nunlisted = \"pass\"\n\
         [fields.legs]\ncolumn = \"a\"\n[fields.\"e[]\"]\ncolumn = \"a\"\nlist = true\n[fields.\"e[0]\"]\ncolumn = \"a\"\n",
    );
    let expected = [
        "tables.t: cannot read names/none.toml",
        "tables.u: values.A: \" X\" is listed twice",
        "tables.u: refused: \"=1\" is not a rule's name",
        "stops[0].place.country: table: there is no tables.none",
        "stops: a route has two at least",
        "fields.a[].b[]: has [] more than once",
        "fields.b: split and columns make a list",
        "fields.b: headings needs join",
        "fields.c: several needs split or columns",
        "fields.c: join makes one text of columns",
        "fields.d: a text that is no date or in no band cannot pass",
        "fields.legs: the stops make the legs",
        "fields.e[]: shares its place with e[0]",
        "delimiter: goes with csv",
    ];
    for fault in expected {
        assert!(found.iter().any(|found| found.starts_with(fault)), "{fault:?} is not among {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_table_file_is_looked_for_beside_its_map() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "schema = \"victim-profile/1.0\"\nsubmission_id = \"t-{row}-{digest}\"\nmissing = []\n[tables.t]\nfile = \"t.toml\"\n\
                [fields.x]\ncolumn = \"a\"\ntable = \"t\"\n";
    fs::write(folder.path().join("map.toml"), text).expect("writable");
    fs::write(folder.path().join("t.toml"), "[values]\nA = [\"b\"]\n").expect("writable");
    ImportMap::load(&folder.path().join("map.toml")).expect("well formed");
    fs::write(folder.path().join("t.toml"), "[values]\n\nA = 1\n").expect("writable");
    let faults = map_file::parse(text, folder.path()).expect_err("the table has a fault");
    assert!(faults[0].starts_with("tables.t: t.toml line 3"), "{faults:?}");
}
