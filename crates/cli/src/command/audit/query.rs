//! `causeway audit query`: entries of the journal by what they say.

use causeway_journal::decode_entry;
use causeway_journal::v1::{Decision, Entry, Operation};
use causeway_proto::v1::query_response::Part;
use causeway_proto::v1::{AuditRow, QueryEnd, QueryRequest};
use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::entry_text;
use crate::hex::hex;
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Entries that concern this record, disclosures included.
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    /// Entries of what this agency did.
    #[arg(long, value_name = "ID")]
    agency: Option<String>,
    /// Disclosures to this agency.
    #[arg(long, value_name = "ID")]
    recipient: Option<String>,
    /// Entries under this agreement.
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// At most so many rows (1 to 10,000).
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on from this leaf index.
    #[arg(long, value_name = "LEAF", default_value_t = 0)]
    from: u64,
    /// One JSON object a row.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let request = QueryRequest {
        record_id: options.record.clone().unwrap_or_default(),
        agency: options.agency.clone().unwrap_or_default(),
        recipient: options.recipient.clone().unwrap_or_default(),
        agreement: options.agreement.clone().unwrap_or_default(),
        limit: options.limit,
        from_leaf_index: options.from,
        ..QueryRequest::default()
    };
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let (rows, end) = rows(&session, request).await?;
    for row in &rows {
        let entry = decode_entry(&row.entry).map_err(|e| Failure::does_not_hold(format!("an entry: {e}")))?;
        match options.json {
            true => say_json(&RowForm::new(row, &entry)),
            false => {
                let text = options
                    .record
                    .as_ref()
                    .map_or_else(|| entry_text::summary(&entry), |record| entry_text::story(&entry, record));
                say(format_args!("{:>8}  {text}{}", row.leaf_index, remark(row, discloses(options, &entry))));
            }
        }
    }
    note(match rows.len() {
        0 => "no entry concerns it, or none that this auditor may see".to_owned(),
        count => format!("{count} entries; to prove one: causeway audit prove LEAF --out FILE"),
    });
    if !end.next_cursor.is_empty() {
        note(format_args!("there are more: --from {}", end.next_cursor));
    }
    Ok(())
}

/// All rows of an answer, each checked to be the leaf that it says it is.
pub(crate) async fn rows(session: &Session, request: QueryRequest) -> Result<(Vec<AuditRow>, QueryEnd), Failure> {
    let mut answer = session.audit().query(request).await.map_err(|status| session.failure(status))?.into_inner();
    let mut rows = Vec::new();
    while let Some(response) = answer.message().await.map_err(|status| session.failure(status))? {
        match response.part {
            Some(Part::Row(row)) if causeway_journal::leaf_hash(&row.entry).0.as_slice() != row.leaf_hash => {
                return Err(Failure::does_not_hold("a row's hash is not that of its entry"));
            }
            Some(Part::Row(row)) => rows.push(row),
            Some(Part::End(end)) => return Ok((rows, end)),
            Some(Part::Begin(_)) | None => {}
        }
    }
    Err(session.lost("the answer ended before its end; ask again"))
}

/// Whether an entry is a page that was disclosed, in an answer about one record.
fn discloses(options: &Options, entry: &Entry) -> bool {
    let allowed = entry.operation() == Operation::Disclosure && entry.decision() == Decision::Allowed;
    options.record.is_some() && allowed && entry.page.is_some()
}

/// What apply made of the entry, where it is not what one would think.
fn remark(row: &AuditRow, discloses: bool) -> String {
    match (row.outcome.as_str(), row.record_left) {
        // The page held its position: it was put off, or a withdrawal stood in its place.
        ("effective", false) if discloses => ", its content did not leave".into(),
        ("effective", false) => String::new(),
        ("effective", true) => ", the record's content left".into(),
        (outcome, _) => format!(" [{}]", entry_text::outcome(outcome)),
    }
}

/// A row as JSON.
#[derive(Serialize)]
struct RowForm<'a> {
    leaf_index: u64,
    leaf_hash: String,
    time: String,
    agency: &'a str,
    system: &'a str,
    operation: &'static str,
    allowed: bool,
    reason: &'a str,
    purpose: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<RecipientForm<'a>>,
    outcome: &'a str,
    record_left: bool,
}

#[derive(Serialize)]
struct RecipientForm<'a> {
    agency: &'a str,
    agreement: &'a str,
    agreement_version: u32,
}

impl<'a> RowForm<'a> {
    fn new(row: &'a AuditRow, entry: &'a Entry) -> Self {
        let (agency, system) = entry.actor.as_ref().map_or(("", ""), |actor| (&actor.agency, &actor.system));
        Self {
            leaf_index: row.leaf_index,
            leaf_hash: hex(&row.leaf_hash),
            time: causeway_model::Timestamp(entry.time_micros).to_string(),
            agency,
            system,
            operation: entry_text::operation(entry.operation()),
            allowed: entry.decision() == Decision::Allowed,
            reason: &entry.reason,
            purpose: &entry.purpose_code,
            recipient: entry.recipient.as_ref().map(|recipient| RecipientForm {
                agency: &recipient.agency,
                agreement: &recipient.agreement,
                agreement_version: recipient.agreement_version,
            }),
            outcome: &row.outcome,
            record_left: row.record_left,
        }
    }
}
