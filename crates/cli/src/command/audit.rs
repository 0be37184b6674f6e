//! `causeway audit`: who saw what, when, why and under which agreement; checkpoints and proofs.

use std::path::PathBuf;

use causeway_journal::v1::{Decision, Entry, Operation};
use causeway_journal::{VerifierKey, decode_entry};
use causeway_proto::v1::query_response::Part;
use causeway_proto::v1::{AuditRow, GetCheckpointRequest, GetInclusionProofRequest, QueryEnd, QueryRequest};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::entry_text;
use crate::evidence::{self, KEY_OPTION};
use crate::hex::hex;
use crate::output::{note, say, say_json};
use crate::proof_file;
use crate::session::{Doing, Session};
use crate::verifier_keys::VerifierKeys;

/// The journal, for auditors.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists entries: who saw a record, what an agency did, what went to whom.
    Query(QueryOptions),
    /// Shows the newest signed checkpoint and the key that verifies it.
    Checkpoint(CheckpointOptions),
    /// Fetches one entry with its inclusion proof.
    Prove(ProveOptions),
}

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct QueryOptions {
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

/// The newest checkpoint.
#[derive(Debug, Args)]
pub(crate) struct CheckpointOptions {
    /// Also write the verifier key to this file, to pin it. A file that holds another key stays as it is, and that is an
    /// error.
    #[arg(long, value_name = "FILE")]
    key_out: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Which entry.
#[derive(Debug, Args)]
pub(crate) struct ProveOptions {
    /// The entry's leaf index, from a query or a receipt.
    leaf: u64,
    /// Write the proof to this file, for `causeway verify`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Query(options) => query(options).await,
        Command::Checkpoint(options) => checkpoint(options).await,
        Command::Prove(options) => prove(options).await,
    }
}

async fn query(options: &QueryOptions) -> Result<(), Failure> {
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
fn discloses(options: &QueryOptions, entry: &Entry) -> bool {
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

async fn checkpoint(options: &CheckpointOptions) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let (note_text, key) = checkpoint_of(&session).await?;
    let checked = causeway_journal::verify_checkpoint(&note_text, &key, key.name());
    checked.map_err(|fault| Failure::does_not_hold(format!("the checkpoint: {fault}")))?;
    options.key_out.as_deref().map_or(Ok(()), |path| VerifierKeys::pin(path, &key))?;
    // The note alone goes to standard output, so that what is kept of it is what was signed.
    say(note_text.trim_end());
    note(format_args!("\nverifier key (pin it): {key}"));
    Ok(())
}

/// The newest checkpoint as it was signed, and the key that the gateway says it is signed with.
pub(crate) async fn checkpoint_of(session: &Session) -> Result<(String, VerifierKey), Failure> {
    let response =
        session.audit().get_checkpoint(GetCheckpointRequest::default()).await.map_err(|s| session.failure(s))?;
    let response = response.into_inner();
    let key = response.verifier_key.parse().map_err(|e| Failure::does_not_hold(format!("the verifier key: {e}")))?;
    Ok((response.checkpoint, key))
}

async fn prove(options: &ProveOptions) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let request = GetInclusionProofRequest { leaf_index: options.leaf, tree_size: 0 };
    let response = session.audit().get_inclusion_proof(request).await.map_err(|status| session.failure(status))?;
    let response = response.into_inner();
    let proof = proof_file::from_wire(&response.entry, response.inclusion_proof.as_ref(), &response.checkpoint)?;
    let checkpoint = evidence::check(&proof, None)?;
    match &options.out {
        Some(path) => {
            std::fs::write(path, proof.to_string()).map_err(|e| Failure::file(path, e))?;
            let (size, path) = (checkpoint.size, path.display());
            note(format_args!(
                "entry {} is in the tree of size {size}; check it with: causeway verify {path} {KEY_OPTION}",
                options.leaf
            ));
        }
        None => say(proof.to_string().trim_end()),
    }
    Ok(())
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
    fn new(row: &'a AuditRow, entry: &'a causeway_journal::v1::Entry) -> Self {
        let (agency, system) = entry.actor.as_ref().map_or(("", ""), |actor| (&actor.agency, &actor.system));
        Self {
            leaf_index: row.leaf_index,
            leaf_hash: hex(&row.leaf_hash),
            time: causeway_model::Timestamp(entry.time_micros).to_string(),
            agency,
            system,
            operation: entry_text::operation(entry.operation()),
            allowed: entry.decision() == causeway_journal::v1::Decision::Allowed,
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
