//! `causeway count`: published numbers, in which nobody is singled out.

use causeway_proto::v1::{CountCell, CountRequest, CountResponse, ListTablesRequest, TableSummary};
use clap::{ArgGroup, Args};
use serde::Serialize;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};
use crate::text_table::TextTable;
use causeway_verify::hex::hex;
use causeway_verify::plain::plain;

/// What stands in the place of a number that is not given. It is never 0: a combination of which there is nobody is not listed.
const SUPPRESSED: &str = "suppressed";

/// What is said where there is no table.
const NONE_YET: &str = "nothing has been published yet: where the agreement states tables, the first of each comes with the gateway's first \
                        round after the end of its period";

/// Shows a table of numbers that was published under an agreement, or lists the tables. Tables are made once a period and never
/// changed; nothing finer than what is published can be asked for.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["table", "list"]))]
pub(crate) struct Options {
    /// The table, as the agreement names it.
    #[arg(long, value_name = "ID")]
    table: Option<String>,
    /// List what has been published.
    #[arg(long, conflicts_with_all = ["period", "by"])]
    list: bool,
    /// The period, as 2026-Q3; the newest where it is left out.
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,
    /// What the numbers are broken down by, as nationality,gender: at most four dimensions of the table. The total without.
    #[arg(long, value_name = "DIMENSION,...", value_delimiter = ',')]
    by: Vec<String>,
    /// The agreement; it may be left out where the agency has one only.
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// Print JSON: one object, or one a table with --list.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Reading).await?;
    let agreement = options.agreement.clone().unwrap_or_default();
    let Some(table) = &options.table else {
        let request = ListTablesRequest { agreement };
        let response = session.feed().list_tables(request).await.map_err(|status| session.failure(status))?;
        list(&response.into_inner().tables, options.json);
        return Ok(());
    };
    let request = CountRequest {
        agreement,
        table: table.clone(),
        period: options.period.clone().unwrap_or_default(),
        dimensions: options.by.clone(),
    };
    let response = session.feed().count(request).await.map_err(|status| session.failure(status))?.into_inner();
    check(&response)?;
    match options.json {
        true => say_json(&TableForm::new(&response)),
        false => {
            lines(&response).iter().for_each(say);
            legend(&response);
        }
    }
    Ok(())
}

/// An answer of which one cannot tell which number belongs to what is none.
fn check(response: &CountResponse) -> Result<(), Failure> {
    let dimensions = response.dimensions.len();
    match response.cells.iter().all(|cell| cell.values.len() == dimensions && cell.count != Some(0)) {
        true => Ok(()),
        false => Err(Failure::does_not_hold("the table that the gateway sent is malformed; tell its operator")),
    }
}

fn list(tables: &[TableSummary], json: bool) {
    if json {
        tables.iter().for_each(|table| say_json(&SummaryForm::new(table)));
    } else if !tables.is_empty() {
        let mut text = TextTable::new(["TABLE", "PERIOD", "COUNTS", "BY"]);
        for TableSummary { table, period, kind, dimensions } in tables {
            text.row([table.clone(), period.clone(), kind.clone(), dimensions.join(",")]);
        }
        text.lines().iter().for_each(say);
    }
    note(match tables.len() {
        0 => NONE_YET.to_owned(),
        count => {
            format!("{count} published; to see one: causeway count --table TABLE --period PERIOD --by DIMENSION,...")
        }
    });
}

fn lines(response: &CountResponse) -> Vec<String> {
    let mut table = TextTable::new(response.dimensions.iter().map(String::as_str).chain(["count"]));
    for cell in &response.cells {
        table.row(cell.values.iter().cloned().chain([number(cell)]));
    }
    table.lines()
}

fn number(cell: &CountCell) -> String {
    cell.count.map_or_else(|| SUPPRESSED.to_owned(), |count| count.to_string())
}

/// What the numbers are, and what proves that they were published so.
fn legend(response: &CountResponse) {
    let CountResponse { agreement, table, period, threshold, rounding, leaf_index, digest, .. } = response;
    note(plain(&format!(
        "{agreement} {table} {period}: rounded to the nearest {rounding}; what is not listed counts nobody"
    )));
    if response.cells.iter().any(|cell| cell.count.is_none()) {
        note(format_args!(
            "{SUPPRESSED}: fewer than {threshold}, or a number from which such a one could be worked out; never 0"
        ));
    }
    note(format_args!("published in entry {leaf_index}, digest {}", hex(digest)));
}

#[derive(Serialize)]
struct SummaryForm<'a> {
    table: &'a str,
    period: &'a str,
    kind: &'a str,
    dimensions: &'a [String],
}

impl<'a> SummaryForm<'a> {
    fn new(table: &'a TableSummary) -> Self {
        let TableSummary { table, period, kind, dimensions } = table;
        Self { table, period, kind, dimensions }
    }
}

#[derive(Serialize)]
struct TableForm<'a> {
    agreement: &'a str,
    table: &'a str,
    period: &'a str,
    dimensions: &'a [String],
    threshold: u32,
    rounding: u32,
    leaf_index: u64,
    digest: String,
    cells: Vec<CellForm<'a>>,
}

/// A cell: with its count, or suppressed.
#[derive(Serialize)]
struct CellForm<'a> {
    values: &'a [String],
    count: Option<u64>,
    suppressed: bool,
}

impl<'a> TableForm<'a> {
    fn new(response: &'a CountResponse) -> Self {
        let cell = |cell: &'a CountCell| CellForm {
            values: &cell.values,
            count: cell.count,
            suppressed: cell.count.is_none(),
        };
        Self {
            agreement: &response.agreement,
            table: &response.table,
            period: &response.period,
            dimensions: &response.dimensions,
            threshold: response.threshold,
            rounding: response.rounding,
            leaf_index: response.leaf_index,
            digest: hex(&response.digest),
            cells: response.cells.iter().map(cell).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response() -> CountResponse {
        let cell = |values: [&str; 2], count| CountCell { values: values.map(str::to_owned).to_vec(), count };
        CountResponse {
            dimensions: vec!["nationality".into(), "gender".into()],
            cells: vec![cell(["AL", "female"], Some(45)), cell(["AL", "male"], None)],
            threshold: 11,
            rounding: 5,
            ..CountResponse::default()
        }
    }

    #[test]
    fn a_suppressed_cell_is_marked_and_never_a_number() {
        let lines = lines(&response());
        assert_eq!(lines[1], "AL           female  45");
        assert_eq!(lines[2], "AL           male    suppressed");
        let json = serde_json::to_string(&TableForm::new(&response())).expect("JSON");
        assert!(json.contains(r#"{"values":["AL","male"],"count":null,"suppressed":true}"#), "{json}");
    }

    #[test]
    fn a_table_that_cannot_be_read_is_refused() {
        check(&response()).expect("well formed");
        for cell in [
            CountCell { values: vec!["AL".into()], count: Some(5) },
            CountCell { values: vec!["a".into(); 2], count: Some(0) },
        ] {
            let mut table = response();
            table.cells.push(cell);
            check(&table).expect_err("malformed");
        }
    }
}
