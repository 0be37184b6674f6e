//! Whatever a clause lists, nothing else leaves: projections by lists drawn at random.

use causeway_model::{Class, FieldNumber, Floor, Step};
use causeway_schema::{Classified, Projected, Schema};
use serde_json::Value;

use crate::records::{field_path, leaves, profile, profiles, route, routes};
use crate::split::split;

/// Steps of every ladder, and so of the wrong ones too.
const STEPS: [Step; 6] = [Step::Exact, Step::Month, Step::Quarter, Step::Year, Step::Band, Step::Country];

/// Numbers drawn from a seed, the same for ever (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % end as u64).expect("below a usize")
    }

    /// A list of fields, each in any form, whether that suits it or not.
    fn list(&mut self, schema: &Schema) -> Vec<(FieldNumber, Projected)> {
        let mut list = Vec::new();
        for spec in schema.fields().iter() {
            let form = match self.below(6) {
                0 | 1 => continue,
                2 => Projected::Step(STEPS[self.below(STEPS.len())]),
                3 => Projected::Pseudonym,
                _ => Projected::AsIs,
            };
            list.push((spec.number, form));
        }
        list
    }
}

fn project(schema: &Schema, body: &Classified, list: &[(FieldNumber, Projected)]) -> Value {
    let form = |number| list.iter().find(|(listed, _)| *listed == number).map(|(_, form)| *form);
    let bytes = schema.project(body, &form, &|internal| format!("p1-{:02x}", internal[0]));
    serde_json::from_slice(&bytes).expect("a projection is JSON")
}

#[test]
fn nothing_leaves_that_is_not_listed_or_that_its_class_keeps_back() {
    let mut shown = 0;
    for (schema, record) in [(profiles(), profile()), (routes(), route())] {
        let body = split(schema, &record).classified;
        for seed in 0..400 {
            let list = Draw(seed).list(schema);
            let projected = project(schema, &body, &list);
            for (pointer, value) in leaves(&projected).into_iter().filter(|(pointer, _)| !pointer.is_empty()) {
                let spec = schema.fields().by_path(&field_path(&pointer).parse().expect("a path")).expect("a leaf");
                let form = list.iter().find(|(number, _)| *number == spec.number).map(|(_, form)| *form);
                assert!(form.is_some(), "seed {seed}: {pointer} is not listed");
                let allowed = match spec.class {
                    Class::Sealed => false,
                    Class::Link => {
                        form == Some(Projected::Pseudonym) && value.as_str().is_some_and(|text| text.starts_with("p1-"))
                    }
                    Class::Open | Class::Coarse => spec.floor != Floor::Never && form != Some(Projected::Pseudonym),
                };
                assert!(allowed, "seed {seed}: {pointer} in the form {form:?}");
                shown += 1;
            }
        }
    }
    assert!(shown > 10_000, "{shown} leaves are too few to have shown anything");
}

#[test]
fn a_field_that_is_taken_off_the_list_takes_nothing_else_with_it() {
    for (schema, record) in [(profiles(), profile()), (routes(), route())] {
        let body = split(schema, &record).classified;
        for seed in 0..60 {
            let mut draw = Draw(seed);
            let list = draw.list(schema);
            let (taken, _) = list[draw.below(list.len())];
            let fewer: Vec<_> = list.iter().filter(|(number, _)| *number != taken).copied().collect();
            let (before, after) = (project(schema, &body, &list), project(schema, &body, &fewer));
            let number = |pointer: &str| {
                let spec = schema.fields().by_path(&field_path(pointer).parse().expect("a path"));
                spec.expect("a leaf").number
            };
            // Gaps close, so that the others are compared by field and order.
            let of = |value: &Value| -> Vec<(FieldNumber, Value)> {
                let all = leaves(value).into_iter().filter(|(pointer, _)| !pointer.is_empty());
                all.map(|(pointer, value)| (number(&pointer), value.clone())).filter(|(of, _)| *of != taken).collect()
            };
            assert_eq!(of(&before), of(&after), "seed {seed}");
            assert!(leaves(&after).iter().all(|(pointer, _)| pointer.is_empty() || number(pointer) != taken));
        }
    }
}
