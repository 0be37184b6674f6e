//! The receipts that a submitter kept, each checked by itself.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use causeway_proto::v1::QueryRequest;
use causeway_verify::{Trust, VerifyError};

use super::comparison::{Comparison, Held};
use super::{Kept, Wanted};
use crate::Failure;
use crate::audit::checks::Begin;
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
    let (mut systems, mut newest) = (BTreeSet::new(), None::<Begin>);
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
        if newest.as_ref().is_none_or(|newest| newest.checkpoint.size < checkpoint.size) {
            newest = Some(Begin { note: note.clone(), checkpoint: checkpoint.clone() });
        }
        let name = format!("line {line}");
        comparison.hold(index.0, Held { hash: leaf_hash, name, positions: None, checkpoint, note });
    };
    causeway_verify::receipts(BufReader::new(file), &trust, each).map_err(Failure::NotProven)?;
    if systems.is_empty() {
        return Err(Failure::content(path, "there is no receipt in it that holds".into()));
    }
    let questions = systems.into_iter().flat_map(|(agency, system)| {
        let of = |operation: &str| QueryRequest {
            agency: agency.clone(),
            system: system.clone(),
            operation: operation.to_owned(),
            decision: "allowed".into(),
            ..QueryRequest::default()
        };
        // A correction has its receipt too, a withdrawal has none that is kept in this file.
        [(of("collection"), Wanted::Effective), (of("alteration"), Wanted::None)]
    });
    Ok(Kept { questions: questions.collect(), comparison, newest })
}
