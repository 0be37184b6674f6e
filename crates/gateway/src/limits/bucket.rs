//! A token bucket: pure, its time is passed in. It can be taken from, which fails where it is empty, and charged, which puts it into
//! debt: that is for what has come already.

use std::time::Duration;

/// One token, in what a bucket counts: as many of them flow in during each microsecond as the rate has tokens a second.
const TOKEN: i64 = 1_000_000;

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) per_second: u64,
    pub(crate) most: u64,
}

impl Rate {
    /// A rate whose bucket holds what comes in a second.
    pub(crate) const fn a_second(per_second: u64) -> Self {
        Self { per_second, most: per_second }
    }

    fn capacity(self) -> i64 {
        units(self.most)
    }
}

fn units(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX).saturating_mul(TOKEN)
}

/// The bucket. It begins full, and time that goes back puts nothing in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    at: Duration,
    level: i64,
}

impl Bucket {
    pub(crate) const fn full() -> Self {
        Self { at: Duration::ZERO, level: i64::MAX }
    }

    /// Takes a token where more than `kept` of them are in, or says how long it is until there are.
    pub(crate) fn take(&mut self, rate: Rate, kept: u64, now: Duration) -> Result<(), Duration> {
        self.flow(rate, now);
        // A bucket that holds next to nothing keeps none of it back: nobody would ever get it.
        let kept = units(kept).min(rate.capacity().saturating_sub(TOKEN)).max(0);
        let left = self.level.saturating_sub(TOKEN);
        if left < kept {
            return Err(time(kept.saturating_sub(left), rate));
        }
        self.level = left;
        Ok(())
    }

    /// Takes tokens for what cannot be undone; gives the time until the bucket is out of debt again.
    pub(crate) fn charge(&mut self, tokens: u64, rate: Rate, now: Duration) -> Duration {
        self.flow(rate, now);
        self.level = self.level.saturating_sub(units(tokens));
        time(self.level.saturating_neg(), rate)
    }

    /// The time until the bucket is out of debt; nothing where it is in none.
    pub(crate) fn debt(&mut self, rate: Rate, now: Duration) -> Duration {
        self.charge(0, rate, now)
    }

    /// Puts tokens in beside those that flow.
    pub(crate) fn give(&mut self, tokens: u64, rate: Rate) {
        self.level = self.level.saturating_add(units(tokens)).min(rate.capacity());
    }

    fn flow(&mut self, rate: Rate, now: Duration) {
        let passed = u64::try_from(now.saturating_sub(self.at).as_micros()).unwrap_or(u64::MAX);
        let flowed = i64::try_from(passed.saturating_mul(rate.per_second)).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(flowed).min(rate.capacity());
        self.at = self.at.max(now);
    }
}

/// How long it takes until so much has come in.
fn time(missing: i64, rate: Rate) -> Duration {
    let missing = u64::try_from(missing).unwrap_or(0);
    Duration::from_micros(missing.div_ceil(rate.per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    /// Numbers that look like any, the same in every run.
    fn draws() -> impl FnMut(u64) -> u64 {
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        move |below| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        }
    }

    #[test]
    fn it_holds_its_most_and_fills_as_time_goes() {
        let rate = Rate { per_second: 10, most: 3 };
        let mut bucket = Bucket::full();
        for _ in 0..3 {
            bucket.take(rate, 0, MILLI).expect("it begins full");
        }
        assert_eq!(bucket.take(rate, 0, MILLI), Err(100 * MILLI));
        assert_eq!(bucket.take(rate, 0, 51 * MILLI), Err(50 * MILLI), "what is refused takes nothing");
        bucket.take(rate, 0, 101 * MILLI).expect("one has come in");
        bucket.take(rate, 0, Duration::ZERO).expect_err("time that goes back puts nothing in");
        assert_eq!(bucket.charge(5, rate, 3_600_000 * MILLI), 200 * MILLI, "an hour is worth what it holds");
        assert_eq!(bucket.debt(rate, 3_600_100 * MILLI), 100 * MILLI);
        bucket.give(2, rate);
        assert_eq!(bucket.debt(rate, 3_600_100 * MILLI), Duration::ZERO);
    }

    #[test]
    fn what_is_kept_back_is_for_those_who_keep_nothing() {
        let rate = Rate::a_second(10);
        let mut bucket = Bucket::full();
        let taken = (0..20).take_while(|_| bucket.take(rate, 2, MILLI).is_ok()).count();
        assert_eq!(taken, 8);
        let taken = (0..20).take_while(|_| bucket.take(rate, 0, MILLI).is_ok()).count();
        assert_eq!(taken, 2);
        Bucket::full().take(Rate::a_second(1), 1, MILLI).expect("one a second is not none");
    }

    #[test]
    fn no_window_of_time_sees_more_than_the_rate_and_a_full_bucket() {
        let mut draw = draws();
        for _ in 0..200 {
            let rate = Rate { per_second: 1 + draw(1_000), most: 1 + draw(1_000) };
            let (mut bucket, mut now, mut taken) = (Bucket::full(), Duration::from_secs(1), Vec::new());
            for _ in 0..2_000 {
                now += Duration::from_micros(draw(2_000));
                match bucket.take(rate, 0, now) {
                    Ok(()) => taken.push(now),
                    Err(wait) => {
                        assert!(wait > Duration::ZERO);
                        let mut later = bucket;
                        later.take(rate, 0, now + wait).expect("who comes after the delay gets one");
                    }
                }
            }
            for window in [1, 10, 100] {
                for (from, to) in taken.iter().zip(taken.iter().skip(window)) {
                    let micros = u64::try_from((*to - *from).as_micros()).expect("short");
                    let allowed = rate.most * 1_000_000 + micros * rate.per_second;
                    assert!(window as u64 * 1_000_000 <= allowed, "{rate:?}: {window} in {micros} us");
                }
            }
        }
    }

    #[test]
    fn nothing_overflows() {
        let rate = Rate::a_second(u64::MAX);
        let mut bucket = Bucket::full();
        assert_eq!(bucket.charge(u64::MAX, rate, Duration::MAX), Duration::ZERO);
        bucket.charge(u64::MAX, Rate::a_second(1), Duration::MAX);
        bucket.charge(u64::MAX, Rate::a_second(1), Duration::MAX);
        bucket.take(Rate::a_second(1), u64::MAX, Duration::MAX).expect_err("deep in debt");
    }
}
