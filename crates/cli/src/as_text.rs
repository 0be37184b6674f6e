//! Ids, digests and bytes in the files that people hand around: each as its one spelling, refused where it has another.

use std::fmt::Display;
use std::str::FromStr;

use causeway_crypto::Digest;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

use causeway_verify::hex::unhex;

/// For `#[serde(with = "as_text")]` on an id.
pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// An id from its text.
pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// For lists of ids.
pub(crate) mod list {
    use super::*;

    /// The texts of the ids.
    pub(crate) fn serialize<T: Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ToString::to_string))
    }

    /// The ids from their texts.
    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

/// For digests: 64 lower-case hexadecimal digits.
pub(crate) mod digest {
    use super::*;

    /// The digest's digits.
    pub(crate) fn serialize<S: Serializer>(value: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// The digest from its digits.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let bytes = unhex(&String::deserialize(deserializer)?).unwrap_or_default();
        Digest::try_from(bytes.as_slice()).map_err(D::Error::custom)
    }
}

/// For bytes: base64.
pub(crate) mod bytes {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    /// The bytes as base64.
    pub(crate) fn serialize<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(value))
    }

    /// The bytes from base64.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
