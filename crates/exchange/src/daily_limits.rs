//! How many records a day may be accepted, where several nodes share the log: each entry states what its node's settings allow, and
//! `apply` counts, so that two nodes at once take no more than that together.

use std::time::Duration;

use causeway_journal::v1;
use causeway_model::SystemId;

use crate::quota::renewed;
use crate::{Class, Error, Exchange};

/// The reason of a record that is refused because the day's are used up.
pub const RECORDS_OVER_LIMIT: &str = "records-over-limit";

/// Most versions of records that may be accepted in a day (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyLimits {
    /// From all systems of the submitter's agency.
    pub of_agency: u64,
    /// From its system.
    pub of_system: u64,
}

impl From<DailyLimits> for v1::DailyLimits {
    fn from(DailyLimits { of_agency, of_system }: DailyLimits) -> Self {
        Self { of_agency, of_system }
    }
}

impl Exchange {
    /// How many versions of records the log has accepted today (UTC) from a system's agency and from the system itself, by whichever
    /// node; none where the gateway has its log for itself and counts what it accepts.
    pub fn accepted_by_all(&self, system: &SystemId) -> Option<(u64, u64)> {
        let today = self.now().day();
        self.journal().is_shared().then(|| self.journal().read(|state| state.accepted_on(today, system)))
    }

    /// The refusal of a record that another node's were before.
    pub(crate) fn day_is_full(&self) -> Error {
        let now = self.now();
        let message = "as many records were accepted today as may be; the next day begins at midnight UTC; try again after the delay";
        let delay = Duration::from_micros(renewed(now).0.saturating_sub(now.0));
        Error { retry_after: Some(delay), ..Error::new(Class::Busy, RECORDS_OVER_LIMIT, message) }
    }
}
