//! Classes of a field, and the ladders by which a coarse value is made coarser.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;

/// How a leaf of a record is stored, and in what form it may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Stored as it is; leaves as it is where a clause lists it and the floor allows.
    Open,
    /// Stored at its floor, exact value sealed; leaves through its ladder at the clause's step.
    Coarse,
    /// Stored as an internal pseudonym, value sealed; leaves as the feed's own pseudonym.
    Link,
    /// Sealed only; never in a feed.
    Sealed,
}

impl FromStr for Class {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text {
            "open" => Ok(Self::Open),
            "coarse" => Ok(Self::Coarse),
            "link" => Ok(Self::Link),
            "sealed" => Ok(Self::Sealed),
            _ => Err(Malformed("class")),
        }
    }
}

/// A way of making values of one sort coarser, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ladder {
    /// day, month, quarter, year.
    Date,
    /// age band, then adult or child.
    Age,
    /// UN/LOCODE, subdivision, country.
    Place,
    /// as recorded, then female, male or unknown.
    Gender,
    /// country, then UN region.
    Country,
    /// the organisation, then its type.
    Organisation,
    /// WGS84 degrees as given, then rounded to a tenth.
    Coordinate,
    /// an amount of money, then its band.
    Amount,
    /// as recorded, or not at all.
    Drop,
}

impl Ladder {
    /// Its steps, finest first.
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::Date => &[Step::Day, Step::Month, Step::Quarter, Step::Year],
            Self::Age => &[Step::Band, Step::AdultChild],
            Self::Place => &[Step::Port, Step::Subdivision, Step::Country],
            Self::Gender => &[Step::Exact, Step::FemaleMale],
            Self::Country => &[Step::Country, Step::Region],
            Self::Organisation => &[Step::Exact, Step::Type],
            Self::Coordinate => &[Step::Exact, Step::TenthDegree],
            Self::Amount => &[Step::Exact, Step::Band],
            Self::Drop => &[Step::Exact],
        }
    }

    /// The coarsest step, the last one; none on the ladder on which a value stays whole or does not leave.
    pub const fn coarsest(self) -> Option<Step> {
        match self {
            Self::Date => Some(Step::Year),
            Self::Age => Some(Step::AdultChild),
            Self::Place => Some(Step::Country),
            Self::Gender => Some(Step::FemaleMale),
            Self::Country => Some(Step::Region),
            Self::Organisation => Some(Step::Type),
            Self::Coordinate => Some(Step::TenthDegree),
            Self::Amount => Some(Step::Band),
            Self::Drop => None,
        }
    }

    /// The place of `step` on this ladder, 0 being the finest; none for a step of another ladder.
    pub fn place_of(self, step: Step) -> Option<usize> {
        self.steps().iter().position(|own| *own == step)
    }

    /// Whether `step` is on this ladder and at least as coarse as `floor`.
    pub fn allows(self, floor: Step, step: Step) -> bool {
        matches!((self.place_of(floor), self.place_of(step)), (Some(floor), Some(step)) if step >= floor)
    }
}

impl FromStr for Ladder {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text {
            "date" => Ok(Self::Date),
            "age" => Ok(Self::Age),
            "place" => Ok(Self::Place),
            "gender" => Ok(Self::Gender),
            "country" => Ok(Self::Country),
            "organisation" => Ok(Self::Organisation),
            "coordinate" => Ok(Self::Coordinate),
            "amount" => Ok(Self::Amount),
            "drop" => Ok(Self::Drop),
            _ => Err(Malformed("ladder")),
        }
    }
}

/// One step of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// As recorded.
    Exact,
    /// `2026-03-14`.
    Day,
    /// `2026-03`.
    Month,
    /// `2026-Q1`.
    Quarter,
    /// `2026`.
    Year,
    /// An age band such as `18-20`, or a band of amounts.
    Band,
    /// `adult` or `child`.
    AdultChild,
    /// A UN/LOCODE such as `GBDVR`.
    Port,
    /// An ISO 3166-2 subdivision.
    Subdivision,
    /// An ISO 3166-1 alpha-2 country.
    Country,
    /// A UN M49 region.
    Region,
    /// `female`, `male` or `unknown`.
    FemaleMale,
    /// The type of an organisation.
    Type,
    /// Degrees rounded to a tenth, about 11 km.
    TenthDegree,
}

impl Step {
    const ALL: [(Self, &'static str); 14] = [
        (Self::Exact, "exact"),
        (Self::Day, "day"),
        (Self::Month, "month"),
        (Self::Quarter, "quarter"),
        (Self::Year, "year"),
        (Self::Band, "band"),
        (Self::AdultChild, "adult-child"),
        (Self::Port, "port"),
        (Self::Subdivision, "subdivision"),
        (Self::Country, "country"),
        (Self::Region, "region"),
        (Self::FemaleMale, "female-male"),
        (Self::Type, "type"),
        (Self::TenthDegree, "tenth-degree"),
    ];
}

impl FromStr for Step {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(step, _)| step).ok_or(Malformed("step"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = Self::ALL.into_iter().find(|(step, _)| step == self).expect("every step has its name");
        f.write_str(name)
    }
}

/// The finest form in which any agreement may ask for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Floor {
    /// No agreement may ask for it.
    Never,
    /// At this step of its ladder or coarser; `Exact` for an open field.
    Finest(Step),
}

impl FromStr for Floor {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text == "never" { Ok(Self::Never) } else { text.parse().map(Self::Finest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_never_allows_a_finer_step_than_its_floor() {
        assert!(Ladder::Date.allows(Step::Quarter, Step::Year));
        assert!(Ladder::Date.allows(Step::Quarter, Step::Quarter));
        assert!(!Ladder::Date.allows(Step::Quarter, Step::Month));
        assert!(!Ladder::Date.allows(Step::Quarter, Step::Band), "a step of another ladder");
    }

    #[test]
    fn the_coarsest_step_is_the_last_and_of_what_is_dropped_there_is_none() {
        use Ladder::{Age, Amount, Coordinate, Country, Date, Drop, Gender, Organisation, Place};
        for ladder in [Age, Amount, Coordinate, Country, Date, Gender, Organisation, Place] {
            assert_eq!(ladder.coarsest(), ladder.steps().last().copied(), "{ladder:?}");
        }
        assert_eq!(Drop.coarsest(), None);
    }

    #[test]
    fn every_step_reads_back() {
        for (step, name) in Step::ALL {
            assert_eq!(name.parse(), Ok(step));
            assert_eq!(step.to_string(), name);
        }
    }
}
