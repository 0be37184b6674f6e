//! `causeway verify`: checks evidence offline, and says what it proves.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use causeway_journal::{Checkpoint, MAX_PROOF_FILE_BYTES, ProofFile, VerifierKey, decode_entry, v1 as journal};
use clap::Args;

use crate::Failure;
use crate::entry_text::describe;
use crate::evidence::{check, check_checkpoint};
use crate::output::{note, say};
use crate::receipt_form::KeptReceipt;
use crate::verifier_keys::VerifierKeys;

/// The longest line of a file of receipts: as much as a proof file may hold, and its hashes in hexadecimal.
const RECEIPT_LIMIT: usize = MAX_PROOF_FILE_BYTES * 2;
/// So many faulty receipts are listed; the rest are counted.
const LISTED: u64 = 20;

const EXIT_CODES: &str = "Exit codes: 0 proven; 1 does not hold, or is no evidence; 2 consistent in itself, but no --key was given, so that \
                          anybody could have made it; 4 the journal was cut back or split.";

/// Checks evidence without any connection: a proof file (C2SP tlog-proof, from `audit prove --out` or `receipt --out`), a
/// signed checkpoint (from `audit checkpoint`), or a file of receipts (from `submit --receipts`).
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// The proof file, checkpoint or file of receipts.
    proof: PathBuf,
    /// The journal's verifier key, or the file that holds it (`audit checkpoint --key-out`); after a rotation several, one a
    /// line. Without it nothing is proven.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let keys = options.key.as_deref().map(|key| VerifierKeys::of("--key", key)).transpose()?;
    let (path, keys) = (options.proof.as_path(), keys.as_ref());
    let file = File::open(path).map_err(|e| Failure::file(path, e))?;
    let mut source = BufReader::new(file);
    let receipts = source.fill_buf().map_err(|e| Failure::file(path, e))?.starts_with(b"{");
    let lines = if receipts { of_receipts(path, source, keys)? } else { of_text(&read(path, source)?, path, keys)? };
    let verdict = if keys.is_some() { "holds" } else { "NOT proven, only consistent in itself" };
    let mut lines = lines.iter();
    lines.next().into_iter().for_each(|first| say(format_args!("{verdict}: {first}")));
    lines.for_each(say);
    keys.map(drop).ok_or(Failure::Unsigned { option: "--key" })
}

fn read(path: &Path, source: impl Read) -> Result<String, Failure> {
    let limit = u64::try_from(MAX_PROOF_FILE_BYTES).unwrap_or(u64::MAX) + 1;
    let mut text = String::new();
    source.take(limit).read_to_string(&mut text).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => not_evidence(path, "it is not text"),
        _ => Failure::file(path, error),
    })?;
    Ok(text)
}

/// A proof file or a checkpoint: what it says, once it has been checked.
fn of_text(text: &str, path: &Path, keys: Option<&VerifierKeys>) -> Result<Vec<String>, Failure> {
    if !text.starts_with("c2sp.org/") {
        if !text.contains("\n\n") {
            return Err(not_evidence(path, "it holds no signed checkpoint"));
        }
        let key = keys.map(|keys| keys.signer(text)).transpose()?;
        let checkpoint = check_checkpoint(text, key)?;
        let mut lines = vec![format!("checkpoint of the journal {}", checkpoint.origin), at(&checkpoint)];
        lines.extend(key.map(signed_by));
        return Ok(lines);
    }
    let proof = ProofFile::parse(text).map_err(|e| Failure::content(path, format!("no proof file: {e}")))?;
    let Proven { entry, checkpoint, key } = proven(&proof, keys)?;
    let mut lines = vec![format!("entry {} is in the journal {}", proof.index, checkpoint.origin), at(&checkpoint)];
    lines.extend(describe(&entry).iter().map(|line| format!("  {line}")));
    lines.extend(key.map(signed_by));
    Ok(lines)
}

/// A file of receipts, one JSON object a line: every one of them must hold.
fn of_receipts(path: &Path, mut source: impl BufRead, keys: Option<&VerifierKeys>) -> Result<Vec<String>, Failure> {
    let (mut number, mut held, mut faulty, mut newest) = (0_u64, 0_u64, 0_u64, None::<Checkpoint>);
    let mut signers = BTreeSet::new();
    loop {
        let mut line = Vec::new();
        let limit = u64::try_from(RECEIPT_LIMIT).unwrap_or(u64::MAX);
        let read = source.by_ref().take(limit).read_until(b'\n', &mut line).map_err(|e| Failure::file(path, e))?;
        number += 1;
        match read {
            0 => break,
            RECEIPT_LIMIT => return Err(not_evidence(path, "a line is longer than a receipt can be")),
            _ if line.iter().all(u8::is_ascii_whitespace) => continue,
            _ => {}
        }
        match of_receipt(&line, keys) {
            Ok(Proven { checkpoint, key, .. }) => {
                held += 1;
                signers.extend(key.map(signed_by));
                newest = newest.filter(|newest| newest.size >= checkpoint.size).or(Some(checkpoint));
            }
            Err(fault) => {
                faulty += 1;
                if faulty <= LISTED {
                    note(format_args!("line {number}: {fault}"));
                }
            }
        }
    }
    match newest {
        Some(newest) if faulty == 0 => {
            let mut lines = vec![
                format!("{held} receipts, each of an entry in the journal {}", newest.origin),
                format!("  the newest at size {} with root {}", newest.size, newest.root),
            ];
            lines.extend(signers);
            Ok(lines)
        }
        _ => Err(Failure::does_not_hold(format!("{faulty} of {} receipts", faulty + held))),
    }
}

fn of_receipt<'a>(line: &[u8], keys: Option<&'a VerifierKeys>) -> Result<Proven<'a>, Failure> {
    let receipt: KeptReceipt = serde_json::from_slice(line).map_err(|_| Failure::does_not_hold("not a receipt"))?;
    let proven = proven(&receipt.proof().map_err(Failure::does_not_hold)?, keys)?;
    match receipt.is_of(&proven.entry) {
        true => Ok(proven),
        false => Err(Failure::does_not_hold("the entry is of another record or version than the receipt says")),
    }
}

/// An entry, the checkpoint that its proof leads to, and the key that signed it where keys were given.
struct Proven<'a> {
    entry: journal::Entry,
    checkpoint: Checkpoint,
    key: Option<&'a VerifierKey>,
}

fn proven<'a>(proof: &ProofFile, keys: Option<&'a VerifierKeys>) -> Result<Proven<'a>, Failure> {
    let key = keys.map(|keys| keys.signer(&proof.checkpoint)).transpose()?;
    let checkpoint = check(proof, key)?;
    let entry = decode_entry(proof.entry.as_deref().unwrap_or_default());
    Ok(Proven { entry: entry.map_err(|e| Failure::does_not_hold(format!("the entry: {e}")))?, checkpoint, key })
}

fn signed_by(key: &VerifierKey) -> String {
    format!("  signed by {key}")
}

fn at(checkpoint: &Checkpoint) -> String {
    format!("  at size {} with root {}", checkpoint.size, checkpoint.root)
}

fn not_evidence(path: &Path, why: &str) -> Failure {
    let what = format!("neither a proof file, nor a checkpoint, nor a file of receipts: {why}");
    Failure::content(path, what)
}

#[cfg(test)]
mod tests;
