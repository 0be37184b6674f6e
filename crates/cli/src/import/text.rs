//! How texts of a source are compared: as a person would who reads them in a table.

use std::collections::BTreeSet;

/// A text as it is looked up. Letter case, spaces around and within, the kind of apostrophe and the leading zeros of a
/// number do not count: spreadsheets lose all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(text: &str) -> Self {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let plain = words.to_lowercase().replace(['\u{2018}', '\u{2019}'], "'");
        if plain.len() > 1 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            let digits = plain.trim_start_matches('0');
            return Self(if digits.is_empty() { "0".into() } else { digits.into() });
        }
        Self(plain)
    }
}

/// A set of texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts(BTreeSet<Key>);

impl Texts {
    pub(super) fn new(texts: &[String]) -> Self {
        Self(texts.iter().map(|text| Key::of(text)).collect())
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.0.contains(&Key::of(text))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn shares(&self, other: &Self) -> bool {
        !self.0.is_disjoint(&other.0)
    }
}
