//! What a stretch of time has cost: processor time of the gateway and of this process, and what the gateway has written.

use std::time::Instant;

use crate::processor;

/// Everything used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    gateway: u32,
    at: Instant,
    gateway_seconds: f64,
    own_seconds: f64,
    written: u64,
}

/// What was used in between.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// Seconds that passed.
    pub(crate) seconds: f64,
    /// Seconds of processor time of the gateway.
    pub(crate) gateway: f64,
    /// The same of this process.
    pub(crate) own: f64,
    /// Bytes that the gateway handed to its disks.
    pub(crate) written: u64,
}

impl Usage {
    /// Now, of the gateway that is this process.
    pub(crate) fn of(gateway: u32) -> Self {
        let (gateway_seconds, written) = (processor::seconds_of(gateway), processor::written_by(gateway));
        Self { gateway, at: Instant::now(), gateway_seconds, own_seconds: processor::seconds(), written }
    }

    /// Since then.
    pub(crate) fn so_far(&self) -> Used {
        let now = Self::of(self.gateway);
        Used {
            seconds: (now.at - self.at).as_secs_f64(),
            gateway: now.gateway_seconds - self.gateway_seconds,
            own: now.own_seconds - self.own_seconds,
            written: now.written.saturating_sub(self.written),
        }
    }
}

impl Used {
    /// Processors that both kept busy.
    pub(crate) fn busy(&self) -> f64 {
        (self.gateway + self.own) / self.seconds.max(f64::EPSILON)
    }
}

/// Microseconds of each of so many.
pub(crate) fn micros_each(seconds: f64, count: u64) -> f64 {
    seconds * 1e6 / count.max(1) as f64
}
