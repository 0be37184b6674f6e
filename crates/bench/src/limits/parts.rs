//! What has to be done with each record whoever does it: reading, validating, hashing and encrypting it, by the gateway's own libraries.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use causeway_crypto::{AeadKey, MacKey, sha256};
use causeway_model::{Date, SchemaId};
use causeway_proto::v1;
use causeway_rig::Failed;
use causeway_schema::{Document, Schema, Schemas, parse};
use causeway_store::Clock;
use serde_json::Value;

use crate::check::Check;
use crate::sample::median;

/// Domain of the MAC: that of a submission's content is as long.
const DOMAIN: &str = "causeway/v1/content";
/// Authenticated beside a record: about what names it.
const BESIDE: [u8; 32] = [7; 32];

/// One thing to do with a record.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Nobody has to; it stands beside `Parse`.
    Tree,
    Parse,
    Validate,
    Hash,
    Mac,
    Seal,
}

const PARTS: [(Part, &str); 6] = [
    (Part::Tree, "JSON to serde_json's Value"),
    (Part::Parse, "JSON as the gateway parses it"),
    (Part::Validate, "schema validation"),
    (Part::Hash, "SHA-256"),
    (Part::Mac, "HMAC-SHA-256"),
    (Part::Seal, "AES-256-GCM"),
];

/// Records, and what each part takes for one of them.
#[derive(Debug)]
pub(crate) struct Parts {
    records: Vec<Record>,
    today: Date,
    mac: MacKey,
    key: AeadKey,
    /// Microseconds a record, of each round, in the order of `PARTS`.
    micros: [Vec<f64>; PARTS.len()],
}

#[derive(Debug)]
struct Record {
    text: Vec<u8>,
    schema: Arc<Schema>,
}

impl Parts {
    /// Of these records, by the schemas in a folder. Each record must be valid: a refusal costs something else.
    pub(crate) fn of(requests: &[v1::SubmitRequest], folder: &Path) -> Result<Self, Failed> {
        let schemas = schemas(folder)?;
        let today = Clock::system().now().date();
        let mut records = Vec::with_capacity(requests.len());
        for record in requests.iter().filter_map(|request| request.record.as_ref()) {
            let id = named(&record.kind, &record.schema_version).ok_or("a schema of another form")?;
            let schema = Arc::clone(schemas.get(id).ok_or("a schema that is not shipped")?);
            let document = parse(&record.document)?;
            if let Some(violation) = schema.validate(&document, today).first() {
                return Err(format!("{} is not valid: {}", violation.pointer, violation.rule).into());
            }
            records.push(Record { text: record.document.clone(), schema });
        }
        let (mac, key) = (MacKey::new([5; 32]), AeadKey::generate());
        Ok(Self { records, today, mac, key, micros: Default::default() })
    }

    /// One round of each part over all records, on this thread.
    pub(crate) fn measure(&mut self) {
        let documents = self.records.iter().filter_map(|record| Some((record, parse(&record.text).ok()?)));
        let documents: Vec<(&Record, Document<'_>)> = documents.collect();
        for (place, (part, _)) in PARTS.iter().enumerate() {
            let begun = Instant::now();
            documents.iter().for_each(|(record, document)| self.work(*part, record, document));
            let micros = begun.elapsed().as_secs_f64() * 1e6 / self.records.len().max(1) as f64;
            self.micros[place].push(micros);
        }
    }

    fn work(&self, part: Part, record: &Record, document: &Document<'_>) {
        match part {
            Part::Tree => drop(black_box(serde_json::from_slice::<Value>(&record.text))),
            Part::Parse => drop(black_box(parse(&record.text))),
            Part::Validate => drop(black_box(record.schema.validate(document, self.today))),
            Part::Hash => drop(black_box(sha256(&[&record.text]))),
            Part::Mac => drop(black_box(self.mac.tag(DOMAIN, &[&record.text]))),
            Part::Seal => drop(black_box(self.key.seal(&BESIDE, &record.text))),
        }
    }

    /// Microseconds of processor time that a record takes at least: each part's median, all that have to be done together.
    pub(crate) fn micros(&self) -> f64 {
        let needed = PARTS.iter().zip(&self.micros).filter(|((part, _), _)| !matches!(part, Part::Tree));
        needed.map(|(_, micros)| median(micros)).sum()
    }

    /// The median of each part, and their sum.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let mean = self.records.iter().map(|record| record.text.len()).sum::<usize>() as f64;
        let mean = Check::shown("limits: a record's JSON", mean / self.records.len().max(1) as f64, "bytes");
        let parts = PARTS.iter().zip(&self.micros);
        let parts = parts.map(|((_, name), micros)| Check::shown(format!("limits: {name}"), median(micros), "us"));
        let sum = Check::shown("limits: all of these but serde_json's Value", self.micros(), "us");
        std::iter::once(mean).chain(parts).chain([sum]).collect()
    }
}

/// The schemas of a folder, with the code lists in its folder `codes`.
fn schemas(folder: &Path) -> Result<Schemas, Failed> {
    let lists: Vec<String> = texts(&folder.join("codes"))?.into_iter().map(|(_, text)| text).collect();
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let files = texts(folder)?;
    let schema = |(path, text): &'_ (PathBuf, String)| {
        let (kind, version) = path.file_stem()?.to_str()?.rsplit_once('-')?;
        Some((named(kind, version)?, text.clone()))
    };
    let files: Vec<(SchemaId, String)> = files.iter().filter_map(schema).collect();
    let files: Vec<(SchemaId, &str)> = files.iter().map(|(id, text)| (*id, text.as_str())).collect();
    Schemas::compile(&files, &lists).map_err(|faults| faults.join("; ").into())
}

/// The JSON files of a folder, and their texts.
fn texts(folder: &Path) -> Result<Vec<(PathBuf, String)>, Failed> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            texts.push((path.clone(), fs::read_to_string(path)?));
        }
    }
    texts.sort();
    Ok(texts)
}

fn named(kind: &str, version: &str) -> Option<SchemaId> {
    Some(SchemaId { kind: kind.parse().ok()?, version: version.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records;

    #[test]
    fn records_of_every_size_are_valid_and_the_tree_is_no_part_of_the_sum() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schemas");
        for size in [1_000, records::DESIGN_BYTES, 6_000] {
            let made = records::requests(11, 150, size, "a");
            let mut parts = Parts::of(&made, &folder).expect("valid records");
            parts.measure();
            parts.micros[0] = vec![1e12];
            assert!(parts.micros() > 0.0 && parts.micros() < 1e12);
        }
        let mut broken = records::requests(11, 1, 1_250, "a");
        broken[0].record.as_mut().expect("a record").document = br#"{"is_minor":"perhaps"}"#.to_vec();
        Parts::of(&broken, &folder).expect_err("a record that is not valid");
    }
}
