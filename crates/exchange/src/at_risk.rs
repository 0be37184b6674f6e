//! A person in a record is in danger: one call withdraws it from every feed at once, keeps it back, and starts the clock of the
//! acknowledgements. To a partner it is a withdrawal like any other.

use causeway_journal::{Erasure, Outcome, REASON_AT_RISK, v1};
use causeway_model::{RecordId, SubmissionId};

use crate::draft::Said;
use crate::exchange::record_ref;
use crate::holders::Holder;
use crate::submit::Attempt;
use crate::{Caller, Class, Error, Exchange, Pressure, Receipt};

/// Domain of a flag's content MAC, over the record id.
const CONTENT_DOMAIN: &str = "causeway/v1/at-risk-content";

impl Exchange {
    /// Flags a record of the caller's agency, whatever its version is, and gives the partners that hold it. Its withdrawal items are in
    /// the feeds when this returns. It stays back until its restriction is lifted. Safe to retry under the same submission id.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own; `Conflict` where it is erased, flagged already, or the submission id was
    /// used for something else; `Unavailable`.
    pub async fn flag_at_risk(
        &self,
        caller: &Caller,
        submission_id: SubmissionId,
        record: RecordId,
    ) -> Result<(Receipt, Vec<Holder>), Error> {
        let receipt = self.flag(caller, &submission_id, record).await?;
        Ok((receipt, self.holders_of(record).await?))
    }

    async fn flag(&self, caller: &Caller, submission_id: &SubmissionId, record: RecordId) -> Result<Receipt, Error> {
        let attempt = Attempt {
            pressure: Pressure::Refuse,
            operation: v1::Operation::Alteration,
            submission: self.submission_mac(caller, submission_id),
            content: self.keys().ring().content_mac().tag(CONTENT_DOMAIN, &[record.as_bytes()]),
            record: None,
        };
        if let Some(receipt) = self.earlier(caller, &attempt).await? {
            return Ok(receipt);
        }
        let found = self.journal().read(|state| match state.record(&record) {
            Some(known) if *known.owner != caller.system.agency => Err(Error::unknown_record()),
            Some(known) if known.erasure != Erasure::None => Err(Error::record_erased()),
            Some(known) if known.at_risk.is_some() => Err(flagged_already()),
            Some(known) => Ok((known.current, known.schema)),
            None => Err(Error::unknown_record()),
        });
        let (version, schema) = match found {
            Ok(found) => found,
            Err(refusal) => {
                let attempt = Attempt { record: Some((record, causeway_model::RecordVersion(0))), ..attempt };
                return self.refuse_submission(caller, &attempt, refusal).await;
            }
        };
        let mut draft = Said::allowed(v1::Operation::Alteration, REASON_AT_RISK).by(caller);
        draft.entry.records.push(record_ref(&record, version, version, schema));
        draft.entry.submission_mac = attempt.submission.to_vec();
        draft.entry.content_mac = attempt.content.to_vec();
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        let committed = self.record_or_refuse(caller, draft).await?;
        if committed.outcome == Outcome::AlreadyDone {
            return Err(flagged_already());
        }
        self.receipt_of(committed).await
    }
}

fn flagged_already() -> Error {
    let message =
        "the record is flagged already, and in no feed; its holders and what they have taken note of can be listed";
    Error::new(Class::Conflict, "already-at-risk", message)
}
