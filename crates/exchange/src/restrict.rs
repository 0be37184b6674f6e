//! Restrict: the record leaves every feed and is kept (DPA 2018 s.47); or that ends, and it is decided on again.

use causeway_journal::{REASON_RESTRICTED, REASON_UNRESTRICTED, v1};
use causeway_model::{RecordId, RecordVersion, SubmissionId};

use crate::draft::Said;
use crate::exchange::record_ref;
use crate::submit::Attempt;
use crate::{Caller, Error, Exchange, Pressure, Receipt};

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
        let attempt = Attempt {
            pressure: Pressure::Refuse,
            operation: v1::Operation::Alteration,
            submission: self.submission_mac(caller, &submission_id),
            content: self.keys().ring().content_mac().tag(CONTENT_DOMAIN, &content),
            record: Some((record_id, expected_version)),
        };
        if let Some(receipt) = self.earlier(caller, &attempt).await? {
            return Ok(receipt);
        }
        if let Err(refusal) = self.correctable(caller, &record_id, expected_version) {
            return Err(self.refuse_submission(caller, &attempt, refusal).await);
        }
        let schema = self.journal().read(|state| state.record(&record_id).map(|record| record.schema));
        let schema = schema.ok_or_else(Error::unknown_record)?;
        let reason = if restricted { REASON_RESTRICTED } else { REASON_UNRESTRICTED };
        let mut draft = Said::allowed(v1::Operation::Alteration, reason).by(caller);
        draft.entry.records.push(record_ref(&record_id, expected_version, expected_version, schema));
        draft.entry.submission_mac = attempt.submission.to_vec();
        draft.entry.content_mac = attempt.content.to_vec();
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        let committed = self.record_or_refuse(caller, draft).await?;
        self.receipt_of(committed).await
    }
}
