//! Splitting a valid record: what the gateway may read goes to the classified body, what it must not to the sealed one.

use std::borrow::Cow;
use std::fmt;

use causeway_model::{Class, Floor};
use zeroize::Zeroize;

use crate::classified::{CellValue, Classified};
use crate::document::Document;
use crate::ladder::{Ladders, Scalar};
use crate::shape::{Leaf, Link, Met, Segment, Shape, value_at};
use crate::value::Value;
use crate::writer::{Gaps, JsonWriter};

/// Between a value and the members that make it unique: a character that no valid value starts with (U+001F).
const SEPARATOR: char = '\u{1f}';

/// The two parts of a record. Every leaf is in one of them, a coarse one possibly in both.
#[derive(Debug)]
pub struct Split {
    /// What the gateway may read.
    pub classified: Classified,
    /// What only the owner may read; absent where the record has nothing of the kind.
    pub sealed: Option<SealedBody>,
}

/// Exact values and free text, as a JSON object in which each stands at its own place (`null` fills the gaps of an
/// array). To be sealed at once: it is wiped when dropped and prints nothing.
pub struct SealedBody(Vec<u8>);

/// All that was ever written: the buffer was large enough from the start, and only grew fuller.
impl Drop for SealedBody {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl SealedBody {
    /// The JSON text. Whoever asks for it seals it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedBody(..)")
    }
}

/// How a leaf's value is kept.
enum Kept<'d> {
    Open(Scalar<'d>),
    /// At the floor, with whether that differs from the exact value; `None` where it has no form there.
    Coarse(Option<Scalar<'d>>, bool),
    Link(String),
    Sealed,
}

/// Splits a record that `shape` validated.
pub(crate) fn split(shape: &Shape, document: &Document<'_>, pseudonymise: &dyn Fn(&str, &str) -> [u8; 32]) -> Split {
    let root = document.root();
    let mut classified = Classified::with_room(document.bytes());
    // The sealed body is at most the record, its gaps and its escapes; a growing buffer would leave copies behind.
    let mut sealed = JsonWriter::with_capacity(document.bytes() * 2, Gaps::Null);
    let mut any_sealed = false;
    shape.visit(root, &mut |met| {
        let leaf = &shape.leaves[met.leaf];
        let number = leaf.spec.number;
        let seal = match keep(&shape.ladders, leaf, root, &met) {
            Some(Kept::Open(value)) => {
                classified.push(number, met.indices, &CellValue::Scalar(value));
                false
            }
            Some(Kept::Coarse(value, differs)) => {
                if let Some(value) = value {
                    classified.push(number, met.indices, &CellValue::Scalar(value));
                }
                differs
            }
            Some(Kept::Link(normalised)) => {
                let scheme = leaf.link.as_ref().map_or("", |link| link.scheme.as_str());
                let pseudonym = pseudonymise(scheme, &normalised);
                classified.push(number, met.indices, &CellValue::Pseudonym(&pseudonym));
                true
            }
            Some(Kept::Sealed) => true,
            None => false,
        };
        if seal {
            any_sealed |= write(&mut sealed, &shape.leaves[met.leaf].segments, &met);
        }
    });
    Split { classified, sealed: any_sealed.then(|| SealedBody(sealed.finish())) }
}

fn write<'s>(sealed: &mut JsonWriter<'s>, segments: &'s [Segment], met: &Met<'_>) -> bool {
    sealed.leaf(segments, met.indices).is_some_and(|out| serde_json::to_writer(out, met.value).is_ok())
}

fn keep<'d>(ladders: &'d Ladders, leaf: &Leaf, root: &Value<'_>, met: &Met<'d>) -> Option<Kept<'d>> {
    let withheld = leaf.withheld.as_ref().is_some_and(|withheld| {
        let beside = value_at(root, &withheld.segments, met.indices).and_then(Value::as_str);
        beside.is_some_and(|value| withheld.values.iter().any(|listed| **listed == *value))
    });
    if withheld {
        return Some(Kept::Sealed);
    }
    let value = scalar(met.value)?;
    Some(match (leaf.spec.class, leaf.spec.ladder, leaf.spec.floor, &leaf.link) {
        (Class::Open, _, _, _) => Kept::Open(value),
        (Class::Coarse, Some(ladder), Floor::Finest(floor), _) => {
            let at_floor = ladders.coarsen(ladder, floor, value.clone());
            let differs = at_floor.as_ref() != Some(&value);
            Kept::Coarse(at_floor, differs)
        }
        (Class::Link, _, _, Some(link)) => Kept::Link(normalised(leaf, link, root, met)?),
        _ => Kept::Sealed,
    })
}

fn scalar<'d>(value: &'d Value<'_>) -> Option<Scalar<'d>> {
    match value {
        Value::Text(text) => Some(Scalar::Text(Cow::Borrowed(text.as_str()))),
        Value::Bool(flag) => Some(Scalar::Flag(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(Scalar::Integer(whole)),
            None => number.as_f64().map(Scalar::Number),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn normalised(leaf: &Leaf, link: &Link, root: &Value<'_>, met: &Met<'_>) -> Option<String> {
    let mut normalised = String::new();
    let (_, container) = leaf.segments.split_last()?;
    for name in &link.with {
        let beside = value_at(root, container, met.indices).and_then(|container| container.get(name.as_ref()));
        normalised.push_str(beside.and_then(Value::as_str).unwrap_or_default());
        normalised.push(SEPARATOR);
    }
    normalised.push_str(&link.scheme.normalise(met.value.as_str()?));
    Some(normalised)
}
