//! Alterations: what a submitter does to a record of its own besides correcting it, once, at the version it believes in.

use causeway_journal::v1;
use causeway_model::{RecordId, RecordVersion, SubmissionId};

use crate::draft::Said;
use crate::exchange::record_ref;
use crate::submit::Attempt;
use crate::{Caller, Error, Exchange, Pressure, Receipt};

/// One alteration, as its entry will say it.
pub(crate) struct Alteration {
    pub(crate) submission_id: SubmissionId,
    pub(crate) record_id: RecordId,
    pub(crate) expected_version: RecordVersion,
    pub(crate) reason: &'static str,
    /// The code of what is asked for: the same submission id with another is another act.
    pub(crate) content: [u8; 32],
}

impl Exchange {
    /// Records an alteration; under the same submission id and content it gives the same receipt again. What it withdraws is in the
    /// feeds when this returns.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own; `Conflict` where the version has moved, the record is withdrawn or
    /// erased, or the submission id was used for something else; `Unavailable`.
    pub(crate) async fn alter(&self, caller: &Caller, alteration: Alteration) -> Result<Receipt, Error> {
        let Alteration { submission_id, record_id, expected_version, reason, content } = alteration;
        let attempt = Attempt {
            pressure: Pressure::Refuse,
            operation: v1::Operation::Alteration,
            submission: self.submission_mac(caller, &submission_id),
            content,
            record: Some((record_id, expected_version)),
        };
        if let Some(receipt) = self.earlier(caller, &attempt).await? {
            return Ok(receipt);
        }
        if let Err(refusal) = self.correctable(caller, &record_id, expected_version) {
            return self.refuse_submission(caller, &attempt, refusal).await;
        }
        let schema = self.journal().read(|state| state.record(&record_id).map(|record| record.schema));
        let schema = schema.ok_or_else(Error::unknown_record)?;
        let mut draft = Said::allowed(v1::Operation::Alteration, reason).by(caller);
        draft.entry.records.push(record_ref(&record_id, expected_version, expected_version, schema));
        draft.entry.submission_mac = attempt.submission.to_vec();
        draft.entry.content_mac = attempt.content.to_vec();
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        let committed = self.record_or_refuse(caller, draft).await?;
        self.receipt_of(committed).await
    }
}
