//! Fields of a kind: their numbers, paths and classes, as the schema's annotations give them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use crate::{Class, Floor, Ladder, Malformed};

/// The number of a leaf within its kind, stable across schema versions (`x-field` in the schema file).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldNumber(pub u16);

/// The path of a leaf: member names joined by `.`, with `[]` after each array, as in `legs[].from.country`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Box<str>);

impl FieldPath {
    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FieldPath {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let member = |name: &str| {
            let name = name.strip_suffix("[]").unwrap_or(name);
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if text.len() <= 128 && text.split('.').all(member) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed("field path"))
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the schema says about one leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its number.
    pub number: FieldNumber,
    /// Its path.
    pub path: FieldPath,
    /// How it is stored and may leave.
    pub class: Class,
    /// The ladder of a coarse field; none for the other classes.
    pub ladder: Option<Ladder>,
    /// The finest form that may leave; `Never` for sealed fields. A link field's floor is `Exact` (as a pseudonym).
    pub floor: Floor,
}

/// All leaves of one kind at one schema version.
#[derive(Debug, Clone, Default)]
pub struct FieldTable {
    specs: Vec<FieldSpec>,
    by_path: HashMap<FieldPath, usize>,
    by_number: HashMap<FieldNumber, usize>,
}

impl FieldTable {
    /// A table of these leaves; an error names a number or path that two leaves share.
    pub fn new(specs: Vec<FieldSpec>) -> Result<Self, String> {
        let mut table = Self::default();
        for (index, spec) in specs.iter().enumerate() {
            if table.by_path.insert(spec.path.clone(), index).is_some() {
                return Err(format!("two leaves have the path {}", spec.path));
            }
            if table.by_number.insert(spec.number, index).is_some() {
                return Err(format!("two leaves have the number {}, one of them {}", spec.number.0, spec.path));
            }
        }
        table.specs = specs;
        Ok(table)
    }

    /// The leaf at `path`.
    pub fn by_path(&self, path: &FieldPath) -> Option<&FieldSpec> {
        self.by_path.get(path).map(|index| &self.specs[*index])
    }

    /// The leaf with `number`.
    pub fn by_number(&self, number: FieldNumber) -> Option<&FieldSpec> {
        self.by_number.get(&number).map(|index| &self.specs[*index])
    }

    /// All leaves, in the schema's order.
    pub fn iter(&self) -> impl Iterator<Item = &FieldSpec> {
        self.specs.iter()
    }
}
