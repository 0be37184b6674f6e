//! The two kinds of record, and the schema versions they are written in.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// One potential victim of trafficking.
    VictimProfile,
    /// How people were or are moved: ordered legs, methods, the network behind them.
    TraffickingRoute,
}

impl Kind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::VictimProfile, Self::TraffickingRoute];

    /// The name used on the wire, in files and in schema ids.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VictimProfile => "victim-profile",
            Self::TraffickingRoute => "trafficking-route",
        }
    }
}

impl FromStr for Kind {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(Malformed("kind"))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A schema version: a minor one accepts all that the earlier minors of its major accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaVersion {
    /// Changed when what was valid may become invalid.
    pub major: u16,
    /// Changed when fields are added.
    pub minor: u16,
}

impl FromStr for SchemaVersion {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("schema version");
        let (major, minor) = text.split_once('.').ok_or(malformed)?;
        let number = |digits: &str| {
            let plain = digits == "0" || !digits.starts_with(['0', '+']);
            if plain { digits.parse().map_err(|_| malformed) } else { Err(malformed) }
        };
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A kind at a schema version. Reads `victim-profile/1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId {
    /// The kind.
    pub kind: Kind,
    /// The version of its schema.
    pub version: SchemaVersion,
}

impl FromStr for SchemaId {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (kind, version) = text.split_once('/').ok_or(Malformed("schema id"))?;
        Ok(Self { kind: kind.parse()?, version: version.parse()? })
    }
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_ids_have_one_spelling() {
        let id: SchemaId = "victim-profile/1.0".parse().expect("well formed");
        assert_eq!(id.to_string(), "victim-profile/1.0");
        for bad in ["victim-profile", "victim-profile/1", "victim-profile/01.0", "victim-profile/+1.0", "x/1.0"] {
            assert!(bad.parse::<SchemaId>().is_err(), "{bad:?}");
        }
    }
}
