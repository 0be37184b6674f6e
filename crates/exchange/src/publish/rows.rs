//! What a table counts: the persons of a period, each with the categories that its newest record is of.

use std::collections::HashMap;

use causeway_agreement::{Decision, Dimension, Table};
use causeway_journal::State;
use causeway_model::{AgreementId, Kind, LeafIndex, RecordId, Timestamp};
use causeway_schema::Projected;
use serde_json::Value;

use crate::cell_release::{Person, View};
use crate::release::{Due, READ_ENTRIES};
use crate::submit::leaf_of;
use crate::verdict::Ground;
use crate::{Error, Exchange};

/// What a record without a value in a dimension is counted as.
const UNKNOWN: &str = "unknown";

/// What a record with several values in a dimension is counted as.
const MULTIPLE: &str = "multiple";

/// One person.
pub(super) struct Row {
    /// The category in each of the table's dimensions.
    pub(super) values: Vec<String>,
    /// Whether the partner sees the person in its feed, or has.
    pub(super) visible: bool,
}

impl Exchange {
    /// The persons whom a table of the period from `from` to before `to` counts.
    pub(super) async fn rows(
        &self,
        ground: &Ground<'_>,
        table: &Table,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Row>, Error> {
        let (first, last) = (self.first_leaf_at(from).await?, self.first_leaf_at(to).await?);
        let agreement = ground.agreement;
        let due: Vec<Due> = self.journal().read(|state| {
            let counted = |id: RecordId| {
                let record =
                    state.record(&id).filter(|record| record.may_leave() && record.schema.kind == table.kind)?;
                let made = *record.versions.first()?;
                let is_own = *record.owner == agreement.granting && (first..last).contains(&made);
                is_own.then(|| Some((id, record.current, leaf_of(record, record.current)?, from)))?
            };
            state.records().filter_map(counted).collect()
        });
        let mut persons: HashMap<Person, (LeafIndex, Row)> = HashMap::new();
        for chunk in due.chunks(READ_ENTRIES) {
            let candidates = self.with_facts(chunk.to_vec()).await?;
            for (candidate, view) in candidates.iter().zip(self.views(&candidates).await?) {
                let Some(view) = view else { continue };
                match ground.decide(&candidate.owner, &candidate.facts) {
                    Decision::Grant(clause) if clause.id == table.clause => {}
                    Decision::Grant(_) | Decision::Deny(_) => continue,
                }
                let values = table.dimensions.iter().map(|dimension| category(&view, *dimension, table.kind)).collect();
                let visible = self.journal().read(|state| is_visible(state, &agreement.id, &candidate.record));
                let row = Row { values, visible };
                count(&mut persons, view.person(candidate.record), candidate.leaf, row);
            }
        }
        Ok(persons.into_values().map(|(_, row)| row).collect())
    }

    /// The first entry at or after a moment: the same for everybody and for ever.
    pub(crate) async fn first_leaf_at(&self, moment: Timestamp) -> Result<LeafIndex, Error> {
        self.journal().leaf_at(moment).await.map_err(Error::corrupt)
    }
}

/// Of several records of one person the newest is counted; the person is visible if any of them is.
fn count(persons: &mut HashMap<Person, (LeafIndex, Row)>, person: Person, leaf: LeafIndex, row: Row) {
    let Some((newest, counted)) = persons.get_mut(&person) else {
        persons.insert(person, (leaf, row));
        return;
    };
    let visible = counted.visible || row.visible;
    if leaf > *newest {
        (*newest, *counted) = (leaf, row);
    }
    counted.visible = visible;
}

/// Whether the partner sees a record in its feed, or has.
fn is_visible(state: &State, feed: &AgreementId, record: &RecordId) -> bool {
    let Some(feed) = state.feed(feed) else { return false };
    feed.live(record).is_some() || feed.positions(record).into_iter().any(|position| feed.has_left(position))
}

/// What a record is counted as in a dimension.
fn category(view: &View, dimension: Dimension, kind: Kind) -> String {
    let (paths, step) = dimension.fields(kind);
    let form = |number| {
        let spec = view.schema.fields().by_number(number).filter(|spec| paths.contains(&spec.path.as_str()))?;
        match (spec.ladder, step) {
            (Some(_), Some(step)) => Some(Projected::Step(step)),
            _ => Some(Projected::AsIs),
        }
    };
    let shown = view.schema.project(&view.classified, &form, &|_| String::new());
    let shown: Value = serde_json::from_slice(&shown).unwrap_or_default();
    let values: Option<Vec<String>> = paths.iter().map(|path| value(&shown, path)).collect();
    values.map_or_else(|| UNKNOWN.to_owned(), |values| values.join(">"))
}

/// The one value of a field, or that there are several.
fn value(shown: &Value, path: &str) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match &shown[path.strip_suffix("[]").unwrap_or(path)] {
        Value::Array(values) if values.len() > 1 => Some(MULTIPLE.to_owned()),
        Value::Array(values) => values.first().and_then(text),
        other => text(other),
    }
}
