//! Making a value coarser, a function for each ladder. A value that has no form at the step asked for gives nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use causeway_model::{Ladder, PartialDate, Step};

/// A value of a leaf.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Flag(bool),
}

/// Bounds between bands of money, in whole units of the currency, and the names of the bands.
const AMOUNT_BANDS: [(f64, &str); 7] = [
    (500.0, "0-499"),
    (1_000.0, "500-999"),
    (5_000.0, "1000-4999"),
    (10_000.0, "5000-9999"),
    (25_000.0, "10000-24999"),
    (50_000.0, "25000-49999"),
    (f64::INFINITY, "50000+"),
];

/// What the code lists say about making values coarser: the region of each country, the type of each organisation.
#[derive(Debug, Default)]
pub(crate) struct Ladders {
    /// Country (alpha-2) to region; the list takes the UN's M49 regions, and puts Kosovo beside its neighbours.
    regions: HashMap<Box<str>, Box<str>>,
    /// Words in the names of organisations, lower case, each with the type that it shows. The first match wins.
    organisations: Vec<(Box<str>, Box<str>)>,
}

impl Ladders {
    /// The list that the country ladder needs, each code with its `region`.
    pub(crate) const COUNTRY: &'static str = "country";
    /// The list that the organisation ladder needs, each code with its `words`.
    pub(crate) const ORGANISATION: &'static str = "organisation";

    pub(crate) fn new<'l>(
        regions: impl Iterator<Item = (&'l str, &'l str)>,
        organisations: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> Self {
        Self {
            regions: regions.map(|(country, region)| (country.into(), region.into())).collect(),
            organisations: organisations.map(|(word, kind)| (word.to_lowercase().into(), kind.into())).collect(),
        }
    }

    /// The code list that this ladder needs and that is missing.
    pub(crate) fn missing(&self, ladder: Ladder) -> Option<&'static str> {
        match ladder {
            Ladder::Country if self.regions.is_empty() => Some(Self::COUNTRY),
            Ladder::Organisation if self.organisations.is_empty() => Some(Self::ORGANISATION),
            _ => None,
        }
    }

    fn region(&self, text: &str) -> Option<&str> {
        let known = self.regions.get(text).or_else(|| self.regions.values().find(|region| ***region == *text));
        known.map(|region| &**region)
    }

    fn organisation_type(&self, name: &str) -> Option<&str> {
        let known = self.organisations.iter().find(|(_, kind)| **kind == *name).or_else(|| {
            let name = name.to_lowercase();
            self.organisations.iter().find(|(word, _)| name.contains(&**word))
        });
        known.map(|(_, kind)| &**kind)
    }

    /// `value` at `step` of `ladder`. A value that is already coarser than the step stays as it is.
    pub(crate) fn coarsen<'a>(&'a self, ladder: Ladder, step: Step, value: Scalar<'a>) -> Option<Scalar<'a>> {
        if !ladder.steps().contains(&step) {
            return None;
        }
        match (ladder, step, value) {
            (Ladder::Drop, _, value) | (Ladder::Gender | Ladder::Organisation, Step::Exact, value) => Some(value),
            (Ladder::Coordinate | Ladder::Amount, Step::Exact, value) => Some(value),
            (Ladder::Date, step, Scalar::Text(text)) => date(step, text).map(Scalar::Text),
            (Ladder::Age, Step::Band, value) => Some(value),
            (Ladder::Age, _, Scalar::Text(text)) => adult_or_child(&text).map(fixed),
            (Ladder::Place, step, Scalar::Text(text)) => place(step, text).map(Scalar::Text),
            (Ladder::Gender, _, Scalar::Text(text)) => Some(fixed(female_or_male(&text))),
            (Ladder::Country, Step::Region, Scalar::Text(text)) => self.region(&text).map(fixed),
            (Ladder::Country, _, value @ Scalar::Text(_)) => Some(value),
            (Ladder::Organisation, _, Scalar::Text(text)) => self.organisation_type(&text).map(fixed),
            (Ladder::Coordinate, _, Scalar::Integer(degrees)) => Some(Scalar::Integer(degrees)),
            (Ladder::Coordinate, _, Scalar::Number(degrees)) => Some(Scalar::Number((degrees * 10.0).round() / 10.0)),
            (Ladder::Amount, _, value) => amount_band(&value).map(fixed),
            _ => None,
        }
    }
}

fn fixed(text: &str) -> Scalar<'_> {
    Scalar::Text(Cow::Borrowed(text))
}

/// The first so many bytes; all of a text that has no more.
fn first(bytes: usize, text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if text.len() <= bytes {
        return Some(text);
    }
    match text {
        Cow::Borrowed(text) => text.get(..bytes).map(Cow::Borrowed),
        Cow::Owned(text) => text.get(..bytes).map(|first| Cow::Owned(first.to_owned())),
    }
}

/// A date begins with its month, and the month with its year.
fn date(step: Step, text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    const YEAR: usize = "2026".len();
    const MONTH: usize = "2026-03".len();
    if let Some((year, quarter)) = text.split_once("-Q") {
        let known = year.parse::<PartialDate>().is_ok() && matches!(quarter, "1" | "2" | "3" | "4");
        let year = year.len();
        return if known && step == Step::Year { first(year, text) } else { known.then_some(text) };
    }
    let PartialDate { year, month, .. } = text.parse().ok()?;
    match (step, month) {
        (Step::Year, _) => first(YEAR, text),
        (Step::Quarter, Some(month)) => Some(Cow::Owned(format!("{year:04}-Q{}", (month - 1) / 3 + 1))),
        (Step::Month, _) => first(MONTH, text),
        _ => Some(text),
    }
}

/// Of an age band, of an answer to "is a minor", or of itself; "not sure" is neither.
fn adult_or_child(text: &str) -> Option<&'static str> {
    match text {
        "0-8" | "9-17" | "yes" | "child" => Some("child"),
        "18-20" | "21-23" | "24-26" | "27-29" | "30-38" | "39-47" | "48+" | "no" | "adult" => Some("adult"),
        _ => None,
    }
}

/// A UN/LOCODE says its country but not its subdivision, so at that step it gives nothing.
fn place(step: Step, text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let (subdivision, country) = (text.as_bytes().get(2) == Some(&b'-'), text.len() == 2);
    match step {
        Step::Country => first(2, text).filter(|country| country.len() == 2),
        Step::Subdivision if subdivision || country => Some(text),
        Step::Port => Some(text),
        _ => None,
    }
}

fn female_or_male(text: &str) -> &'static str {
    match text {
        "female" => "female",
        "male" => "male",
        _ => "unknown",
    }
}

#[expect(clippy::cast_precision_loss, reason = "amounts are bounded far below 2^53 by the schema")]
fn amount_band(value: &Scalar<'_>) -> Option<&'static str> {
    let amount = match value {
        Scalar::Text(text) => return AMOUNT_BANDS.iter().map(|(_, band)| *band).find(|band| band == text),
        Scalar::Integer(whole) => *whole as f64,
        Scalar::Number(number) => *number,
        Scalar::Flag(_) => return None,
    };
    AMOUNT_BANDS.iter().find(|(bound, _)| amount < *bound).map(|(_, band)| *band)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladders() -> Ladders {
        let regions = [("AL", "Southern Europe"), ("VN", "South-eastern Asia"), ("XK", "Southern Europe")];
        let words =
            [("police", "police"), ("national crime agency", "law_enforcement"), ("council", "local_authority")];
        Ladders::new(regions.into_iter(), words.into_iter())
    }

    fn step(ladder: Ladder, step: Step, text: &str) -> Option<String> {
        match ladders().coarsen(ladder, step, Scalar::Text(text.into()))? {
            Scalar::Text(text) => Some(text.into_owned()),
            other => panic!("a text gave {other:?}"),
        }
    }

    #[test]
    fn each_ladder_gives_its_steps() {
        for (ladder, at, from, to) in [
            (Ladder::Date, Step::Day, "2026-03-14", Some("2026-03-14")),
            (Ladder::Date, Step::Month, "2026-03-14", Some("2026-03")),
            (Ladder::Date, Step::Quarter, "2026-03-14", Some("2026-Q1")),
            (Ladder::Date, Step::Quarter, "2026-04", Some("2026-Q2")),
            (Ladder::Date, Step::Year, "2026-Q4", Some("2026")),
            (Ladder::Date, Step::Quarter, "2026", Some("2026")),
            (Ladder::Date, Step::Month, "soon", None),
            (Ladder::Age, Step::Band, "18-20", Some("18-20")),
            (Ladder::Age, Step::AdultChild, "9-17", Some("child")),
            (Ladder::Age, Step::AdultChild, "no", Some("adult")),
            (Ladder::Age, Step::AdultChild, "not_sure", None),
            (Ladder::Place, Step::Port, "GBDVR", Some("GBDVR")),
            (Ladder::Place, Step::Subdivision, "GBDVR", None),
            (Ladder::Place, Step::Country, "GBDVR", Some("GB")),
            (Ladder::Place, Step::Country, "GB-KEN", Some("GB")),
            (Ladder::Gender, Step::FemaleMale, "transgender_male", Some("unknown")),
            (Ladder::Gender, Step::FemaleMale, "female", Some("female")),
            (Ladder::Country, Step::Region, "AL", Some("Southern Europe")),
            (Ladder::Country, Step::Region, "AQ", None),
            (Ladder::Country, Step::Region, "Southern Europe", Some("Southern Europe")),
            (Ladder::Country, Step::Country, "VN", Some("VN")),
            (Ladder::Organisation, Step::Type, "Kent Police", Some("police")),
            (Ladder::Organisation, Step::Type, "Bristol City Council", Some("local_authority")),
            (Ladder::Organisation, Step::Type, "police", Some("police")),
            (Ladder::Organisation, Step::Type, "a private household", None),
            (Ladder::Date, Step::Region, "2026", None),
        ] {
            assert_eq!(step(ladder, at, from).as_deref(), to, "{ladder:?} {at} {from}");
        }
        let ladders = ladders();
        let rounded = ladders.coarsen(Ladder::Coordinate, Step::TenthDegree, Scalar::Number(51.1279));
        assert_eq!(rounded, Some(Scalar::Number(51.1)));
        let band = ladders.coarsen(Ladder::Amount, Step::Band, Scalar::Integer(18_000));
        assert_eq!(band, Some(fixed("10000-24999")));
    }

    #[test]
    fn a_step_taken_twice_changes_nothing() {
        for ladder in [Ladder::Date, Ladder::Age, Ladder::Place, Ladder::Gender, Ladder::Country, Ladder::Organisation]
        {
            for at in ladder.steps() {
                for text in ["2026-03-14", "9-17", "GBDVR", "GB-KEN", "male", "VN", "National Crime Agency NCA"] {
                    let Some(once) = step(ladder, *at, text) else { continue };
                    assert_eq!(step(ladder, *at, &once), Some(once.clone()), "{ladder:?} {at} {text}");
                }
            }
        }
    }
}
