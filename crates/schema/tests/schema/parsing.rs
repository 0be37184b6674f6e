//! Texts that are not records: each is refused for its own reason, and no text at all makes anything panic.

use causeway_schema::{Classified, MAX_DOCUMENT_BYTES, MAX_VALUES, ParseFault, parse};

use crate::records::{profile, profiles, route, routes, today};

#[test]
fn each_fault_has_its_reason() {
    let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    // The object and the array are values, too.
    let array = |values: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(values - 3));
    for (text, fault) in [
        ("{", ParseFault::Malformed),
        ("", ParseFault::Malformed),
        ("{} {}", ParseFault::Malformed),
        ("{\"a\":1,}", ParseFault::Malformed),
        ("{\"a\":NaN}", ParseFault::Malformed),
        ("{\"a\":\"\\ud800\"}", ParseFault::Malformed),
        ("[]", ParseFault::NotAnObject),
        ("\"x\"", ParseFault::NotAnObject),
        ("{\"a\":1,\"a\":1}", ParseFault::DuplicateMember),
        ("{\"a\":{\"b\":1,\"\\u0062\":2}}", ParseFault::DuplicateMember),
        ("{\"a\":1e400}", ParseFault::NumberOutOfRange),
        ("{\"a\":9007199254740992}", ParseFault::NumberOutOfRange),
        ("{\"a\":-9007199254740993}", ParseFault::NumberOutOfRange),
        ("{\"a\":99999999999999999999999}", ParseFault::NumberOutOfRange),
        ("{\"a\":\"\\u0000\"}", ParseFault::NulCharacter),
        (&nested(17), ParseFault::TooDeep),
        (&"[".repeat(100_000), ParseFault::TooDeep),
        (&array(MAX_VALUES + 1), ParseFault::TooManyValues),
        (&format!("[{}1]", "{},".repeat(40_000)), ParseFault::TooManyValues),
    ] {
        let shown: String = text.chars().take(40).collect();
        assert_eq!(parse(text.as_bytes()).err(), Some(fault), "{shown}");
    }
    assert!(parse(nested(16).as_bytes()).is_ok());
    assert!(parse(array(MAX_VALUES).as_bytes()).is_ok());
    assert!(parse(format!("{{\"a\":\"{}\"}}", ",[{".repeat(10_000)).as_bytes()).is_ok(), "nor do they count");
    assert!(parse(b"{\"a\":\"[[[[[[[[[[[[[[[[[[[[ \\\" {{{{{{{{{\"}").is_ok(), "brackets in a text do not nest");
    assert!(parse(b"{\"a\":9007199254740991}").is_ok());
    assert_eq!(parse(b"{\"a\":\"\xff\"}").err(), Some(ParseFault::NotUtf8));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_DOCUMENT_BYTES));
    assert_eq!(parse(long.as_bytes()).err(), Some(ParseFault::TooLarge));
}

#[test]
fn a_document_prints_nothing() {
    let document = parse(b"{\"given_name\":\"secretquill\"}").expect("JSON");
    assert_eq!(format!("{document:?}"), "Document(..)");
}

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).expect("small")).expect("small")
    }
}

#[test]
fn damaged_records_never_panic() {
    let bits: [&[u8]; 12] = [b"{", b"}", b"[", b"]", b"\"", b"\\", b"null", b"1e9", b"-", b",", b":", b"\xf0\x9f"];
    let (mut read, mut valid) = (0, 0);
    for (schema, record) in [(profiles(), profile()), (routes(), route())] {
        let text = record.to_string().into_bytes();
        for seed in 0..3_000 {
            let mut random = Random(seed);
            let mut damaged = text.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(damaged.len());
                match random.below(5) {
                    0 => damaged.truncate(at.max(1)),
                    1 => damaged[at] = u8::try_from(random.below(256)).expect("a byte"),
                    2 => drop(damaged.splice(at..at, bits[random.below(bits.len())].iter().copied())),
                    3 => drop(damaged.drain(at..(at + random.below(40)).min(damaged.len()))),
                    _ => {
                        let end = (at + random.below(80)).min(damaged.len());
                        let copy = damaged[at..end].to_vec();
                        let to = random.below(damaged.len());
                        damaged.splice(to..to, copy);
                    }
                }
            }
            let Ok(document) = parse(&damaged) else { continue };
            read += 1;
            valid += usize::from(schema.validate(&document, today()).is_empty());
            // Splitting what was not validated is a caller's mistake; it must still be harmless.
            let parts = schema.split(&document, &|_, _| [1; 32]);
            Classified::decode(&parts.classified.encode()).expect("its own encoding");
            schema.facts(&parts.classified);
            if let Some(sealed) = parts.sealed {
                serde_json::from_slice::<serde_json::Value>(sealed.expose()).expect("sealed bodies are JSON");
            }
        }
    }
    assert!(read > 500 && valid > 0 && valid < read, "{read} read, {valid} valid");
}

#[test]
fn damaged_bodies_never_panic() {
    let body = profiles().split(&crate::records::document(&profile()), &|_, _| [1; 32]).classified.encode();
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let mut damaged = body.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(damaged.len());
            damaged[at] = u8::try_from(random.below(256)).expect("a byte");
        }
        let Ok(body) = Classified::decode(&damaged) else { continue };
        profiles().facts(&body);
        let shown = profiles().project(&body, &|_| Some(causeway_schema::Projected::AsIs), &|_| String::new());
        assert!(shown.starts_with(b"{"));
    }
}
