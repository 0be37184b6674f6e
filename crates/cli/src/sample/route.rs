//! Trafficking routes of the sample.

use serde_json::{Map, Value, json};

use super::journey::{JOURNEYS, Journey, Stop};
use super::person::Person;
use super::places::{date, day};
use super::profile::{add, handling};
use super::random::Random;

/// How many people around a route's number are asked whether they may have travelled on it.
const NEIGHBOURS: usize = 20;
const DESCRIPTION: &str = "Synthetic route: describes no journey that anybody made.";

/// The route with `number`. A `whole` one has at least three legs, for a fault to break.
pub(crate) fn route(seed: u64, number: usize, whole: bool, random: &mut Random) -> Map<String, Value> {
    let journeys: Vec<(&Journey, u32)> = JOURNEYS
        .iter()
        .filter(|journey| !whole || journey.ways.len() > 2)
        .map(|journey| (journey, journey.weight))
        .collect();
    let journey = random.weighted(&journeys);
    let start = day(random);
    let mut record = Map::new();
    add(
        &mut record,
        json!({
            "route_reference": format!("SYN-R-{number:07}"),
            "route_status": random.pick(&["suspected", "reported", "confirmed", "disrupted", "historic"]),
            "legs": legs(journey, start, random),
            "exploitation_types": journey.types,
            "means_of_recruitment": [random.pick(&["debt_bondage", "fraudulent_labour_recruitment", "romantic_deception"])],
            "means_of_control": ["DebtBondage", random.pick(&["WithholdsDocuments", "PhysicalThreats"])],
            "network_type": journey.network,
            "victim_groups": [{
                "group": random.weighted(&[("men", 60), ("women", 30), ("boys", 5), ("girls", 5)]),
                "count": random.below(12) + 1
            }],
            "facilitators": facilitators(journey, random),
            "first_observed": date(start),
            "last_observed": date(start + 40),
            "frequency": random.pick(&["single", "occasional", "regular", "unknown"]),
            "confidence": 20 + random.below(16) * 5,
            "description": DESCRIPTION
        }),
    );
    countries(&mut record, journey);
    travellers(&mut record, seed, number, journey);
    means(&mut record, journey, random);
    add(&mut record, handling(journey.nationality, random));
    record
}

fn legs(journey: &Journey, start: u64, random: &mut Random) -> Vec<Value> {
    let mut legs = Vec::new();
    let mut today = start;
    let last = journey.ways.len() - 1;
    for (index, (way, ends)) in journey.ways.iter().zip(journey.stops.windows(2)).enumerate() {
        let [from, to] = ends else { continue };
        let arrival = today + u64::from(way.days);
        let role = match index {
            0 if last > 0 => "Recruitment",
            index if index == last => "Exploitation",
            _ => "Transit",
        };
        let mut leg = json!({
            "seq": index + 1,
            "role": role,
            "mode": way.mode,
            "concealment": way.concealment,
            "from": place(from),
            "to": place(to),
            "depart_on": date(today),
            "arrive_on": date(arrival)
        });
        if from.country != to.country {
            leg["border_crossing"] = json!({"irregular": way.concealment != "none"});
            if matches!(way.mode, "sea" | "air") {
                leg["border_crossing"]["unlocode"] = json!(to.unlocode);
            }
        }
        if index == last {
            leg["to"]["street"] = json!(format!("{} Synthetic Street", random.below(90) + 10));
        }
        legs.push(leg);
        today = arrival + u64::from(random.below(6));
    }
    legs
}

fn place(stop: &Stop) -> Value {
    json!({
        "country": stop.country,
        "subdivision": stop.subdivision,
        "unlocode": stop.unlocode,
        "name": stop.name
    })
}

/// The countries beside the legs, as the legs have them.
fn countries(record: &mut Map<String, Value>, journey: &Journey) {
    let [first, .., last] = journey.stops else { return };
    let mut transit: Vec<&str> = Vec::new();
    for stop in journey.stops {
        if stop.country != first.country && stop.country != last.country && !transit.contains(&stop.country) {
            transit.push(stop.country);
        }
    }
    add(
        record,
        json!({"origin_country": first.country, "destination_country": last.country, "transit_countries": transit}),
    );
}

/// People of the same nationality whose numbers are near, as victims who travelled on the route.
fn travellers(record: &mut Map<String, Value>, seed: u64, number: usize, journey: &Journey) {
    let near = number.saturating_sub(NEIGHBOURS)..number;
    let references: Vec<String> = near
        .map(|number| Person::new(seed, number))
        .filter(|person| person.nationality == journey.nationality && !person.child)
        .map(|person| person.reference)
        .take(3)
        .collect();
    add(record, json!({"victim_refs": references}));
}

fn facilitators(journey: &Journey, random: &mut Random) -> Vec<Value> {
    let one = |role: &str, random: &mut Random| {
        json!({
            "role": role,
            "name": format!("Synthetic Facilitator {}", random.below(500)),
            "nationality": journey.nationality,
            "phones": [format!("+447700900{:03}", random.below(1000))],
            "handles": [format!("@synthetic_{}", random.below(500))]
        })
    };
    let mut facilitators = vec![one("RecruiterOrIntermediary", random)];
    if random.chance(50) {
        facilitators.push(one("Transporter", random));
    }
    facilitators
}

fn means(record: &mut Map<String, Value>, journey: &Journey, random: &mut Random) {
    if journey.ways.iter().any(|way| way.mode == "road") {
        let registration = format!("SYN {:03}", random.below(1000));
        add(record, json!({"vehicles": [{"registration": registration, "country": journey.nationality}]}));
    }
    if journey.nationality != "GB" {
        let amount = (random.below(40) + 2) * 500;
        add(record, json!({"fees": [{"amount": amount, "currency": "EUR", "kind": "travel"}]}));
        let number = format!("SYN{:06}", random.below(1_000_000));
        add(
            record,
            json!({"documents_used": [{"type": "passport", "issuing_country": journey.nationality, "number": number}]}),
        );
    }
}
