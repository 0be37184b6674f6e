//! Count: published tables of numbers, as they were published. Nothing finer can be asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_agreement::{Agreement, TableId};
use causeway_cells::cube::{Level, MAX_DIMENSIONS, Shown, TableCell};
use causeway_crypto::Digest;
use causeway_journal::{table_digest, v1};
use causeway_model::{AgreementId, Kind, LeafIndex};

use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange, PublishedTable};

/// Tables that are kept read at a time; each is a few hundred kilobytes at most.
const KEPT_TABLES: usize = 64;

/// How often an answer is made anew because another version came into force while its disclosure was being recorded.
const ATTEMPTS: usize = 4;

/// Which numbers.
#[derive(Debug, Clone)]
pub struct CountQuestion {
    /// The agreement; none where the agency has one agreement only.
    pub agreement: Option<AgreementId>,
    /// The table.
    pub table: TableId,
    /// The period, as `2026-Q3`; none for the newest that is published.
    pub period: Option<String>,
    /// What the numbers are broken down by, in any order.
    pub dimensions: Vec<String>,
}

/// One breakdown of a published table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The agreement.
    pub agreement: AgreementId,
    /// The table.
    pub table: TableId,
    /// The period.
    pub period: String,
    /// What it is broken down by, in the table's order.
    pub dimensions: Vec<String>,
    /// Its cells: a value in each dimension, and the rounded number, none where that is suppressed. What is not listed counts nobody.
    pub cells: Vec<(Vec<String>, Option<u64>)>,
    /// Below how many persons a number is not given.
    pub threshold: u32,
    /// What numbers are rounded to a multiple of.
    pub rounding: u32,
    /// The entry that published the table.
    pub leaf: LeafIndex,
    /// The digest of its text.
    pub digest: Digest,
}

/// A table that has been published for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// The table.
    pub table: TableId,
    /// The period.
    pub period: String,
    /// The kind that it counts.
    pub kind: Kind,
    /// All that it is broken down by.
    pub dimensions: Vec<String>,
}

/// A published table, read, with its place.
#[derive(Debug)]
struct Read {
    table: PublishedTable,
    leaf: LeafIndex,
    digest: Digest,
}

/// Tables that have been asked for lately. A published one never changes, so none is ever out of date.
#[derive(Debug, Default)]
pub(crate) struct ReadTables(Mutex<HashMap<LeafIndex, Arc<Read>>>);

impl Exchange {
    /// One breakdown of one published table, after the entry of its disclosure has become durable.
    ///
    /// # Errors
    /// `NotFound` for another's agreement as for none, and for a table or period that is not published; `Denied` for a purpose that
    /// the agreement does not name, and once it has ended or is suspended; `Invalid` for dimensions that the table has not, or that no
    /// published breakdown has; `Busy`; `Unavailable`.
    pub async fn count(&self, caller: &Caller, question: CountQuestion) -> Result<Numbers, Error> {
        let mut agreement = self.asked_for_numbers(caller, question.agreement.as_ref()).await?;
        for _ in 0..ATTEMPTS {
            let (read, level) = match self.counted(&agreement, &question) {
                Ok(found) => found,
                Err(refusal) => return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
            };
            let numbers = numbers(&read, level);
            let mut draft = Said::allowed(v1::Operation::Disclosure, "count-disclosed").by(caller);
            draft.entry.recipient = Some(recipient(&agreement));
            draft.entry.count = numbers.cells.len() as u64;
            self.record_or_refuse(caller, draft).await?;
            match self.still_gives(caller, agreement).await? {
                Ok(()) => return Ok(numbers),
                Err(later) => agreement = later,
            }
        }
        Err(changing())
    }

    /// The tables that have been published under an agreement.
    ///
    /// # Errors
    /// As [`Exchange::count`].
    pub async fn tables(&self, caller: &Caller, named: Option<AgreementId>) -> Result<Vec<TableSummary>, Error> {
        let mut agreement = self.asked_for_numbers(caller, named.as_ref()).await?;
        for _ in 0..ATTEMPTS {
            let tables = self.published(&agreement)?;
            let mut draft = Said::allowed(v1::Operation::Disclosure, "tables-listed").by(caller);
            draft.entry.recipient = Some(recipient(&agreement));
            draft.entry.count = tables.len() as u64;
            self.record_or_refuse(caller, draft).await?;
            match self.still_gives(caller, agreement).await? {
                Ok(()) => return Ok(tables),
                Err(later) => agreement = later,
            }
        }
        Err(changing())
    }

    /// The published tables that this version of the agreement states.
    fn published(&self, agreement: &Agreement) -> Result<Vec<TableSummary>, Error> {
        let published = self.journal().read(|state| {
            let stated = state.tables(&agreement.id).filter(|(table, ..)| agreement.table(table).is_some());
            stated.map(|(.., published)| (published.leaf, Arc::clone(&published.text))).collect::<Vec<_>>()
        });
        let mut tables = Vec::with_capacity(published.len());
        for (leaf, text) in published {
            let PublishedTable { table, period, kind, numbers, .. } = &self.read_table(leaf, &text)?.table;
            let dimensions = numbers.dimensions().iter().map(|dimension| dimension.name.clone()).collect();
            tables.push(TableSummary { table: table.clone(), period: period.clone(), kind: *kind, dimensions });
        }
        Ok(tables)
    }

    /// The agreement that a request is about, where it gives out numbers now, once the request is taken out of its second.
    async fn asked_for_numbers(&self, caller: &Caller, named: Option<&AgreementId>) -> Result<Arc<Agreement>, Error> {
        match self.counting_feed(caller, named) {
            // What is over the rate has been summed up, and is no entry of its own.
            Ok(agreement) => self.within_rate(caller, &agreement).map(|()| agreement),
            Err(refusal) => Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
        }
    }

    /// Whether the agreement still gives out numbers, in that version, now that the disclosure has its place in the log; else the version
    /// that does.
    async fn still_gives(
        &self,
        caller: &Caller,
        agreement: Arc<Agreement>,
    ) -> Result<Result<(), Arc<Agreement>>, Error> {
        match self.counting_feed(caller, Some(&agreement.id)) {
            Ok(present) if present.version == agreement.version => Ok(Ok(())),
            Ok(present) => Ok(Err(present)),
            Err(refusal) => Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
        }
    }

    /// The agreement that is asked about, where it gives out numbers now.
    fn counting_feed(&self, caller: &Caller, named: Option<&AgreementId>) -> Result<Arc<Agreement>, Error> {
        let agreement = self.feed_of(caller, named)?;
        if self.in_force(&agreement) {
            self.may_disclose()?;
            return Ok(agreement);
        }
        let message = "the agreement has ended, has not begun or is suspended; it gives out no numbers";
        Err(Error::new(Class::Denied, "agreement-not-in-force", message))
    }

    /// A published table that this version of the agreement states, and the breakdown that is asked for.
    fn counted(&self, agreement: &Agreement, question: &CountQuestion) -> Result<(Arc<Read>, Level), Error> {
        if question.dimensions.len() > MAX_DIMENSIONS {
            let message = format!("a table has {MAX_DIMENSIONS} dimensions at most");
            return Err(Error::invalid("too-many-dimensions", message));
        }
        // A table that an earlier version had published is no longer agreed.
        let stated = agreement.table(&question.table).ok_or_else(|| unknown_table(agreement))?;
        let own: Vec<&str> = stated.dimensions.iter().map(|dimension| dimension.as_str()).collect();
        if !question.dimensions.iter().all(|wanted| own.contains(&wanted.as_str())) {
            return Err(unknown_dimension(&stated.id, &own));
        }
        let published = self.journal().read(|state| match &question.period {
            Some(period) => state.table(&agreement.id, &question.table, period).cloned(),
            None => {
                let own = state.tables(&agreement.id).filter(|(table, ..)| **table == question.table);
                own.map(|(.., published)| published).max_by_key(|published| published.leaf).cloned()
            }
        });
        let published = published.ok_or_else(not_published)?;
        let read = self.read_table(published.leaf, &published.text)?;
        let level = level(&read.table, &question.dimensions)?;
        Ok((read, level))
    }

    fn read_table(&self, leaf: LeafIndex, text: &str) -> Result<Arc<Read>, Error> {
        let kept = &self.read_tables().0;
        if let Some(read) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(&leaf) {
            return Ok(Arc::clone(read));
        }
        let table = PublishedTable::parse(text).ok_or_else(|| Error::internal("a published table does not read"))?;
        let read = Arc::new(Read { table, leaf, digest: table_digest(text.as_bytes()) });
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_TABLES {
            kept.clear();
        }
        kept.insert(leaf, Arc::clone(&read));
        Ok(read)
    }
}

fn recipient(agreement: &Agreement) -> v1::Recipient {
    v1::Recipient {
        agency: agreement.recipient.to_string(),
        agreement: agreement.id.to_string(),
        agreement_version: agreement.version,
        clause: String::new(),
    }
}

/// The breakdown with these dimensions, whatever their order.
fn level(table: &PublishedTable, wanted: &[String]) -> Result<Level, Error> {
    let known = table.numbers.dimensions();
    let place = |name: &String| known.iter().position(|dimension| dimension.name == *name);
    let places: Option<Vec<usize>> = wanted.iter().map(place).collect();
    let Some(level) = places.and_then(|places| Level::of(&places).ok()) else {
        let names: Vec<&str> = known.iter().map(|dimension| dimension.name.as_str()).collect();
        return Err(unknown_dimension(&table.table, &names));
    };
    if table.numbers.level(level).is_some() {
        return Ok(level);
    }
    let message = "that breakdown is not published; ask for fewer dimensions, or for all of the table's";
    Err(Error::invalid("level-not-published", message))
}

fn numbers(read: &Read, level: Level) -> Numbers {
    let Read { table, leaf, digest } = read;
    let dimensions: Vec<_> = level.dimensions().filter_map(|place| table.numbers.dimensions().get(place)).collect();
    let values = |cell: &TableCell| {
        let label = |(code, dimension): (&u16, &&causeway_cells::cube::Dimension)| {
            dimension.categories.get(usize::from(*code)).cloned().unwrap_or_default()
        };
        cell.codes.iter().zip(&dimensions).map(label).collect()
    };
    let number = |cell: &TableCell| match cell.shown {
        Shown::Count(count) => Some(count),
        Shown::Suppressed => None,
    };
    let cells = table.numbers.level(level).unwrap_or_default();
    let rules = table.numbers.rules();
    Numbers {
        agreement: table.agreement.clone(),
        table: table.table.clone(),
        period: table.period.clone(),
        dimensions: dimensions.iter().map(|dimension| dimension.name.clone()).collect(),
        cells: cells.iter().map(|cell| (values(cell), number(cell))).collect(),
        threshold: rules.threshold(),
        rounding: rules.base(),
        leaf: *leaf,
        digest: *digest,
    }
}

fn changing() -> Error {
    Error::new(Class::Unavailable, "feed-changing", "the agreement changed while it was read; ask again")
}

fn unknown_dimension(table: &TableId, known: &[&str]) -> Error {
    Error::invalid("unknown-dimension", format!("{table} is broken down by {} only", known.join(", ")))
}

fn unknown_table(agreement: &Agreement) -> Error {
    let names: Vec<String> = agreement.tables.iter().map(|table| table.id.to_string()).collect();
    let stated = if names.is_empty() { "no table".to_owned() } else { names.join(", ") };
    Error::new(Class::NotFound, "unknown-table", format!("{} states {stated}", agreement.id))
}

fn not_published() -> Error {
    let message = "that table has not been published for that period; it is once the period is over";
    Error::new(Class::NotFound, "table-not-published", message)
}

#[cfg(test)]
mod tests {
    use causeway_cells::cube::{Counts, Cube, Dimension, Rules};
    use causeway_model::Date;

    use super::*;

    fn dimension(name: &str, categories: &[&str]) -> Dimension {
        Dimension { name: name.into(), categories: categories.iter().map(|label| (*label).to_owned()).collect() }
    }

    /// 23 women and 40 men of Albania, 31 men of Viet Nam; the whole by nationality and by gender, and not by both.
    fn read() -> Read {
        let dimensions = vec![dimension("nationality", &["AL", "VN"]), dimension("gender", &["female", "male"])];
        let mut counts = Counts::new(dimensions).expect("two dimensions");
        for (codes, persons) in [([0, 0], 23), ([0, 1], 40), ([1, 1], 31)] {
            counts.add_many(&codes, persons).expect("categories");
        }
        let level = |places: &[usize]| Level::of(places).expect("there");
        let levels = [Level::TOTAL, level(&[0]), level(&[1])];
        let cube = Cube::protect(counts, &levels, Rules::new(11, 5).expect("in range")).expect("it fits");
        let table = PublishedTable {
            agreement: "ISA-AL-2026-014".parse().expect("well formed"),
            agreement_version: 1,
            table: "t1".parse().expect("well formed"),
            clause: "c3.1".parse().expect("well formed"),
            kind: Kind::VictimProfile,
            period: "2026-Q3".into(),
            from: Date::new(2026, 7, 1).expect("a day"),
            to: Date::new(2026, 9, 30).expect("a day"),
            numbers: cube.table(),
        };
        Read { table, leaf: LeafIndex(7), digest: Digest([1; 32]) }
    }

    #[test]
    fn a_breakdown_is_one_of_those_that_are_published() {
        let read = read();
        let ask = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            level(&read.table, &names)
        };
        let cells = |names: &[&str]| numbers(&read, ask(names).expect("published")).cells;
        assert_eq!(cells(&[]), [(vec![], Some(95))]);
        assert_eq!(cells(&["gender"]), [(vec!["female".into()], Some(25)), (vec!["male".into()], Some(70))]);
        assert_eq!(cells(&["gender", "gender"]), cells(&["gender"]), "a dimension named twice is that dimension");
        let both = ask(&["gender", "nationality"]).expect_err("that would be finer");
        assert_eq!((both.class, both.reason), (Class::Invalid, "level-not-published"));
        let unknown = ask(&["shoe_size"]).expect_err("the table has no such dimension");
        assert_eq!((unknown.class, unknown.reason), (Class::Invalid, "unknown-dimension"));
        assert!(unknown.message.contains("nationality, gender"), "{}", unknown.message);
    }
}
