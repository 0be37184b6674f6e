//! A moment as people state it: a date, or a date and time as RFC 3339 has it.

use std::str::FromStr;

use causeway_model::{Date, Timestamp};

const MICROS_A_SECOND: u64 = 1_000_000;

/// A date (UTC), or a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The whole day.
    Day(Date),
    /// The moment.
    At(Timestamp),
}

impl Moment {
    /// As the first moment of a span, in microseconds since 1970.
    pub(crate) fn first(self) -> u64 {
        match self {
            Self::Day(date) => date.start().0,
            Self::At(time) => time.0,
        }
    }

    /// As the end of a span: the first moment after it. The last day of a span is in it.
    pub(crate) fn after(self) -> u64 {
        match self {
            Self::Day(date) => date.start().plus_seconds(86_400).0,
            Self::At(time) => time.0,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed =
            || "a time is a date, as 2026-03-31, or as 2026-03-31T18:30:00Z or 2026-03-31T20:30:00+02:00".to_owned();
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            None => return text.parse().map(Self::Day).map_err(|_| malformed()),
            Some((date, time)) => (date.parse::<Date>().map_err(|_| malformed())?, time),
        };
        let of_day = of_day(time).ok_or_else(malformed)?;
        let micros = i128::from(date.start().0) + of_day;
        u64::try_from(micros).map(|micros| Self::At(Timestamp(micros))).map_err(|_| malformed())
    }
}

/// Microseconds from the day's start in UTC (RFC 3339 section 5.6, `full-time`): below 0 or above a day where the offset says so.
fn of_day(time: &str) -> Option<i128> {
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone);
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    let [hour, minute, second] = numbers(clock)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = fraction.map_or(Some(0), micros)?;
    let seconds = i128::from((hour * 60 + minute) * 60 + second);
    Some((seconds - i128::from(offset(zone)?)) * i128::from(MICROS_A_SECOND) + i128::from(micros))
}

/// Seconds that a zone is ahead of UTC: `Z`, `+02:00`, `-05:30`.
pub(crate) fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let ahead = zone.starts_with('+');
    let [hours, minutes] = numbers(zone.strip_prefix(['+', '-'])?)?;
    let seconds = i64::try_from((hours * 60 + minutes) * 60).ok()?;
    (hours <= 23 && minutes <= 59).then_some(if ahead { seconds } else { -seconds })
}

/// Numbers of two digits each, between colons.
pub(crate) fn numbers<const N: usize>(text: &str) -> Option<[u64; N]> {
    let number =
        |part: &str| (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?;
    let parts: Vec<u64> = text.split(':').map(number).collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// A fraction of a second in microseconds; finer digits are cut off.
fn micros(digits: &str) -> Option<u64> {
    let plain = (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| format!("{digits:0<6}")[..6].parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_of_any_offset_are_read() {
        let at = |text: &str| match text.parse::<Moment>() {
            Ok(Moment::At(time)) => time.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(at("2026-03-31T18:30:00Z"), "2026-03-31T18:30:00.000Z");
        assert_eq!(at("2026-03-31T01:30:00.25+02:00"), "2026-03-30T23:30:00.250Z");
        assert_eq!(at("2026-12-31 23:30:00.1234567-05:30"), "2027-01-01T05:00:00.123Z");
        let day: Moment = "2026-03-31".parse().expect("a date");
        assert_eq!(Timestamp(day.first()).to_string(), "2026-03-31T00:00:00.000Z");
        assert_eq!(Timestamp(day.after()).to_string(), "2026-04-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-02-30",
            "2026-03-31T",
            "2026-03-31T18:30Z",
            "2026-03-31T18:30:00",
            "2026-03-31T24:00:00Z",
            "2026-03-31T18:30:00+2:00",
            "2026-03-31T18:30:00.Z",
            "2026-03-31T+8:30:00Z",
            "1970-01-01T00:00:00+01:00",
            "yesterday",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text:?}");
        }
    }
}
