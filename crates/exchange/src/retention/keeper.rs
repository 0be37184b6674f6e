//! The keeper: what has to happen to erasures and retention without anybody asking.

use super::day_of;
use super::trust::distrust;
use crate::erase::{Finished, WAITS};
use crate::releaser::TERM_OVER;
use crate::{Error, Exchange};

/// Ticks, which are seconds, after which the keeper tries again what failed, and asks other nodes what it lacks of their page keys.
const RETRY_TICKS: u32 = 60;

/// Ticks after which it looks again whether other nodes have done their part of an erasure.
const LOOK_TICKS: u32 = 2;

/// What the keeper knows between two ticks. It begins anew with each start, and loses nothing by that.
#[derive(Debug, Default)]
struct Keeping {
    /// The day whose expiry is done.
    expired_on: Option<u32>,
    /// The day on which it was said that the clock is not believed.
    doubted_on: Option<u32>,
    /// Ticks until what failed is tried again.
    wait: u32,
    /// Ticks until other nodes are asked for page keys.
    until_asked: u32,
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
            if keeping.wait == 0 {
                keeping.wait = self.keep(&mut keeping, today).await;
            }
            if keeping.until_asked == 0 {
                self.ask_for_page_keys().await;
                keeping.until_asked = RETRY_TICKS;
            }
            ticked.await;
            keeping.wait = keeping.wait.saturating_sub(1);
            keeping.until_asked = keeping.until_asked.saturating_sub(1);
        }
    }

    /// What this node lacks of the page keys of others, where it is one of several.
    async fn ask_for_page_keys(&self) {
        match self.journal().catch_up_keys().await {
            Ok(caught) if !caught.away.is_empty() => {
                let away: Vec<u16> = caught.away.iter().map(|node| node.0).collect();
                tracing::warn!(?away, "other nodes do not answer at the port of page keys");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "page keys of other nodes could not be kept");
            }
        }
    }

    /// One round, of which no part waits for another that fails; the ticks until the next one.
    async fn keep(&self, keeping: &mut Keeping, today: Option<u32>) -> u32 {
        let (lost, lost_waits) = match self.shred_lost().await {
            Err(error) if error.reason == WAITS => (true, true),
            lost => (said(lost), false),
        };
        let finished = self.finish_all().await;
        let expired = match today {
            Some(day) if keeping.expired_on != Some(day) && self.is_releaser() => {
                let expired = match self.expire(None).await {
                    // It is ordered, and gone on with like every other erasure.
                    Err(error) if error.reason == WAITS => true,
                    // Another node does it.
                    Err(error) if error.reason == TERM_OVER => return LOOK_TICKS,
                    expired => said(expired.map(|_| ())),
                };
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
        match finished {
            Finished::All if lost && expired && !lost_waits => 0,
            Finished::All | Finished::Waits if lost && expired => LOOK_TICKS,
            Finished::All | Finished::Waits | Finished::Failed => RETRY_TICKS,
        }
    }
}

/// Logs what failed; whether nothing did.
fn said(done: Result<(), Error>) -> bool {
    if let Err(error) = &done {
        tracing::error!(reason = error.reason, error = %error, "the keeper could not go on; it tries again");
    }
    done.is_ok()
}
