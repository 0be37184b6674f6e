//! Questions about published tables, and their numbers.

use causeway_exchange::{CountQuestion, Numbers, TableSummary};
use causeway_proto::v1;

use super::{optional, required};
use crate::status::Fault;

/// A label of a period takes at most so many characters: `2026-Q3`, `2026-07`.
const PERIOD_CHARS: usize = 7;

/// Names of dimensions that are looked at. More than a table can have are refused by their number, and nobody reads thousands.
const DIMENSIONS_READ: usize = 64;

/// Which table.
pub(crate) fn count_question(request: v1::CountRequest) -> Result<CountQuestion, Fault> {
    let v1::CountRequest { agreement, table, period, mut dimensions } = request;
    if period.len() > PERIOD_CHARS {
        return Err(Fault::Field("period"));
    }
    dimensions.truncate(DIMENSIONS_READ);
    Ok(CountQuestion {
        agreement: optional("agreement", &agreement)?,
        table: required("table", &table)?,
        period: (!period.is_empty()).then_some(period),
        dimensions,
    })
}

/// The numbers of one breakdown.
pub(crate) fn numbers(numbers: Numbers) -> v1::CountResponse {
    let cell = |(values, count)| v1::CountCell { values, count };
    v1::CountResponse {
        agreement: numbers.agreement.to_string(),
        table: numbers.table.to_string(),
        period: numbers.period,
        dimensions: numbers.dimensions,
        cells: numbers.cells.into_iter().map(cell).collect(),
        threshold: numbers.threshold,
        rounding: numbers.rounding,
        leaf_index: numbers.leaf.0,
        digest: numbers.digest.0.to_vec(),
    }
}

/// A published table.
pub(crate) fn table_summary(summary: TableSummary) -> v1::TableSummary {
    v1::TableSummary {
        table: summary.table.to_string(),
        period: summary.period,
        kind: summary.kind.to_string(),
        dimensions: summary.dimensions,
    }
}
