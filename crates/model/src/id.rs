//! Ids: names that people wrote down (agencies, systems, agreements) and random numbers that stand for things.

use std::fmt;
use std::str::FromStr;

/// A text that is not of the form its type asks for. Says which type, never what the text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

impl std::error::Error for Malformed {}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(Box<str>);

        impl $type {
            /// The name as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.into())) } else { Err(Malformed($what)) }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// An agency: the ISO 3166-1 alpha-2 code of its country, then its short name, as in `gb-nca`; at most 32 characters.
    AgencyId,
    "agency id",
    |text| {
        text.len() <= 32
            && text.split_once('-').is_some_and(|(country, rest)| {
                country.len() == 2 && country.bytes().all(|b| b.is_ascii_lowercase()) && words(rest)
            })
    }
);
name!(
    /// A system of an agency, as in `case-management`; at most 32 characters.
    SystemName,
    "system name",
    |text| text.len() <= 32 && words(text)
);
name!(
    /// A person on an agency's roster, as in `a-clerk`; at most 32 characters.
    PersonId,
    "person id",
    |text| text.len() <= 32 && words(text)
);
name!(
    /// An information-sharing agreement, as it reads on paper: `ISA-AL-2026-014`; at most 48 characters.
    /// It also names the one feed that the agreement has.
    AgreementId,
    "agreement id",
    |text| {
        text.len() <= 48
            && text.split('-').all(|word| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            })
    }
);
name!(
    /// A clause of an agreement, as in `c3.2`; at most 16 characters. In full it reads `ISA-AL-2026-014/c3.2`.
    ClauseId,
    "clause id",
    |text| {
        text.len() <= 16
            && text.strip_prefix('c').is_some_and(|numbers| {
                numbers.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
            })
    }
);

/// Lower-case words of letters and digits, joined by single hyphens.
fn words(text: &str) -> bool {
    text.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

impl AgencyId {
    /// The agency's country, from the first two letters of its id.
    pub fn country(&self) -> crate::Country {
        crate::Country::from_lower(&self.0.as_bytes()[..2])
    }
}

/// A client of an agency: what one certificate speaks for. Reads `gb-nca/case-management`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SystemId {
    /// The agency whose client it is.
    pub agency: AgencyId,
    /// Its name within the agency.
    pub system: SystemName,
}

impl FromStr for SystemId {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (agency, system) = text.split_once('/').ok_or(Malformed("system id"))?;
        Ok(Self { agency: agency.parse()?, system: system.parse()? })
    }
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.agency, self.system)
    }
}

/// A number below 16 as a hexadecimal digit.
const fn digit(number: u8) -> u8 {
    match number {
        0..10 => b'0' + number,
        _ => b'a' + number - 10,
    }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type([u8; 16]);

        impl $type {
            /// The id that these 16 bytes are.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $type {
            type Error = Malformed;
            fn try_from(bytes: &[u8]) -> Result<Self, Malformed> {
                bytes.try_into().map(Self).map_err(|_| Malformed($what))
            }
        }

        impl FromStr for $type {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                parse_hex16(text).map(Self).ok_or(Malformed($what))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; 32];
                for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
                    pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
                }
                f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

random_id!(
    /// A record, for its owner and for auditors: 128 random bits, written as 32 lower-case hexadecimal digits.
    /// It never reaches a partner.
    RecordId,
    "record id"
);
random_id!(
    /// An entry of the journal: 128 random bits, written as 32 lower-case hexadecimal digits.
    EntryId,
    "entry id"
);
random_id!(
    /// An item of one feed, as its partner knows it: 128 bits, written as 32 lower-case hexadecimal digits.
    ItemId,
    "item id"
);
random_id!(
    /// One request to the gateway, in log lines and in entries: 128 random bits, 32 lower-case hexadecimal digits.
    RequestId,
    "request id"
);

fn parse_hex16(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0u8; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        assert!("gb-nca".parse::<AgencyId>().is_ok());
        for bad in ["", "gb", "gb-", "GB-nca", "gb-nca/x", "gb--nca", "gbr-nca", "gb-nca\n"] {
            assert!(bad.parse::<AgencyId>().is_err(), "{bad:?}");
        }
        assert!("ISA-AL-2026-014".parse::<AgreementId>().is_ok());
        assert!("isa-al".parse::<AgreementId>().is_err());
        assert!("c3.2".parse::<ClauseId>().is_ok());
        assert!("c3.".parse::<ClauseId>().is_err());
        let system: SystemId = "gb-nca/case-management".parse().expect("well formed");
        assert_eq!(system.to_string(), "gb-nca/case-management");
        assert_eq!(system.agency.country().as_str(), "GB");
    }

    #[test]
    fn random_ids_read_back_what_they_print() {
        let id = RecordId::from_bytes([0xa5; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("A5".repeat(16).parse::<RecordId>().is_err(), "upper case is another spelling");
        assert!("a5".repeat(15).parse::<RecordId>().is_err());
    }
}
