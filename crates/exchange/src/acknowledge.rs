//! Acknowledge: a partner says up to where it has taken note, withdrawals included.

use causeway_journal::{Outcome, v1};
use causeway_model::{AgreementId, Position};

use crate::draft::Said;
use crate::{Caller, Error, Exchange};

impl Exchange {
    /// Records that the caller's agency has taken note of every position up to `up_to`, and gives back the position up to
    /// which the journal now holds an acknowledgement. Acknowledging less than before changes nothing.
    ///
    /// # Errors
    /// `NotFound` for another's agreement as for none; `Invalid` for a position that was never disclosed; `Unavailable`.
    pub async fn acknowledge(
        &self,
        caller: &Caller,
        agreement: Option<AgreementId>,
        up_to: Position,
    ) -> Result<Position, Error> {
        let refused = match self.feed_of(caller, agreement.as_ref()) {
            Ok(agreement) => {
                let disclosed = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.disclosed()));
                if up_to <= disclosed.unwrap_or_default() {
                    return self.record_acknowledgement(caller, &agreement.id, up_to).await;
                }
                Error::invalid("position-not-disclosed", "that position has not been disclosed to this agency")
            }
            Err(refusal) => refusal,
        };
        Err(self.refuse(caller, v1::Operation::Administration, refused).await)
    }

    async fn record_acknowledgement(
        &self,
        caller: &Caller,
        id: &AgreementId,
        up_to: Position,
    ) -> Result<Position, Error> {
        let mut draft = Said::allowed(v1::Operation::Administration, "acknowledged").by(caller);
        draft.entry.acknowledgement =
            Some(v1::Acknowledgement { feed: id.to_string(), up_to_position: up_to.0, item_position: 0 });
        let committed = self.record_or_refuse(caller, draft).await?;
        if committed.outcome != Outcome::Effective {
            return Err(Error::internal("apply did not take an acknowledgement that was checked"));
        }
        Ok(self.journal().read(|state| state.feed(id).map(|feed| feed.acknowledged()).unwrap_or_default()))
    }
}
