//! Verifying an export (JSON Lines, `docs/audit-export.md`): the grammar, every checkpoint, every row against its entry's bytes, and
//! every proof.

mod row;

use std::io::BufRead;

use causeway_crypto::Digest;
use causeway_journal::{MAX_PROOF_HASHES, MAX_TREE_SIZE};
use serde_json::{Map, Value};

use crate::hex::unhex;
use crate::trust::{Trust, Vouched};
use crate::{VerifyError, extends, lines};
use row::Row;

/// The format that this version reads.
pub const EXPORT_FORMAT: &str = "causeway-audit-export/1";

/// The longest line.
pub const MAX_EXPORT_LINE_BYTES: usize = 1 << 20;

/// An export that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The checkpoint that it ends at, and who vouches for it; none where it is empty.
    pub vouched: Option<Vouched>,
    /// The signed checkpoint.
    pub note: String,
    /// How many rows it has.
    pub rows: u64,
    /// Whether each of them has its inclusion proof. Without, nothing shows that the rows are in the log.
    pub proofs: bool,
    /// Whether it is every entry of the range that was asked for, none left out.
    pub dense: bool,
    /// The first and the last leaf index, in the order of the file.
    pub leaves: Option<(u64, u64)>,
    /// The time of the newest entry, in microseconds since 1970-01-01T00:00:00Z.
    pub newest_micros: Option<u64>,
}

/// Verifies an export.
///
/// # Errors
/// The first thing that does not hold, with its line. Whether somebody vouches for the checkpoint, and whether an export without
/// proofs is enough, is for the caller.
pub fn export(source: impl BufRead, trust: &Trust) -> Result<Exported, VerifyError> {
    let mut reading =
        Reading { trust, stage: Stage::Header, header: Header::default(), part: None, found: Found::default() };
    lines::each(source, MAX_EXPORT_LINE_BYTES, |number, line| {
        reading.line(line).map_err(|error| VerifyError::at(format_args!("line {number}"), error))
    })?;
    match reading.stage {
        Stage::Ended => Ok(reading.conclude()),
        _ => Err(broken("it is not whole: it has no end")),
    }
}

struct Reading<'a> {
    trust: &'a Trust,
    stage: Stage,
    header: Header,
    part: Option<Part>,
    found: Found,
}

#[derive(PartialEq)]
enum Stage {
    Header,
    Rows,
    Ended,
}

#[derive(Default)]
struct Header {
    newest_first: bool,
    proofs: bool,
    /// The range of leaf indices that was asked for, where nothing else was.
    range: Option<(u64, u64)>,
}

/// The rows under one checkpoint.
struct Part {
    vouched: Vouched,
    note: String,
}

#[derive(Default)]
struct Found {
    rows: u64,
    first: Option<u64>,
    last: Option<u64>,
    newest_micros: Option<u64>,
    gap: bool,
}

impl Reading<'_> {
    fn line(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        let value: Unrepeated =
            serde_json::from_slice(line).map_err(|_| broken("no JSON object, or a member twice"))?;
        let mut members = Members(value.0);
        match (members.text("type")?.as_str(), &self.stage) {
            ("header", Stage::Header) => self.header(&mut members)?,
            ("checkpoint", Stage::Rows) => self.checkpoint(&mut members)?,
            ("row", Stage::Rows) => self.row(&mut members)?,
            ("end", Stage::Rows) => self.end(&mut members)?,
            _ => return Err(broken("a line of another type than comes here")),
        }
        members.no_others()
    }

    fn header(&mut self, members: &mut Members) -> Result<(), VerifyError> {
        if members.text("format")? != EXPORT_FORMAT {
            return Err(broken("a format that this version does not know"));
        }
        members.text("gateway")?;
        let Value::Object(query) = members.take("query")? else { return Err(broken("query: no object")) };
        self.header = Header {
            newest_first: members.flag("newest_first")?,
            proofs: members.flag("proofs")?,
            range: leaf_range(&query),
        };
        self.stage = Stage::Rows;
        Ok(())
    }

    fn checkpoint(&mut self, members: &mut Members) -> Result<(), VerifyError> {
        let note = members.text("checkpoint")?;
        let vouched = self.trust.check(&note)?;
        if members.number("tree_size")? != vouched.checkpoint.size {
            return Err(broken("tree_size: not that of the checkpoint"));
        }
        let proof = members.hashes("consistency")?;
        match &self.part {
            Some(before) if before.vouched.checkpoint.size == vouched.checkpoint.size && !proof.is_empty() => {
                return Err(broken("consistency: there is none between equal sizes"));
            }
            Some(before) => extends(&before.vouched.checkpoint, &vouched.checkpoint, &proof)?,
            None if proof.is_empty() => {}
            None => return Err(broken("consistency: there is no checkpoint before")),
        }
        self.part = Some(Part { vouched, note });
        Ok(())
    }

    fn row(&mut self, members: &mut Members) -> Result<(), VerifyError> {
        let part = self.part.as_ref().ok_or_else(|| broken("a row before the first checkpoint"))?;
        let row = Row::read(members, self.header.proofs)?;
        row.check(&part.vouched.checkpoint)?;
        let next = match (self.found.last, self.header.newest_first) {
            (None, _) => true,
            (Some(last), false) => row.leaf > last,
            (Some(last), true) => row.leaf < last,
        };
        if !next {
            return Err(broken("leaf_index: out of order"));
        }
        self.found.gap |= self.found.last.is_some_and(|last| last.abs_diff(row.leaf) != 1);
        self.found.first.get_or_insert(row.leaf);
        self.found.last = Some(row.leaf);
        self.found.newest_micros = self.found.newest_micros.max(Some(row.time_micros));
        self.found.rows += 1;
        Ok(())
    }

    fn end(&mut self, members: &mut Members) -> Result<(), VerifyError> {
        if members.number("rows")? != self.found.rows {
            return Err(broken("rows: not as many as there are"));
        }
        let (note, size) = (members.text("checkpoint")?, members.number("tree_size")?);
        let same = match &self.part {
            Some(part) => note == part.note && size == part.vouched.checkpoint.size,
            None => note.is_empty() && size == 0,
        };
        if !same {
            return Err(broken("it ends at another checkpoint than its last part"));
        }
        self.stage = Stage::Ended;
        Ok(())
    }

    /// Whether it is every entry of a range, as far as its last checkpoint goes: not so where an auditor may not see all of them.
    fn is_dense(&self) -> bool {
        let (Some((from, to)), Some(part)) = (self.header.range, &self.part) else { return false };
        let size = part.vouched.checkpoint.size;
        let (Some(first), Some(last)) = (self.found.first, self.found.last) else { return false };
        let (low, high) = (first.min(last), first.max(last));
        // Without an end of the range, entries that came after the question need not be there.
        low == from && !self.found.gap && (to == 0 || high + 1 == to.min(size))
    }

    fn conclude(self) -> Exported {
        let dense = self.is_dense();
        let Found { rows, first, last, newest_micros, .. } = self.found;
        let (vouched, note) = self.part.map(|part| (part.vouched, part.note)).unzip();
        let leaves = first.zip(last);
        Exported {
            vouched,
            note: note.unwrap_or_default(),
            rows,
            proofs: self.header.proofs,
            dense,
            leaves,
            newest_micros,
        }
    }
}

/// The range that was asked for, where nothing but a range was: every entry of it has to be there.
fn leaf_range(query: &Map<String, Value>) -> Option<(u64, u64)> {
    const BESIDE: [&str; 7] =
        ["from_leaf_index", "to_leaf_index", "newest_first", "prove", "with_openings", "with_items", "with_texts"];
    let number = |name: &str| query.get(name).map_or(Some(0), Value::as_u64).filter(|number| *number <= MAX_TREE_SIZE);
    let range = query.contains_key("from_leaf_index") || query.contains_key("to_leaf_index");
    let alone = query.keys().all(|name| BESIDE.contains(&name.as_str()));
    if range && alone { number("from_leaf_index").zip(number("to_leaf_index")) } else { None }
}

/// The members of a line, each of which is taken once.
struct Members(Map<String, Value>);

impl Members {
    fn take_if_there(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    fn take(&mut self, name: &str) -> Result<Value, VerifyError> {
        self.take_if_there(name).ok_or_else(|| broken(&format!("{name}: missing")))
    }

    fn text(&mut self, name: &str) -> Result<String, VerifyError> {
        match self.take(name)? {
            Value::String(text) => Ok(text),
            _ => Err(broken(&format!("{name}: no text"))),
        }
    }

    fn number(&mut self, name: &str) -> Result<u64, VerifyError> {
        self.take(name)?.as_u64().ok_or_else(|| broken(&format!("{name}: no number")))
    }

    fn flag(&mut self, name: &str) -> Result<bool, VerifyError> {
        self.take(name)?.as_bool().ok_or_else(|| broken(&format!("{name}: neither true nor false")))
    }

    fn hashes(&mut self, name: &str) -> Result<Vec<Digest>, VerifyError> {
        let Value::Array(hashes) = self.take(name)? else { return Err(broken(&format!("{name}: no list"))) };
        let hash = |value: &Value| value.as_str().and_then(unhex).and_then(|bytes| bytes.try_into().ok()).map(Digest);
        let hashes: Option<Vec<Digest>> = hashes.iter().take(MAX_PROOF_HASHES + 1).map(hash).collect();
        hashes.ok_or_else(|| broken(&format!("{name}: a hash is not of 32 bytes")))
    }

    fn no_others(&self) -> Result<(), VerifyError> {
        if self.0.is_empty() { Ok(()) } else { Err(broken("a member that this format does not have")) }
    }
}

/// A JSON object in which no member is there twice: two readers could take different ones.
struct Unrepeated(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Unrepeated {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Unrepeated;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Unrepeated, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a member twice"));
                    }
                }
                Ok(Unrepeated(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn broken(what: &str) -> VerifyError {
    VerifyError::at("export", what)
}
