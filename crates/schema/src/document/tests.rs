//! Which fault a text is refused for is that of the first one in it, as a reader finds it that keeps the names of each object in a set.

use std::collections::BTreeSet;

use super::*;
use crate::random::Random;

/// A reader that builds nothing.
#[derive(Clone, Copy)]
struct FirstFault<'f>(&'f Cell<Option<ParseFault>>);

impl FirstFault<'_> {
    fn of(text: &str) -> Option<ParseFault> {
        let fault = Cell::new(None);
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = FirstFault(&fault).deserialize(&mut reader).and_then(|()| reader.end());
        let of_number = |error: serde_json::Error| error.to_string().starts_with("number out of range");
        let other = |is_number| if is_number { ParseFault::NumberOutOfRange } else { ParseFault::Malformed };
        read.err().map(|error| fault.get().unwrap_or_else(|| other(of_number(error))))
    }

    fn check<E: serde::de::Error>(self, good: bool, fault: ParseFault) -> Result<(), E> {
        if good {
            return Ok(());
        }
        self.0.set(Some(fault));
        Err(E::custom(fault))
    }
}

impl<'de> DeserializeSeed<'de> for FirstFault<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FirstFault<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.check(number <= MAX_EXACT, ParseFault::NumberOutOfRange)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.check(number.unsigned_abs() <= MAX_EXACT, ParseFault::NumberOutOfRange)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.check(number.abs() <= MAX_EXACT_FLOAT, ParseFault::NumberOutOfRange)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.check(!text.contains('\0'), ParseFault::NulCharacter)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.visit_str(&name)?;
            self.check(names.insert(name), ParseFault::DuplicateMember)?;
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

impl Random {
    fn value(&mut self, depth: usize, text: &mut String) {
        const LEAVES: [&str; 12] = [
            "1",
            "-2.5",
            "true",
            "null",
            "\"\"",
            "\"x\"",
            "\"\\u00e9\"",
            "1e400",
            "9007199254740993",
            "\"\\u0000\"",
            "tru",
            "\"\\x\"",
        ];
        // The last five are faults, and come less often.
        let leaf = if self.below(4) == 0 { LEAVES.len() } else { 7 };
        match self.below(if depth > 3 { 2 } else { 5 }) {
            0 | 1 => text.push_str(LEAVES[self.below(leaf)]),
            2 => self.container(depth, text, ['[', ']'], &[]),
            _ => self.container(
                depth,
                text,
                ['{', '}'],
                &["\"a\"", "\"b\"", "\"\\u0061\"", "\"c\"", "\"\"", "\"d\"", "\"\\u0000\""],
            ),
        }
    }

    fn container(&mut self, depth: usize, text: &mut String, [open, close]: [char; 2], names: &[&str]) {
        text.push(open);
        for place in 0..self.below(5) {
            if place > 0 {
                text.push(',');
            }
            if !names.is_empty() {
                let rare = usize::from(self.below(8) == 0);
                text.push_str(names[self.below(names.len() - 1 + rare)]);
                text.push(':');
            }
            self.value(depth + 1, text);
        }
        text.push(close);
    }
}

#[test]
fn the_first_fault_of_a_text_is_the_one_that_it_is_refused_for() {
    let mut random = Random(7);
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..60_000 {
        let mut text = String::new();
        random.container(0, &mut text, ['{', '}'], &["\"a\"", "\"b\"", "\"\\u0062\"", "\"d\"", "\"\\u0000\""]);
        if random.below(6) == 0 {
            text.truncate(random.below(text.len()) + 1);
        }
        let fault = parse(text.as_bytes()).err();
        assert_eq!(fault, FirstFault::of(&text), "{text}");
        *seen.entry(fault.map_or("none", ParseFault::reason)).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 5, "every fault that is one within the text, and none: {seen:?}");
    assert!(seen.values().all(|count| *count > 1_000), "{seen:?}");
}
