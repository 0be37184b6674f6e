//! Sources that are broken or mean harm: each row is refused by itself, with a reason, and nothing panics.

use std::io::{self, Read};

use serde_json::Value;

use super::{HEADER, ImportMap, Row, ctdc, parse, reject, workspace};

const GOOD: &str = "2016,Female,18--20,AL,0.0,1.0,GB";

fn read(map: ImportMap, source: &[u8]) -> Vec<Row> {
    map.rows(source).expect("opened").collect()
}

fn table(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}\n{}\n", rows.join("\n")).into_bytes()
}

/// For each row, the rule that it breaks, or nothing.
fn rules(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.result.as_ref().map_or_else(|rejects| rejects[0].rule.as_ref(), |_| "")).collect()
}

#[test]
fn a_quote_that_is_never_closed_spoils_its_own_line() {
    let source = table(&[GOOD, "2016,\"Female,18--20,AL,0.0,1.0,GB", GOOD, GOOD]);
    assert_eq!(rules(&read(ctdc(), &source)), ["", "unclosed-quote", "", ""]);
    let long = "x".repeat(60_000);
    let source = table(&[&format!("\"{long}"), &long, &long, GOOD]);
    assert_eq!(rules(&read(ctdc(), &source)), ["unclosed-quote", "column-count", "column-count", ""]);
    let many = vec!["\"a"; 2_000];
    assert_eq!(read(ctdc(), &table(&many)).len(), 1_000, "each quote closes the one before it");
    let open = vec!["\"a,b"; 2_000];
    assert_eq!(read(ctdc(), &table(&open)).len(), 1_000);
    let quoted = table(&["2016,\"Female\",\"18--20\",AL,0.0,1.0,\"GB\"", "2016,Fem\"ale,18--20,AL,0.0,1.0,GB"]);
    assert_eq!(rules(&read(ctdc(), &quoted)), ["", "unlisted-value"], "a quote within a cell is a letter");
    let doubled = table(&["2016,\"Fe\"\"male\",18--20,AL,0.0,1.0,GB", GOOD]);
    assert_eq!(rules(&read(ctdc(), &doubled)), ["unlisted-value", ""]);
}

#[test]
fn a_row_may_have_line_breaks_in_quotes() {
    let map = parse(
        "schema = \"victim-profile/1.0\"\nsubmission_id = \"t-{row}-{digest}\"\nmissing = [\"\"]\n[fields.\"narrative.account\"]\ncolumn = \"a\"\n[fields.x]\ncolumn = \"b\"\n",
    );
    let rows = read(map.expect("well formed"), b"a,b\r\n\"one \"\"\r\ntwo, \"\"three\"\"\",4\r\n\r\nfive,6\r\n");
    assert_eq!(rules(&rows), ["", ""]);
    let first: Value = serde_json::from_slice(&rows[0].result.as_ref().expect("maps").document).expect("JSON");
    assert_eq!(first["narrative"]["account"], "one \"\r\ntwo, \"three\"");
    assert_eq!(rows[1].number, 2, "a blank line is no row");
}

#[test]
fn bytes_that_are_no_text_are_named_as_such() {
    let mut source = table(&[GOOD]);
    source.extend(
        b"2016,Fem\xe9le,18--20,AL,0.0,1.0,GB\n2016,Fe\0male,18--20,AL,0.0,1.0,GB\n2016,\x1b[2J,18--20,AL,0.0,1.0,GB\n",
    );
    source.extend(GOOD.as_bytes());
    assert_eq!(rules(&read(ctdc(), &source)), ["", "utf-8", "control-character", "control-character", ""]);
    let marked = [b"\xef\xbb\xbf".as_slice(), &table(&[GOOD])].concat();
    assert_eq!(rules(&read(ctdc(), &marked)), [""], "a byte-order mark is not part of a name");
    let wide: Vec<u8> = format!("{HEADER}\n{GOOD}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(ctdc().rows(wide.as_slice()).is_err(), "UTF-16 has no header that could be read");
    let stray = table(&[GOOD, &format!("{GOOD}\r{GOOD}"), GOOD]);
    assert_eq!(rules(&read(ctdc(), &stray)), ["", "stray-line-break", ""], "no half of a line is lost");
    let crlf = String::from_utf8(table(&[GOOD, GOOD])).expect("text").replace('\n', "\r\n");
    assert_eq!(rules(&read(ctdc(), crlf.as_bytes())), ["", ""]);
}

#[test]
fn a_huge_line_costs_no_more_than_a_row_may() {
    let huge = "x".repeat(3_000_000);
    let source = table(&[GOOD, &huge, &format!("2016,{huge},,,,,"), GOOD]);
    assert_eq!(rules(&read(ctdc(), &source)), ["", "row-too-long", "row-too-long", ""]);
    let commas = ",".repeat(100_000);
    assert_eq!(rules(&read(ctdc(), &table(&[&commas, GOOD]))), ["column-count", ""]);
    assert!(ctdc().rows(huge.as_bytes()).is_err());
    assert_eq!(ctdc().count(source.as_slice()).expect("readable"), 4);
}

/// A map of one text, `a`, from JSON.
fn json_map() -> ImportMap {
    let text = "schema = \"victim-profile/1.0\"\nsubmission_id = \"t-{row}-{digest}\"\nformat = \"json\"\nmissing = [\"\"]\n[fields.x]\ncolumn = \"a\"\n";
    parse(text).expect("well formed")
}

#[test]
fn json_comes_in_three_forms() {
    let object = "{\n  \"a\": \"[\\\"{\"\n}\n";
    let array = "\u{feff} [ {\"a\": \"x\\\", ]\"} ,\n{\"a\": 2}\n,{}]\n";
    let lines = "{\"a\": 1}\r\n\r\n{\"a\": 2}\n{\"a\": 3}";
    for (source, count) in [(object, 1), (array, 3), (lines, 3), ("", 0), (" \n", 0), ("[]", 0), (" [ ] ", 0)] {
        let rows = read(json_map(), source.as_bytes());
        assert_eq!(rows.len(), count, "{source}");
        assert!(rows.iter().all(|row| row.result.is_ok()), "{source}: {rows:?}");
        assert_eq!(json_map().count(source.as_bytes()).expect("readable"), u64::try_from(count).expect("small"));
    }
    let id = |source: &str| {
        read(json_map(), source.as_bytes()).remove(0).result.expect("maps").submission_id.expose().to_owned()
    };
    assert_eq!(id("[{\"a\": 1}]"), id("{\"a\": 1}\n{\"a\": 2}\n"), "the same object is the same submission");
    assert_ne!(id("[{\"a\": 1}]"), id("[{\"a\": 2}]"));
}

#[test]
fn json_that_is_broken_is_refused_object_by_object() {
    let lines = "{\"a\": \"unclosed\n{\"a\": 1, \"a\": 2}\n{\"a\": 1}}\nnull\n7\n{\"a\": 1e999}\n{\"a\": \"\\u0000\"}\n\"text\"\n{\"a\": 1}\n";
    assert_eq!(
        rules(&read(json_map(), lines.as_bytes())),
        [
            "malformed-json",
            "duplicate-member",
            "malformed-json",
            "not-an-object",
            "not-an-object",
            "number-out-of-range",
            "nul-character",
            "not-an-object",
            ""
        ]
    );
    let array = "[{\"a\": 1}, , {\"a\" 2}, [1], {\"a\": 3}] trailing";
    assert_eq!(
        rules(&read(json_map(), array.as_bytes())),
        ["", "malformed-json", "malformed-json", "not-an-object", "", "unreadable"]
    );
    for cut in ["[{\"a\": 1}, {\"a\": 2}", "[{\"a\": 1}, {\"a\": \"2", "[{\"a\": 1},"] {
        assert_eq!(rules(&read(json_map(), cut.as_bytes())), ["", "unreadable"], "{cut}");
    }
    let mut latin = b"[{\"a\": \"caf\xe9\"}, {\"a\": \"ok\"}]".to_vec();
    assert_eq!(rules(&read(json_map(), &latin)), ["not-utf8", ""]);
    latin.retain(|byte| *byte != b'}');
    assert_eq!(read(json_map(), &latin).len(), 1);
}

#[test]
fn json_that_is_deep_or_huge_is_refused_in_bounded_memory() {
    let deep = format!("[{{\"a\": {}1{}}}, {{\"a\": 1}}]", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(rules(&read(json_map(), deep.as_bytes())), ["too-deep", ""]);
    let open = format!("[{}", "{\"a\":".repeat(20_000));
    assert_eq!(rules(&read(json_map(), open.as_bytes())), ["unreadable"]);
    let huge = format!("[{{\"a\": \"{}\"}}, {{\"a\": 1}}]", "x".repeat(2_000_000));
    assert_eq!(rules(&read(json_map(), huge.as_bytes())), ["row-too-long", ""]);
    let line = format!("{{\"a\": \"{}\"}}\n{{\"a\": 1}}\n", "x".repeat(2_000_000));
    assert_eq!(rules(&read(json_map(), line.as_bytes())), ["row-too-long", ""]);
}

/// A disk that gives some bytes and then only errors.
struct Failing<'s>(&'s [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::Error::other("worn out"));
        }
        self.0.read(buffer)
    }
}

#[test]
fn a_source_that_fails_ends_with_a_row_that_says_so() {
    let csv = table(&[GOOD, "2016,\"open", "2016,"]);
    let rows: Vec<Row> = ctdc().rows(Failing(&csv)).expect("the header is there").take(9).collect();
    assert_eq!(rules(&rows).last(), Some(&"unreadable"));
    assert!(rows.len() < 9, "it ends: {:?}", rules(&rows));
    let long = format!("{{\"a\": 1}}\n{}", " \n".repeat(100_000));
    let rows: Vec<Row> =
        json_map().rows(Failing(long.as_bytes())).expect("longer than the look ahead").take(9).collect();
    assert_eq!(rules(&rows), ["", "unreadable"]);
    let array = format!("[{{\"a\": 1}}, {}", " ".repeat(200_000));
    let rows: Vec<Row> =
        json_map().rows(Failing(array.as_bytes())).expect("longer than the look ahead").take(9).collect();
    assert_eq!(rules(&rows), ["", "unreadable"]);
    assert!(json_map().rows(Failing(b"{")).is_err());
}

#[test]
fn no_bytes_at_all_make_it_panic_or_run_on() {
    const BYTES: &[u8] = b"\"\"\"{}{}[],,:\\ \n\n\ra1\0\xff";
    // Numbers that repeat from run to run: a linear congruential generator (Knuth's constants).
    let mut seed = 7u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 40).expect("24 bits")
    };
    for _ in 0..3_000 {
        let noise: Vec<u8> = (0..next() % 200).map(|_| BYTES[next() % BYTES.len()]).collect();
        for source in [noise.clone(), [b"[".as_slice(), &noise].concat(), [b"{\"a\":1}\n".as_slice(), &noise].concat()]
        {
            let rows = read(json_map(), &source);
            assert!(rows.len() <= source.len() + 1, "more rows than bytes");
        }
        let source = [HEADER.as_bytes(), b"\n", &noise].concat();
        assert!(read(ctdc(), &source).len() <= noise.len());
    }
}

#[test]
fn a_reject_never_holds_what_the_source_says() {
    let secret = "Zq7Secret";
    let source = table(&[
        &format!("{secret},{secret},{secret},{secret},{secret},{secret},{secret}"),
        secret,
        &format!("\"{secret}"),
    ]);
    let text = format!("{:?}", read(ctdc(), &source));
    assert!(!text.contains(secret) && text.contains("unlisted-value"));
    let map = ImportMap::load(&workspace("config/imports/nrm-referral.toml")).expect("the shipped map");
    let text = format!(
        "{:?}",
        read(map, format!("{{\"{secret}\": \"{secret}\", \"Customer.DOB\": \"{secret}\"}}").as_bytes())
    );
    assert!(!text.contains(secret), "{text}");
    let source = format!("{HEADER}\n\"{secret}\n{secret}\n");
    let mut rows = ctdc().rows(source.as_bytes()).expect("opened");
    assert!(rows.next().is_some() && !format!("{rows:?}").contains(secret), "what was read ahead");
    let row = read(json_map(), b"{\"b\": 1}").remove(0);
    assert_eq!(row.result.expect_err("not in the map"), [reject("", "unknown-member")]);
}

#[test]
fn the_maps_that_are_fuzzed_are_maps() {
    for name in ["table", "objects"] {
        let map = ImportMap::load(&workspace(&format!("crates/cli/fuzz/maps/{name}.toml")));
        map.unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
    }
}
