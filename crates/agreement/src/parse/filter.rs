//! Reading a filter, with the kinds that it narrows.

use causeway_model::Kind;

use super::in_order;
use crate::Filter;
use crate::section::{Section, date, parsed, text};

/// The lists that narrow one kind only.
const OF_PROFILES: &[&str] = &["nationalities", "birth_countries"];
const OF_ROUTES: &[&str] = &["route_countries", "route_starts", "route_ends"];

/// The stated kinds, and the filter below them. A kind that no list narrows is a fault, for the reason that `otherwise` gives.
pub(super) fn read(section: &mut Section<'_>, otherwise: &str) -> (Option<Vec<Kind>>, Filter) {
    let kinds = section.required_list("kinds", parsed);
    let stated = kinds.as_deref().unwrap_or_default();
    let filter = section.child("filter", |section| filter(section, stated)).unwrap_or_default();
    for kind in stated.iter().filter(|kind| !filter.applies_to(**kind)) {
        section.fault("filter", format!("states nothing that narrows {kind}: {otherwise}"));
    }
    (kinds, filter)
}

fn filter(section: &mut Section<'_>, kinds: &[Kind]) -> Option<Filter> {
    for (lists, kind) in [(OF_PROFILES, Kind::VictimProfile), (OF_ROUTES, Kind::TraffickingRoute)] {
        for list in lists.iter().filter(|list| section.has(list)) {
            if !kinds.is_empty() && !kinds.contains(&kind) {
                section.fault(list, format!("narrows {kind}, which kinds does not list"));
            }
        }
    }
    let dates_from = section.optional("dates_from", date);
    let dates_until = section.optional("dates_until", date);
    in_order(section, ("dates_from", dates_from), ("dates_until", dates_until));
    Some(Filter {
        nationalities: section.list("nationalities", parsed),
        birth_countries: section.list("birth_countries", parsed),
        route_countries: section.list("route_countries", parsed),
        route_starts: section.list("route_starts", parsed),
        route_ends: section.list("route_ends", parsed),
        exploitation_types: section.list("exploitation_types", |value| text(value).map(Into::into)),
        dates_from,
        dates_until,
    })
}
