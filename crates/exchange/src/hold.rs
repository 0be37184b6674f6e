//! Legal hold: while it stands, neither an erasure nor the end of retention touches the record.

use causeway_journal::{Erasure, REASON_HOLD_LIFTED, REASON_HOLD_SET, v1};
use causeway_model::{LeafIndex, RecordId};

use crate::draft::Said;
use crate::erase::{lost, named};
use crate::{Caller, Error, Exchange};

impl Exchange {
    /// Puts a record of the caller's agency under a legal hold, or lifts it; where it is so already, that is recorded again.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own; `Conflict` for one that is erased; `Unavailable`.
    pub async fn hold(&self, caller: &Caller, record: RecordId, held: bool) -> Result<LeafIndex, Error> {
        let refusal = self.journal().read(|state| match state.record(&record) {
            Some(known) if *known.owner != caller.system.agency => Some(Error::unknown_record()),
            Some(known) => (known.erasure != Erasure::None).then(Error::record_erased),
            None => Some(Error::unknown_record()),
        });
        if let Some(refusal) = refusal {
            return Err(self.refuse_protection(caller, v1::Operation::Retention, &[record], refusal).await);
        }
        let reason = if held { REASON_HOLD_SET } else { REASON_HOLD_LIFTED };
        let mut draft = Said::allowed(v1::Operation::Retention, reason).by(caller);
        draft.entry.records = named(&[record]);
        let committed = self.record_or_refuse(caller, draft).await?;
        if committed.outcome.is_effective() { Ok(committed.leaf) } else { Err(lost(&committed.outcome)) }
    }
}
