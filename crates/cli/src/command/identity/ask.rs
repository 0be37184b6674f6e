//! Asking, and what has been asked.

use std::path::{Path, PathBuf};

use causeway_crypto::{Digest, pseudonym_is_well_formed};
use causeway_model::{AgencyId, RecordId, Timestamp};
use causeway_proto::v1::{IdentityRequest, IdentityState, ListIdentityRequestsRequest, RequestIdentityRequest};
use clap::{ArgGroup, Args};
use serde::Serialize;

use crate::approval::IdentityCase;
use crate::client_options::ClientOptions;
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};
use crate::{Failure, input, private_file};
use causeway_verify::hex::hex;

/// Whose identity, and for which case.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["record", "pseudonym", "pseudonym_from"]))]
#[command(group = ArgGroup::new("for").required(true).args(["case", "case_from"]))]
pub(crate) struct RequestOptions {
    /// The record, for its owner.
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    /// A pseudonym as an item of the feed showed it, for a partner.
    #[arg(long, value_name = "P")]
    pseudonym: Option<String>,
    /// The pseudonym, from a file with one line, or - for standard input.
    #[arg(long, value_name = "FILE")]
    pseudonym_from: Option<PathBuf>,
    /// The position of the item, where it is known: the search is much shorter then.
    #[arg(long, value_name = "N", conflicts_with = "record")]
    position: Option<u64>,
    /// The agreement of that feed; it may be left out where the agency has one only.
    #[arg(long, value_name = "ID", conflicts_with = "record")]
    agreement: Option<String>,
    /// The reference of the case that needs it.
    #[arg(long, value_name = "REF")]
    case: Option<String>,
    /// The case reference, from a file with one line, or - for standard input.
    #[arg(long, value_name = "FILE")]
    case_from: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Which requests.
#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Only those that wait for something: approvals, release, delivery or collection.
    #[arg(long)]
    open: bool,
    /// Write one file for each request that waits for approvals into this folder, for `causeway approve`.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// One JSON object a request.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(super) async fn request(options: &RequestOptions) -> Result<(), Failure> {
    let wrong = |_| super::super::receipt::not_a_record();
    let record: Option<RecordId> = options.record.as_ref().map(|id| id.parse().map_err(wrong)).transpose()?;
    let pseudonym = stated(options.pseudonym.as_ref(), options.pseudonym_from.as_deref())?;
    if record.is_none() && !pseudonym_is_well_formed(&pseudonym) {
        return Err(Failure::usage(
            "this is no pseudonym, or a character of it is wrong: compare it with the item (`causeway pseudonym check`)",
        ));
    }
    let doing = if record.is_some() { Doing::Protecting } else { Doing::Asking };
    let case_reference = stated(options.case.as_ref(), options.case_from.as_deref())?;
    let session = Session::open(&options.client, doing).await?;
    let request = RequestIdentityRequest {
        record_id: record.map(|record| record.to_string()).unwrap_or_default(),
        pseudonym,
        agreement: options.agreement.clone().unwrap_or_default(),
        position: options.position.unwrap_or_default(),
        case_reference,
    };
    let response = session.protection().request_identity(request).await.map_err(|status| session.failure(status))?;
    let id = response.into_inner().identity_request_id;
    say(format_args!("request {id} is recorded; two persons of the record's owner decide about it"));
    Ok(())
}

/// A text as given, or from its file; empty where neither is there.
fn stated(given: Option<&String>, from: Option<&Path>) -> Result<String, Failure> {
    match (given, from) {
        (Some(text), _) => Ok(text.clone()),
        (None, Some(file)) => input::line(file),
        (None, None) => Ok(String::new()),
    }
}

pub(super) async fn list(options: &ListOptions) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Protecting).await?;
    let requests = requests(&session, options.open).await?;
    for request in &requests {
        match options.json {
            true => say_json(&RequestForm::new(request)),
            false => say(line(request)),
        }
    }
    note(match requests.len() {
        0 => "no requests".to_owned(),
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    });
    match &options.save {
        Some(folder) => save(&session.agency()?, &requests, folder),
        None => Ok(()),
    }
}

/// What has been asked.
pub(super) async fn requests(session: &Session, open_only: bool) -> Result<Vec<IdentityRequest>, Failure> {
    let request = ListIdentityRequestsRequest { open_only };
    let response = session.protection().list_identity_requests(request).await;
    Ok(response.map_err(|status| session.failure(status))?.into_inner().requests)
}

fn save(owner: &AgencyId, requests: &[IdentityRequest], folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
    let waiting = requests.iter().filter(|request| request.state() == IdentityState::Requested);
    for request in waiting.filter(|request| !request.record_id.is_empty()) {
        let case = case(owner, request)?;
        let path = folder.join(format!("{}.json", request.identity_request_id));
        if path.exists() {
            note(format_args!("{} is there already", path.display()));
            continue;
        }
        private_file::write(&path, case.to_json().as_bytes())?;
        note(format_args!(
            "wrote {0}; approve it with: causeway approve {0} --person {owner}/ID --key KEYFILE >> approvals.jsonl",
            path.display()
        ));
    }
    Ok(())
}

/// A request as its owner's persons approve it.
///
/// # Errors
/// One whose parts do not make its digest.
pub(super) fn case(owner: &AgencyId, request: &IdentityRequest) -> Result<IdentityCase, Failure> {
    let malformed = || Failure::does_not_hold("a request that the gateway sent is malformed");
    let digest = |bytes: &[u8]| Digest::try_from(bytes).map_err(|_| malformed());
    let case = IdentityCase {
        owner: owner.clone(),
        identity_request_id: request.identity_request_id.parse().map_err(|_| malformed())?,
        requester: request.requester.parse().map_err(|_| malformed())?,
        record: request.record_id.parse().map_err(|_| malformed())?,
        version: request.version,
        purpose_code: request.purpose_code.clone(),
        purpose_text: request.purpose_text.clone(),
        case_reference: request.case_reference.clone(),
        sealed_body_digest: digest(&request.sealed_body_digest)?,
        digest: digest(&request.approval_digest)?,
    };
    match case.own_digest() == case.digest {
        true => Ok(case),
        false => Err(Failure::does_not_hold("a request's digest is not that of what it states")),
    }
}

fn line(request: &IdentityRequest) -> String {
    let IdentityRequest { identity_request_id, requester, purpose_code, .. } = request;
    let (time, state) = (Timestamp(request.requested_at_micros), state(request));
    let mut line = format!("{identity_request_id}  {time}  {state}  asked by {requester} for {purpose_code}");
    if !request.record_id.is_empty() {
        line.push_str(&format!(", record {} version {}", request.record_id, request.version));
    }
    if !request.approved_by.is_empty() {
        line.push_str(&format!(", approved by {}", request.approved_by.join(" and ")));
    }
    if request.ends_at_micros > 0 && request.state() == IdentityState::Approved {
        line.push_str(&format!(", until {}", Timestamp(request.ends_at_micros)));
    }
    if !request.refusal.is_empty() {
        line.push_str(&format!(": {}", request.refusal));
    }
    line
}

fn state(request: &IdentityRequest) -> &'static str {
    match request.state() {
        IdentityState::Unspecified => "unknown",
        IdentityState::Requested => "requested",
        IdentityState::Approved => "approved",
        IdentityState::Released => "released",
        IdentityState::Delivered => "delivered",
        IdentityState::Collected => "collected",
        IdentityState::Refused => "refused",
        IdentityState::Expired => "expired",
    }
}

/// A request as JSON.
#[derive(Serialize)]
struct RequestForm<'a> {
    identity_request_id: &'a str,
    state: &'static str,
    requested_at: String,
    requester: &'a str,
    purpose: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    refusal: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    record: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    digest: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    approved_by: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    purpose_text: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    case_reference: &'a str,
}

impl<'a> RequestForm<'a> {
    fn new(request: &'a IdentityRequest) -> Self {
        Self {
            identity_request_id: &request.identity_request_id,
            state: state(request),
            requested_at: Timestamp(request.requested_at_micros).to_string(),
            requester: &request.requester,
            purpose: &request.purpose_code,
            ends_at: (request.ends_at_micros > 0).then(|| Timestamp(request.ends_at_micros).to_string()),
            refusal: &request.refusal,
            record: &request.record_id,
            version: (request.version > 0).then_some(request.version),
            digest: hex(&request.approval_digest),
            approved_by: &request.approved_by,
            purpose_text: &request.purpose_text,
            case_reference: &request.case_reference,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_whose_digest_is_of_something_else_is_not_saved() {
        let owner: AgencyId = "gb-nca".parse().expect("an agency id");
        let honest = IdentityRequest {
            identity_request_id: "07".repeat(16),
            requester: "al-police".into(),
            record_id: "01".repeat(16),
            version: 1,
            sealed_body_digest: vec![3; 32],
            approval_digest: causeway_journal::identity_digest(
                &causeway_model::EntryId::from_bytes([7; 16]),
                &Digest([3; 32]),
                &"al-police".parse().expect("an agency id"),
            )
            .0
            .to_vec(),
            ..IdentityRequest::default()
        };
        case(&owner, &honest).expect("honest");
        let swapped = IdentityRequest { requester: "vn-police".into(), ..honest };
        assert!(case(&owner, &swapped).is_err());
    }
}
