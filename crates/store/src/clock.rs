//! The one place that reads the system's clock, and a clock that tests set by hand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use causeway_model::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Where the time comes from. Cheap to clone; clones of a manual clock show the same time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<Hands>),
}

/// What a manual clock shows, in microseconds.
#[derive(Debug)]
struct Hands {
    time: AtomicU64,
    passed: AtomicU64,
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until its other half moves it.
    pub fn manual(start: Timestamp) -> (Self, ManualClock) {
        let hands = Arc::new(Hands { time: AtomicU64::new(start.0), passed: AtomicU64::new(0) });
        (Self(Source::Manual(Arc::clone(&hands))), ManualClock(hands))
    }

    /// The time now; a machine whose clock stands before 1970 gets 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is told to use")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
            }
            Source::Manual(hands) => Timestamp(hands.time.load(Ordering::SeqCst)),
        }
    }

    /// How much time has passed since the machine was started, whatever anybody set the time to: what tells a clock that runs
    /// from one that was put forward.
    pub fn passed(&self) -> Duration {
        match &self.0 {
            Source::System => {
                // Unlike that of `Instant`, this one goes on while the machine sleeps.
                let passed = clock_gettime(ClockId::Boottime);
                let (seconds, nanos) = (u64::try_from(passed.tv_sec), u32::try_from(passed.tv_nsec));
                Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
            }
            Source::Manual(hands) => Duration::from_micros(hands.passed.load(Ordering::SeqCst)),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::System => f.write_str("Clock(system)"),
            Source::Manual(_) => write!(f, "Clock(manual, {})", self.now()),
        }
    }
}

/// The hand that moves a manual clock.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Hands>);

impl ManualClock {
    /// Lets the time come to be `time`: what lies between has passed. It may be set back: a machine's clock can do that.
    pub fn set(&self, time: Timestamp) {
        let earlier = self.0.time.swap(time.0, Ordering::SeqCst);
        self.0.passed.fetch_add(time.0.saturating_sub(earlier), Ordering::SeqCst);
    }

    /// Sets the clock wrong: it shows `time`, and no time has passed.
    pub fn put(&self, time: Timestamp) {
        self.0.time.store(time.0, Ordering::SeqCst);
    }

    /// Moves the time forward by whole seconds.
    pub fn advance(&self, seconds: u64) {
        let micros = seconds.saturating_mul(1_000_000);
        self.0.time.fetch_add(micros, Ordering::SeqCst);
        self.0.passed.fetch_add(micros, Ordering::SeqCst);
    }
}
