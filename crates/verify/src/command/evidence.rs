//! What files and folders are, by their content.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use causeway_journal::MAX_PROOF_FILE_BYTES;

use crate::{CONSISTENCY_HEADER, ConsistencyFile, MAX_EXPORT_LINE_BYTES, PAGE_EXTENSION, VerifyError};

/// What stands at the beginning of a proof file.
const PROOF_HEADER: &str = "c2sp.org/tlog-proof@";

/// Evidence, recognised and not yet verified.
pub(super) enum Evidence {
    /// A proof file.
    Proof(String),
    /// A signed checkpoint, and a proof that it extends one from before.
    Checkpoint(String, Option<ConsistencyFile>),
    /// Two signed checkpoints, as they were given, and the proof.
    Pair(String, String, Option<ConsistencyFile>),
    /// An export.
    Export(PathBuf),
    /// A file of receipts.
    Receipts(PathBuf),
    /// A folder of kept pages.
    Pages(PathBuf),
    /// A mirrored log.
    Mirror(PathBuf),
}

/// One file or folder.
enum Part {
    Proof(String),
    Checkpoint(String),
    Consistency(ConsistencyFile),
    Other(Evidence),
}

impl Evidence {
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, VerifyError> {
        let mut parts = paths.iter().map(|path| part(path)).collect::<Result<Vec<_>, _>>()?.into_iter();
        let none = || {
            VerifyError::at(
                "evidence",
                "a checkpoint goes with one other and then a consistency file, more of them in pairs, everything else alone",
            )
        };
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Part::Proof(text)), None, None, None) => Ok(Self::Proof(text)),
            (Some(Part::Other(other)), None, None, None) => Ok(other),
            (Some(Part::Checkpoint(note)), None, None, None) => Ok(Self::Checkpoint(note, None)),
            (Some(Part::Checkpoint(note)), Some(Part::Consistency(proof)), None, None) => {
                Ok(Self::Checkpoint(note, Some(proof)))
            }
            (Some(Part::Checkpoint(one)), Some(Part::Checkpoint(two)), None, None) => Ok(Self::Pair(one, two, None)),
            (Some(Part::Checkpoint(one)), Some(Part::Checkpoint(two)), Some(Part::Consistency(proof)), None) => {
                Ok(Self::Pair(one, two, Some(proof)))
            }
            _ => Err(none()),
        }
    }
}

fn part(path: &Path) -> Result<Part, VerifyError> {
    let failed = |error| VerifyError::file(path, &error);
    // Looked at before it is opened: a pipe would be waited for.
    let about = std::fs::metadata(path).map_err(failed)?;
    if about.is_dir() {
        return folder(path).map(Part::Other);
    }
    if !about.is_file() {
        return Err(not_evidence(path, "it is no regular file"));
    }
    let mut source = BufReader::new(File::open(path).map_err(failed)?);
    if source.fill_buf().map_err(failed)?.starts_with(b"{") {
        return json(path, source).map(Part::Other);
    }
    let text = text(path, source)?;
    if text.starts_with(CONSISTENCY_HEADER) {
        let proof = ConsistencyFile::parse(&text).map_err(|error| VerifyError::at(path.display(), error))?;
        return Ok(Part::Consistency(proof));
    }
    if text.starts_with(PROOF_HEADER) {
        return Ok(Part::Proof(text));
    }
    if !text.contains("\n\n") {
        return Err(not_evidence(path, "it holds no signed checkpoint"));
    }
    Ok(Part::Checkpoint(text))
}

fn folder(path: &Path) -> Result<Evidence, VerifyError> {
    if path.join("checkpoint").is_file() || path.join("tile").is_dir() {
        return Ok(Evidence::Mirror(path.to_owned()));
    }
    let files = std::fs::read_dir(path).map_err(|error| VerifyError::file(path, &error))?;
    let is_page = |file: &Path| file.extension().is_some_and(|extension| extension == PAGE_EXTENSION);
    match files.flatten().any(|file| is_page(&file.path())) {
        true => Ok(Evidence::Pages(path.to_owned())),
        false => Err(not_evidence(path, "a folder with neither a checkpoint nor pages in it")),
    }
}

/// An export says its format in its first line.
fn json(path: &Path, source: impl BufRead) -> Result<Evidence, VerifyError> {
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_EXPORT_LINE_BYTES).unwrap_or(u64::MAX);
    source.take(limit).read_until(b'\n', &mut line).map_err(|error| VerifyError::file(path, &error))?;
    let first: Option<serde_json::Value> = serde_json::from_slice(&line).ok();
    let is_header = first.is_some_and(|line| line.get("type").and_then(|kind| kind.as_str()) == Some("header"));
    Ok(if is_header { Evidence::Export(path.to_owned()) } else { Evidence::Receipts(path.to_owned()) })
}

fn text(path: &Path, source: impl Read) -> Result<String, VerifyError> {
    let limit = u64::try_from(MAX_PROOF_FILE_BYTES).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    source.take(limit).read_to_end(&mut bytes).map_err(|error| VerifyError::file(path, &error))?;
    if bytes.len() > MAX_PROOF_FILE_BYTES {
        return Err(not_evidence(path, "it is too long"));
    }
    String::from_utf8(bytes).map_err(|_| not_evidence(path, "it is not text"))
}

fn not_evidence(path: &Path, why: &str) -> VerifyError {
    let what = format_args!("neither a proof, nor a checkpoint, receipts, an export, kept pages or a mirror: {why}")
        .to_string();
    VerifyError::at(path.display(), what)
}
