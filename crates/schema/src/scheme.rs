//! Normalising identifiers, so that one person's number gives one pseudonym however it was typed.

use std::str::FromStr;

use causeway_model::Malformed;
use unicode_normalization::UnicodeNormalization;

use crate::fold::plain;

/// The value in the one spelling by which it gets its pseudonym, under the scheme of this name; `None` for a name that is
/// no scheme. Pure: the same on every machine, and normalising twice changes nothing.
///
/// | scheme | what does not matter |
/// |---|---|
/// | `subject`, `nrm`, `case`, `route`, `document`, `vehicle` | case, width, blanks, hyphens and whatever else is no letter or digit |
/// | `phone` (E.164) | separators, `00` for the plus sign, a `(0)` within an international number, the plus sign itself |
/// | `email` | case and width |
/// | `handle` | case, width and a leading `@` |
/// | `imo`, `mmsi` | everything but the digits |
/// | `name` | case, width and which blanks stand between the parts; no field of the shipped schemas is of it |
pub fn normalise(scheme: &str, value: &str) -> Option<String> {
    scheme.parse::<Scheme>().ok().map(|scheme| scheme.normalise(value))
}

/// What sort of identifier a link field holds: it names the pseudonym's domain and how the value is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Subject,
    Nrm,
    Case,
    Route,
    Phone,
    Document,
    Handle,
    Email,
    Vehicle,
    Imo,
    Mmsi,
    Name,
}

impl Scheme {
    const ALL: [(Self, &'static str); 12] = [
        (Self::Subject, "subject"),
        (Self::Nrm, "nrm"),
        (Self::Case, "case"),
        (Self::Route, "route"),
        (Self::Phone, "phone"),
        (Self::Document, "document"),
        (Self::Handle, "handle"),
        (Self::Email, "email"),
        (Self::Vehicle, "vehicle"),
        (Self::Imo, "imo"),
        (Self::Mmsi, "mmsi"),
        (Self::Name, "name"),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(scheme, _)| *scheme == self).expect("every scheme has its name").1
    }

    /// The value in its one spelling. A value of separators alone stays as it is, lest all of them become one person.
    pub(crate) fn normalise(self, value: &str) -> String {
        // ASCII is its own NFKC form, and nearly all identifiers are ASCII.
        let plain = if value.is_ascii() { value.to_owned() } else { plain(value) };
        let plain = plain.trim();
        let normal = match self {
            Self::Phone => phone(plain),
            Self::Email => plain.to_lowercase(),
            Self::Handle => plain.trim_start_matches('@').to_lowercase(),
            Self::Imo | Self::Mmsi => plain.chars().filter(char::is_ascii_digit).collect(),
            Self::Name => plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "),
            Self::Subject | Self::Nrm | Self::Case | Self::Route | Self::Document | Self::Vehicle => {
                let upper = plain.chars().flat_map(char::to_uppercase);
                upper.filter(|character| character.is_alphanumeric()).collect()
            }
        };
        let normal = if normal.is_empty() { plain.to_owned() } else { normal };
        // Changing the case can leave letters that NFKC would put together.
        if normal.is_ascii() { normal } else { normal.nfkc().collect() }
    }
}

/// E.164 with its plus sign: separators, a leading `00` and a `(0)` for calls from within the country go.
fn phone(plain: &str) -> String {
    let international = plain.starts_with('+') || plain.starts_with("00");
    let plain = if international { plain.replace("(0)", "") } else { plain.to_owned() };
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("00").filter(|_| !plain.starts_with('+')).unwrap_or(&digits);
    if national.is_empty() { String::new() } else { format!("+{national}") }
}

impl FromStr for Scheme {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(scheme, _)| scheme).ok_or(Malformed("scheme"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn one_identifier_has_one_spelling() {
        for (scheme, spellings, normal) in [
            (Scheme::Subject, &["GB-000123", " gb 000123", "\u{ff27}B.000123"][..], "GB000123"),
            (Scheme::Phone, &["+44 20 7946 0000", "0044 (20) 7946-0000", "442079460000"], "+442079460000"),
            (Scheme::Phone, &["+44 (0)20 7946 0000", "\u{ff0b}44 20 7946 0000"], "+442079460000"),
            (Scheme::Document, &["AB 12-34 56c", "ab123456C", "\u{ff21}B.123456/c", "AB\u{200b}123456C"], "AB123456C"),
            (Scheme::Email, &["Some.One@Example.org", " some.one@example.org"], "some.one@example.org"),
            (Scheme::Name, &["Nguy\u{1ec5}n  Van", "NGUYE\u{302}\u{303}N VAN"], "nguy\u{1ec5}n van"),
            (Scheme::Document, &["ab 12-34", "AB1234"], "AB1234"),
            (Scheme::Handle, &["@Some.One", "some.one"], "some.one"),
            (Scheme::Imo, &["IMO 9074729", "9074729"], "9074729"),
        ] {
            for spelling in spellings {
                assert_eq!(scheme.normalise(spelling), normal, "{spelling}");
            }
        }
        assert_ne!(Scheme::Document.normalise("--"), Scheme::Document.normalise("/"), "nothing left is not one person");
    }

    impl Random {
        fn text(&mut self, alphabet: &[char], longest: usize) -> String {
            let length = self.below(longest) + 1;
            (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        let every: Vec<char> = (1..0x2fff).chain(0xf900..0xffff).filter_map(char::from_u32).collect();
        let mut random = Random(7);
        for _ in 0..20_000 {
            let text = random.text(&every, 12);
            for (scheme, name) in Scheme::ALL {
                let once = scheme.normalise(&text);
                assert_eq!(scheme.normalise(&once), once, "{name}: {text:?}");
            }
        }
    }

    #[test]
    fn case_width_and_separators_do_not_matter_and_every_letter_does() {
        let letters: Vec<char> = ('0'..='9').chain('A'..='Z').collect();
        let separators = [' ', '-', '.', '/', '\u{a0}', '\u{2011}', '_'];
        let mut random = Random(11);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..5_000 {
            let number = random.text(&letters, 14);
            let mut spelt = String::new();
            for letter in number.chars() {
                match random.below(4) {
                    0 => spelt.push(letter.to_ascii_lowercase()),
                    // The fullwidth form of ASCII begins at U+FF01.
                    1 => spelt.extend(char::from_u32(u32::from(letter) + 0xfee0)),
                    _ => spelt.push(letter),
                }
                if random.below(3) == 0 {
                    spelt.push(separators[random.below(separators.len())]);
                }
            }
            let normal = normalise("document", &spelt).expect("a scheme");
            assert_eq!(normal, number, "{spelt:?}");
            assert_eq!(seen.entry(normal).or_insert_with(|| number.clone()), &number, "two numbers became one");
        }
        assert_eq!(normalise("shoe-size", "44"), None);
    }

    #[test]
    fn every_scheme_reads_back() {
        for (scheme, name) in Scheme::ALL {
            assert_eq!(name.parse(), Ok(scheme));
            assert_eq!(scheme.as_str(), name);
        }
    }
}
