//! Which records of its kinds a clause or an exclusion covers.

use causeway_model::{Country, Date, Kind, RecordFacts};

/// Which records a clause grants (`covers`), or an exclusion keeps back (`may_cover`). Every stated list that applies to a record's
/// kind must share a member with the record, and at least one must apply; a list that is not stated says nothing. Dates that are
/// stated must be met too, and narrow no kind by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Nationalities of the person (victim profiles).
    pub nationalities: Option<Vec<Country>>,
    /// Countries of birth (victim profiles).
    pub birth_countries: Option<Vec<Country>>,
    /// Countries that a route touches (routes).
    pub route_countries: Option<Vec<Country>>,
    /// Countries that a route starts in: where its first leg leaves (routes).
    pub route_starts: Option<Vec<Country>>,
    /// Countries that a route ends in: where its last leg arrives (routes).
    pub route_ends: Option<Vec<Country>>,
    /// Types of exploitation, as the schema spells them (both kinds).
    pub exploitation_types: Option<Vec<Box<str>>>,
    /// The first day that a record may be of.
    pub dates_from: Option<Date>,
    /// The last day that a record may be of.
    pub dates_until: Option<Date>,
}

/// The type of exploitation of a record that names none: its schema demands one.
const NOT_SPECIFIED: &str = "NotSpecified";

/// What a list makes of a record that does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsaid {
    IsNoMatch,
    Matches,
}

impl Filter {
    /// Whether a list is stated that applies to records of `kind`.
    pub fn applies_to(&self, kind: Kind) -> bool {
        self.exploitation_types.is_some()
            || match kind {
                Kind::VictimProfile => self.nationalities.is_some() || self.birth_countries.is_some(),
                Kind::TraffickingRoute => {
                    self.route_countries.is_some() || self.route_starts.is_some() || self.route_ends.is_some()
                }
            }
    }

    /// Whether a record with these facts is surely covered: what it does not say is no match.
    pub fn covers(&self, facts: &RecordFacts) -> bool {
        self.applies_to(facts.kind) && self.lists_match(facts, Unsaid::IsNoMatch) && self.covers_dates(facts)
    }

    /// Whether a record with these facts is covered, or may be for all that it says: what it does not say matches whatever is
    /// stated, and dates match where they overlap the stated ones at all. A filter that states nothing may cover everything.
    pub fn may_cover(&self, facts: &RecordFacts) -> bool {
        self.lists_match(facts, Unsaid::Matches) && facts.dates.is_none_or(|(first, last)| self.reaches(last, first))
    }

    /// Whether every stated list that applies to the record's kind matches.
    fn lists_match(&self, facts: &RecordFacts, unsaid: Unsaid) -> bool {
        let (born, start, end) = (facts.birth_country, facts.route_start, facts.route_end);
        let by_kind = match facts.kind {
            Kind::VictimProfile => {
                unsaid.matches(&self.nationalities, &facts.nationalities, !facts.nationalities.is_empty())
                    && unsaid.matches(&self.birth_countries, born.as_slice(), born.is_some())
            }
            Kind::TraffickingRoute => {
                unsaid.matches(&self.route_countries, &facts.route_countries, !facts.route_has_unknown_stop)
                    && unsaid.matches(&self.route_starts, start.as_slice(), start.is_some())
                    && unsaid.matches(&self.route_ends, end.as_slice(), end.is_some())
            }
        };
        let types = &facts.exploitation_types;
        let says_types = !types.is_empty() && types.iter().all(|name| **name != *NOT_SPECIFIED);
        by_kind && unsaid.matches(&self.exploitation_types, types, says_types)
    }

    /// A profile is of one day, which is stored as the quarter or the year that it falls in: it is covered where that span lies
    /// within the stated dates as a whole, for otherwise the day may lie outside them. A route is in use over its whole span: it is
    /// covered where that overlaps the stated dates. What has no known dates is not covered.
    fn covers_dates(&self, facts: &RecordFacts) -> bool {
        if self.dates_from.is_none() && self.dates_until.is_none() {
            return true;
        }
        let Some((first, last)) = facts.dates else { return false };
        match facts.kind {
            Kind::VictimProfile => self.reaches(first, last),
            Kind::TraffickingRoute => self.reaches(last, first),
        }
    }

    /// Whether `after` is not before the first stated day, and `before` not after the last one.
    fn reaches(&self, after: Date, before: Date) -> bool {
        self.dates_from.is_none_or(|from| after >= from) && self.dates_until.is_none_or(|until| before <= until)
    }
}

impl Unsaid {
    /// Whether a list, if it is stated, shares a member with what a record has; `says_all` where the record has no more than that.
    fn matches<T: PartialEq>(self, stated: &Option<Vec<T>>, present: &[T], says_all: bool) -> bool {
        let Some(stated) = stated else { return true };
        stated.iter().any(|wanted| present.contains(wanted)) || (self == Self::Matches && !says_all)
    }
}
