//! The text of a published table: what it is of, and its protected numbers. One content has one text.
//!
//! `{"agreement":..,"version":1,"table":"t1","clause":"c3.1","kind":"victim-profile","period":"2026-Q3","from":"2026-07-01",
//! "to":"2026-09-30","cube":{..}}`: the last two are days (UTC), both included; `cube` is as `causeway_cells::cube` writes it.

use std::str::FromStr;

use causeway_agreement::TableId;
use causeway_cells::cube::Table as Numbers;
use causeway_model::{AgreementId, ClauseId, Date, Kind};
use serde_json::{Value, json};

/// What stands between what a table is of and its numbers. No id or label holds a quotation mark, so it occurs once.
const CUBE: &str = ",\"cube\":";

/// A published table, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedTable {
    /// The agreement under which it is published.
    pub agreement: AgreementId,
    /// The agreement's version.
    pub agreement_version: u32,
    /// The table, as the agreement names it.
    pub table: TableId,
    /// The clause under which it is counted.
    pub clause: ClauseId,
    /// The kind of record that is counted.
    pub kind: Kind,
    /// The period's label, as `2026-Q3`.
    pub period: String,
    /// The first day (UTC) of the period.
    pub from: Date,
    /// The last day (UTC) of the period.
    pub to: Date,
    /// The numbers: dimensions, threshold, rounding, and the cells of each published breakdown.
    pub numbers: Numbers,
}

impl PublishedTable {
    /// Reads a text that [`PublishedTable::to_text`] wrote, and no other spelling of it; none where it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (header, cube) = text.strip_suffix('}')?.split_once(CUBE)?;
        let header: Value = serde_json::from_str(&format!("{header}}}")).ok()?;
        let read = Self {
            agreement: member(&header, "agreement")?,
            agreement_version: u32::try_from(header["version"].as_u64()?).ok()?,
            table: member(&header, "table")?,
            clause: member(&header, "clause")?,
            kind: member(&header, "kind")?,
            period: member(&header, "period")?,
            from: member(&header, "from")?,
            to: member(&header, "to")?,
            numbers: Numbers::from_json(cube).ok()?,
        };
        (read.to_text().ok()? == text).then_some(read)
    }

    /// The text.
    ///
    /// # Errors
    /// Where the numbers are more than a text holds: the agreement has to state fewer breakdowns.
    pub fn to_text(&self) -> Result<String, causeway_cells::Error> {
        let members = [
            ("agreement", json!(self.agreement.as_str())),
            ("version", json!(self.agreement_version)),
            ("table", json!(self.table.as_str())),
            ("clause", json!(self.clause.as_str())),
            ("kind", json!(self.kind.to_string())),
            ("period", json!(self.period)),
            ("from", json!(self.from.to_string())),
            ("to", json!(self.to.to_string())),
        ];
        let members = members.map(|(name, value)| format!("\"{name}\":{value}"));
        Ok(format!("{{{}{CUBE}{}}}", members.join(","), self.numbers.to_json()?))
    }
}

fn member<T: FromStr>(header: &Value, name: &str) -> Option<T> {
    header[name].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use causeway_cells::cube::{Counts, Cube, Dimension, Level, Rules};

    use super::*;

    fn table() -> PublishedTable {
        let gender = Dimension { name: "gender".into(), categories: vec!["female".into(), "male".into()] };
        let mut counts = Counts::new(vec![gender]).expect("one dimension");
        counts.add_many(&[0], 23).expect("a category");
        counts.add_many(&[1], 40).expect("a category");
        let rules = Rules::new(11, 5).expect("in range");
        let cube = Cube::protect(counts, &[Level::TOTAL, Level::of(&[0]).expect("there")], rules).expect("it fits");
        PublishedTable {
            agreement: "ISA-AL-2026-014".parse().expect("well formed"),
            agreement_version: 2,
            table: "t1".parse().expect("well formed"),
            clause: "c3.1".parse().expect("well formed"),
            kind: Kind::VictimProfile,
            period: "2026-Q3".into(),
            from: Date::new(2026, 7, 1).expect("a day"),
            to: Date::new(2026, 9, 30).expect("a day"),
            numbers: cube.table(),
        }
    }

    #[test]
    fn a_text_reads_back_in_its_own_spelling_only() {
        let table = table();
        let text = table.to_text().expect("it is short");
        assert!(
            text.starts_with("{\"agreement\":\"ISA-AL-2026-014\",\"version\":2,\"table\":\"t1\",\"clause\""),
            "{text}"
        );
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "it is JSON as a whole: {text}");
        assert_eq!(PublishedTable::parse(&text), Some(table));
        for other in [text.replace("\"version\":2", "\"version\": 2"), text.replace("t1", "c1"), String::new()] {
            assert_eq!(PublishedTable::parse(&other), None, "{other}");
        }
    }
}
