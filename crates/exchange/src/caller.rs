//! Who calls, and why: what the transport authenticated and what the caller stated.

use causeway_crypto::Digest;
use causeway_model::{OperatorId, PurposeCode, PurposeText, RequestId, SystemId};

/// An authenticated system.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The system that its certificate names.
    pub system: SystemId,
    /// SHA-256 of the certificate's DER.
    pub certificate_digest: Digest,
}

/// Why somebody reads or writes.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// The code, which is in the entry.
    pub code: PurposeCode,
    /// The text, of which the entry holds a commitment.
    pub text: Option<PurposeText>,
}

/// One authenticated call with what it stated.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The system.
    pub system: SystemId,
    /// SHA-256 of the certificate's DER.
    pub certificate_digest: Digest,
    /// Why.
    pub purpose: Purpose,
    /// The person acting.
    pub operator: OperatorId,
    /// The source address, of which the entry holds a commitment.
    pub source: Option<String>,
    /// The request, also in every log line of it.
    pub request_id: RequestId,
}
