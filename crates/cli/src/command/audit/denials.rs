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
use crate::text_table::{LongTable, cell};

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
    note(sentence(&reasons));
    desk.note_grounds();
    Ok(())
}

/// What the answer shows. It may be less than there is: an auditor's scope is not known here.
fn sentence(reasons: &BTreeMap<String, u64>) -> String {
    let reasons: Vec<String> = reasons.iter().map(|(reason, times)| format!("{times} {}", cell(reason))).collect();
    match reasons.is_empty() {
        true => "nothing was refused that this auditor may see".to_owned(),
        false => format!("refused, of what this auditor may see: {}", reasons.join(", ")),
    }
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
        row.person_cell(),
        causeway_verify::operation_name(entry.operation()).to_owned(),
        format!("{}{}", entry.reason, row.outcome_remark()),
        times(row).to_string(),
        about(row),
    ]
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Decision, Entry, Operation};

    use super::*;
    use crate::audit::test_answers::{entry, row};

    #[test]
    fn what_is_not_shown_is_not_denied_and_an_entry_without_effect_says_so() {
        assert_eq!(sentence(&BTreeMap::new()), "nothing was refused that this auditor may see");
        let some = BTreeMap::from([("not-yours".to_owned(), 2)]);
        assert_eq!(sentence(&some), "refused, of what this auditor may see: 2 not-yours");
        let refused = Entry { decision: Decision::Denied.into(), ..entry(1, Operation::Consultation, "not-yours") };
        let mut row = row(3, refused);
        assert_eq!(cells(&row)[5], "not-yours");
        row.wire.outcome = "void".into();
        assert!(cells(&row)[5].starts_with("not-yours [no effect"));
    }
}
