//! What a decision about a record's release may look at.

use crate::{ActionCode, Country, Date, Handling, InfoGrade, Kind, ReleasableTo, SanitisationCode, SourceGrade, Tlp};

/// The facts of one record version, read from its classified body. Never holds an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFacts {
    /// The kind.
    pub kind: Kind,
    /// Nationalities; empty where unknown or for a route.
    pub nationalities: Vec<Country>,
    /// Country of birth.
    pub birth_country: Option<Country>,
    /// Countries where the person was exploited.
    pub exploitation_countries: Vec<Country>,
    /// Every country that a route touches, in order of travel.
    pub route_countries: Vec<Country>,
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
    /// Whether the person is, or is not surely not, a child.
    pub child: bool,
    /// Whether the referral is anonymous (duty to notify).
    pub anonymous: bool,
    /// Whether processing is restricted (DPA 2018 s.47).
    pub processing_restricted: bool,
    /// The last day on which it may be kept.
    pub retain_until: Option<Date>,
}
