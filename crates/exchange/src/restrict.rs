//! Restrict: the record leaves every feed and is kept (DPA 2018 s.47); or that ends, and it is decided on again.

use causeway_journal::{REASON_RESTRICTED, REASON_UNRESTRICTED};
use causeway_model::{RecordId, RecordVersion, SubmissionId};

use crate::alteration::Alteration;
use crate::{Caller, Error, Exchange, Receipt};

/// Domain of a restriction's content MAC, over record id, expected version and whether it begins (1) or ends (0).
const CONTENT_DOMAIN: &str = "causeway/v1/restriction-content";

/// One restriction, or its end.
#[derive(Debug)]
pub struct Restriction {
    /// The submitter's own id of this act, unique among its agency's submissions.
    pub submission_id: SubmissionId,
    /// The record.
    pub record_id: RecordId,
    /// The version believed to be current.
    pub expected_version: RecordVersion,
    /// Whether it begins or ends.
    pub restricted: bool,
}

impl Exchange {
    /// Restricts a record of the caller's agency, or ends that. Its withdrawal items are in the feeds when this returns; what
    /// comes back comes as any new release does. Restricting what is restricted changes nothing.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own; `Conflict` where the version has moved, the record is withdrawn or
    /// erased, or the submission id was used for something else; `Unavailable`.
    pub async fn restrict(&self, caller: &Caller, restriction: Restriction) -> Result<Receipt, Error> {
        let Restriction { submission_id, record_id, expected_version, restricted } = restriction;
        let version = expected_version.0.to_be_bytes();
        let content: [&[u8]; 3] = [record_id.as_bytes(), &version, &[u8::from(restricted)]];
        let content = self.keys().ring().content_mac().tag(CONTENT_DOMAIN, &content);
        let reason = if restricted { REASON_RESTRICTED } else { REASON_UNRESTRICTED };
        self.alter(caller, Alteration { submission_id, record_id, expected_version, reason, content }).await
    }
}
