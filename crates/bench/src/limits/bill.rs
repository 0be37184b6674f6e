//! What the machine allows, from what was measured on it: the bill that a gateway's own rate is held to.

use std::time::Duration;

/// What the smallest commit takes beside its sync, as the design has it.
const COMMIT: Duration = Duration::from_millis(1);

/// What each record costs, and on how much it is spent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bill {
    /// Of this process and of the one that is called together.
    pub(crate) cores: usize,
    /// What has to be done with a record, microseconds of processor time.
    pub(crate) parts: f64,
    /// One message each way over a stream, microseconds of processor time of both sides together.
    pub(crate) wire: f64,
}

impl Bill {
    /// Records a second that a stream could bring if only this had to be done, on all cores all the time.
    pub(crate) fn streamed(&self) -> f64 {
        self.cores as f64 * 1e6 / (self.parts + self.wire)
    }

    /// Calls a second that callers could make if each waited for one sync and what a commit takes beside it, and for nothing else than
    /// the wire.
    pub(crate) fn unary(echo: f64, in_flight: usize, fdatasync: Duration) -> f64 {
        echo.min(in_flight as f64 / (fdatasync + COMMIT).as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_is_what_must_be_done_over_the_cores() {
        let bill = Bill { cores: 2, parts: 15.0, wire: 5.0 };
        assert!((bill.streamed() - 100_000.0).abs() < 1e-6);
    }

    #[test]
    fn calls_are_bound_by_the_wire_or_by_the_disk() {
        let sync = Duration::from_millis(3);
        assert!((Bill::unary(40_000.0, 64, sync) - 16_000.0).abs() < 1e-6);
        assert!((Bill::unary(10_000.0, 64, sync) - 10_000.0).abs() < 1e-6);
    }
}
