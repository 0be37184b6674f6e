//! Published tables: the numbers that an agreement gives its partner, once a period, each for ever.
//!
//! Counted are persons: those with a record that was first recorded in the period, may leave when the table is made, and is granted
//! by the table's clause. A route is counted by itself. What is not shown cannot be asked for: there is no query behind a table.

mod rows;
mod table_text;

use std::collections::BTreeMap;

use causeway_agreement::{Agreement, Table, TableId};
use causeway_cells::cube::{Counts, Cube, Dimension, Level, Rules, Table as Numbers};
use causeway_journal::{MAX_DOCUMENT_BYTES, REASON_TABLE_PUBLISHED, State, table_digest, v1};
use causeway_model::{Date, LeafIndex, Timestamp};

use crate::draft::{Said, own_request};
use crate::verdict::Ground;
use crate::{Class, Error, Exchange};

pub use table_text::PublishedTable;

use rows::Row;

/// The one category of a dimension of which nothing is published.
const WITHHELD: &str = "withheld";

/// A period that is over: its label, its first moment and the first one after it.
type Span = (String, Timestamp, Timestamp);

/// Up to which period each table of an agreement's version has been published, or passed over.
#[derive(Debug, Default)]
pub(crate) struct TableProgress {
    version: u32,
    through: BTreeMap<TableId, String>,
}

impl Exchange {
    /// Publishes what is due under an agreement: tables of periods that are over, the oldest first. What cannot be published is passed
    /// over, and looked at again with the next period or start.
    pub(crate) async fn publish_tables(&self, ground: &Ground<'_>, progress: &mut TableProgress) -> Result<(), Error> {
        let agreement = ground.agreement;
        if progress.version != agreement.version {
            *progress = TableProgress { version: agreement.version, ..TableProgress::default() };
        }
        for table in &agreement.tables {
            let newest = table.period.previous(ground.now).0;
            if progress.through.get(&table.id) == Some(&newest) {
                continue;
            }
            for span in self.unpublished(ground, table).await? {
                if self.overlaps(agreement, &span) || !self.publish(ground, table, &span).await? {
                    tracing::warn!(
                        agreement = %agreement.id,
                        table = %table.id,
                        period = span.0,
                        "no table of this period: it cannot be made, or has time in common with a published one of another period or \
                         version, and could be subtracted from that"
                    );
                }
            }
            progress.through.insert(table.id.clone(), newest);
        }
        Ok(())
    }

    /// Whether a period has time in common with one that has been published under the agreement, and is not that one.
    fn overlaps(&self, agreement: &Agreement, (_, from, to): &Span) -> bool {
        self.journal().read(|state| {
            state.tables(&agreement.id).any(|(_, _, published)| {
                let is_same = (published.from, published.to) == (*from, *to);
                let is_allowed = is_same && published.agreement_version == agreement.version;
                published.from < *to && *from < published.to && !is_allowed
            })
        })
    }

    fn is_published(&self, agreement: &Agreement, table: &Table, label: &str) -> bool {
        self.journal().read(|state| state.table(&agreement.id, &table.id, label).is_some())
    }

    /// The periods since the last one that was published, those that were not over when the agreement's version came into force.
    async fn unpublished(&self, ground: &Ground<'_>, table: &Table) -> Result<Vec<Span>, Error> {
        let agreement = ground.agreement;
        let brought = self.journal().read(|state| brought(state, agreement)).unwrap_or_default();
        let begun = self.time_of(brought).await?.max(agreement.valid_from.start());
        let mut spans = Vec::new();
        let mut before = ground.now;
        loop {
            let (label, from, to) = table.period.previous(before);
            if to <= begun || self.is_published(ground.agreement, table, &label) {
                break;
            }
            before = from;
            spans.push((label, from, to));
        }
        spans.reverse();
        Ok(spans)
    }

    /// Whether it was published.
    async fn publish(&self, ground: &Ground<'_>, table: &Table, span: &Span) -> Result<bool, Error> {
        let agreement = ground.agreement;
        let text = match self.text_of(ground, table, span).await {
            Ok(text) => text,
            Err(error) if error.class == Class::Corrupt => {
                tracing::error!(agreement = %agreement.id, table = %table.id, error = %error, "the table cannot be made");
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let (label, from, to) = span;
        let mut draft = Said::allowed(v1::Operation::Combination, REASON_TABLE_PUBLISHED).by_operator(&self.operator());
        draft.entry.recipient = Some(v1::Recipient {
            agency: agreement.recipient.to_string(),
            agreement: agreement.id.to_string(),
            agreement_version: agreement.version,
            clause: table.clause.to_string(),
        });
        draft.entry.table = Some(v1::PublishedTable {
            agreement: agreement.id.to_string(),
            agreement_version: agreement.version,
            table: table.id.to_string(),
            period: label.clone(),
        });
        draft.entry.period = Some(v1::Period { from_micros: from.0, to_micros: to.0 });
        draft.entry.request_id = own_request().as_bytes().to_vec();
        draft.entry.subject_digest = table_digest(text.as_bytes()).0.to_vec();
        draft.entry.byte_count = text.len() as u64;
        draft.document_text = Some(text.into_bytes());
        Ok(self.record_in_term(self.in_term(draft)).await?.outcome.is_effective())
    }

    /// The text of a period's table. One that is too large to be published is published as its total alone.
    async fn text_of(&self, ground: &Ground<'_>, table: &Table, (label, from, to): &Span) -> Result<String, Error> {
        let agreement = ground.agreement;
        let rows = self.rows(ground, table, *from, *to).await?;
        let text = |levels: Vec<Level>| {
            let published = PublishedTable {
                agreement: agreement.id.clone(),
                agreement_version: agreement.version,
                table: table.id.clone(),
                clause: table.clause.clone(),
                kind: table.kind,
                period: label.clone(),
                from: from.date(),
                to: last_day(*to),
                numbers: protected(table, &rows, levels)?,
            };
            published.to_text()
        };
        match levels(table).and_then(text).map(|text| Some(text).filter(|text| text.len() <= MAX_DOCUMENT_BYTES)) {
            Ok(Some(text)) => Ok(text),
            Ok(None) | Err(causeway_cells::Error::TooLarge { .. } | causeway_cells::Error::TooManyCells) => {
                tracing::error!(
                    agreement = %agreement.id,
                    table = %table.id,
                    period = label,
                    "the table is too large, and only its total is published: let the agreement's next version state fewer levels"
                );
                text(vec![Level::TOTAL]).map_err(Error::corrupt)
            }
            Err(error) => Err(Error::corrupt(error)),
        }
    }
}

/// The entry that brought this version of an agreement. Later ones may be there that wait for their first day.
fn brought(state: &State, agreement: &Agreement) -> Option<LeafIndex> {
    let (kind, id) = (v1::DocumentKind::Agreement, agreement.id.as_str());
    let mut document = state.document(kind, id)?;
    while document.version != agreement.version {
        (_, document) = state.documents_before(kind, document.leaf).find(|(known, _)| *known == id)?;
    }
    Some(document.leaf)
}

/// The last day of a period, from the first moment after it.
fn last_day(to: Timestamp) -> Date {
    Timestamp(to.0.saturating_sub(1)).date()
}

/// The protected numbers. A dimension of which nothing is published loses its categories too: they would say what there is.
fn protected(table: &Table, rows: &[Row], mut levels: Vec<Level>) -> Result<Numbers, causeway_cells::Error> {
    let rules = Rules::new(table.threshold, table.rounding)?;
    let places = 0..table.dimensions.len();
    let mut hidden: Vec<bool> = places.map(|place| !levels.iter().any(|level| level.has(place))).collect();
    loop {
        let numbers = Cube::protect(counts(table, rows, &hidden)?, &levels, rules)?.table();
        let published: Vec<Level> = numbers.levels().collect();
        let untold = |dimension: usize| !published.iter().any(|level| level.has(dimension));
        let newly: Vec<usize> = (0..hidden.len()).filter(|place| !hidden[*place] && untold(*place)).collect();
        if newly.is_empty() {
            return Ok(numbers);
        }
        newly.into_iter().for_each(|place| hidden[place] = true);
        levels = if published.is_empty() { vec![Level::TOTAL] } else { published };
    }
}

/// The breakdowns that the agreement states.
fn levels(table: &Table) -> Result<Vec<Level>, causeway_cells::Error> {
    let level = |level: &Vec<_>| {
        let places = level.iter().filter_map(|of| table.dimensions.iter().position(|own| own == of));
        Level::of(&places.collect::<Vec<_>>())
    };
    table.levels.iter().map(level).collect()
}

/// The persons by their categories; in a hidden dimension all are in one.
fn counts(table: &Table, rows: &[Row], hidden: &[bool]) -> Result<Counts, causeway_cells::Error> {
    let places = 0..table.dimensions.len();
    let categories: Vec<BTreeMap<&str, u16>> = places.map(|place| categories(rows, place, hidden[place])).collect();
    let named = table.dimensions.iter().zip(&categories).map(|(dimension, categories)| Dimension {
        name: dimension.to_string(),
        categories: categories.keys().map(|name| (*name).to_owned()).collect(),
    });
    let mut counts = Counts::new(named.collect())?;
    for row in rows {
        let code = |(place, value): (usize, &String)| {
            let name = if hidden[place] { WITHHELD } else { value.as_str() };
            categories[place].get(name).copied().unwrap_or(0)
        };
        let codes: Vec<u16> = row.values.iter().enumerate().map(code).collect();
        counts.add(&codes)?;
        if row.visible {
            counts.see(&codes, 1)?;
        }
    }
    Ok(counts)
}

fn categories(rows: &[Row], place: usize, hidden: bool) -> BTreeMap<&str, u16> {
    let mut names: BTreeMap<&str, u16> =
        rows.iter().filter(|_| !hidden).map(|row| (row.values[place].as_str(), 0)).collect();
    if names.is_empty() {
        names.insert(WITHHELD, 0);
    }
    names.values_mut().zip(0..=u16::MAX).for_each(|(code, place)| *code = place);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(levels: &[&[causeway_agreement::Dimension]]) -> Table {
        use causeway_agreement::{Dimension, TablePeriod};
        Table {
            id: "t1".parse().expect("well formed"),
            clause: "c1".parse().expect("well formed"),
            kind: causeway_model::Kind::VictimProfile,
            dimensions: vec![Dimension::Nationality, Dimension::Gender],
            levels: levels.iter().map(|level| level.to_vec()).collect(),
            period: TablePeriod::Quarter,
            threshold: 11,
            rounding: 5,
        }
    }

    fn rows(count: usize, nationality: &str, gender: &str) -> Vec<Row> {
        let row = || Row { values: vec![nationality.into(), gender.into()], visible: false };
        (0..count).map(|_| row()).collect()
    }

    #[test]
    fn what_is_withheld_leaves_no_categories() {
        let table = table(&[&[], &[causeway_agreement::Dimension::Gender]]);
        let protected = |rows: &[Row]| protected(&table, rows, levels(&table).expect("of its dimensions"));
        let few = protected(&rows(10, "AL", "female")).expect("it can be made");
        let text = few.to_json().expect("short");
        assert!(!text.contains("AL") && !text.contains("female") && few.is_empty(), "{text}");
        // Nationality is in no level, gender is.
        let enough = protected(&rows(12, "AL", "female")).expect("it can be made");
        let text = enough.to_json().expect("short");
        assert!(!text.contains("AL") && text.contains("female"), "{text}");
    }

    #[test]
    fn a_period_without_records_has_its_table() {
        let none = protected(&table(&[&[]]), &[], vec![Level::TOTAL]).expect("it can be made");
        assert!(none.is_empty());
    }
}
