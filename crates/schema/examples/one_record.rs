//! What one record costs before it is sealed: `cargo run --release -p causeway-schema --example one_record -- SCHEMAS RECORDS
//! [ROUNDS]`, where SCHEMAS is `config/schemas` and RECORDS is what `causeway sample --count 400` writes.
//!
//! It prints microseconds a record of parsing, validating, splitting and reading retention: the least of the rounds, since what else the
//! machine does only adds. With `STEP=parse`, `validate` or `split` in the environment it does the steps up to that one only, for
//! `valgrind --tool=cachegrind`, whose instructions are the same on every run.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use causeway_model::{Date, SchemaId};
use causeway_schema::{Schema, Schemas, parse};
use serde_json::Value;

/// The steps, in their order.
const STEPS: [&str; 4] = ["parse", "validate", "split", "retention"];
/// A day on which the sample's records are valid.
const TODAY: &str = "2026-11-22";

/// A record's text, and what it is to be checked by.
struct Record {
    schema: Arc<Schema>,
    text: Vec<u8>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Nothing is left to do where standard error is closed.
            let _ = writeln!(std::io::stderr(), "{fault}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [schemas, records, rounds @ ..] = arguments.as_slice() else {
        return Err("usage: one_record SCHEMAS RECORDS [ROUNDS]".into());
    };
    let rounds: usize = rounds.first().map_or(Ok(40), |rounds| rounds.parse())?;
    let schemas = compile(Path::new(schemas))?;
    let records = read(&schemas, &std::fs::read_to_string(records)?)?;
    let last = std::env::var("STEP").map_or(Ok(STEPS.len() - 1), |step| {
        STEPS.iter().position(|known| *known == step).ok_or("STEP is parse, validate, split or retention")
    })?;
    let today: Date = TODAY.parse()?;
    let mut least = [f64::INFINITY; STEPS.len()];
    for _ in 0..rounds {
        for (step, least) in least.iter_mut().enumerate().take(last + 1) {
            let begun = Instant::now();
            records.iter().for_each(|record| up_to(step, record, today));
            *least = least.min(begun.elapsed().as_secs_f64() * 1e6 / records.len() as f64);
        }
    }
    let (mut out, mut before) = (std::io::stdout().lock(), 0.0);
    for (step, least) in STEPS.iter().zip(least).take(last + 1) {
        writeln!(out, "{step:10} {:6.2} us   up to here {least:6.2} us", least - before)?;
        before = least;
    }
    Ok(())
}

/// One record as far as this step; each step needs those before it.
fn up_to(step: usize, Record { schema, text }: &Record, today: Date) {
    let document = parse(text).expect("the sample holds records");
    if step == 0 {
        drop(black_box(document));
        return;
    }
    assert!(schema.validate(&document, today).is_empty(), "the sample's records are valid");
    if step == 1 {
        return;
    }
    let parts = black_box(schema.split(&document, &|_, _| [7; 32]));
    if step == 2 {
        return;
    }
    black_box(schema.retention(&parts.classified));
}

fn read(schemas: &Schemas, lines: &str) -> Result<Vec<Record>, Box<dyn std::error::Error>> {
    let mut records = Vec::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line)?;
        let text = |key: &str| line.get(key).and_then(Value::as_str).ok_or("a line without kind and version");
        let id = SchemaId { kind: text("kind")?.parse()?, version: text("schema_version")?.parse()? };
        let schema = schemas.get(id).ok_or("a schema that is not shipped")?;
        let document = line.get("document").ok_or("a line without a document")?;
        records.push(Record { schema: Arc::clone(schema), text: document.to_string().into_bytes() });
    }
    Ok(records)
}

/// The schemas of a folder, with the code lists in its folder `codes`.
fn compile(folder: &Path) -> Result<Schemas, Box<dyn std::error::Error>> {
    let texts = |folder: &Path| -> std::io::Result<Vec<(String, String)>> {
        let mut texts = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) {
                texts.push((name.to_owned(), std::fs::read_to_string(&path)?));
            }
        }
        Ok(texts)
    };
    let lists: Vec<String> = texts(&folder.join("codes"))?.into_iter().map(|(_, text)| text).collect();
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let mut files = Vec::new();
    for (name, text) in texts(folder)? {
        let (kind, version) = name.rsplit_once('-').ok_or("a schema file without a version")?;
        files.push((SchemaId { kind: kind.parse()?, version: version.parse()? }, text));
    }
    let files: Vec<(SchemaId, &str)> = files.iter().map(|(id, text)| (*id, text.as_str())).collect();
    Ok(Schemas::compile(&files, &lists).map_err(|faults| faults.join("; "))?)
}
