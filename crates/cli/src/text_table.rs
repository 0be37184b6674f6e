//! Rows of text in columns, for people: what comes from a gateway is made plain first, and no cell can look like several columns.

use causeway_verify::plain::plain;

/// Between two columns.
const GAP: &str = "  ";

/// Characters of a text that anybody could write freely, that a table shows of it.
const FREE_TEXT: usize = 40;

/// The text on one line with single blanks only, whatever a blank is: two of them stand between columns.
pub(crate) fn cell(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || LOOKS_BLANK.contains(&c);
    let text = plain(text);
    text.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Characters that are no white space to Unicode and show nothing nevertheless.
const LOOKS_BLANK: [char; 8] =
    ['\u{ad}', '\u{34f}', '\u{115f}', '\u{1160}', '\u{180e}', '\u{2800}', '\u{3164}', '\u{ffa0}'];

/// A text that somebody wrote freely, as a cell: in quotes, so that it is told from what the gateway says, and cut where it is long.
/// JSON has all of it.
pub(crate) fn free_text(text: &str) -> String {
    let text = cell(text).replace('"', "'");
    match text.char_indices().nth(FREE_TEXT) {
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}

/// Rows below a heading.
#[derive(Debug)]
pub(crate) struct TextTable {
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table with these columns.
    pub(crate) fn new<'a>(heading: impl IntoIterator<Item = &'a str>) -> Self {
        Self { rows: vec![heading.into_iter().map(cell).collect()] }
    }

    /// One more row, with a cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|text| cell(&text)).collect());
    }

    /// The lines, numbers to the right.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let length = |text: &str| text.chars().count();
        let width = |column| self.rows.iter().map(|row| length(&cell(row, column))).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let padded = widths.iter().enumerate().map(|(column, width)| {
                let (text, number) = (cell(row, column), self.is_number(column));
                if number { format!("{text:>width$}") } else { format!("{text:<width$}") }
            });
            padded.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }

    /// Whether a column holds numbers only.
    fn is_number(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().skip(1).filter_map(|row| row.get(column)).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.parse::<u64>().is_ok())
    }
}

/// Rows that are held before they are shown, below a heading of their own.
const HELD: usize = 500;

/// A table of any length, in memory only so many rows at a time.
#[derive(Debug)]
pub(crate) struct LongTable {
    heading: Vec<&'static str>,
    held: TextTable,
}

impl LongTable {
    /// A table with these columns.
    pub(crate) fn new(heading: impl IntoIterator<Item = &'static str>) -> Self {
        let heading: Vec<_> = heading.into_iter().collect();
        Self { held: TextTable::new(heading.iter().copied()), heading }
    }

    /// One more row; the lines that are to be shown now.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) -> Vec<String> {
        self.held.row(cells);
        if self.held.rows.len() <= HELD { Vec::new() } else { self.rest() }
    }

    /// The lines that have not been shown; none for a table without rows.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let shown = std::mem::replace(&mut self.held, TextTable::new(self.heading.iter().copied()));
        if shown.rows.len() > 1 { shown.lines() } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_is_shown_part_by_part_and_loses_no_row() {
        let mut table = LongTable::new(["NUMBER"]);
        assert!(table.rest().is_empty(), "nothing is no table");
        let mut lines: Vec<String> = (0..1_234).flat_map(|number: u32| table.row([number.to_string()])).collect();
        assert_eq!(lines.len(), 2 * (HELD + 1));
        lines.extend(table.rest());
        let numbers: Vec<u32> = lines.iter().filter_map(|line| line.trim().parse().ok()).collect();
        assert_eq!(numbers, (0..1_234).collect::<Vec<_>>());
    }

    #[test]
    fn a_text_forges_no_column() {
        let hostile = "clerk-7      ISA-AL-2026-014 v1 c3.1\u{a0}\u{a0}\u{3000}\u{2800} a withdrawal\u{2003}\u{2003}stood in its place";
        let mut table = TextTable::new(["PERSON", "UNDER", "WHAT"]);
        table.row([free_text(hostile), "ISA v2".into(), "content LEFT".into()]);
        table.row([hostile.into(), "ISA v2".into(), "content LEFT".into()]);
        for line in &table.lines()[1..] {
            let columns: Vec<&str> = line.split(GAP).filter(|part| !part.trim().is_empty()).collect();
            assert_eq!(columns.len(), 3, "{line:?}");
            assert!(line.chars().all(|c| c == ' ' || !c.is_whitespace() && !LOOKS_BLANK.contains(&c)), "{line:?}");
        }
        let shown = free_text("a\" ISA v1 \"b and so on and so on and so on and so on");
        assert_eq!(shown, "\"a' ISA v1 'b and so on and so on and so …\"");
        assert_eq!(free_text("-"), "\"-\"", "told from what is not known");
    }

    #[test]
    fn columns_stand_below_each_other_and_a_hostile_cell_stays_in_its_row() {
        let mut table = TextTable::new(["WHO", "COUNT"]);
        table.row(["al-police".into(), "7".into()]);
        table.row(["vn\npolice\u{1b}[2J".into(), "1234".into()]);
        let lines = table.lines();
        assert_eq!(lines.len(), 3);
        assert_eq!((lines[0].as_str(), lines[1].as_str()), ("WHO            COUNT", "al-police          7"));
        assert!(!lines.concat().contains(char::is_control), "{lines:?}");
    }
}
