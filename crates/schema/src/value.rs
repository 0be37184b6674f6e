//! The values of a record, borrowed from its text: reading one copies no name and no text but those that hold escapes.

use std::cmp::Ordering;

use serde::{Serialize, Serializer};
use serde_json::{Map, Number};
use zeroize::Zeroizing;

/// A JSON value. Every number is one that a double holds exactly, since the reader refuses others.
pub(crate) enum Value<'t> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text<'t>),
    Array(Vec<Value<'t>>),
    Object(Members<'t>),
}

/// A text of the record.
pub(crate) enum Text<'t> {
    /// As it stands in the record's bytes, whose owner wipes them.
    Plain(&'t str),
    /// With its escapes undone: a copy, which is wiped with the record.
    Unescaped(Zeroizing<String>),
}

/// One member of an object.
pub(crate) struct Member<'t> {
    pub(crate) name: Text<'t>,
    pub(crate) value: Value<'t>,
}

/// The members of an object, in the order of their names, each of which stands once.
pub(crate) struct Members<'t>(Vec<Member<'t>>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Unescaped(text) => text,
        }
    }
}

/// The order of two names: as texts have it, and found from the first eight bytes where those differ, as most names' do.
pub(crate) fn by_name(a: &str, b: &str) -> Ordering {
    let head = |name: &str| name.as_bytes().first_chunk().map(|head: &[u8; 8]| u64::from_be_bytes(*head));
    match (head(a), head(b)) {
        (Some(a), Some(b)) if a != b => a.cmp(&b),
        _ => a.cmp(b),
    }
}

impl<'t> Members<'t> {
    /// Brings the members into order; `None` where a name stands twice.
    pub(crate) fn new(mut members: Vec<Member<'t>>) -> Option<Self> {
        let in_order =
            |members: &[Member<'_>]| members.is_sorted_by(|a, b| by_name(a.name.as_str(), b.name.as_str()).is_lt());
        if !in_order(&members) {
            members.sort_unstable_by(|a, b| by_name(a.name.as_str(), b.name.as_str()));
            if !in_order(&members) {
                return None;
            }
        }
        Some(Self(members))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value<'t>> {
        let place = self.0.binary_search_by(|member| by_name(member.name.as_str(), name)).ok()?;
        self.0.get(place).map(|member| &member.value)
    }

    pub(crate) fn as_slice(&self) -> &[Member<'t>] {
        &self.0
    }
}

impl<'t> Value<'t> {
    /// The member of this name, of an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The same as a value that borrows nothing. Not for what identifies anyone: nobody wipes it.
    pub(crate) fn to_owned_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => serde_json::Value::Bool(*flag),
            Self::Number(number) => serde_json::Value::Number(number.clone()),
            Self::Text(text) => serde_json::Value::String(text.as_str().to_owned()),
            Self::Array(items) => serde_json::Value::Array(items.iter().map(Self::to_owned_json).collect()),
            Self::Object(members) => {
                let owned = |member: &Member<'_>| (member.name.as_str().to_owned(), member.value.to_owned_json());
                serde_json::Value::Object(members.as_slice().iter().map(owned).collect::<Map<_, _>>())
            }
        }
    }

    /// Whether it is this value of a schema file, numbers compared by what they are (JSON Schema core, section 4.2.2).
    pub(crate) fn equals(&self, expected: &serde_json::Value) -> bool {
        match (self, expected) {
            (Self::Null, serde_json::Value::Null) => true,
            (Self::Bool(flag), serde_json::Value::Bool(expected)) => flag == expected,
            (Self::Number(number), serde_json::Value::Number(expected)) => number.as_f64() == expected.as_f64(),
            (Self::Text(text), serde_json::Value::String(expected)) => text.as_str() == expected,
            (Self::Array(items), serde_json::Value::Array(expected)) => {
                items.len() == expected.len()
                    && items.iter().zip(expected).all(|(item, expected)| item.equals(expected))
            }
            (Self::Object(members), serde_json::Value::Object(expected)) => {
                let same = |member: &Member<'_>| {
                    expected.get(member.name.as_str()).is_some_and(|expected| member.value.equals(expected))
                };
                members.as_slice().len() == expected.len() && members.as_slice().iter().all(same)
            }
            _ => false,
        }
    }

    /// Some order of all values, in which two are equal where JSON Schema has them equal.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            // No number of a record is NaN.
            (Self::Number(a), Self::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
            (Self::Text(a), Self::Text(b)) => a.as_str().cmp(b.as_str()),
            (Self::Array(a), Self::Array(b)) => {
                let items = a.iter().zip(b).map(|(a, b)| a.order(b));
                items.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Self::Object(a), Self::Object(b)) => {
                let members = a.as_slice().iter().zip(b.as_slice());
                let mut members =
                    members.map(|(a, b)| a.name.as_str().cmp(b.name.as_str()).then_with(|| a.value.order(&b.value)));
                let differs = members.find(|order| order.is_ne());
                differs.unwrap_or_else(|| a.as_slice().len().cmp(&b.as_slice().len()))
            }
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::Array(_) => 4,
            Self::Object(_) => 5,
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text.as_str()),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                serializer.collect_map(members.as_slice().iter().map(|member| (member.name.as_str(), &member.value)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    #[test]
    fn values_are_equal_where_json_schema_has_them_equal() {
        let text = r#"{"a":[null,false,true,0,-0.0,1,1.0,2,"","1","a",[],[1],[1.0],[1,2],{},{"b":1},{"b":1.0},{"b":2},{"c":1}]}"#;
        let document = parse(text.as_bytes()).expect("JSON");
        let items = document.root().get("a").and_then(Value::as_array).expect("an array");
        for a in items {
            for b in items {
                let (left, right) = (a.to_owned_json(), b.to_owned_json());
                let equal = jsonschema::json::cmp::equal(&left, &right);
                assert_eq!(a.order(b).is_eq(), equal, "{left} {right}");
                assert_eq!(a.equals(&right), equal, "{left} {right}");
                assert_eq!(a.order(b), b.order(a).reverse(), "{left} {right}");
            }
        }
    }

    #[test]
    fn names_are_in_the_order_of_texts() {
        let names = ["", "a", "b", "tlp", "action_", "action_code", "action_codf", "action_d", "\u{e9}tat_civil", "zz"];
        for (a, b) in names.iter().flat_map(|a| names.iter().map(move |b| (*a, *b))) {
            assert_eq!(by_name(a, b), a.cmp(b), "{a} {b}");
        }
    }

    #[test]
    fn members_are_found_by_name_in_whatever_order_they_came() {
        let document = parse(br#"{"b":1,"a":2,"\u0063":3}"#).expect("JSON");
        let read = |name| document.root().get(name).and_then(Value::as_u64);
        assert_eq!([read("a"), read("b"), read("c"), read("d")], [Some(2), Some(1), Some(3), None]);
    }
}
