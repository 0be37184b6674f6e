//! Handling codes: FIRST TLP 2.0, the UK's 3x5x2 grades, and who a record may be released to.

use std::str::FromStr;

use crate::codes::codes;
use crate::{AgencyId, Country, Malformed};

codes!(
    /// Traffic Light Protocol 2.0 (FIRST, August 2022), from the widest to the narrowest: a greater code is stricter.
    Tlp, "TLP code",
    /// No limit.
    Clear = "CLEAR",
    /// The community.
    Green = "GREEN",
    /// The recipient's organisation and its clients.
    Amber = "AMBER",
    /// The recipient's organisation only.
    AmberStrict = "AMBER+STRICT",
    /// Named recipients only: never in a feed.
    Red = "RED",
);
codes!(
    /// 3x5x2: how reliable the source is. A greater grade is less reliable.
    SourceGrade, "source grade",
    /// Reliable.
    Reliable = "1",
    /// Untested.
    Untested = "2",
    /// Not reliable.
    NotReliable = "3",
);
codes!(
    /// 3x5x2: how the information is known. A greater grade is weaker.
    InfoGrade, "information grade",
    /// Known directly to the source.
    Direct = "A",
    /// Known indirectly but corroborated.
    Corroborated = "B",
    /// Known indirectly.
    Indirect = "C",
    /// Not known.
    NotKnown = "D",
    /// Suspected to be false.
    SuspectedFalse = "E",
);
codes!(
    /// 3x5x2: whether sharing is permitted without or with conditions.
    Handling, "handling code",
    /// Lawful sharing permitted.
    Permitted = "P",
    /// Lawful sharing permitted with conditions: needs an action and a sanitisation code.
    Conditions = "C",
);
codes!(
    /// 3x5x2: what may be done with information shared under conditions.
    ActionCode, "action code",
    /// May be combined and corroborated; no direct action; the originator's permission is needed first.
    A1 = "A1",
    /// Covert action may be taken; protect the source.
    A2 = "A2",
    /// Overt action permitted as specified.
    A3 = "A3",
);
codes!(
    /// 3x5x2: whether information shared under conditions may be sanitised for wider dissemination.
    SanitisationCode, "sanitisation code",
    /// Unsupervised sanitisation permitted.
    S1 = "S1",
    /// No sanitisation without consulting the originator.
    S2 = "S2",
);

codes!(
    /// A Europol handling code: what may be done with the information by whoever has it.
    EuropolCode, "Europol handling code",
    /// For preventing and combating crimes only.
    H0 = "H0",
    /// Not as evidence in judicial proceedings without the provider's permission.
    H1 = "H1",
    /// Not passed on without the provider's permission.
    H2 = "H2",
    /// Restricted as the provider says in words.
    H3 = "H3",
);

/// One party in a record's `releasable_to`: an agency, or every partner agency of a country.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReleasableTo {
    /// This agency.
    Agency(AgencyId),
    /// Any agency of this country.
    Country(Country),
}

impl ReleasableTo {
    /// Whether `agency` is meant.
    pub fn includes(&self, agency: &AgencyId) -> bool {
        match self {
            Self::Agency(named) => named == agency,
            Self::Country(country) => *country == agency.country(),
        }
    }
}

impl FromStr for ReleasableTo {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if let Ok(country) = text.parse() {
            return Ok(Self::Country(country));
        }
        text.parse().map(Self::Agency).map_err(|_| Malformed("releasable-to party"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tlp_is_ordered_by_strictness() {
        assert!(Tlp::Clear < Tlp::Green && Tlp::Amber < Tlp::AmberStrict && Tlp::AmberStrict < Tlp::Red);
        assert!("WHITE".parse::<Tlp>().is_err(), "obsolete since TLP 2.0");
    }

    #[test]
    fn releasable_to_names_an_agency_or_a_country() {
        let albania: AgencyId = "al-police".parse().expect("well formed");
        assert!("AL".parse::<ReleasableTo>().expect("country").includes(&albania));
        assert!("al-police".parse::<ReleasableTo>().expect("agency").includes(&albania));
        assert!(!"VN".parse::<ReleasableTo>().expect("country").includes(&albania));
    }
}
