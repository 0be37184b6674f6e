//! Which records of its kinds a clause covers.

use causeway_model::{Country, Date, Kind, RecordFacts};

/// Which records a clause covers. Every stated list that applies to a record's kind must share a member with the
/// record, and at least one must apply; a list that is not stated says nothing. Dates that are stated must be met too, and narrow
/// no kind by themselves.
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

    /// Whether a record with these facts is covered.
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
        let (after, before) = match facts.kind {
            Kind::VictimProfile => (first, last),
            Kind::TraffickingRoute => (last, first),
        };
        self.dates_from.is_none_or(|from| after >= from) && self.dates_until.is_none_or(|until| before <= until)
    }
}

/// Whether a list that may be stated shares a member with what a record has.
fn shares<T: PartialEq>(stated: Option<&[T]>, present: &[T]) -> bool {
    stated.is_none_or(|stated| stated.iter().any(|wanted| present.contains(wanted)))
}
