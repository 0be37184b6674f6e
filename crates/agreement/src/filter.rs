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
        let by_kind = match facts.kind {
            Kind::VictimProfile => {
                shares(self.nationalities.as_deref(), &facts.nationalities)
                    && shares(self.birth_countries.as_deref(), facts.birth_country.as_slice())
            }
            Kind::TraffickingRoute => {
                shares(self.route_countries.as_deref(), &facts.route_countries)
                    && shares(self.route_starts.as_deref(), facts.route_start.as_slice())
                    && shares(self.route_ends.as_deref(), facts.route_end.as_slice())
            }
        };
        self.applies_to(facts.kind)
            && by_kind
            && shares(self.exploitation_types.as_deref(), &facts.exploitation_types)
            && self.covers_dates(facts)
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

    /// Whether a record with these facts is covered, or may be for all that it says: what it does not say matches whatever is
    /// stated, and dates match where they overlap the stated ones at all. A filter that states nothing may cover everything.
    pub fn may_cover(&self, facts: &RecordFacts) -> bool {
        let by_kind = match facts.kind {
            Kind::VictimProfile => {
                may_share(self.nationalities.as_deref(), &facts.nationalities)
                    && may_share(self.birth_countries.as_deref(), facts.birth_country.as_slice())
            }
            Kind::TraffickingRoute => {
                // A route of which an end is not known touches a country that is not known.
                let unknown_end = facts.route_start.is_none() || facts.route_end.is_none();
                (unknown_end || may_share(self.route_countries.as_deref(), &facts.route_countries))
                    && may_share(self.route_starts.as_deref(), facts.route_start.as_slice())
                    && may_share(self.route_ends.as_deref(), facts.route_end.as_slice())
            }
        };
        let unknown_type = facts.exploitation_types.iter().any(|known| **known == *NOT_SPECIFIED);
        by_kind
            && (unknown_type || may_share(self.exploitation_types.as_deref(), &facts.exploitation_types))
            && facts.dates.is_none_or(|(first, last)| self.reaches(last, first))
    }

    /// Whether `after` is not before the first stated day, and `before` not after the last one.
    fn reaches(&self, after: Date, before: Date) -> bool {
        self.dates_from.is_none_or(|from| after >= from) && self.dates_until.is_none_or(|until| before <= until)
    }
}

/// As `shares`, where a record that has nothing may have anything.
fn may_share<T: PartialEq>(stated: Option<&[T]>, present: &[T]) -> bool {
    present.is_empty() || shares(stated, present)
}

/// Whether a list that may be stated shares a member with what a record has.
fn shares<T: PartialEq>(stated: Option<&[T]>, present: &[T]) -> bool {
    stated.is_none_or(|stated| stated.iter().any(|wanted| present.contains(wanted)))
}
