//! The place of a member in the document: names, and places in lists.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// Elements of a list that a map may name one by one.
const MAX_INDEX: usize = 99;

/// `address.country`, `external_references[0].value`, or `victim_groups[].group`: an element for each value of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemberPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Index(usize),
    Each,
}

impl FromStr for MemberPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (name, places) = part.split_at(part.find('[').unwrap_or(part.len()));
            if !is_member(name) {
                return Err("is not a path of member names joined by dots");
            }
            steps.push(Step::Member(name.into()));
            let mut rest = places;
            while let Some((place, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                steps.push(match place {
                    "" => Step::Each,
                    place => Step::Index(
                        place
                            .parse()
                            .ok()
                            .filter(|index| *index <= MAX_INDEX)
                            .ok_or("has a place that is no number up to 99")?,
                    ),
                });
                rest = after;
            }
            if !rest.is_empty() {
                return Err("has brackets that are not [] or [number]");
            }
        }
        if steps.iter().filter(|step| **step == Step::Each).count() > 1 {
            return Err("has [] more than once");
        }
        Ok(Self { steps })
    }
}

impl MemberPath {
    /// Puts a value at this place, making what is around it. What stands there is replaced. With `[]`, each value of the
    /// list is put into an element of its own.
    pub(super) fn put(&self, document: &mut Value, value: Value) {
        let each = self.steps.iter().position(|step| *step == Step::Each);
        match (each, value) {
            (Some(each), Value::Array(values)) => {
                let (outer, inner) = (&self.steps[..each], &self.steps[each + 1..]);
                for (index, value) in values.into_iter().enumerate() {
                    *place(inner.iter(), element(place(outer.iter(), document), index)) = value;
                }
            }
            (_, value) => *place(self.steps.iter(), document) = value,
        }
    }

    /// Whether the other place is this one or within it.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.steps.starts_with(&self.steps)
    }

    /// Whether it makes one element for each value.
    pub(super) fn is_each(&self) -> bool {
        self.steps.contains(&Step::Each)
    }

    /// The member of the document that it lies in.
    pub(super) fn first(&self) -> &str {
        match self.steps.first() {
            Some(Step::Member(name)) => name,
            _ => "",
        }
    }

    /// Whether one of the two lies in the other or both fill the same list in ways that would mix.
    pub(super) fn collides(&self, other: &Self) -> bool {
        for (mine, theirs) in self.steps.iter().zip(&other.steps) {
            match (mine, theirs) {
                (Step::Each, _) | (_, Step::Each) => return true,
                (Step::Member(_), Step::Index(_)) | (Step::Index(_), Step::Member(_)) => return true,
                (mine, theirs) if mine != theirs => return false,
                _ => {}
            }
        }
        true
    }

    /// The JSON pointer, up to the list where there is one element for each value. Names hold neither `~` nor `/`.
    pub(super) fn pointer(&self) -> String {
        let known = self.steps.iter().take_while(|step| **step != Step::Each);
        known.fold(String::new(), |pointer, step| match step {
            Step::Member(name) => pointer + "/" + name,
            Step::Index(index) => format!("{pointer}/{index}"),
            Step::Each => pointer,
        })
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.steps.iter().enumerate() {
            match step {
                Step::Member(name) if place == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

/// Takes out what was never filled: places of lists that a row says nothing for.
pub(super) fn close_gaps(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(close_gaps);
        }
        Value::Object(members) => members.values_mut().for_each(close_gaps),
        _ => {}
    }
}

pub(super) fn is_member(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn place<'v, 's>(steps: impl Iterator<Item = &'s Step>, value: &'v mut Value) -> &'v mut Value {
    steps.fold(value, |value, step| match step {
        Step::Member(name) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            let object = value.as_object_mut().expect("it is one now");
            object.entry(name.as_str()).or_insert(Value::Null)
        }
        Step::Index(index) => element(value, *index),
        Step::Each => value,
    })
}

fn element(value: &mut Value, index: usize) -> &mut Value {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    let items = value.as_array_mut().expect("it is one now");
    if items.len() <= index {
        items.resize(index + 1, Value::Null);
    }
    &mut items[index]
}
