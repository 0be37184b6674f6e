//! Withdraw: the record leaves every feed that has it.

use causeway_journal::v1;
use causeway_model::{RecordId, RecordVersion, SubmissionId};

use crate::draft::Said;
use crate::exchange::record_ref;
use crate::submit::Attempt;
use crate::{Caller, Error, Exchange, Pressure, Receipt};

/// Domain of a withdrawal's content MAC, over record id and expected version.
const CONTENT_DOMAIN: &str = "causeway/v1/withdrawal-content";

/// One withdrawal.
#[derive(Debug)]
pub struct Withdrawal {
    /// The submitter's own id of this act, unique among its agency's submissions.
    pub submission_id: SubmissionId,
    /// The record.
    pub record_id: RecordId,
    /// The version believed to be current.
    pub expected_version: RecordVersion,
}

impl Exchange {
    /// Withdraws a record of the caller's agency. Its withdrawal items are in the feeds when this returns.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own; `Conflict` where the version has moved, the record is withdrawn
    /// already, or the submission id was used for something else; `Unavailable`.
    pub async fn withdraw(&self, caller: &Caller, withdrawal: Withdrawal) -> Result<Receipt, Error> {
        let Withdrawal { submission_id, record_id, expected_version } = withdrawal;
        let content = [record_id.as_bytes().as_slice(), &expected_version.0.to_be_bytes()];
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
        let mut draft = Said::allowed(v1::Operation::Alteration, "withdrawn").by(caller);
        draft.entry.records.push(record_ref(&record_id, expected_version, expected_version, schema));
        draft.entry.submission_mac = attempt.submission.to_vec();
        draft.entry.content_mac = attempt.content.to_vec();
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        let committed = self.record_or_refuse(caller, draft).await?;
        self.receipt_of(committed).await
    }
}
