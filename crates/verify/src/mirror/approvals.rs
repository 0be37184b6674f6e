//! The signatures of the persons who approved, each checked again by itself, whether or not it counted.

use causeway_crypto::{Digest, PublicKey};
use causeway_journal::{REASON_IDENTITY_APPROVED, State, approval_message, identity_digest, v1};
use causeway_model::EntryId;

/// Approvals, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Approvals {
    /// Signatures that verify, over the digest that their entry names, with the key beside them.
    pub good: u64,
    /// Signatures that do not, in entries to which apply gave no effect, or which it did not count.
    pub bad: u64,
}

impl Approvals {
    pub(crate) fn add(&mut self, more: Self) {
        self.good += more.good;
        self.bad += more.bad;
    }
}

/// Checks the approvals of an entry that has been applied. That those which count are of rostered persons is apply's work.
pub(crate) fn check(state: &State, entry: &v1::Entry) -> Approvals {
    let message = signed(state, entry).map(|digest| approval_message(&digest));
    let mut counted = Approvals::default();
    for approval in &entry.approvals {
        let key = <[u8; 32]>::try_from(approval.public_key.as_slice()).map(PublicKey);
        match (&message, key) {
            (Some(message), Ok(key)) if key.verify(message, &approval.signature) => counted.good += 1,
            _ => counted.bad += 1,
        }
    }
    counted
}

/// What the persons signed.
fn signed(state: &State, entry: &v1::Entry) -> Option<Digest> {
    let digest = |bytes: &[u8]| Digest::try_from(bytes).ok();
    if let Some(document) = &entry.document {
        return digest(&document.digest);
    }
    if entry.reason == REASON_IDENTITY_APPROVED {
        let id = EntryId::try_from(entry.identity_request.as_slice()).ok()?;
        let asked = state.identity(&id)?;
        return Some(identity_digest(&id, &asked.sealed_body, &asked.requester));
    }
    digest(&entry.subject_digest)
}
