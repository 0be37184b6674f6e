//! The rules, as their file states them.

use std::path::Path;

use causeway_model::{PurposeCode, SystemId};
use causeway_verify::operation_name;
use serde::{Deserialize, Deserializer, de};

use crate::Failure;
use crate::audit::checks::Row;
use crate::audit::moment::{numbers, offset};

/// What is built in.
const BUILT_IN: &str = include_str!("../../../../../../config/audit/unusual.toml");

/// Operations that a rule may count.
const OPERATIONS: [&str; 10] = [
    "consultation",
    "disclosure",
    "collection",
    "alteration",
    "combination",
    "erasure",
    "retention",
    "document",
    "key",
    "administration",
];

/// The rules; one that is not stated is not looked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) volume: Option<VolumeRule>,
    pub(super) hours: Option<HoursRule>,
    pub(super) off_purpose: Option<PurposeRule>,
    pub(super) same_subject: Option<SubjectRule>,
}

/// Much more in one day than usual.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VolumeRule {
    pub(super) operations: Operations,
    pub(super) times_median: u64,
    pub(super) days: usize,
    pub(super) minimum: u64,
    /// 0 for no bound.
    pub(super) absolute: u64,
}

/// Outside the hours in which an agency works.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoursRule {
    pub(super) operations: Operations,
    #[serde(default, deserialize_with = "systems")]
    pub(super) unattended: Vec<String>,
    #[serde(default)]
    pub(super) agencies: Vec<AgencyHours>,
}

/// The hours of one agency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgencyHours {
    pub(super) agency: String,
    /// Seconds ahead of UTC.
    #[serde(deserialize_with = "zone")]
    pub(super) offset: i64,
    /// Seconds from midnight.
    #[serde(deserialize_with = "clock")]
    pub(super) from: u64,
    /// Seconds from midnight; not before `from`.
    #[serde(deserialize_with = "clock")]
    pub(super) to: u64,
    pub(super) days: Vec<Day>,
}

/// A day of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A purpose that a system does not act for otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PurposeRule {
    /// 0 for no such rule.
    pub(super) new_after: u64,
    #[serde(default)]
    pub(super) systems: Vec<SystemPurposes>,
}

/// The purposes of one system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemPurposes {
    #[serde(deserialize_with = "system")]
    pub(super) system: String,
    #[serde(deserialize_with = "purposes")]
    pub(super) purposes: Vec<String>,
}

/// One person after one record, or refused again and again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectRule {
    pub(super) hours: u64,
    pub(super) times: usize,
    pub(super) refused: usize,
}

/// Operations that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operations(Vec<String>);

impl Operations {
    /// Whether an entry is of one of them.
    pub(super) fn count(&self, row: &Row) -> bool {
        let operation = operation_name(row.entry.operation());
        self.0.iter().any(|counted| counted == operation)
    }
}

impl Rules {
    /// Those of a file, or those that are built in.
    ///
    /// # Errors
    /// A file that states something else, with the place.
    pub(super) fn of(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::parse(BUILT_IN).expect("a test reads what is built in")) };
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
        Self::parse(&text).map_err(|fault| Failure::content(path, fault))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let rules: Self = toml::from_str(text).map_err(|fault| fault.to_string().trim_end().replace('\n', " | "))?;
        let faults = [
            (rules.volume.as_ref().is_some_and(|rule| rule.times_median == 0), "volume: times_median is at least 1"),
            (rules.volume.as_ref().is_some_and(|rule| rule.days == 0), "volume: days is at least 1"),
            (
                rules.hours.iter().flat_map(|rule| &rule.agencies).any(|agency| agency.to <= agency.from),
                "hours: from comes before to",
            ),
            (rules.same_subject.as_ref().is_some_and(|rule| rule.hours == 0), "same_subject: hours is at least 1"),
            (rules.same_subject.as_ref().is_some_and(|rule| rule.times < 2), "same_subject: times is at least 2"),
            (rules.same_subject.as_ref().is_some_and(|rule| rule.refused < 2), "same_subject: refused is at least 2"),
        ];
        match faults.into_iter().find(|(wrong, _)| *wrong) {
            Some((_, fault)) => Err(fault.to_owned()),
            None => Ok(rules),
        }
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(source)?;
        match names.iter().find(|name| !OPERATIONS.contains(&name.as_str())) {
            Some(_) => Err(de::Error::custom(format!("operations are of: {}", OPERATIONS.join(", ")))),
            None => Ok(Self(names)),
        }
    }
}

fn system<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let text = String::deserialize(source)?;
    text.parse::<SystemId>().map(|_| text).map_err(|_| de::Error::custom("a system is as gb-nca/audit"))
}

fn systems<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(source)?;
    match texts.iter().all(|text| text.parse::<SystemId>().is_ok()) {
        true => Ok(texts),
        false => Err(de::Error::custom("a system is as gb-nca/audit")),
    }
}

fn purposes<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(source)?;
    match texts.iter().all(|text| text.parse::<PurposeCode>().is_ok()) {
        true => Ok(texts),
        false => Err(de::Error::custom("a purpose is one of the codes, as lawfulness")),
    }
}

fn zone<'de, D: Deserializer<'de>>(source: D) -> Result<i64, D::Error> {
    let text = String::deserialize(source)?;
    offset(&text).ok_or_else(|| de::Error::custom("an offset is as +01:00"))
}

fn clock<'de, D: Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    let text = String::deserialize(source)?;
    let wrong = || de::Error::custom("a time of day is from 00:00 to 24:00");
    let [hours, minutes] = numbers(&text).ok_or_else(wrong)?;
    let minutes = hours * 60 + Some(minutes).filter(|minutes| *minutes < 60).ok_or_else(wrong)?;
    if minutes <= 24 * 60 { Ok(minutes * 60) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_states_every_rule() {
        let rules = Rules::of(None).expect("built in");
        assert!(rules.volume.is_some() && rules.off_purpose.is_some() && rules.same_subject.is_some());
        assert_eq!(rules.hours.expect("stated").agencies[1].offset, 3_600);
        assert!(Rules::parse("").expect("no rule").volume.is_none());
    }

    #[test]
    fn what_says_no_sense_is_refused() {
        let hours = |line: &str| format!("[hours]\noperations = []\n[[hours.agencies]]\nagency = \"a\"\n{line}");
        for text in [
            "[speed]".to_owned(),
            "[volume]\noperations = [\"reading\"]".to_owned(),
            "[volume]\noperations = []\ntimes_median = 0\ndays = 1\nminimum = 1\nabsolute = 1".to_owned(),
            hours("offset = \"1\"\nfrom = \"06:00\"\nto = \"21:00\"\ndays = []"),
            hours("offset = \"Z\"\nfrom = \"21:00\"\nto = \"06:00\"\ndays = []"),
            hours("offset = \"Z\"\nfrom = \"06:00\"\nto = \"24:01\"\ndays = []"),
            hours("offset = \"Z\"\nfrom = \"06:00\"\nto = \"21:00\"\ndays = [\"monday\"]"),
            "[off_purpose]\nnew_after = 1\n[[off_purpose.systems]]\nsystem = \"x\"\npurposes = []".to_owned(),
            "[same_subject]\nhours = 1\ntimes = 1\nrefused = 2".to_owned(),
        ] {
            assert!(Rules::parse(&text).is_err(), "{text}");
        }
        let fault = Rules::parse("[speed]").expect_err("no rule");
        assert!(!fault.contains('\n') && fault.contains("speed"), "{fault}");
    }
}
