//! The keeper: what has to happen to erasures and retention without anybody asking.

use super::day_of;
use super::trust::distrust;
use crate::{Error, Exchange};

/// Ticks, which are seconds, after which the keeper tries again what failed.
const RETRY_TICKS: u32 = 60;

/// What the keeper knows between two ticks. It begins anew with each start, and loses nothing by that.
#[derive(Debug, Default)]
struct Keeping {
    /// The day whose expiry is done.
    expired_on: Option<u32>,
    /// The day on which it was said that the clock is not believed.
    doubted_on: Option<u32>,
    /// Ticks until what failed is tried again.
    wait: u32,
}

impl Exchange {
    /// Erases what is over, at the start and once a day (UTC), goes on with erasures that did not complete, and destroys the keys of
    /// bodies that lost, until the journal stops. To be run once, beside the calls.
    pub async fn run_keeper(&self) {
        let mut keeping = Keeping::default();
        while self.is_running() {
            let ticked = self.ticked();
            // Also while it waits: a clock that is put forward and back between two looks would go unseen.
            let today = self.clock_trust().time().map(day_of);
            if keeping.wait == 0 && !self.keep(&mut keeping, today).await {
                keeping.wait = RETRY_TICKS;
            }
            ticked.await;
            keeping.wait = keeping.wait.saturating_sub(1);
        }
    }

    /// One round, of which no part waits for another that fails; whether all went through.
    async fn keep(&self, keeping: &mut Keeping, today: Option<u32>) -> bool {
        let lost = said(self.shred_lost().await);
        let finished = self.finish_all().await;
        let expired = match today {
            Some(day) if keeping.expired_on != Some(day) => {
                let expired = said(self.expire(None).await.map(|_| ()));
                keeping.expired_on = expired.then_some(day);
                expired
            }
            Some(_) => true,
            None => {
                let day = Some(day_of(self.now()));
                if keeping.doubted_on != day {
                    let refusal = distrust();
                    tracing::error!(reason = refusal.reason, "{}", refusal.message);
                    keeping.doubted_on = day;
                }
                true
            }
        };
        lost && finished && expired
    }
}

/// Logs what failed; whether nothing did.
fn said(done: Result<(), Error>) -> bool {
    if let Err(error) = &done {
        tracing::error!(reason = error.reason, error = %error, "the keeper could not go on; it tries again");
    }
    done.is_ok()
}
