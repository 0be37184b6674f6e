//! Acknowledge: a partner says what it has taken note of, withdrawals included: all up to a position, or one item.

use causeway_journal::{Outcome, v1};
use causeway_model::{AgreementId, Position};

use crate::draft::Said;
use crate::{Caller, Error, Exchange};

/// What has been taken note of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// Every position up to this one.
    UpTo(Position),
    /// The item at this position alone.
    Item(Position),
}

impl Acknowledged {
    const fn position(self) -> Position {
        match self {
            Self::UpTo(position) | Self::Item(position) => position,
        }
    }

    fn entry(self, id: &AgreementId) -> v1::Acknowledgement {
        let (up_to_position, item_position) = match self {
            Self::UpTo(position) => (position.0, 0),
            Self::Item(position) => (0, position.0),
        };
        v1::Acknowledgement { feed: id.to_string(), up_to_position, item_position }
    }
}

impl Exchange {
    /// Records what the caller's agency has taken note of, and gives back the position up to which the journal now holds an
    /// acknowledgement. Acknowledging less than before, or an item again, changes nothing.
    ///
    /// # Errors
    /// `NotFound` for another's agreement as for none; `Invalid` for a position that was never disclosed; `Unavailable`.
    pub async fn acknowledge(
        &self,
        caller: &Caller,
        agreement: Option<AgreementId>,
        what: Acknowledged,
    ) -> Result<Position, Error> {
        let refused = match self.feed_of(caller, agreement.as_ref()) {
            Ok(agreement) => {
                let disclosed = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.disclosed()));
                if what.position() <= disclosed.unwrap_or_default() {
                    return self.record_acknowledgement(caller, &agreement.id, what).await;
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
        what: Acknowledged,
    ) -> Result<Position, Error> {
        let mut draft = Said::allowed(v1::Operation::Administration, "acknowledged").by(caller);
        draft.entry.acknowledgement = Some(what.entry(id));
        let committed = self.record_or_refuse(caller, draft).await?;
        if committed.outcome != Outcome::Effective {
            return Err(Error::internal("apply did not take an acknowledgement that was checked"));
        }
        Ok(self.journal().read(|state| state.feed(id).map(|feed| feed.acknowledged()).unwrap_or_default()))
    }
}
