//! The legs of a route, made of its stops: origin, transit, destination, as a source names them in columns of their own.

use serde_json::{Map, Value, json};

use super::Reject;
use super::cells::Cells;
use super::field::Field;

/// The stops of a route in the order of travel.
#[derive(Debug)]
pub(super) struct Journey {
    pub(super) stops: Vec<Stop>,
}

/// One stop, or several where a cell names several places in order.
#[derive(Debug)]
pub(super) struct Stop {
    /// The role of a leg that ends here.
    pub(super) role: String,
    /// A row may be without it: the leg then goes past.
    pub(super) optional: bool,
    /// The members of its place.
    pub(super) place: Vec<Field>,
    /// Further members of a leg that ends here.
    pub(super) leg: Vec<Field>,
}

/// A place with the leg that led there.
struct Reached<'s> {
    stop: &'s Stop,
    place: Value,
    leg: Map<String, Value>,
}

impl Journey {
    /// The list of legs, each from where the one before ended; or what keeps the row from being a route.
    pub(super) fn legs(&self, cells: &Cells<'_>) -> Result<Value, Vec<Reject>> {
        let mut rejects = Vec::new();
        let mut reached: Vec<Reached<'_>> = Vec::new();
        for (index, stop) in self.stops.iter().enumerate() {
            let before = rejects.len();
            // The leg that would end here; the first stop is where it begins.
            let arriving = format!("/legs/{}", reached.len().saturating_sub(1));
            let pointer = format!("{arriving}/{}", if index == 0 { "from" } else { "to" });
            let place = members(&stop.place, cells, &pointer, &mut rejects);
            let leg = members(&stop.leg, cells, &arriving, &mut rejects);
            let places = places(place);
            if places.is_empty() && !stop.optional && rejects.len() == before {
                rejects.push(Reject { pointer, rule: "missing-stop".into() });
            }
            reached.extend(places.into_iter().map(|place| Reached { stop, place, leg: leg.clone() }));
        }
        if rejects.is_empty() && reached.len() < 2 {
            rejects.push(Reject { pointer: "/legs".into(), rule: "fewer-than-two-places".into() });
        }
        if !rejects.is_empty() {
            return Err(rejects);
        }
        let legs = reached.windows(2).enumerate().filter_map(|(index, ends)| match ends {
            [from, to] => Some(leg(index, from, to)),
            _ => None,
        });
        Ok(Value::Array(legs.collect()))
    }
}

impl Stop {
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.place.iter().chain(&self.leg).flat_map(Field::columns)
    }
}

fn leg(index: usize, from: &Reached<'_>, to: &Reached<'_>) -> Value {
    let mut leg = to.leg.clone();
    leg.insert("seq".into(), json!(index + 1));
    leg.insert("role".into(), to.stop.role.as_str().into());
    leg.insert("from".into(), from.place.clone());
    leg.insert("to".into(), to.place.clone());
    Value::Object(leg)
}

fn members(fields: &[Field], cells: &Cells<'_>, pointer: &str, rejects: &mut Vec<Reject>) -> Map<String, Value> {
    let mut object = Value::Object(Map::new());
    for field in fields {
        match field.value(cells) {
            Ok(Some(value)) => field.path.put(&mut object, value),
            Ok(None) => {}
            Err(rule) => rejects.push(Reject { pointer: format!("{pointer}{}", field.path.pointer()), rule }),
        }
    }
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// One place; or, where its one member is a list, a place for each value.
fn places(place: Map<String, Value>) -> Vec<Value> {
    if place.is_empty() {
        return Vec::new();
    }
    let single = place.iter().next().filter(|_| place.len() == 1);
    if let Some((name, Value::Array(values))) = single {
        return values.iter().map(|value| json!({ name: value })).collect();
    }
    vec![Value::Object(place)]
}
