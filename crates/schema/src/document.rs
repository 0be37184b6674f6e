//! Reading a record: our own limits first, then JSON in which every member stands once and every number is exact.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use zeroize::Zeroizing;

use crate::value::{Member, Members, Text, Value};

/// The greatest size of a record in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 128 * 1024;
/// How deep objects and arrays may nest, the record itself counted.
pub const MAX_DEPTH: usize = 16;
/// How many values a record may hold, objects and arrays counted. A tree of values takes many times the memory of its text, so a text
/// that is short enough may still be too much; the largest route has some two thousand.
pub const MAX_VALUES: usize = 8 * 1024;
/// The greatest whole number that every JSON reader holds exactly: 2^53 - 1 (RFC 8259 section 6).
const MAX_EXACT: u64 = (1 << 53) - 1;
const MAX_EXACT_FLOAT: f64 = 9_007_199_254_740_991.0;

/// A record that was read but not yet validated. It borrows its values from its text, which whoever holds that wipes; what it had to
/// copy, because of escapes, is wiped when it is dropped. Nothing of it is ever printed.
pub struct Document<'t> {
    root: Value<'t>,
    bytes: usize,
}

impl<'t> Document<'t> {
    pub(crate) fn root(&self) -> &Value<'t> {
        &self.root
    }

    /// The size of the text that it was read from.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document(..)")
    }
}

/// Why a text is not a record at all. Always the submitter's fault; says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseFault {
    /// Over [`MAX_DOCUMENT_BYTES`].
    TooLarge,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// More than [`MAX_VALUES`].
    TooManyValues,
    /// Not UTF-8.
    NotUtf8,
    /// Not JSON, or more than one JSON value.
    Malformed,
    /// JSON, but not an object.
    NotAnObject,
    /// An object has a member twice; readers disagree on which one counts.
    DuplicateMember,
    /// A number that not every reader holds exactly.
    NumberOutOfRange,
    /// A text holds U+0000.
    NulCharacter,
}

impl ParseFault {
    /// The stable reason code.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
            Self::TooManyValues => "too-many-values",
            Self::NotUtf8 => "not-utf8",
            Self::Malformed => "malformed-json",
            Self::NotAnObject => "not-an-object",
            Self::DuplicateMember => "duplicate-member",
            Self::NumberOutOfRange => "number-out-of-range",
            Self::NulCharacter => "nul-character",
        }
    }
}

impl fmt::Display for ParseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the document is over {MAX_DOCUMENT_BYTES} bytes"),
            Self::TooDeep => write!(f, "the document is nested deeper than {MAX_DEPTH}"),
            Self::TooManyValues => write!(f, "the document holds more than {MAX_VALUES} values"),
            Self::NotUtf8 => f.write_str("the document is not UTF-8"),
            Self::Malformed => f.write_str("the document is not JSON, or more than one JSON value"),
            Self::NotAnObject => f.write_str("the document is JSON, but not an object"),
            Self::DuplicateMember => f.write_str("an object of the document has a member twice"),
            Self::NumberOutOfRange => f.write_str("a number of the document is beyond what every reader holds exactly"),
            Self::NulCharacter => f.write_str("a text of the document holds U+0000"),
        }
    }
}

impl std::error::Error for ParseFault {}

/// Reads one record. Size, nesting and the number of values are checked before anything is allocated.
pub fn parse(bytes: &[u8]) -> Result<Document<'_>, ParseFault> {
    let root = read_within(bytes, MAX_DOCUMENT_BYTES, MAX_DEPTH, MAX_VALUES)?;
    if root.is_object() { Ok(Document { root, bytes: bytes.len() }) } else { Err(ParseFault::NotAnObject) }
}

/// Reads any JSON under the given limits, by the same rules as a record.
pub(crate) fn read(bytes: &[u8], max_bytes: usize, max_depth: usize) -> Result<serde_json::Value, ParseFault> {
    read_within(bytes, max_bytes, max_depth, usize::MAX).map(|value| value.to_owned_json())
}

fn read_within(bytes: &[u8], max_bytes: usize, max_depth: usize, max_values: usize) -> Result<Value<'_>, ParseFault> {
    if bytes.len() > max_bytes {
        return Err(ParseFault::TooLarge);
    }
    let shape = shape(bytes);
    if shape.deepest > max_depth {
        return Err(ParseFault::TooDeep);
    }
    if shape.values > max_values {
        return Err(ParseFault::TooManyValues);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ParseFault::NotUtf8)?;
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Strict { fault: &fault }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let out_of_range = error.to_string().starts_with("number out of range");
        fault.take().unwrap_or(if out_of_range { ParseFault::NumberOutOfRange } else { ParseFault::Malformed })
    })
}

/// What can be told of a text without reading it.
struct Shape {
    deepest: usize,
    values: usize,
}

/// The deepest nesting of brackets outside strings, and how many values there are at most: one more in each bracket, and behind each
/// comma. Of malformed text it gives some numbers; the reader refuses it after.
fn shape(bytes: &[u8]) -> Shape {
    let (mut depth, mut shape) = (0usize, Shape { deepest: 0, values: 1 });
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                shape.deepest = shape.deepest.max(depth);
                shape.values += 1;
            }
            b',' => shape.values += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = rest.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(rest.next()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    shape
}

#[derive(Clone, Copy)]
struct Strict<'f> {
    fault: &'f Cell<Option<ParseFault>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, fault: ParseFault) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    /// Reads members up to the object's end, or up to the first fault.
    fn members<'de, A: MapAccess<'de>>(self, mut map: A, members: &mut Vec<Member<'de>>) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(self)? {
            let Value::Text(name) = name else { return Err(self.refuse(ParseFault::Malformed)) };
            members.push(Member { name, value: Value::Null });
            let value = map.next_value_seed(self)?;
            members.last_mut().expect("it was just added").value = value;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value<'de>;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value<'de>, E> {
        let exact = number <= MAX_EXACT;
        if exact { Ok(Value::Number(number.into())) } else { Err(self.refuse(ParseFault::NumberOutOfRange)) }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value<'de>, E> {
        let exact = number.unsigned_abs() <= MAX_EXACT;
        if exact { Ok(Value::Number(number.into())) } else { Err(self.refuse(ParseFault::NumberOutOfRange)) }
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value<'de>, E> {
        let exact = Number::from_f64(number).filter(|_| number.abs() <= MAX_EXACT_FLOAT);
        exact.map(Value::Number).ok_or_else(|| self.refuse(ParseFault::NumberOutOfRange))
    }

    /// A text without escapes. It holds no U+0000, which JSON has as an escape only (RFC 8259 section 7).
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Text::Plain(text)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value<'de>, E> {
        if text.contains('\0') {
            return Err(self.refuse(ParseFault::NulCharacter));
        }
        Ok(Value::Text(Text::Unescaped(Zeroizing::new(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value<'de>, A::Error> {
        let mut members = Vec::new();
        let read = self.members(map, &mut members);
        // Whatever ended the object, a name that stands twice came before it.
        let members = Members::new(members).ok_or_else(|| self.refuse(ParseFault::DuplicateMember))?;
        read.map(|()| Value::Object(members))
    }
}

#[cfg(test)]
mod tests;
