//! The only place that makes a `tonic::Status`: every way to fail, mapped once, with `google.rpc` details.
//!
//! The caller reads a stable reason and what to do; the log reads the whole chain of what lay beneath. `Internal` and
//! `Corrupt` tell the caller nothing else: what is behind them is the operator's to see.

use std::error::Error as _;

use causeway_agreement::Role;
use causeway_exchange::{Class, Error};
use causeway_proto::v1;
use causeway_schema::Violation;
use causeway_store::PageKeyRefused;
use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::limits::Over;

#[cfg(test)]
mod tests;

/// The `google.rpc.ErrorInfo` domain of all reasons.
const DOMAIN: &str = "causeway";

/// Violations in a status' details take at most so many bytes, since they travel in a header and some clients take headers
/// of 8 KiB only. `Validate` and the verdicts of a stream give all of them.
const MAX_DETAIL_BYTES: usize = 4 * 1024;

/// What the gateway itself refuses, before or around the use cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The certificate no longer speaks for the system: its time is over, or agency or system are no longer in force.
    IdentityLapsed,
    /// The system has none of these roles, one of which the method asks for.
    RoleMissing(&'static [Role]),
    /// The system's agency is suspended.
    AgencySuspended,
    /// The agency's revocation lists are older than its budget.
    RevocationStale,
    /// The agreement whose feed is watched has ended, or has been suspended.
    AgreementEnded,
    /// There is no such method.
    UnknownMethod,
    /// Metadata that every call of records and entries carries is absent.
    MetadataMissing(&'static str),
    /// Such metadata is there, but not of its form, or more than once.
    MetadataMalformed(&'static str),
    /// A field of the request is not of its form.
    Field(&'static str),
    /// A field of the request is none of the words that it may be.
    Word(&'static str, &'static [&'static str]),
    /// A field of the request is there without another one that it needs.
    Alone(&'static str, &'static str),
    /// The message is not one of the method's request type.
    NotARequest,
    /// The message is over the configured hard cap (`limits.message_bytes`); nothing of it was read, and a stream ends.
    MessageTooLong,
    /// Nothing more of the request came.
    TooSlow,
    /// The agency or the system has more under way, or has sent more, than it may.
    OverLimit(Over),
    /// The gateway is stopping.
    Stopping,
    /// Something that cannot be, was.
    Bug,
}

impl Fault {
    /// The stable reason code, in kebab case.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::IdentityLapsed => "identity-lapsed",
            Self::RoleMissing(_) => "role-missing",
            Self::AgencySuspended => "agency-suspended",
            Self::RevocationStale => causeway_exchange::REVOCATION_STALE,
            Self::AgreementEnded => "agreement-ended",
            Self::UnknownMethod => "unknown-method",
            Self::MetadataMissing(_) => "metadata-missing",
            Self::MetadataMalformed(_) => "metadata-malformed",
            Self::Field(_) => "field-malformed",
            Self::Word(..) => "field-unknown-word",
            Self::Alone(..) => "field-needs-another",
            Self::NotARequest => "request-malformed",
            Self::MessageTooLong => "message-too-long",
            Self::TooSlow => "request-too-slow",
            Self::OverLimit(over) => over.quantity.reason(),
            Self::Stopping => "stopping",
            Self::Bug => "internal",
        }
    }

    /// What to do about it.
    pub(crate) fn message(self) -> String {
        match self {
            Self::IdentityLapsed => "the certificate no longer speaks for this system; connect with a valid one".into(),
            Self::RoleMissing(roles) => {
                let roles: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
                let roles = roles.join(" or ");
                format!("this method is for systems with the role {roles}, which this system's agency file does not give it")
            }
            Self::AgencySuspended => {
                "this agency is suspended: until a later version of its file is in force, its systems pull or watch for withdrawals, \
                 acknowledge them, and do nothing else"
                    .into()
            }
            Self::RevocationStale => {
                "the revocation lists of this agency's certificates are too old: until the gateway has newer ones, its systems pull or \
                 watch for withdrawals, acknowledge them, and do nothing else"
                    .into()
            }
            Self::AgreementEnded => {
                "the agreement has ended or is suspended; its feed can still be pulled for withdrawals, and acknowledged".into()
            }
            Self::UnknownMethod => "there is no such method".into(),
            Self::MetadataMissing(name) => {
                format!("the metadata `{name}` is missing; every call states causeway-purpose and causeway-operator")
            }
            Self::MetadataMalformed("causeway-purpose") => {
                "the metadata `causeway-purpose` must be once a purpose code, or code:text, as safeguarding:referral"
                    .into()
            }
            Self::MetadataMalformed("causeway-position") => {
                "the metadata `causeway-position` must be there once, as a gateway gave it in an answer".into()
            }
            Self::MetadataMalformed(name) => {
                format!("the metadata `{name}` must be there once, with 1 to 128 characters")
            }
            Self::Field(name) => format!("the field `{name}` is missing or not of its form"),
            Self::Word(name, words) => format!("the field `{name}` is none of {}", words.join(", ")),
            Self::Alone(name, other) => format!("the field `{name}` is stated with `{other}` only"),
            Self::NotARequest => "the message is not a request of this method".into(),
            Self::MessageTooLong => {
                "the message is longer than this gateway takes, so nothing after it can be read; a record has at most 128 KiB"
                    .into()
            },
            Self::TooSlow => "the request stopped coming before it was whole; send it again".into(),
            Self::OverLimit(over) => format!("{}; try again after the delay", over.quantity.what()),
            Self::Stopping => "the gateway is stopping; try again".into(),
            Self::Bug => INTERNAL.into(),
        }
    }

    const fn code(self) -> Code {
        match self {
            Self::IdentityLapsed => Code::Unauthenticated,
            Self::RoleMissing(_) | Self::AgencySuspended | Self::RevocationStale | Self::AgreementEnded => {
                Code::PermissionDenied
            }
            Self::UnknownMethod => Code::Unimplemented,
            Self::MetadataMissing(_)
            | Self::MetadataMalformed(_)
            | Self::Field(_)
            | Self::Word(..)
            | Self::Alone(..)
            | Self::NotARequest => Code::InvalidArgument,
            Self::MessageTooLong => Code::OutOfRange,
            Self::TooSlow => Code::DeadlineExceeded,
            Self::OverLimit(_) => Code::ResourceExhausted,
            Self::Stopping => Code::Unavailable,
            Self::Bug => Code::Internal,
        }
    }

    /// The field or metadata that is at fault.
    const fn place(self) -> Option<&'static str> {
        match self {
            Self::MetadataMissing(name)
            | Self::MetadataMalformed(name)
            | Self::Field(name)
            | Self::Word(name, _)
            | Self::Alone(name, _) => Some(name),
            Self::IdentityLapsed
            | Self::RoleMissing(_)
            | Self::AgencySuspended
            | Self::RevocationStale
            | Self::AgreementEnded
            | Self::UnknownMethod
            | Self::NotARequest
            | Self::MessageTooLong
            | Self::TooSlow
            | Self::OverLimit(_)
            | Self::Stopping
            | Self::Bug => None,
        }
    }
}

const INTERNAL: &str = "internal error; the request id names it in the gateway's log";

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        let mut details = ErrorDetails::with_error_info(fault.reason(), DOMAIN, []);
        if let Some(place) = fault.place() {
            let violation =
                FieldViolation { reason: fault.reason().into(), ..FieldViolation::new(place, fault.message()) };
            details.set_bad_request(vec![violation]);
        }
        if let Fault::OverLimit(over) = fault {
            details.set_retry_info(Some(over.retry));
        }
        status(fault.code(), fault.message(), details)
    }
}

/// What a status of the codec means: it makes its own where a message is too long or does not decode, without a reason.
/// None for a status of ours.
pub(crate) fn of_codec(headers: &HeaderMap) -> Option<Fault> {
    let status = Status::from_header_map(headers)?;
    status.details().is_empty().then(|| codec_fault(&status)).flatten()
}

/// What the codec found wrong with a message; none where the connection broke otherwise.
pub(crate) fn codec_fault(status: &Status) -> Option<Fault> {
    match status.code() {
        Code::OutOfRange => Some(Fault::MessageTooLong),
        Code::Internal => Some(Fault::NotARequest),
        _ => None,
    }
}

/// The stable reason in a status of ours; empty for another's.
pub(crate) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

/// The status of a failed use case. Logs what lay beneath, once.
pub(crate) fn of(error: Error) -> Status {
    log(&error);
    let code = code(error.class);
    if matches!(error.class, Class::Internal) {
        return Fault::Bug.into();
    }
    let mut details = ErrorDetails::with_error_info(error.reason, DOMAIN, []);
    if !error.violations.is_empty() {
        details.set_bad_request(violations(&error.violations));
    }
    if error.retry_after.is_some() {
        details.set_retry_info(error.retry_after);
    }
    status(code, error.message, details)
}

/// The same status with the request's id in its details; none where it is not one of this gateway's own refusals.
pub(crate) fn naming(status: &Status, request_id: &str) -> Option<Status> {
    let mut details = status.get_error_details();
    details.error_info()?;
    details.set_request_info(request_id, "");
    Some(self::status(status.code(), status.message().to_owned(), details))
}

/// The verdict on one submission of a stream that failed.
///
/// # Errors
/// The status that ends the stream, where no later submission could fare better.
pub(crate) fn verdict(error: Error) -> Result<v1::Refusal, Status> {
    match error.class {
        Class::Invalid | Class::Denied | Class::NotFound | Class::Conflict | Class::TooLarge | Class::Busy => {
            let violations = error.violations.into_iter().map(wire_violation).collect();
            Ok(v1::Refusal { reason: error.reason.to_owned(), message: error.message, violations })
        }
        Class::Unauthenticated | Class::Unavailable | Class::Corrupt | Class::Internal => Err(of(error)),
    }
}

/// The verdict on one submission of a stream that was not one.
pub(crate) fn malformed_verdict(fault: Fault) -> v1::Refusal {
    v1::Refusal { reason: fault.reason().to_owned(), message: fault.message(), violations: Vec::new() }
}

/// A violation as it is sent.
pub(crate) fn wire_violation(violation: Violation) -> v1::Violation {
    v1::Violation { pointer: violation.pointer, rule: violation.rule, reason: violation.reason.to_owned() }
}

/// The status of page keys of another node that were not taken, or of this node's that could not be read. Logs what lay beneath.
pub(crate) fn of_page_keys(refused: &PageKeyRefused) -> Status {
    let (code, reason, message) = match refused {
        PageKeyRefused::OtherWriter => (Code::PermissionDenied, PAGE_KEY_REASONS[0], refused.to_string()),
        PageKeyRefused::OtherKey(_) => (Code::FailedPrecondition, PAGE_KEY_REASONS[1], refused.to_string()),
        PageKeyRefused::Destroyed(_) => (Code::FailedPrecondition, PAGE_KEY_REASONS[2], refused.to_string()),
        // It catches up within a minute: until then it is as good as away.
        PageKeyRefused::TooFar(_) => (Code::Unavailable, PAGE_KEY_REASONS[4], refused.to_string()),
        PageKeyRefused::Store(error) => {
            tracing::error!(error = error as &dyn std::error::Error, "another node was not answered");
            (Code::Unavailable, PAGE_KEY_REASONS[3], refused.to_string())
        }
    };
    status(code, message, ErrorDetails::with_error_info(reason, DOMAIN, []))
}

/// The reasons of [`of_page_keys`].
const PAGE_KEY_REASONS: [&str; 5] =
    ["page-key-of-another-node", "another-page-key", "page-key-destroyed", "page-keys-unavailable", "page-key-too-far"];

/// The reason in another node's status, where it is one that a node gives.
pub(crate) fn page_key_reason(status: &Status) -> Option<&'static str> {
    let stated = reason(status);
    PAGE_KEY_REASONS.into_iter().find(|known| *known == stated)
}

/// A code as the specification of gRPC spells it.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

const fn code(class: Class) -> Code {
    match class {
        Class::Invalid => Code::InvalidArgument,
        Class::Unauthenticated => Code::Unauthenticated,
        Class::Denied => Code::PermissionDenied,
        Class::NotFound => Code::NotFound,
        Class::Conflict => Code::AlreadyExists,
        Class::TooLarge => Code::OutOfRange,
        Class::Busy => Code::ResourceExhausted,
        Class::Unavailable => Code::Unavailable,
        Class::Corrupt => Code::DataLoss,
        Class::Internal => Code::Internal,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that makes a Status")]
fn status(code: Code, message: String, details: ErrorDetails) -> Status {
    Status::with_error_details(code, message, details)
}

fn violations(all: &[Violation]) -> Vec<FieldViolation> {
    let mut room = MAX_DETAIL_BYTES;
    let fits = |violation: &&Violation| {
        let size = violation.pointer.len() + violation.rule.len() + violation.reason.len();
        room = room.saturating_sub(size);
        room > 0
    };
    all.iter()
        .take_while(fits)
        .map(|violation| FieldViolation {
            reason: violation.reason.into(),
            ..FieldViolation::new(violation.pointer.as_str(), violation.rule.as_str())
        })
        .collect()
}

fn log(error: &Error) {
    let chain = Chain(error);
    match error.class {
        Class::Corrupt | Class::Internal => tracing::error!(reason = error.reason, %chain, "call failed"),
        Class::Unavailable => tracing::warn!(reason = error.reason, %chain, "call failed"),
        Class::Invalid
        | Class::Unauthenticated
        | Class::Denied
        | Class::NotFound
        | Class::Conflict
        | Class::TooLarge
        // The line of the finished call says so.
        | Class::Busy => {}
    }
}

/// An error with everything beneath it, on one line.
struct Chain<'a>(&'a Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)?;
        let mut beneath = self.0.source();
        while let Some(source) = beneath {
            write!(f, ": {source}")?;
            beneath = source.source();
        }
        Ok(())
    }
}
