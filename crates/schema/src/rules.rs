//! The rules of one record that JSON Schema cannot state: dates against today, periods, and the legs of a route.

use std::fmt;

use causeway_model::{Date, Kind, PartialDate};

use crate::ages;
use crate::shape::{Shape, pointer};
use crate::summary;
use crate::value::Value;
use crate::violation::Violation;

const IN_FUTURE: (&str, &str) = ("date-not-in-future", "lies in the future");
const PERIOD: (&str, &str) = ("period-ordered", "ends before it starts");
const RETENTION: (&str, &str) = ("retention-ends-later", "must lie after today");
const REVIEW: (&str, &str) = ("review-before-end", "must not lie after the end of retention");
const ORDERED: (&str, &str) = ("legs-ordered", "must be greater than the sequence number of the leg before");
const CONNECTED: (&str, &str) = ("legs-connected", "is not where the leg before ends");
const UNLOCODE: (&str, &str) = ("unlocode-country", "is not in the country stated");
const SUBDIVISION: (&str, &str) = ("subdivision-country", "is not in the country stated");
const PLACE: (&str, &str) = ("place-known", "states neither a country nor a region");
const CROSSING: (&str, &str) = ("unlocode-country", "is in neither country of its leg");
const COUNTRIES: (&str, &str) = ("countries-match-legs", "does not match the legs");

/// Every rule of this file, and the kind that it is about if it is about one.
pub(crate) const RULES: &[(Option<Kind>, (&str, &str))] = &[
    (None, IN_FUTURE),
    (None, PERIOD),
    (None, RETENTION),
    (None, REVIEW),
    (Some(Kind::TraffickingRoute), ORDERED),
    (Some(Kind::TraffickingRoute), CONNECTED),
    (Some(Kind::TraffickingRoute), PLACE),
    (Some(Kind::TraffickingRoute), UNLOCODE),
    (None, SUBDIVISION),
    (Some(Kind::TraffickingRoute), CROSSING),
    (Some(Kind::TraffickingRoute), COUNTRIES),
];

/// Adds to `found` every rule that the record breaks. Values of the wrong type are the schema's to report.
pub(crate) fn check(kind: Kind, shape: &Shape, root: &Value<'_>, today: Date, found: &mut Vec<Violation>) {
    shape.visit_past(root, &mut |met| {
        if partial(Some(met.value)).is_some_and(|date| date.earliest() > today) {
            found.push(Violation::new(pointer(&shape.leaves[met.leaf].segments, met.indices), IN_FUTURE));
        }
    });
    retention(root, today, found);
    summary::check(kind, shape, root, found);
    match kind {
        Kind::VictimProfile => {
            period(root, format_args!(""), ["exploitation_start", "exploitation_end"], found);
            ages::check(root, today, found);
            let places = root.get("exploitation_uk_places").and_then(Value::as_array).into_iter().flatten();
            for (index, place) in places.enumerate() {
                if text(place, "subdivision").is_some_and(|code| !code.starts_with("GB-")) {
                    found.push(Violation::new(format!("/exploitation_uk_places/{index}/subdivision"), SUBDIVISION));
                }
            }
        }
        Kind::TraffickingRoute => {
            period(root, format_args!(""), ["first_observed", "last_observed"], found);
            let legs: &[Value<'_>] = root.get("legs").and_then(Value::as_array).unwrap_or_default();
            if shape.number("legs[].from.region").is_some() {
                places(legs, found);
            }
            self::legs(legs, found);
            countries(root, legs, found);
        }
    }
}

fn retention(root: &Value<'_>, today: Date, found: &mut Vec<Violation>) {
    let until = text(root, "retain_until").and_then(|date| date.parse::<Date>().ok());
    let review = text(root, "retention_review_due").and_then(|date| date.parse::<Date>().ok());
    if until.is_some_and(|until| until <= today) {
        found.push(Violation::new("/retain_until", RETENTION));
    }
    if until.zip(review).is_some_and(|(until, review)| review > until) {
        found.push(Violation::new("/retention_review_due", REVIEW));
    }
}

/// A period whose ends are known only partly is out of order when its latest end lies before its earliest start.
fn period(container: &Value<'_>, place: fmt::Arguments<'_>, [start, end]: [&str; 2], found: &mut Vec<Violation>) {
    let ends = partial(container.get(start)).zip(partial(container.get(end)));
    if ends.is_some_and(|(start, end)| end.latest() < start.earliest()) {
        found.push(Violation::new(format!("{place}/{end}"), PERIOD));
    }
}

fn legs(legs: &[Value<'_>], found: &mut Vec<Violation>) {
    for (index, leg) in legs.iter().enumerate() {
        period(leg, format_args!("/legs/{index}"), ["depart_on", "arrive_on"], found);
        for end in ["from", "to"] {
            in_country(leg.get(end), format_args!("/legs/{index}/{end}"), found);
        }
        let countries = [country(leg, "from"), country(leg, "to")];
        let crossing = leg.get("border_crossing").and_then(|crossing| text(crossing, "unlocode"));
        if crossing.is_some_and(|code| !countries.iter().flatten().any(|country| code.starts_with(country))) {
            found.push(Violation::new(format!("/legs/{index}/border_crossing/unlocode"), CROSSING));
        }
    }
    for (index, pair) in legs.windows(2).enumerate() {
        let [before, leg] = pair else { continue };
        let sequence = |leg: &Value<'_>| leg.get("seq").and_then(Value::as_u64);
        if sequence(before).zip(sequence(leg)).is_some_and(|(before, leg)| leg <= before) {
            found.push(Violation::new(format!("/legs/{}/seq", index + 1), ORDERED));
        }
        if before.get("to").zip(leg.get("from")).is_some_and(|(to, from)| !same_place(to, from)) {
            found.push(Violation::new(format!("/legs/{}/from", index + 1), CONNECTED));
        }
    }
}

/// Since version 1.1 a place may state a region where no country is known. A code of a place says its country, so it
/// comes with that country.
fn places(legs: &[Value<'_>], found: &mut Vec<Violation>) {
    let ends = (0..).zip(legs).flat_map(|(index, leg)| ["from", "to"].map(|end| (index, end, leg.get(end))));
    for (index, end, place) in ends {
        let Some(place) = place.filter(|place| place.is_object() && place.get("country").is_none()) else { continue };
        let at = format!("/legs/{index}/{end}");
        for (part, rule) in [("unlocode", UNLOCODE), ("subdivision", SUBDIVISION)] {
            if place.get(part).is_some() {
                found.push(Violation::new(format!("{at}/{part}"), rule));
            }
        }
        if place.get("region").is_none() {
            found.push(Violation::new(at, PLACE));
        }
    }
}

/// Whether two places may be the same: what both state must agree.
fn same_place(a: &Value<'_>, b: &Value<'_>) -> bool {
    ["country", "region", "subdivision", "unlocode"].into_iter().all(|part| match (text(a, part), text(b, part)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    })
}

fn in_country(place: Option<&Value<'_>>, at: fmt::Arguments<'_>, found: &mut Vec<Violation>) {
    let Some(country) = place.and_then(|place| text(place, "country")) else { return };
    for (part, rule) in [("unlocode", UNLOCODE), ("subdivision", SUBDIVISION)] {
        let code = place.and_then(|place| text(place, part));
        if code.is_some_and(|code| !code.starts_with(country)) {
            found.push(Violation::new(format!("{at}/{part}"), rule));
        }
    }
}

/// The countries stated beside the legs are those of the legs: feeds are filtered by them.
fn countries(root: &Value<'_>, legs: &[Value<'_>], found: &mut Vec<Violation>) {
    let (Some(first), Some(last)) = (legs.first(), legs.last()) else { return };
    for (name, of_legs) in [("origin_country", country(first, "from")), ("destination_country", country(last, "to"))] {
        if text(root, name).zip(of_legs).is_some_and(|(stated, of_legs)| stated != of_legs) {
            found.push(Violation::new(format!("/{name}"), COUNTRIES));
        }
    }
    let on_route =
        |wanted: &str| legs.iter().any(|leg| [country(leg, "from"), country(leg, "to")].contains(&Some(wanted)));
    let transit = root.get("transit_countries").and_then(Value::as_array).into_iter().flatten();
    for (index, stated) in transit.enumerate() {
        if stated.as_str().is_some_and(|stated| !on_route(stated)) {
            found.push(Violation::new(format!("/transit_countries/{index}"), COUNTRIES));
        }
    }
}

fn country<'v>(leg: &'v Value<'_>, end: &str) -> Option<&'v str> {
    leg.get(end).and_then(|place| text(place, "country"))
}

fn text<'v>(container: &'v Value<'_>, name: &str) -> Option<&'v str> {
    container.get(name).and_then(Value::as_str)
}

fn partial(value: Option<&Value<'_>>) -> Option<PartialDate> {
    value.and_then(Value::as_str).and_then(|text| text.parse().ok())
}
