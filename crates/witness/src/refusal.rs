//! Why a request got no cosignature: the status of each (C2SP tlog-witness v1.0.0), what the client reads and what the log
//! line says.

use causeway_journal::witness::WitnessRefusal;
use http::StatusCode;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The journal's rules say no.
    Rules(WitnessRefusal),
    /// The body is longer than any request.
    TooLarge,
    /// The body did not come in time, or broke off.
    TooSlow,
    /// As many requests as the limit allows are under way.
    Busy,
    /// The checkpoint could not be written, so nothing was signed.
    NotStored,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Rules(refusal) => StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotStored => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A stable name, for log lines.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Rules(WitnessRefusal::BadRequest(_)) => "bad-request",
            Self::Rules(WitnessRefusal::Forbidden) => "invalid-signature",
            Self::Rules(WitnessRefusal::UnknownOrigin) => "unknown-log",
            Self::Rules(WitnessRefusal::Conflict { .. }) => "size-conflict",
            Self::Rules(WitnessRefusal::Unprocessable) => "inconsistent",
            Self::TooLarge => "too-large",
            Self::TooSlow => "too-slow",
            Self::Busy => "busy",
            Self::NotStored => "not-stored",
        }
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> String {
        match self {
            Self::Rules(refusal) => refusal.body(),
            Self::TooLarge => "the request is too large\n".into(),
            Self::TooSlow => "the request did not arrive in time\n".into(),
            Self::Busy => "busy: come back in a second\n".into(),
            Self::NotStored => "the checkpoint could not be stored and was not signed\n".into(),
        }
    }
}
