//! Drafts of entries: what every entry of a caller, and every entry of the gateway itself, has in common.

use causeway_crypto::Digest;
use causeway_journal::v1;
use causeway_model::{AgencyId, EntryId, RequestId, SystemId};
use causeway_store::Draft;

use crate::Caller;

/// What an entry says before anything particular to its use case: its id, operation, decision and reason.
pub(crate) struct Said {
    pub(crate) operation: v1::Operation,
    pub(crate) decision: v1::Decision,
    pub(crate) reason: &'static str,
}

impl Said {
    pub(crate) const fn allowed(operation: v1::Operation, reason: &'static str) -> Self {
        Self { operation, decision: v1::Decision::Allowed, reason }
    }

    pub(crate) const fn denied(operation: v1::Operation, reason: &'static str) -> Self {
        Self { operation, decision: v1::Decision::Denied, reason }
    }

    fn entry(self) -> v1::Entry {
        v1::Entry {
            entry_id: causeway_crypto::random::<16>().to_vec(),
            operation: self.operation.into(),
            decision: self.decision.into(),
            reason: self.reason.to_owned(),
            ..v1::Entry::default()
        }
    }

    /// The entry of a caller's act, with the openings of what the caller stated.
    pub(crate) fn by(self, caller: &Caller) -> Draft {
        let mut entry = self.entry();
        entry.actor = Some(actor(&caller.system, Some(&caller.certificate_digest)));
        entry.purpose_code = caller.purpose.code.to_string();
        entry.request_id = caller.request_id.as_bytes().to_vec();
        let openings = v1::Openings {
            purpose_text: caller.purpose.text.as_ref().map(|text| text.expose().to_owned()).unwrap_or_default(),
            operator: caller.operator.expose().to_owned(),
            source_address: caller.source.clone().unwrap_or_default(),
            ..v1::Openings::default()
        };
        Draft { entry, openings: Some(openings), body: None, document_text: None }
    }

    /// The entry of the gateway's own doing, in the name of the agency that operates it.
    pub(crate) fn by_operator(self, operator: &AgencyId) -> Draft {
        let mut entry = self.entry();
        entry.actor = Some(v1::Actor { agency: operator.to_string(), ..v1::Actor::default() });
        Draft { entry, openings: None, body: None, document_text: None }
    }

    /// The entry of something that nobody authenticated did.
    pub(crate) fn by_nobody(self, source: Option<String>) -> Draft {
        let openings = source.map(|source_address| v1::Openings { source_address, ..v1::Openings::default() });
        Draft { entry: self.entry(), openings, body: None, document_text: None }
    }
}

/// An authenticated system as an entry names it; without its certificate where several may have been used.
pub(crate) fn actor(system: &SystemId, certificate: Option<&Digest>) -> v1::Actor {
    v1::Actor {
        agency: system.agency.to_string(),
        system: system.system.to_string(),
        certificate_digest: certificate.map(|digest| digest.0.to_vec()).unwrap_or_default(),
    }
}

/// The id that a draft's entry was given.
pub(crate) fn entry_id(draft: &Draft) -> EntryId {
    EntryId::try_from(draft.entry.entry_id.as_slice()).expect("every draft is made with an id of 16 bytes")
}

/// A fresh request id for what the gateway does on its own.
pub(crate) fn own_request() -> RequestId {
    RequestId::from_bytes(causeway_crypto::random())
}
