//! The calls of `ProtectionService` that are about identities: converted, handed to the use case and converted back.

use causeway_exchange::{
    Exchange, IdentityQuestion, IdentityRow, IdentityState, OwnersView, PersonSignature, SealedIdentity, Whose,
};
use causeway_journal::v1::SealedBody;
use causeway_model::{EntryId, Position, RecordId};
use causeway_proto::v1;
use prost::Message;
use tonic::{Response, Status};

use crate::gate::Call;
use crate::status::{self, Fault};
use crate::wire;

/// Largest sealed body and encapsulation that are delivered, together.
const SEALED_BYTES: usize = 128 * 1024;

/// Longest reason of a refusal, in bytes.
const REASON_BYTES: usize = 500;

type Answer<T> = Result<Response<T>, Status>;

pub(crate) async fn request(
    exchange: &Exchange,
    call: Call,
    request: v1::RequestIdentityRequest,
) -> Answer<v1::RequestIdentityResponse> {
    let question = question(request).map_err(|fault| call.malformed(fault))?;
    let id = exchange.request_identity(&call.caller, question).await.map_err(status::of)?;
    Ok(Response::new(v1::RequestIdentityResponse { identity_request_id: id.to_string() }))
}

pub(crate) async fn list(
    exchange: &Exchange,
    call: Call,
    request: v1::ListIdentityRequestsRequest,
) -> Answer<v1::ListIdentityRequestsResponse> {
    let rows = exchange.identity_requests(&call.caller, request.open_only).await.map_err(status::of)?;
    Ok(Response::new(v1::ListIdentityRequestsResponse { requests: rows.into_iter().map(row).collect() }))
}

pub(crate) async fn approve(
    exchange: &Exchange,
    call: Call,
    request: v1::ApproveIdentityRequest,
) -> Answer<v1::ApproveIdentityResponse> {
    let read = id(&request.identity_request_id).and_then(|id| Ok((id, signature(request.approval)?)));
    let (id, signature) = read.map_err(|fault| call.malformed(fault))?;
    let approved = exchange.approve_identity(&call.caller, &id, &signature).await.map_err(status::of)?;
    Ok(Response::new(v1::ApproveIdentityResponse {
        approvals: u32::try_from(approved.approvals).unwrap_or(u32::MAX),
        ends_at_micros: approved.ends.map_or(0, |end| end.0),
    }))
}

pub(crate) async fn refuse(
    exchange: &Exchange,
    call: Call,
    request: v1::RefuseIdentityRequest,
) -> Answer<v1::RefuseIdentityResponse> {
    let reason = || match request.reason.len() <= REASON_BYTES {
        true => wire::required("reason", &request.reason),
        false => Err(Fault::Field("reason")),
    };
    let read = id(&request.identity_request_id).and_then(|id| Ok((id, reason()?)));
    let (id, reason) = read.map_err(|fault| call.malformed(fault))?;
    let leaf = exchange.refuse_identity(&call.caller, &id, &reason).await.map_err(status::of)?;
    Ok(Response::new(v1::RefuseIdentityResponse { leaf_index: leaf.0 }))
}

pub(crate) async fn release(
    exchange: &Exchange,
    call: Call,
    request: v1::ReleaseIdentityRequest,
) -> Answer<v1::ReleaseIdentityResponse> {
    let id = id(&request.identity_request_id).map_err(|fault| call.malformed(fault))?;
    let released = exchange.release_identity(&call.caller, &id).await.map_err(status::of)?;
    let (requester, requester_sealing_key) = released.partner.unzip();
    Ok(Response::new(v1::ReleaseIdentityResponse {
        sealed: Some(sealed(released.sealed)),
        requester: requester.map(|agency| agency.to_string()).unwrap_or_default(),
        requester_sealing_key: requester_sealing_key.unwrap_or_default(),
    }))
}

pub(crate) async fn deliver(
    exchange: &Exchange,
    call: Call,
    request: v1::DeliverIdentityRequest,
) -> Answer<v1::DeliverIdentityResponse> {
    let read = id(&request.identity_request_id).and_then(|id| Ok((id, delivered(request.sealed)?)));
    let (id, sealed) = read.map_err(|fault| call.malformed(fault))?;
    let leaf = exchange.deliver_identity(&call.caller, &id, sealed).await.map_err(status::of)?;
    Ok(Response::new(v1::DeliverIdentityResponse { leaf_index: leaf.0 }))
}

pub(crate) async fn collect(
    exchange: &Exchange,
    call: Call,
    request: v1::CollectIdentityRequest,
) -> Answer<v1::CollectIdentityResponse> {
    let id = id(&request.identity_request_id).map_err(|fault| call.malformed(fault))?;
    let collected = exchange.collect_identity(&call.caller, &id).await.map_err(status::of)?;
    Ok(Response::new(v1::CollectIdentityResponse { sealed: Some(sealed(collected)) }))
}

/// The owner names a record, a partner a pseudonym; never both.
pub(crate) fn question(request: v1::RequestIdentityRequest) -> Result<IdentityQuestion, Fault> {
    let v1::RequestIdentityRequest { record_id, pseudonym, agreement, position, case_reference } = request;
    let whose = match (record_id.as_str(), pseudonym.is_empty()) {
        ("", false) => Whose::Pseudonym {
            pseudonym,
            agreement: wire::optional("agreement", &agreement)?,
            position: (position > 0).then_some(Position(position)),
        },
        ("", true) => return Err(Fault::Field("record_id")),
        (_, false) => return Err(Fault::Field("pseudonym")),
        (_, true) if !agreement.is_empty() => return Err(Fault::Field("agreement")),
        (_, true) if position > 0 => return Err(Fault::Field("position")),
        (record_id, true) => Whose::Record(wire::required("record_id", record_id)?),
    };
    Ok(IdentityQuestion { whose, case_reference: wire::required("case_reference", &case_reference)? })
}

pub(crate) fn id(text: &str) -> Result<EntryId, Fault> {
    wire::required("identity_request_id", text)
}

pub(crate) fn signature(approval: Option<v1::PersonSignature>) -> Result<PersonSignature, Fault> {
    let v1::PersonSignature { person, signature } = approval.ok_or(Fault::Field("approval"))?;
    let signature = signature.try_into().map_err(|_| Fault::Field("approval.signature"))?;
    Ok(PersonSignature { person: wire::required("approval.person", &person)?, signature })
}

pub(crate) fn delivered(sealed: Option<v1::SealedIdentity>) -> Result<SealedIdentity, Fault> {
    let sealed = sealed.ok_or(Fault::Field("sealed"))?;
    let v1::SealedIdentity { agency, context_id, version, kind, sealed_body, encapsulation } = sealed;
    if sealed_body.len() + encapsulation.len() > SEALED_BYTES {
        return Err(Fault::Field("sealed"));
    }
    let body = SealedBody::decode(sealed_body.as_slice()).map_err(|_| Fault::Field("sealed.sealed_body"))?;
    if body.encode_to_vec() != sealed_body {
        return Err(Fault::Field("sealed.sealed_body"));
    }
    let context: EntryId = wire::required("sealed.context_id", &context_id)?;
    Ok(SealedIdentity {
        agency: wire::required("sealed.agency", &agency)?,
        context_id: *context.as_bytes(),
        version,
        kind: wire::required("sealed.kind", &kind)?,
        sealed: body,
        encapsulation,
    })
}

fn sealed(sealed: SealedIdentity) -> v1::SealedIdentity {
    v1::SealedIdentity {
        agency: sealed.agency.to_string(),
        context_id: RecordId::from_bytes(sealed.context_id).to_string(),
        version: sealed.version,
        kind: sealed.kind.to_string(),
        sealed_body: sealed.sealed.encode_to_vec(),
        encapsulation: sealed.encapsulation,
    }
}

fn row(row: IdentityRow) -> v1::IdentityRequest {
    let state = match row.state {
        IdentityState::Requested => v1::IdentityState::Requested,
        IdentityState::Approved => v1::IdentityState::Approved,
        IdentityState::Released => v1::IdentityState::Released,
        IdentityState::Delivered => v1::IdentityState::Delivered,
        IdentityState::Collected => v1::IdentityState::Collected,
        IdentityState::Refused => v1::IdentityState::Refused,
        IdentityState::Expired => v1::IdentityState::Expired,
    };
    let common = v1::IdentityRequest {
        identity_request_id: row.id.to_string(),
        state: state.into(),
        requested_at_micros: row.asked.0,
        requester: row.requester.to_string(),
        purpose_code: row.purpose_code,
        ends_at_micros: row.ends.map_or(0, |end| end.0),
        refusal: row.refusal,
        ..v1::IdentityRequest::default()
    };
    match row.owners {
        None => common,
        Some(view) => owners(common, view),
    }
}

fn owners(common: v1::IdentityRequest, view: OwnersView) -> v1::IdentityRequest {
    v1::IdentityRequest {
        record_id: view.record_id.to_string(),
        version: view.version.0,
        sealed_body_digest: view.sealed_body.0.to_vec(),
        approval_digest: view.approval_digest.0.to_vec(),
        approved_by: view.approved_by.iter().map(ToString::to_string).collect(),
        purpose_text: view.purpose_text,
        case_reference: view.case_reference,
        ..common
    }
}
