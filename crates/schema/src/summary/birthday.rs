//! A date as people write it: `17 Apr 1999`, `17th of April 1999`, `17/4/99`, `1999-04-17`, `17041999`.

use causeway_model::PartialDate;

use super::token::Token;
use crate::fold::folded;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// A month's name may be cut down to so many letters.
const SHORT_MONTH: usize = 3;
/// Words and endings between the parts of a date.
const FILLERS: &[&str] = &["of", "the", "st", "nd", "rd", "th"];

/// Whether the date stands among the words, known to the day or to the month. A year alone is in many texts and names
/// nobody.
pub(crate) fn stands(tokens: &[Token], date: PartialDate) -> bool {
    let Some(month) = date.month else { return false };
    let units = units(tokens);
    let year = |unit: &str| unit == format!("{:04}", date.year);
    let short_year = |unit: &str| year(unit) || unit == format!("{:02}", date.year % 100);
    let month_is = |unit: &str| is_month(unit, month);
    let Some(day) = date.day else {
        let whole = [format!("{:04}{month:02}", date.year), format!("{month:02}{:04}", date.year)];
        let pair = |pair: &[String]| (month_is(&pair[0]) && year(&pair[1])) || (year(&pair[0]) && month_is(&pair[1]));
        return units.windows(2).any(pair) || units.iter().any(|unit| whole.contains(unit));
    };
    let day_is = |unit: &str| unit.len() <= 2 && unit.parse() == Ok(day);
    let three = |three: &[String]| {
        let [one, two, three] = three else { return false };
        (day_is(one) && month_is(two) && short_year(three))
            || (month_is(one) && day_is(two) && short_year(three))
            || (short_year(one) && month_is(two) && day_is(three))
    };
    units.windows(3).any(three) || units.iter().any(|unit| whole(date.year, month, day).contains(unit))
}

/// The date in one number.
fn whole(year: u16, month: u8, day: u8) -> [String; 6] {
    let short = year % 100;
    [
        format!("{year:04}{month:02}{day:02}"),
        format!("{day:02}{month:02}{year:04}"),
        format!("{month:02}{day:02}{year:04}"),
        format!("{short:02}{month:02}{day:02}"),
        format!("{day:02}{month:02}{short:02}"),
        format!("{month:02}{day:02}{short:02}"),
    ]
}

fn is_month(unit: &str, month: u8) -> bool {
    let name = MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default();
    (unit.len() <= 2 && unit.parse() == Ok(month)) || (unit.len() >= SHORT_MONTH && name.starts_with(unit))
}

/// The words and numbers, also where nothing stands between them, without what stands between the parts of a date.
fn units(tokens: &[Token]) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for token in tokens {
        let mut unit = String::new();
        for character in folded(&token.raw).chars() {
            if unit.chars().next_back().is_some_and(|last| last.is_ascii_digit() != character.is_ascii_digit()) {
                units.push(std::mem::take(&mut unit));
            }
            unit.push(character);
        }
        units.push(unit);
    }
    units.retain(|unit| !FILLERS.contains(&unit.as_str()));
    units
}
