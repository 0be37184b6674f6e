//! What the fuzz targets of this crate reach beside its public functions (`fuzz/`): every request from its bytes to what a use case
//! is given, what a call states beside it, and certificates in PEM.

use causeway_journal::TilePath;
use causeway_proto::v1;
use http::{HeaderMap, HeaderValue};
use prost::Message;

use crate::services::{documents, erasure, feed, identity};
use crate::status::Fault;
use crate::{metadata, tls, wire};

/// How many kinds of request there are.
pub const REQUESTS: u8 = 25;

/// Reads the request of this number; the message of the refusal where it is none. None where the bytes are no such message at all.
pub fn request(number: u8, bytes: &[u8]) -> Option<Result<(), String>> {
    let read = match number {
        0..8 => ingest(number, bytes),
        8..14 => feeds(number, bytes),
        14..17 => audit(number, bytes),
        17..22 => protection(number, bytes),
        _ => admin(number, bytes),
    };
    read.map(|read| read.map_err(|fault| fault.message()))
}

fn decoded<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    M::decode(bytes).ok()
}

fn ingest(number: u8, bytes: &[u8]) -> Option<Result<(), Fault>> {
    Some(match number {
        0 => wire::submission(decoded(bytes)?).map(drop),
        1 => match decoded::<v1::SubmitStreamRequest>(bytes)?.submission {
            Some(request) => wire::submission(request).map(drop),
            None => Err(Fault::Field("submission")),
        },
        2 => wire::withdrawal(&decoded(bytes)?).map(drop),
        3 => wire::record(decoded::<v1::ValidateRequest>(bytes)?.record).map(drop),
        4 => wire::restriction(&decoded(bytes)?).map(drop),
        5 => wire::owners_question(&decoded(bytes)?).map(drop),
        6 => {
            let request: v1::GetSchemaRequest = decoded(bytes)?;
            wire::schema_id(&request.kind, &request.schema_version).map(drop)
        }
        _ => {
            let v1::FlagAtRiskRequest { submission_id, record_id } = decoded(bytes)?;
            let submission = wire::required::<causeway_model::SubmissionId>("submission_id", &submission_id);
            submission.and_then(|_| wire::required::<causeway_model::RecordId>("record_id", &record_id)).map(drop)
        }
    })
}

fn feeds(number: u8, bytes: &[u8]) -> Option<Result<(), Fault>> {
    Some(match number {
        8 => {
            let v1::PullRequest { agreement, cursor, limit } = decoded(bytes)?;
            feed::pull_request(&agreement, cursor, limit).map(drop)
        }
        9 => {
            let v1::WatchRequest { agreement, cursor, limit } = decoded(bytes)?;
            feed::pull_request(&agreement, cursor, limit).map(drop)
        }
        10 | 11 => wire::acknowledged(&decoded(bytes)?).map(drop),
        _ => wire::count_question(decoded(bytes)?).map(drop),
    })
}

fn audit(number: u8, bytes: &[u8]) -> Option<Result<(), Fault>> {
    Some(match number {
        14 => wire::query(&decoded(bytes)?).map(drop),
        15 => wire::which_checkpoint(&decoded(bytes)?).map(drop),
        _ => wire::audit_question(&decoded(bytes)?).map(drop),
    })
}

fn protection(number: u8, bytes: &[u8]) -> Option<Result<(), Fault>> {
    Some(match number {
        17 => {
            let request: v1::PlanErasureRequest = decoded(bytes)?;
            erasure::erasing(&request.record_ids, request.subject_reference).map(drop)
        }
        18 => erasure::order(decoded(bytes)?).map(drop),
        19 => identity::question(decoded(bytes)?).map(drop),
        20 => {
            let request: v1::ApproveIdentityRequest = decoded(bytes)?;
            identity::id(&request.identity_request_id).and_then(|_| identity::signature(request.approval)).map(drop)
        }
        _ => {
            let request: v1::DeliverIdentityRequest = decoded(bytes)?;
            identity::id(&request.identity_request_id).and_then(|_| identity::delivered(request.sealed)).map(drop)
        }
    })
}

fn admin(number: u8, bytes: &[u8]) -> Option<Result<(), Fault>> {
    Some(match number {
        22 => documents::to_activate(decoded(bytes)?).map(drop),
        23 => documents::suspension(decoded(bytes)?).map(drop),
        _ => {
            let v1::CompareAgreementRequest { old_text, new_text } = decoded(bytes)?;
            documents::agreement_text("old_text", &old_text)
                .and_then(|_| documents::agreement_text("new_text", &new_text))
                .map(drop)
        }
    })
}

/// Reads what a call states of itself; the message of the refusal where it is not of its form.
///
/// # Errors
/// The message.
pub fn statement(purpose: &[u8], operator: &[u8]) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    for (name, value) in [(metadata::PURPOSE, purpose), (metadata::OPERATOR, operator)] {
        let value = HeaderValue::from_bytes(value).map_err(|_| "no header".to_owned())?;
        headers.append(name, value);
    }
    metadata::read(&headers).map(drop).map_err(|fault| fault.message())
}

/// Reads certificates and the roots of a bundle from PEM.
pub fn certificates(pem: &[u8]) {
    if let Ok(certificates) = tls::chain::read_pem(pem) {
        for certificate in &certificates {
            let _ = crate::identity::SpiffeId::of_certificate(certificate);
            let _ = tls::chain::expiry(certificate);
        }
    }
    if let Err(fault) = tls::chain::read_roots(pem) {
        assert!(!fault.is_empty(), "a refusal says why");
    }
}

/// The path of one of the log's files, where it is one.
pub fn log_file(path: &str) -> Option<String> {
    TilePath::parse(path).ok().map(|path| path.to_string())
}
