//! Whether an agreement may be relied on now: what every decision of the exchange is given beside the agreement itself.

use causeway_agreement::{Agreement, Standing};
use causeway_journal::State;

/// An agreement's standing: it is suspended while itself or one of its parties is.
pub(crate) fn standing(state: &State, agreement: &Agreement) -> Standing {
    if state.agreement_suspended(agreement).is_some() { Standing::Suspended } else { Standing::InForce }
}
