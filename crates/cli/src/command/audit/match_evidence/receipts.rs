//! The receipts that a submitter kept, each checked by itself.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use causeway_journal::REASON_CORRECTED;
use causeway_proto::v1::QueryRequest;
use causeway_verify::{Trust, VerifyError};

use super::comparison::{Comparison, Held};
use super::{Checkpoints, Kept, Wanted};
use crate::Failure;
use crate::verifier_keys::VerifierKeys;

/// The receipts of a file whose entry lies in this span (microseconds, 0 for no bound).
///
/// # Errors
/// What the system said, and a file without receipts.
pub(super) fn read(path: &Path, span: (u64, u64), keys: Option<&VerifierKeys>) -> Result<Kept, Failure> {
    let failed = |error| Failure::file(path, error);
    // Looked at before it is opened: a pipe would be waited for.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Failure::content(path, "it is neither a folder nor a regular file".into()));
    }
    let file = File::open(path).map_err(failed)?;
    let trust = Trust::new(None, keys.map_or(&[], VerifierKeys::all), None);
    let mut comparison = Comparison::default();
    let (mut systems, mut checkpoints) = (BTreeSet::new(), Checkpoints::default());
    let each = |line: usize, receipt: Result<causeway_verify::Included, VerifyError>| {
        let included = match receipt {
            Ok(included) => included,
            // Which entry it is of cannot be known.
            Err(fault) => return comparison.broken(u64::MAX, format!("line {line}: {fault}")),
        };
        let causeway_verify::Included { entry, index, leaf_hash, vouched, note } = included;
        let checkpoint = vouched.checkpoint;
        let actor = entry.actor.clone().unwrap_or_default();
        systems.insert((actor.agency, actor.system));
        let (from, to) = span;
        if entry.time_micros < from || (to > 0 && entry.time_micros >= to) {
            return;
        }
        checkpoints.keep(&note, &checkpoint);
        let name = format!("line {line}");
        comparison.hold(index.0, Held { hash: leaf_hash, name, positions: None, checkpoint, note });
    };
    causeway_verify::receipts(BufReader::new(file), &trust, each).map_err(Failure::NotProven)?;
    if systems.is_empty() {
        return Err(Failure::content(path, "there is no receipt in it that holds".into()));
    }
    let questions = systems.into_iter().flat_map(|(agency, system)| questions(&agency, &system));
    Ok(Kept { questions: questions.collect(), comparison, checkpoints })
}

/// What a system submitted. A correction has its receipt as a first submission has; a withdrawal has none that `submit` keeps, and is asked
/// for in case that somebody put one there.
fn questions(agency: &str, system: &str) -> [(QueryRequest, Wanted); 3] {
    let of = |operation: &str, reason: &str| QueryRequest {
        agency: agency.to_owned(),
        system: system.to_owned(),
        operation: operation.to_owned(),
        reason: reason.to_owned(),
        decision: "allowed".into(),
        ..QueryRequest::default()
    };
    [
        (of("collection", ""), Wanted::Effective),
        (of("alteration", REASON_CORRECTED), Wanted::Effective),
        (of("alteration", ""), Wanted::None),
    ]
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::Operation;

    use super::*;
    use crate::audit::test_answers::{entry, row};

    #[test]
    fn a_correction_without_a_receipt_is_a_fault_and_a_withdrawal_is_none() {
        let alteration = |leaf, reason: &str| row(leaf, entry(leaf, Operation::Alteration, reason));
        let journal = [alteration(3, REASON_CORRECTED), alteration(5, "withdrawn")];
        let mut comparison = Comparison::default();
        for (question, wanted) in questions("gb-nca", "case-management") {
            let asked = journal.iter().filter(|row| {
                question.operation == "alteration"
                    && (question.reason.is_empty() || question.reason == row.entry.reason)
            });
            asked.for_each(|row| comparison.take(row, wanted));
        }
        let lines = comparison.end().lines();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains("NOT KEPT") && lines[0].trim_start().starts_with('3'), "{lines:#?}");
    }
}
