//! Checking that the codes of an agreement's filters are codes of the fields that they are compared with.

use causeway_model::{Country, Kind};

use crate::{Agreement, Fault, Filter};

const BIRTH: Compared = &[(Kind::VictimProfile, "birth_country")];
const NATIONALITIES: Compared = &[(Kind::VictimProfile, "nationalities[]")];
const LEG_STARTS: Compared = &[(Kind::TraffickingRoute, "legs[].from.country")];
const LEG_ENDS: Compared = &[(Kind::TraffickingRoute, "legs[].to.country")];
const LEGS: Compared = &[LEG_STARTS[0], LEG_ENDS[0]];
const TYPES: Compared =
    &[(Kind::VictimProfile, "exploitation_types[]"), (Kind::TraffickingRoute, "exploitation_types[]")];

/// The fields of each kind that a list is compared with.
type Compared = &'static [(Kind, &'static str)];

impl Agreement {
    /// Every code of a filter, of a clause or an exclusion, that none of the fields that it is compared with can hold: it matches no
    /// record, so the clause would grant less than it says, and the exclusion keep back less. Without lines: `Lines` finds them in
    /// the text.
    ///
    /// `knows` says whether a field of a kind, by its path, may hold a code under any of the kind's schema versions; none where
    /// that cannot be told, which is no fault.
    pub fn check_codes(&self, knows: &dyn Fn(Kind, &str, &str) -> Option<bool>) -> Vec<Fault> {
        let clauses = self.clauses.iter().map(|clause| (&clause.kinds, &clause.filter)).enumerate();
        let exclusions = self.exclusions.iter().map(|exclusion| (&exclusion.kinds, &exclusion.filter)).enumerate();
        let of_clauses = clauses.map(|(index, filter)| (format!("clauses[{index}]"), filter));
        let of_exclusions = exclusions.map(|(index, filter)| (format!("exclusions[{index}]"), filter));
        let mut faults = Vec::new();
        for (place, (kinds, filter)) in of_clauses.chain(of_exclusions) {
            for (list, compared, codes) in lists(filter) {
                let of_kinds = || compared.iter().filter(|(kind, _)| kinds.contains(kind));
                for (index, code) in codes.into_iter().enumerate() {
                    if of_kinds().all(|(kind, path)| knows(*kind, path, code) == Some(false)) {
                        let what = format!("{code:?} is no code that the schemas know: no record has it");
                        faults.push(Fault::new(format!("{place}.filter.{list}[{index}]"), what));
                    }
                }
            }
        }
        faults
    }
}

/// Each list of codes that a filter states: its key, the fields that it is compared with, and its codes in the text's order.
fn lists(filter: &Filter) -> Vec<(&'static str, Compared, Vec<&str>)> {
    let countries = [
        ("nationalities", NATIONALITIES, &filter.nationalities),
        ("birth_countries", BIRTH, &filter.birth_countries),
        ("route_countries", LEGS, &filter.route_countries),
        ("route_starts", LEG_STARTS, &filter.route_starts),
        ("route_ends", LEG_ENDS, &filter.route_ends),
    ];
    let stated = countries.into_iter().filter_map(|(key, compared, list)| {
        Some((key, compared, list.as_ref()?.iter().map(Country::as_str).collect()))
    });
    let types = filter.exploitation_types.as_ref().map(|types| types.iter().map(AsRef::as_ref).collect());
    stated.chain(types.map(|types| ("exploitation_types", TYPES, types))).collect()
}
