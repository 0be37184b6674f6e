//! The rules of age: what a record says of a person's age must not contradict itself. Only what is surely wrong is
//! refused; a date that is known in part gets the benefit of the doubt, and `not_sure` is never wrong.

use causeway_model::{Date, PartialDate};

use crate::value::Value;
use crate::violation::Violation;

const MINOR: (&str, &str) = ("birth-date-minor", "the date of birth contradicts is_minor");
const BAND: (&str, &str) = ("birth-date-age-band", "the date of birth contradicts the age band");
const TRAFFICKED: (&str, &str) =
    ("age-trafficked-minor", "the age when first trafficked contradicts was_minor_at_exploitation");

/// Every rule of this file; all of them are about profiles.
pub(crate) const RULES: &[(&str, &str)] = &[MINOR, BAND, TRAFFICKED];

/// The age from which a person is an adult.
const ADULT: u16 = 18;
/// Dates of a profile that lie before the day on which it was made.
const TOLD_OF: &[&str] = &["referral_date", "exploitation_start", "exploitation_end"];

/// Adds to `found` every rule that the profile breaks on `today`, the date of receipt.
pub(crate) fn check(profile: &Value<'_>, today: Date, found: &mut Vec<Violation>) {
    // A day that has not come is refused as such, and says nothing of the age.
    if let Some(birth) = partial(profile, "date_of_birth").filter(|birth| birth.earliest() <= today) {
        let surely = match text(profile, "is_minor") {
            Some("no") => age(birth.earliest(), today) < ADULT,
            Some("yes") => age(birth.latest(), today) >= ADULT,
            _ => false,
        };
        if surely {
            found.push(Violation::new("/is_minor", MINOR));
        }
        if band(profile).is_some_and(|band| contradicts(birth, band, profile, today)) {
            found.push(Violation::new("/age_band", BAND));
        }
    }
    let trafficked = profile.get("age_when_trafficked").and_then(Value::as_u64);
    let wrong = match (trafficked, text(profile, "was_minor_at_exploitation")) {
        (Some(age), Some("no")) => age < u64::from(ADULT),
        (Some(age), Some("yes")) => age >= u64::from(ADULT),
        _ => false,
    };
    if wrong {
        found.push(Violation::new("/was_minor_at_exploitation", TRAFFICKED));
    }
}

/// The band is the age when the record was made: on the day of receipt at the latest, so nobody is older than on that
/// day; and not before the last thing that the record tells of, so nobody is younger than then.
fn contradicts(birth: PartialDate, (least, most): (u16, u16), profile: &Value<'_>, today: Date) -> bool {
    let told = TOLD_OF.iter().filter_map(|name| Some(partial(profile, name)?.earliest())).filter(|day| *day <= today);
    let too_young = age(birth.earliest(), today) < least;
    too_young || told.max().is_some_and(|made| age(birth.latest(), made) > most)
}

/// The least and the greatest age of the band; none where it is not known.
fn band(profile: &Value<'_>) -> Option<(u16, u16)> {
    let band = text(profile, "age_band")?;
    match band.split_once('-') {
        Some((least, most)) => Some((least.parse().ok()?, most.parse().ok()?)),
        None => Some((band.strip_suffix('+')?.parse().ok()?, u16::MAX)),
    }
}

/// Whole years from `birth` to `day`. Who is born on 29 February is a year older from 1 March in a common year.
fn age(birth: Date, day: Date) -> u16 {
    let ((born, month, of_month), (year, now, today)) = (birth.parts(), day.parts());
    year.saturating_sub(born).saturating_sub(u16::from((now, today) < (month, of_month)))
}

fn text<'v>(profile: &'v Value<'_>, name: &str) -> Option<&'v str> {
    profile.get(name).and_then(Value::as_str)
}

fn partial(profile: &Value<'_>, name: &str) -> Option<PartialDate> {
    text(profile, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_counted_in_whole_years() {
        for (birth, day, expected) in [
            ("2008-11-21", "2026-11-20", 17),
            ("2008-11-21", "2026-11-21", 18),
            ("2008-02-29", "2026-02-28", 17),
            ("2008-02-29", "2026-03-01", 18),
            ("2026-11-21", "2026-11-21", 0),
            ("2027-01-01", "2026-11-21", 0),
        ] {
            let date = |text: &str| text.parse().expect("a date");
            assert_eq!(age(date(birth), date(day)), expected, "{birth} {day}");
        }
    }
}
