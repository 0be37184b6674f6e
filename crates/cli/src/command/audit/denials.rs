//! `causeway audit denials`: what was refused.

use std::collections::BTreeMap;

use causeway_proto::v1::QueryRequest;
use clap::Args;

use super::by_person::about;
use crate::Failure;
use crate::audit::asking::{Asking, PURPOSES};
use crate::audit::checks::Row;
use crate::audit::row::RowForm;
use crate::audit::span::Span;
use crate::output::{note, say, say_json};
use crate::plain::plain;
use crate::text_table::LongTable;

/// Lists what was refused, with the reason; then how often each reason was given.
#[derive(Debug, Args)]
#[command(after_help = PURPOSES)]
pub(crate) struct Options {
    /// Refusals of what this agency asked for.
    #[arg(long, value_name = "ID")]
    agency: Option<String>,
    /// Refusals with this reason code.
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    asking: Asking,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let (from_micros, to_micros) = options.span.micros()?;
    let request = QueryRequest {
        decision: "denied".into(),
        agency: options.agency.clone().unwrap_or_default(),
        reason: options.reason.clone().unwrap_or_default(),
        from_micros,
        to_micros,
        with_openings: true,
        ..QueryRequest::default()
    };
    let mut desk = options.asking.open().await?;
    let mut table = LongTable::new(["LEAF", "TIME", "WHO", "PERSON", "ASKED FOR", "REFUSED WITH", "TIMES", "ABOUT"]);
    let mut reasons = BTreeMap::<String, u64>::new();
    let each = |row: &Row| {
        *reasons.entry(row.entry.reason.clone()).or_default() += times(row);
        match options.asking.json {
            true => say_json(&RowForm::new(row, false)),
            false => table.row(cells(row)).iter().for_each(say),
        }
        Ok(())
    };
    desk.each(request, each).await?;
    table.rest().iter().for_each(say);
    let reasons: Vec<String> = reasons.iter().map(|(reason, times)| format!("{times} {}", plain(reason))).collect();
    note(if reasons.is_empty() { "nothing was refused".into() } else { reasons.join(", ") });
    desk.note_grounds();
    Ok(())
}

/// How many refusals an entry stands for: those that anybody can cause at will are summed up, a minute at a time.
fn times(row: &Row) -> u64 {
    row.entry.count.max(1)
}

fn cells(row: &Row) -> [String; 8] {
    let entry = &row.entry;
    let who = if entry.actor.is_some() { row.system() } else { "nobody known".into() };
    [
        row.leaf().to_string(),
        row.time(),
        who,
        row.person_or_dash(),
        causeway_verify::operation_name(entry.operation()).to_owned(),
        entry.reason.clone(),
        times(row).to_string(),
        about(row),
    ]
}
