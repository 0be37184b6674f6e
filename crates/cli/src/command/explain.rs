//! `causeway explain`: whether a partner sees a record, and why.

use causeway_model::{RecordId, Timestamp};
use causeway_proto::v1::{AuditServiceExplainRequest, ExplainRequest, ExplainedField, Explanation};
use clap::{ArgGroup, Args};
use serde::Serialize;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::{say, say_json};
use crate::session::{Doing, Session};
use crate::text_table::TextTable;
use causeway_verify::plain::plain;

/// Says whether a partner is shown a record: through which clause and in which form each field leaves, or what stopped it. The
/// answer comes from the code that serves the partner.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["partner", "agreement"]))]
pub(crate) struct Options {
    /// The record's id, from its receipt.
    record: String,
    /// The partner agency: every agreement with it.
    #[arg(long, value_name = "AGENCY")]
    partner: Option<String>,
    /// One agreement.
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// One field alone, as nationalities[].
    #[arg(long, value_name = "PATH")]
    field: Option<String>,
    /// Ask as an auditor of the agency that operates the gateway (as gb-nca/audit); otherwise as the record's submitter.
    #[arg(long)]
    as_auditor: bool,
    /// Print JSON: one object an agreement.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let record: RecordId = options.record.parse().map_err(|_| super::receipt::not_a_record())?;
    let doing = if options.as_auditor { Doing::Auditing } else { Doing::Submitting };
    let session = Session::open(&options.client, doing).await?;
    let request = ExplainRequest {
        record_id: record.to_string(),
        agreement: options.agreement.clone().unwrap_or_default(),
        partner: options.partner.clone().unwrap_or_default(),
        field: options.field.clone().unwrap_or_default(),
    };
    for explanation in explanations(&session, request, options.as_auditor).await? {
        match options.json {
            true => say_json(&ExplanationForm::new(&explanation)),
            false => lines(&explanation).iter().for_each(say),
        }
    }
    Ok(())
}

/// Asks, as the record's submitter or as an auditor.
pub(crate) async fn explanations(
    session: &Session,
    request: ExplainRequest,
    as_auditor: bool,
) -> Result<Vec<Explanation>, Failure> {
    if !as_auditor {
        let response = session.ingest().explain(request).await.map_err(|status| session.failure(status))?;
        return Ok(response.into_inner().explanations);
    }
    let ExplainRequest { record_id, agreement, partner, field } = request;
    let request = AuditServiceExplainRequest { record_id, agreement, partner, field };
    let response = session.audit().explain(request).await.map_err(|status| session.failure(status))?;
    Ok(response.into_inner().explanations)
}

/// The decision on one line.
pub(crate) fn verdict(explanation: &Explanation) -> String {
    let Explanation { agreement, agreement_version, shown, position, granted, clause, reason, .. } = explanation;
    let why = words(reason);
    plain(&match (shown, granted) {
        (true, _) => format!("{agreement} version {agreement_version}: shown at position {position}, through {clause}"),
        (false, true) => {
            let after = match explanation.released_after_micros {
                0 => String::new(),
                micros => format!(", released after {}", Timestamp(micros)),
            };
            format!("{agreement} version {agreement_version}: not shown yet, granted through {clause}: {why}{after}")
        }
        (false, false) => format!("{agreement} version {agreement_version}: not shown: {why}"),
    })
}

/// A reason code, with words for those that are no refusal.
fn words(reason: &str) -> String {
    let meaning = match reason {
        "awaits-release" => "it waits for the end of a release period",
        "held-minimum-cell" => "too few persons are like it; it waits for more",
        _ => return reason.to_owned(),
    };
    format!("{reason} ({meaning})")
}

fn lines(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![verdict(explanation)];
    if explanation.fields.is_empty() {
        return lines;
    }
    let mut table = TextTable::new(["FIELD", "LEAVES AS", "WHY"]);
    for field in &explanation.fields {
        table.row([field.path.clone(), form(field).to_owned(), field.reason.clone()]);
    }
    lines.extend(table.lines().iter().map(|line| format!("  {line}")));
    lines
}

fn form(field: &ExplainedField) -> &str {
    if field.leaves { &field.form } else { "-" }
}

#[derive(Serialize)]
struct ExplanationForm<'a> {
    agreement: &'a str,
    agreement_version: u32,
    shown: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    granted: bool,
    clause: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    released_after: Option<String>,
    fields: Vec<FieldForm<'a>>,
}

#[derive(Serialize)]
struct FieldForm<'a> {
    path: &'a str,
    leaves: bool,
    form: &'a str,
    reason: &'a str,
}

impl<'a> ExplanationForm<'a> {
    fn new(explanation: &'a Explanation) -> Self {
        let field = |field: &'a ExplainedField| FieldForm {
            path: &field.path,
            leaves: field.leaves,
            form: &field.form,
            reason: &field.reason,
        };
        let after = explanation.released_after_micros;
        Self {
            agreement: &explanation.agreement,
            agreement_version: explanation.agreement_version,
            shown: explanation.shown,
            position: Some(explanation.position).filter(|position| *position > 0),
            granted: explanation.granted,
            clause: &explanation.clause,
            reason: &explanation.reason,
            released_after: (after > 0).then(|| Timestamp(after).to_string()),
            fields: explanation.fields.iter().map(field).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation() -> Explanation {
        Explanation {
            agreement: "ISA-AL-2026-014".into(),
            agreement_version: 2,
            granted: true,
            clause: "ISA-AL-2026-014/c3.1".into(),
            reason: "awaits-release".into(),
            released_after_micros: 1_795_305_600_000_000,
            fields: vec![
                ExplainedField { path: "age_band".into(), leaves: true, form: "band".into(), reason: "listed".into() },
                ExplainedField {
                    path: "tlp".into(),
                    reason: "not-listed\u{1b}[1m".into(),
                    ..ExplainedField::default()
                },
            ],
            ..Explanation::default()
        }
    }

    #[test]
    fn each_decision_says_what_came_of_it_and_each_field_its_form() {
        let waiting = lines(&explanation());
        assert!(
            waiting[0].contains("not shown yet, granted through ISA-AL-2026-014/c3.1: awaits-release"),
            "{waiting:#?}"
        );
        assert!(waiting[0].ends_with("released after 2026-11-22T00:00:00.000Z"), "{}", waiting[0]);
        assert_eq!(waiting[2], "  age_band  band       listed");
        assert_eq!(waiting[3], "  tlp       -          not-listed\u{fffd}[1m");
        let shown = Explanation { shown: true, position: 7, reason: "released".into(), ..explanation() };
        assert!(verdict(&shown).ends_with("version 2: shown at position 7, through ISA-AL-2026-014/c3.1"));
        let denied = Explanation { granted: false, reason: "tlp-red".into(), ..Explanation::default() };
        assert!(verdict(&denied).ends_with("not shown: tlp-red"));
    }
}
