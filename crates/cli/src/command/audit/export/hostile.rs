//! Random hostile texts through every form: whatever an operator id, a purpose or a reason holds, a reader of the form finds as many lines,
//! cells and members as there are, with the text in its place, and nothing that acts on a terminal.

use causeway_journal::v1::{Actor, Entry, Operation, Recipient};
use causeway_proto::v1::OpenedTexts;
use serde_json::Value;

use super::{csv_rows, json_lines, ocsf, syslog};
use crate::audit::checks::Row;
use crate::audit::test_answers::{entry, row};
use causeway_verify::plain::plain;

/// What attacks are made of.
const PARTS: [&str; 33] = [
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\"",
    "'",
    "\\",
    "]",
    "[",
    "=",
    "+",
    "-",
    "@",
    ",",
    ";",
    "\u{1b}[2J",
    "\u{9b}31m",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{7f}",
    "\u{ff1d}",
    "\u{ff20}",
    " ",
    "a",
    "é",
    "=cmd|' /C calc'!A0",
    "|",
    "x;=HYPERLINK(0);y",
    "x;\"=1+1\"|\t@SUM(1)",
    "<110>1 2026-11-22T00:00:00Z h causeway - x - forged",
    "\"}\n{\"type\":\"row\"",
];
const ROUNDS: u64 = 2_000;

/// A small generator: the same texts in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn text(&mut self) -> String {
        (0..self.below(6)).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }
}

/// A row in which every text that somebody else may choose is hostile.
fn hostile(draw: &mut Draw) -> Row {
    let entry = Entry {
        reason: draw.text(),
        node: draw.text(),
        purpose_code: draw.text(),
        actor: Some(Actor { agency: draw.text(), system: draw.text(), ..Actor::default() }),
        recipient: Some(Recipient { agency: draw.text(), agreement: draw.text(), ..Recipient::default() }),
        ..entry(1, Operation::Disclosure, "")
    };
    let mut row = row(7, entry);
    row.wire.outcome = draw.text();
    row.wire.opened = Some(OpenedTexts {
        purpose_text: draw.text(),
        operator_id: draw.text(),
        source_address: draw.text(),
        case_reference: draw.text(),
        nonce: vec![1; 32],
    });
    row
}

/// The one line that these bytes are, without its end.
fn one_line<'a>(bytes: &'a [u8], end: &str) -> &'a str {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let line = text.strip_suffix(end).expect("it ends");
    assert_eq!(plain(line), line, "something in it acts");
    line
}

fn operator(row: &Row) -> &str {
    &row.wire.opened.as_ref().expect("opened").operator_id
}

#[test]
fn json_lines_give_every_text_back() {
    let mut draw = Draw(1);
    for _ in 0..ROUNDS {
        let row = hostile(&mut draw);
        let line = json_lines::row(&row, true, false);
        let value: Value = serde_json::from_str(one_line(&line, "\n")).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert_eq!(text(&value["opened"]["operator_id"]), operator(&row));
        assert_eq!(text(&value["fields"]["reason"]), row.entry.reason);
        assert_eq!(value["type"], "row");
    }
}

#[test]
fn ocsf_gives_every_text_back() {
    let mut draw = Draw(2);
    for _ in 0..ROUNDS {
        let row = hostile(&mut draw);
        let line = ocsf::row(&row);
        let value: Value = serde_json::from_str(one_line(&line, "\n")).expect("JSON");
        assert_eq!(value["status_code"], row.entry.reason.as_str());
        assert_eq!(value["actor"]["user"]["uid"].as_str().unwrap_or_default(), operator(&row));
        assert_eq!(
            (&value["class_uid"], &value["type_uid"], &value["unmapped"]["leaf_index"]),
            (&6003.into(), &600_302.into(), &7.into())
        );
        assert!(value["src_endpoint"].get("ip").is_none(), "what is no address is not shown as one");
    }
}

#[test]
fn csv_has_one_line_a_row_its_cells_and_no_formula() {
    let mut draw = Draw(3);
    let mut written = csv_rows::heading();
    let rows: Vec<Row> = (0..ROUNDS).map(|_| hostile(&mut draw)).collect();
    for row in &rows {
        let line = csv_rows::row(row);
        one_line(&line, "\r\n");
        written.extend(line);
    }
    let mut reader = csv::Reader::from_reader(written.as_slice());
    let columns = reader.headers().expect("a heading").clone();
    let operators = columns.iter().position(|name| name == "operator_id").expect("a column");
    let mut count = 0;
    for (record, row) in reader.records().zip(&rows) {
        let record = record.expect("as many cells as columns");
        count += 1;
        assert_eq!(record.get(0), Some("7"));
        let cell = record.get(operators).expect("a cell");
        assert_eq!(
            cell.strip_prefix('\'').filter(|_| !operator(row).starts_with('\'')).unwrap_or(cell),
            plain(operator(row)).replace([';', '|'], "\u{fffd}")
        );
    }
    assert_eq!(count, rows.len());
    for separator in [b',', b';', b'\t', b'|'] {
        no_formula(&written, separator);
    }
}

/// No program that splits lines at this separator finds a cell that is a formula, whether it minds quotes or not.
fn no_formula(written: &[u8], separator: u8) {
    let active = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    let calm = |cell: &str| !cell.trim_start().starts_with(active);
    let unquoted = |cell: &str| calm(cell.trim_start_matches(|c: char| c.is_whitespace() || c == '"'));
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(written);
    for record in reader.records() {
        let record = record.expect("UTF-8");
        assert!(record.iter().all(calm), "{:?}: {record:?}", char::from(separator));
    }
    if separator != b',' {
        let text = std::str::from_utf8(written).expect("UTF-8");
        assert!(
            text.lines().all(|line| line.split(char::from(separator)).all(unquoted)),
            "{:?}",
            char::from(separator)
        );
    }
}

/// A message's header fields, and its one element's parameters.
type Message<'a> = (Vec<&'a str>, Vec<(String, String)>);

/// A message as RFC 5424 section 6 has it.
fn parsed(line: &str) -> Option<Message<'_>> {
    let rest = line.strip_prefix('<')?;
    let mut header: Vec<&str> = rest.splitn(7, ' ').collect();
    let rest = header.pop()?.strip_prefix('[')?;
    let (id, mut rest) = rest.split_at(rest.find([' ', ']'])?);
    header.push(id);
    let mut parameters = Vec::new();
    while let Some(parameter) = rest.strip_prefix(' ') {
        let (name, value) = parameter.split_once("=\"")?;
        let mut text = String::new();
        let mut chars = value.char_indices();
        rest = loop {
            match chars.next()? {
                (_, '\\') => text.push(chars.next().filter(|(_, c)| matches!(c, '"' | '\\' | ']'))?.1),
                (at, '"') => break &value[at + 1..],
                (_, ']') => return None,
                (_, c) => text.push(c),
            }
        };
        parameters.push((name.to_owned(), text));
    }
    rest.starts_with("] ").then_some((header, parameters))
}

#[test]
fn syslog_has_one_line_a_message_and_every_parameter_in_its_place() {
    let mut draw = Draw(4);
    for _ in 0..ROUNDS {
        let row = hostile(&mut draw);
        let line = syslog::row(&row);
        let line = one_line(&line, "\n");
        let (header, parameters) = parsed(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(header.len(), 7, "{line}");
        assert_eq!(
            (header[0], header[3], header[4], header[5], header[6]),
            ("110>1", "causeway", "-", "disclosure", "causeway@32473")
        );
        let value = |name: &str| {
            let mut found = parameters.iter().filter(|(parameter, _)| parameter == name);
            let value = found.next().map(|(_, value)| value.clone()).unwrap_or_default();
            assert!(found.next().is_none(), "{name} stands once");
            value
        };
        assert_eq!(value("operator_id"), plain(operator(&row)));
        assert_eq!((value("leaf_index"), value("reason")), ("7".into(), plain(&row.entry.reason)));
        assert!(header[2].chars().all(|c| c.is_ascii_graphic()), "{line}");
    }
}
