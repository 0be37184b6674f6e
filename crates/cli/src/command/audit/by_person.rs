//! `causeway audit by-person`: what one person did.

use std::collections::BTreeMap;

use causeway_model::{AgencyId, OperatorId};
use causeway_proto::v1::QueryRequest;
use clap::Args;

use crate::Failure;
use crate::audit::asking::{Asking, PURPOSES};
use crate::audit::checks::Row;
use crate::audit::row::{RowForm, UNKNOWN};
use crate::audit::span::Span;
use crate::output::{note, say, say_json};
use crate::text_table::{LongTable, free_text};
use causeway_verify::plain::plain;

/// Lists what one person did, by the operator id that was stated. Where that has been erased with its entry's openings, the entry is not
/// found this way.
#[derive(Debug, Args)]
#[command(after_help = PURPOSES)]
pub(crate) struct Options {
    /// The person's agency.
    agency: String,
    /// The operator id, exactly as it was stated.
    operator_id: String,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    asking: Asking,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let agency: AgencyId =
        options.agency.parse().map_err(|_| Failure::usage("an agency is named by its id, as al-police"))?;
    let person =
        options.operator_id.parse::<OperatorId>().map_err(|_| Failure::usage("this cannot be an operator id"))?;
    let (from_micros, to_micros) = options.span.micros()?;
    let request = QueryRequest {
        agency: agency.to_string(),
        operator_id: person.expose().to_owned(),
        from_micros,
        to_micros,
        with_openings: true,
        ..QueryRequest::default()
    };
    let mut desk = options.asking.open().await?;
    let mut table = LongTable::new(["LEAF", "TIME", "SYSTEM", "WHAT", "PURPOSE", "ABOUT"]);
    let mut deeds = BTreeMap::<String, u64>::new();
    let each = |row: &Row| {
        *deeds.entry(format!("{}{}", row.deed(), row.outcome_remark())).or_default() += 1;
        match options.asking.json {
            true => say_json(&RowForm::new(row, false)),
            false => table.row(cells(row)).iter().for_each(say),
        }
        Ok(())
    };
    desk.each(request, each).await?;
    table.rest().iter().for_each(say);
    let deeds: Vec<String> = deeds.iter().map(|(deed, count)| format!("{count} {}", plain(deed))).collect();
    note(match deeds.is_empty() {
        true => "nothing that this auditor may see".to_owned(),
        false => format!("of what this auditor may see: {}", deeds.join(", ")),
    });
    desk.note_grounds();
    Ok(())
}

fn cells(row: &Row) -> [String; 6] {
    let text = row.wire.opened.as_ref().map_or("", |opened| opened.purpose_text.as_str());
    let code = &row.entry.purpose_code;
    let purpose = if text.is_empty() { code.clone() } else { format!("{code} {}", free_text(text)) };
    [
        row.leaf().to_string(),
        row.time(),
        row.system(),
        format!("{}{}", row.deed(), row.outcome_remark()),
        purpose,
        about(row),
    ]
}

/// What an entry is about: its first record, the number of the others, or the agreement.
pub(super) fn about(row: &Row) -> String {
    let entry = &row.entry;
    match (entry.records.as_slice(), &entry.page) {
        ([record], _) => causeway_verify::hex::hex(&record.record_id),
        ([record, more @ ..], _) => format!("{} and {} more", causeway_verify::hex::hex(&record.record_id), more.len()),
        ([], Some(page)) => format!("{} positions {} to {}", page.feed, page.from_position, page.to_position),
        ([], None) => match row.under() {
            nothing if nothing == UNKNOWN => row.recipient().to_owned(),
            under => under,
        },
    }
}
