//! Quotas of an agreement: how many records leave in a day (UTC), and how many requests are answered in a second. What tells that an
//! earlier item no longer holds is held back by neither: withdrawals, and releases that replace another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use causeway_agreement::Agreement;
use causeway_journal::State;
use causeway_model::{AgreementId, Position, Timestamp};

use crate::slot::{Told, told};
use crate::{Caller, Class, Error, Exchange, Tallied};

/// A request takes so much out of a bucket, and each microsecond puts in as much as there are requests a second.
const REQUEST: u64 = 1_000_000;

/// Seconds of a day (UTC).
const DAY_SECONDS: u64 = 86_400;

/// Positions looked at under one hold of the state for what must be told behind what is put off.
const LOOK_POSITIONS: u64 = 4_096;

/// What is counted of each agreement in memory. What has left in a day is in the journal's state, and not here.
#[derive(Debug, Default)]
pub(crate) struct Meters(Mutex<HashMap<AgreementId, Arc<Meter>>>);

/// What is counted of one agreement.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Held while a page is made under a daily quota, so that no two pages take the same of it.
    pub(crate) page: futures_util::lock::Mutex<()>,
    bucket: Mutex<Option<Bucket>>,
    told: Mutex<Told>,
}

/// A token bucket: it holds the requests of one second at most.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    at: Timestamp,
    level: u64,
}

impl Bucket {
    /// Takes a request out at `now`, or says how long it is until one is in.
    fn take(&mut self, per_second: u32, now: Timestamp) -> Result<(), Duration> {
        let rate = u64::from(per_second);
        let flowed = now.0.saturating_sub(self.at.0).saturating_mul(rate);
        self.level = self.level.saturating_add(flowed).min(rate.saturating_mul(REQUEST));
        self.at = self.at.max(now);
        match self.level.checked_sub(REQUEST) {
            Some(left) => {
                self.level = left;
                Ok(())
            }
            None => Err(Duration::from_micros((REQUEST - self.level).div_ceil(rate.max(1)))),
        }
    }
}

impl Meters {
    /// The meter of an agreement. There are never more of them than agreements.
    pub(crate) fn of(&self, agreement: &AgreementId) -> Arc<Meter> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(agreement.clone()).or_default())
    }
}

impl Meter {
    fn take(&self, per_second: u32, now: Timestamp) -> Result<(), Duration> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket { at: now, level: u64::from(per_second).saturating_mul(REQUEST) };
        bucket.get_or_insert(full).take(per_second, now)
    }

    fn told(&self) -> Told {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps how far somebody has looked, where nobody has looked further.
    fn keep(&self, looked: Told) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.to > told.to {
            *told = looked;
        }
    }
}

impl Exchange {
    /// Takes one request of the agreement's second; what is refused is summed up, since a partner can cause it at will.
    ///
    /// # Errors
    /// `Busy` where the second's requests are used up.
    pub(crate) fn within_rate(&self, caller: &Caller, agreement: &Agreement) -> Result<(), Error> {
        let Some(per_second) = agreement.quota.requests_per_second else { return Ok(()) };
        self.meters().of(&agreement.id).take(per_second, self.now()).map_err(|delay| {
            self.tally("", Some(&caller.system), Tallied::Overload, 1);
            let message = "the agreement states fewer requests a second; try again after the delay";
            Error { retry_after: Some(delay), ..Error::new(Class::Busy, "rate-exceeded", message) }
        })
    }

    /// Takes one request for a watch, which asks for no other while it lasts. Of what is refused for another reason, its first page
    /// tells.
    ///
    /// # Errors
    /// `Busy` with the delay where the second is used up.
    pub fn admit_watch(&self, caller: &Caller, named: Option<&AgreementId>) -> Result<(), Error> {
        self.feed_of(caller, named).map_or(Ok(()), |agreement| self.within_rate(caller, &agreement))
    }

    /// Whether a partner that is told of nothing but what is put off would still miss something further on that it must be told. What
    /// has been looked through once is not again, and other work goes on in between.
    pub(crate) async fn tells_behind(&self, agreement: &Agreement, after: Position) -> bool {
        let meter = self.meters().of(&agreement.id);
        loop {
            let before = meter.told();
            let (looked, newest) = self.journal().read(|state| {
                let newest = state.feed(&agreement.id).map(|feed| feed.newest()).unwrap_or_default();
                (told(state, &agreement.id, before, LOOK_POSITIONS), newest)
            });
            meter.keep(looked);
            if looked.newest > after || looked.to >= newest {
                return looked.newest > after;
            }
            let_others_go_on().await;
        }
    }
}

/// Gives way once to whatever else waits for this thread.
async fn let_others_go_on() {
    let mut has = false;
    let give_way = |context: &mut Context<'_>| {
        if std::mem::replace(&mut has, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    };
    std::future::poll_fn(give_way).await;
}

/// How many records may still leave today; none where the agreement does not say.
pub(crate) fn left_today(state: &State, agreement: &Agreement, now: Timestamp) -> Option<u64> {
    let allowed = agreement.quota.records_per_day?;
    let left = state.feed(&agreement.id).map_or(0, |feed| feed.records_on(now.day()));
    Some(allowed.saturating_sub(left))
}

/// When the day's quota is that of a new day.
pub(crate) fn renewed(now: Timestamp) -> Timestamp {
    now.date().start().plus_seconds(DAY_SECONDS)
}

/// The refusal of a page that would hold nothing but what is put off.
pub(crate) fn quota_exceeded(now: Timestamp) -> Error {
    let message = "as many records have left today as the agreement states; the quota is renewed at midnight UTC";
    let delay = Duration::from_micros(renewed(now).0.saturating_sub(now.0));
    Error { retry_after: Some(delay), ..Error::new(Class::Busy, "quota-exceeded", message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_a_second_and_fills_as_time_goes() {
        let meter = Meter::default();
        let at = |micros: u64| Timestamp(1_000_000_000 + micros);
        for _ in 0..4 {
            meter.take(4, at(0)).expect("the second's requests");
        }
        assert_eq!(meter.take(4, at(0)), Err(Duration::from_millis(250)));
        assert_eq!(meter.take(4, at(100_000)), Err(Duration::from_millis(150)), "what is refused takes nothing");
        meter.take(4, at(250_000)).expect("one has come in");
        meter.take(4, at(249_000)).expect_err("time that goes back puts nothing in");
        for _ in 0..4 {
            meter.take(4, at(60_000_000)).expect("a minute's pause");
        }
        meter.take(4, at(60_000_000)).expect_err("a minute's pause is worth one second");
        meter.take(1, at(70_000_000)).expect("a later version allows less");
        meter.take(1, at(70_000_000)).expect_err("and what was in the bucket is no more than that");
    }

    #[test]
    fn a_quota_is_renewed_at_midnight() {
        let noon = Timestamp(43_200_000_000);
        assert_eq!(renewed(noon), Timestamp(86_400_000_000));
        assert_eq!(renewed(renewed(noon)), Timestamp(2 * 86_400_000_000));
        assert_eq!(quota_exceeded(noon).retry_after, Some(Duration::from_secs(43_200)));
    }
}
