//! Governed documents: proposing, bringing into force, suspending and comparing them, from the wire and back.

use std::str::FromStr;

use causeway_agreement::AgencyFile;
use causeway_exchange::{Changed, Comparison, Proposal, ProposedDocument, Suspension};
use causeway_journal::MAX_DOCUMENT_BYTES;
use causeway_journal::v1::{Approval, DocumentKind};
use causeway_model::{AgencyId, AgreementId, SchemaId, SystemName};
use causeway_proto::v1;
use prost::Message;
use tonic::{Response, Status};

use crate::gate::Call;
use crate::secured;
use crate::services::admin::{Admin, to_its_end};
use crate::status::{self, Fault};
use crate::wire;

type Answer<T> = Result<Response<T>, Status>;

/// Most approvals of one document.
const MAX_APPROVALS: usize = 16;

/// Faults that an answer names, so that it stays far below what a client takes.
const MAX_FAULTS: usize = 1_000;

pub(crate) async fn activate(
    admin: &Admin,
    call: Call,
    request: v1::ActivateDocumentRequest,
) -> Answer<v1::ActivateDocumentResponse> {
    let document = to_activate(request).map_err(|fault| call.malformed(fault))?;
    let admin = admin.clone();
    let activated = to_its_end(async move {
        let leaf = admin.exchange.activate(&call.caller, document, &|files| fits(&admin, files)).await?;
        // Only agency files change it, and those were found to fit.
        if let Err(faults) = admin.standings.authority.renew(|| admin.exchange.agencies()) {
            tracing::error!(?faults, "the agencies in force do not fit; certificates are judged by those before");
        }
        Ok(leaf)
    });
    Ok(Response::new(v1::ActivateDocumentResponse { leaf_index: activated.await?.0 }))
}

pub(crate) async fn propose(
    admin: &Admin,
    call: Call,
    request: v1::ProposeDocumentRequest,
) -> Answer<v1::ProposeDocumentResponse> {
    let v1::ProposeDocumentRequest { kind, id, version, text } = request;
    let document = document(&kind, &id, version, text).map_err(|fault| call.malformed(fault))?;
    let proposed = admin.exchange.propose(&call.caller, &document, &|files| fits(admin, files)).await;
    let Proposal { mut faults, digest, version_in_force, approver } = proposed.map_err(status::of)?;
    faults.truncate(MAX_FAULTS);
    Ok(Response::new(v1::ProposeDocumentResponse {
        faults,
        digest: digest.0.to_vec(),
        version_in_force,
        approving_agency: approver.map(|agency| agency.to_string()).unwrap_or_default(),
    }))
}

pub(crate) async fn suspend(admin: &Admin, call: Call, request: v1::SuspendRequest) -> Answer<v1::SuspendResponse> {
    let suspension = suspension(request).map_err(|fault| call.malformed(fault))?;
    let exchange = admin.exchange.clone();
    let leaf = to_its_end(async move { exchange.suspend(&call.caller, suspension).await }).await?;
    Ok(Response::new(v1::SuspendResponse { leaf_index: leaf.0 }))
}

pub(crate) async fn compare(
    admin: &Admin,
    call: Call,
    request: v1::CompareAgreementRequest,
) -> Answer<v1::CompareAgreementResponse> {
    let v1::CompareAgreementRequest { old_text, new_text } = request;
    let old = agreement_text("old_text", &old_text).map_err(|fault| call.malformed(fault))?;
    let new = agreement_text("new_text", &new_text).map_err(|fault| call.malformed(fault))?;
    let old = (!old.is_empty()).then_some(old);
    let compared = admin.exchange.compare(&call.caller, old, new).await.map_err(status::of)?;
    let Comparison { agreement, recipient, records, granted_before, granted_after, changes } = compared;
    Ok(Response::new(v1::CompareAgreementResponse {
        agreement: agreement.to_string(),
        recipient: recipient.to_string(),
        records,
        granted_before,
        granted_after,
        changes: changes.into_iter().map(change).collect(),
    }))
}

/// What the transport makes of all agency files together, with the gateway's own certificate.
fn fits(admin: &Admin, files: &[AgencyFile]) -> Vec<String> {
    secured::faults_with(&admin.config, files, true, &admin.standings.clock)
}

fn change(changed: Changed) -> v1::AgreementChange {
    let Changed { what, old_clause, new_clause, reason, count, in_feed } = changed;
    v1::AgreementChange {
        change: what.as_str().to_owned(),
        old_clause,
        new_clause,
        reason: reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        count,
        in_feed,
    }
}

pub(crate) fn to_activate(request: v1::ActivateDocumentRequest) -> Result<ProposedDocument, Fault> {
    let v1::ActivateDocumentRequest { kind, id, version, text, approvals } = request;
    let document = document(&kind, &id, version, text)?;
    if approvals.len() > MAX_APPROVALS {
        return Err(Fault::Field("approvals"));
    }
    let approvals = approvals.iter().map(|bytes| approval("approvals", bytes)).collect::<Result<_, _>>()?;
    Ok(ProposedDocument { approvals, ..document })
}

pub(crate) fn document(kind: &str, id: &str, version: u32, text: Vec<u8>) -> Result<ProposedDocument, Fault> {
    let (kind, id) = named(kind, id)?;
    if version == 0 {
        return Err(Fault::Field("version"));
    }
    if text.is_empty() || text.len() > MAX_DOCUMENT_BYTES {
        return Err(Fault::Field("text"));
    }
    Ok(ProposedDocument { kind, id, version, text, approvals: Vec::new() })
}

/// A kind, and an id as that kind has it.
fn named(kind: &str, id: &str) -> Result<(DocumentKind, String), Fault> {
    fn checked<T: FromStr + ToString>(id: &str) -> Result<String, Fault> {
        wire::required::<T>("id", id).map(|id| id.to_string())
    }
    match kind {
        "agency" => Ok((DocumentKind::Agency, checked::<AgencyId>(id)?)),
        "agreement" => Ok((DocumentKind::Agreement, checked::<AgreementId>(id)?)),
        "schema" => Ok((DocumentKind::Schema, checked::<SchemaId>(id)?)),
        "code-list" => Ok((DocumentKind::CodeList, checked::<SystemName>(id)?)),
        _ => Err(Fault::Field("kind")),
    }
}

pub(crate) fn suspension(request: v1::SuspendRequest) -> Result<Suspension, Fault> {
    let v1::SuspendRequest { kind, id, approval: signed, version } = request;
    let (kind, id) = named(&kind, &id)?;
    if !matches!(kind, DocumentKind::Agency | DocumentKind::Agreement) {
        return Err(Fault::Field("kind"));
    }
    if version == 0 {
        return Err(Fault::Field("version"));
    }
    Ok(Suspension { kind, id, version, approval: approval("approval", &signed)? })
}

/// An approval as an entry can hold it.
fn approval(name: &'static str, bytes: &[u8]) -> Result<Approval, Fault> {
    let approval = Approval::decode(bytes).map_err(|_| Fault::Field(name))?;
    let named =
        approval.agency.parse::<AgencyId>().is_ok() && approval.person.parse::<causeway_model::PersonId>().is_ok();
    let signed = approval.public_key.len() == 32 && approval.signature.len() == 64;
    if named && signed { Ok(approval) } else { Err(Fault::Field(name)) }
}

pub(crate) fn agreement_text<'a>(name: &'static str, text: &'a [u8]) -> Result<&'a str, Fault> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(Fault::Field(name));
    }
    std::str::from_utf8(text).map_err(|_| Fault::Field(name))
}
