//! Withdraw: the record leaves every feed that has it.

use causeway_journal::REASON_WITHDRAWN;
use causeway_model::{RecordId, RecordVersion, SubmissionId};

use crate::alteration::Alteration;
use crate::{Caller, Error, Exchange, Receipt};

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
        let content = self.keys().ring().content_mac().tag(CONTENT_DOMAIN, &content);
        let reason = REASON_WITHDRAWN;
        self.alter(caller, Alteration { submission_id, record_id, expected_version, reason, content }).await
    }
}
