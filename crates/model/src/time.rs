//! Points in time and calendar dates, without a clock.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    const MICROS_A_DAY: u64 = 86_400_000_000;

    /// The calendar date (UTC) that this moment falls on.
    pub fn date(self) -> Date {
        Date::from_days(self.0 / Self::MICROS_A_DAY)
    }

    /// Whole days since 1970-01-01 (UTC).
    pub const fn day(self) -> u64 {
        self.0 / Self::MICROS_A_DAY
    }

    /// This moment moved forward by whole seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with milliseconds, as in `2026-11-21T22:34:59.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0 % Self::MICROS_A_DAY;
        let (seconds, millis) = (of_day / 1_000_000, of_day / 1_000 % 1_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", self.date())
    }
}

/// A calendar date of the proleptic Gregorian calendar, years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The date, if there is such a day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid =
            (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        valid.then_some(Self { year, month, day })
    }

    /// The date so many days after 1970-01-01.
    pub fn from_day(day: u32) -> Self {
        Self::from_days(day.into())
    }

    /// Year, month (1 to 12) and day (1 to 31).
    pub const fn parts(self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// The first microsecond of the day (UTC); the epoch for days before it.
    pub fn start(self) -> Timestamp {
        Timestamp(self.days().max(0).unsigned_abs() * Timestamp::MICROS_A_DAY)
    }

    /// Days since 1970-01-01, negative before (Howard Hinnant, "chrono-compatible low-level date algorithms").
    fn days(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "month and day are bounded by the algorithm, the year by the clamp"
    )]
    fn from_days(days: u64) -> Self {
        let shifted = days.min(2_932_896) + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Self { year: year as u16, month: month as u8, day: day as u8 }
    }
}

impl FromStr for Date {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.parse()? {
            PartialDate { year, month: Some(month), day: Some(day) } => {
                Self::new(year, month, day).ok_or(Malformed("date"))
            }
            _ => Err(Malformed("date")),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A date known to the year, the month or the day: `2026`, `2026-03`, `2026-03-14`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDate {
    /// The year, 1 to 9999.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: Option<u8>,
    /// The day of the month; only where the month is known.
    pub day: Option<u8>,
}

impl PartialDate {
    /// The first day that it can mean.
    pub fn earliest(self) -> Date {
        Date { year: self.year, month: self.month.unwrap_or(1), day: self.day.unwrap_or(1) }
    }

    /// The last day that it can mean.
    pub fn latest(self) -> Date {
        let month = self.month.unwrap_or(12);
        Date { year: self.year, month, day: self.day.unwrap_or_else(|| days_in(self.year, month)) }
    }
}

impl FromStr for PartialDate {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("date");
        let two = |tens, ones| Some(digit(tens)? * 10 + digit(ones)?);
        let (century, of_century, month, day) = match *text.as_bytes() {
            [a, b, c, d] => (two(a, b), two(c, d), None, None),
            [a, b, c, d, b'-', e, f] => (two(a, b), two(c, d), Some(two(e, f)), None),
            [a, b, c, d, b'-', e, f, b'-', g, h] => (two(a, b), two(c, d), Some(two(e, f)), Some(two(g, h))),
            _ => return Err(malformed),
        };
        let year = u16::from(century.ok_or(malformed)?) * 100 + u16::from(of_century.ok_or(malformed)?);
        let month = month.map(|month| month.ok_or(malformed)).transpose()?;
        let day = day.map(|day| day.ok_or(malformed)).transpose()?;
        Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok_or(malformed)?;
        Ok(Self { year, month, day })
    }
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u8::from(leap),
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_reads_back_from_its_number() {
        for days in (0..2_932_896).step_by(13) {
            let date = Date::from_days(days);
            assert_eq!(u64::try_from(date.days()), Ok(days), "{date}");
            assert_eq!(date.to_string().parse(), Ok(date));
        }
        assert_eq!(Timestamp(1_793_314_499_000_000).to_string(), "2026-10-29T22:54:59.000Z");
    }

    #[test]
    fn dates_that_are_not_are_refused() {
        for bad in [
            "",
            "2026-",
            "2026-13",
            "2026-02-29",
            "2026-2-1",
            "+026-01-01",
            "2026-01-01-01",
            "0000-01-01",
            "2026/01/01",
            "2026-00",
            "2026-01-00",
            "2026-01/01",
            "202:-01",
            "2026-0:",
            "2026-1\u{660}",
        ] {
            assert!(bad.parse::<PartialDate>().is_err(), "{bad:?}");
        }
        let month: PartialDate = "2024-02".parse().expect("well formed");
        assert_eq!(
            (month.earliest().to_string(), month.latest().to_string()),
            ("2024-02-01".into(), "2024-02-29".into())
        );
    }
}
