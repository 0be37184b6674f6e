//! What a decision about a record's release may look at.

use crate::{
    ActionCode, Country, Date, EuropolCode, Handling, InfoGrade, Kind, ReleasableTo, SanitisationCode, SourceGrade, Tlp,
};

/// The facts of one record version, read from its classified body. Never holds an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFacts {
    /// The kind.
    pub kind: Kind,
    /// Nationalities; empty where unknown or for a route.
    pub nationalities: Vec<Country>,
    /// Country of birth.
    pub birth_country: Option<Country>,
    /// Country where the person was recruited.
    pub recruitment_country: Option<Country>,
    /// Countries where the person was exploited.
    pub exploitation_countries: Vec<Country>,
    /// Every country that a route touches, in order of travel.
    pub route_countries: Vec<Country>,
    /// Where a route starts: the country that its first leg leaves; none where that cannot be read.
    pub route_start: Option<Country>,
    /// Where a route ends: the country that its last leg reaches; none where that cannot be read.
    pub route_end: Option<Country>,
    /// Whether a route stops somewhere that is not known: it has no legs, or an end of one of them has no country that can be read.
    /// Never of a profile.
    pub route_has_unknown_stop: bool,
    /// The first and the last day that the record may be of, as far as its stored steps tell: of a profile the span of its
    /// referral date (a quarter, or a year), of a route from the first day on which it may have been first observed to the
    /// last on which it may have been last observed. None where a date is absent or cannot be read.
    pub dates: Option<(Date, Date)>,
    /// Types of exploitation, as the schema spells them.
    pub exploitation_types: Vec<Box<str>>,
    /// Traffic Light Protocol; a record without one is treated as RED.
    pub tlp: Tlp,
    /// 3x5x2 source grade; absent is treated as the least reliable.
    pub source_grade: SourceGrade,
    /// 3x5x2 information grade; absent is treated as the weakest.
    pub info_grade: InfoGrade,
    /// 3x5x2 handling code; absent is treated as with conditions.
    pub handling: Handling,
    /// Action code, where handling has conditions.
    pub action_code: Option<ActionCode>,
    /// Sanitisation code, where handling has conditions.
    pub sanitisation_code: Option<SanitisationCode>,
    /// To whom it may be released; empty means nobody.
    pub releasable_to: Vec<ReleasableTo>,
    /// Its Europol handling codes, as far as they are known; what is not known needs a permission.
    pub europol_codes: Vec<EuropolCode>,
    /// Whether a Europol handling code lets it go further only with a permission, or restricts it in words: H2, H3, or
    /// a code that is not known. H0 and H1 limit what it may be used for, not who may have it.
    pub dissemination_permission_needed: bool,
    /// Whether the person is, or is not surely not, a child; of a route, whether any of its codes says that children
    /// are moved on it.
    pub child: bool,
    /// Whether the referral is anonymous (duty to notify).
    pub anonymous: bool,
    /// Whether processing is restricted (DPA 2018 s.47).
    pub processing_restricted: bool,
    /// The last day on which it may be kept; a day long past where one is stated that cannot be read.
    pub retain_until: Option<Date>,
}

impl RecordFacts {
    /// Whether a person in it may come from this country: by nationality, birth or recruitment, or, for a route, because the
    /// route touches it. A record that says nothing of where its persons come from may be of persons from anywhere.
    pub fn may_come_from(&self, country: Country) -> bool {
        let stated = match self.kind {
            Kind::VictimProfile => &self.nationalities,
            Kind::TraffickingRoute => &self.route_countries,
        };
        let one = [self.birth_country, self.recruitment_country];
        stated.is_empty() || stated.contains(&country) || one.contains(&Some(country))
    }
}
