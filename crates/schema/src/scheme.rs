//! Normalising identifiers, so that one person's number gives one pseudonym however it was typed.

use std::str::FromStr;

use causeway_model::Malformed;
use unicode_normalization::UnicodeNormalization;

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
}

impl Scheme {
    const ALL: [(Self, &'static str); 11] = [
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
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(scheme, _)| *scheme == self).expect("every scheme has its name").1
    }

    /// The value in its one spelling. A value of separators alone stays as it is, lest all of them become one person.
    pub(crate) fn normalise(self, value: &str) -> String {
        let value = value.trim();
        // ASCII is its own NFKC form, and nearly all identifiers are ASCII.
        let plain: String = if value.is_ascii() { value.to_owned() } else { value.nfkc().collect() };
        let normal = match self {
            Self::Phone => phone(&plain),
            Self::Email => plain.to_lowercase(),
            Self::Handle => plain.trim_start_matches('@').to_lowercase(),
            Self::Imo | Self::Mmsi => plain.chars().filter(char::is_ascii_digit).collect(),
            Self::Subject | Self::Nrm | Self::Case | Self::Route | Self::Document | Self::Vehicle => {
                plain.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
            }
        };
        if normal.is_empty() { plain } else { normal }
    }
}

/// E.164 with its plus sign: separators and a leading `00` go.
fn phone(plain: &str) -> String {
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

    #[test]
    fn one_identifier_has_one_spelling() {
        for (scheme, spellings, normal) in [
            (Scheme::Subject, &["GB-000123", " gb 000123", "\u{ff27}B.000123"][..], "GB000123"),
            (Scheme::Phone, &["+44 20 7946 0000", "0044 (20) 7946-0000", "442079460000"], "+442079460000"),
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

    #[test]
    fn every_scheme_reads_back() {
        for (scheme, name) in Scheme::ALL {
            assert_eq!(name.parse(), Ok(scheme));
            assert_eq!(scheme.as_str(), name);
        }
    }
}
