//! After a restart: whether all that was acknowledged is there, byte for byte, and whether what is there goes on from what was signed.

use std::collections::{BTreeMap, BTreeSet};

use causeway_journal::{Checkpoint, Erasure, VerifierKey, checkpoint};

use super::kept;
use super::log::{Log, ORIGIN};
use super::{Kept, PARTNERS};
use crate::Failed;
use causeway_rig::Reach;

/// What a look at all that was acknowledged has found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// How many things were looked for.
    pub(crate) acknowledged: u64,
    /// What is not there, or not as it was, in words.
    pub(crate) lost: Vec<String>,
}

impl Checked {
    /// Counts one thing that was looked for.
    pub(crate) fn look(&mut self, found: Result<(), String>) {
        self.acknowledged += 1;
        self.lost.extend(found.err());
    }

    /// How many things are lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.len() as u64
    }
}

/// Looks for all of `kept` in a running gateway.
///
/// # Errors
/// Where the gateway does not answer, or answers with a log that does not hold together.
pub(crate) async fn everything(reach: &Reach, kept: &[Kept]) -> Result<Checked, Failed> {
    let log = Log::read(reach).await?;
    let mut checked = Checked::default();
    extends(&log, kept, &mut checked)?;
    for one in kept {
        match one {
            Kept::Submitted { submission_id, receipt } => {
                let found = log.entry(receipt.leaf_index) == Some(receipt.entry.as_slice());
                checked.look(found.then_some(()).ok_or_else(|| format!("the entry of submission {submission_id}")));
            }
            Kept::Disclosed { partner, page, .. } => checked.look(kept::disclosure(&log, page).ok_or_else(|| {
                format!("the disclosure of positions up to {} of {}", page.newest_position, partner.agreement)
            })),
            Kept::Acknowledged { partner, position } => {
                let id = partner.agreement.parse().map_err(|_| "an agreement's id")?;
                let held = log.state.feed(&id).is_some_and(|feed| feed.acknowledged().0 >= *position);
                let lost = || format!("the acknowledgement of {position} of {}", partner.agreement);
                checked.look(held.then_some(()).ok_or_else(lost));
            }
            Kept::Erased { record_id, leaves } => checked.look(erased(&log, record_id, *leaves)),
            Kept::Recorded { what, leaf } => {
                checked.look(log.entry(*leaf).map(drop).ok_or_else(|| format!("{what} at {leaf}")));
            }
            Kept::Signed { .. } | Kept::VerifierKey { .. } => {}
        }
    }
    kept::submissions(reach, &log, kept, &mut checked).await?;
    for partner in PARTNERS {
        kept::pages(reach, partner, kept, &mut checked).await?;
    }
    Ok(checked)
}

/// Every checkpoint that anybody has seen is of this log's history.
fn extends(log: &Log, kept: &[Kept], checked: &mut Checked) -> Result<(), Failed> {
    let mut keys: BTreeMap<&str, VerifierKey> = BTreeMap::new();
    let named = kept.iter().filter_map(|one| match one {
        Kept::VerifierKey { key } => Some(key.as_str()),
        _ => None,
    });
    for key in named.chain([log.verifier_key.as_str()]) {
        keys.insert(key, key.parse()?);
    }
    let keys: Vec<_> = keys.into_values().collect();
    let notes: BTreeSet<&str> = kept.iter().filter_map(note_of).chain([log.note.as_str()]).collect();
    let mut seen: Vec<Checkpoint> = Vec::new();
    for note in notes {
        // Who has not heard of a rotation yet cannot verify what the new key alone has signed: that much is not looked at.
        if let Ok(checkpoint) = checkpoint::verify_with_any(note, &keys, ORIGIN) {
            seen.push(checkpoint);
        }
    }
    seen.sort_by_key(|checkpoint| checkpoint.size);
    let roots = log.roots(seen.iter().map(|checkpoint| checkpoint.size));
    for (checkpoint, root) in seen.iter().zip(roots) {
        let same = root == Some(checkpoint.root);
        checked.look(same.then_some(()).ok_or_else(|| format!("the checkpoint of {} entries", checkpoint.size)));
    }
    Ok(())
}

fn note_of(kept: &Kept) -> Option<&str> {
    match kept {
        Kept::Signed { note } => Some(note),
        Kept::Submitted { receipt, .. } => Some(&receipt.checkpoint),
        Kept::Disclosed { page, .. } => page.evidence.as_ref().map(|evidence| evidence.checkpoint.as_str()),
        _ => None,
    }
}

fn erased(log: &Log, record_id: &str, [ordered, complete]: [u64; 2]) -> Result<(), String> {
    let lost = || format!("the erasure of a record, entries {ordered} and {complete}");
    let id = record_id.parse().map_err(|_| lost())?;
    let erasure = log.state.record(&id).map(|record| record.erasure);
    matches!(erasure, Some(Erasure::Complete(leaf)) if leaf.0 == complete).then_some(()).ok_or_else(lost)
}
