//! The pages that a partner kept, each checked by itself.

use std::path::Path;

use causeway_journal::{decode_entry, leaf_hash};
use causeway_proto::v1::{Page, QueryRequest};

use super::comparison::{Comparison, Held};
use super::{Checkpoints, Kept, Wanted};
use crate::feed::{check_evidence, links};
use crate::kept_pages::{KeptPage, named};
use crate::verifier_keys::VerifierKeys;
use crate::{Failure, evidence};

/// The pages of a folder whose disclosure lies in this span (microseconds, 0 for no bound).
///
/// # Errors
/// What the system said, and a folder without pages.
pub(super) fn read(folder: &Path, span: (u64, u64), keys: Option<&VerifierKeys>) -> Result<Kept, Failure> {
    let mut comparison = Comparison::default();
    let (mut agreement, mut checkpoints) = (None::<String>, Checkpoints::default());
    let mut places = named(folder)?;
    places.sort();
    for place in places {
        let page = match checked(&place, keys) {
            Ok(page) => page,
            Err(Failure::File { path, source }) => return Err(Failure::File { path, source }),
            Err(fault) => {
                comparison.broken(place.leaf, format!("{}: {fault}", place.name()));
                continue;
            }
        };
        let of_feed = agreement.get_or_insert_with(|| page.agreement.clone());
        if *of_feed != page.agreement {
            comparison
                .broken(place.leaf, format!("{}: it is a page of another agreement than {of_feed}", place.name()));
            continue;
        }
        // Both were looked at when the page was checked.
        let Some(sent) = &page.evidence else { continue };
        let Ok(entry) = decode_entry(&sent.entry) else { continue };
        let (from, to) = span;
        if entry.time_micros < from || (to > 0 && entry.time_micros >= to) {
            continue;
        }
        let checkpoint = evidence::check_checkpoint(&sent.checkpoint, None)?;
        checkpoints.keep(&sent.checkpoint, &checkpoint);
        let held = Held {
            hash: leaf_hash(&sent.entry),
            name: place.name(),
            positions: Some((place.from, place.to)),
            checkpoint,
            note: sent.checkpoint.clone(),
        };
        comparison.hold(place.leaf, held);
    }
    let agreement = agreement.ok_or_else(|| Failure::content(folder, "there is no page in it that holds".into()))?;
    let question = QueryRequest {
        agreement,
        operation: "disclosure".into(),
        decision: "allowed".into(),
        ..QueryRequest::default()
    };
    Ok(Kept { questions: vec![(question, Wanted::Pages)], comparison, checkpoints })
}

/// A page whose chain leads from its beginning to its end, and whose disclosure entry names it and is in the journal of its time.
fn checked(place: &KeptPage, keys: Option<&VerifierKeys>) -> Result<Page, Failure> {
    let page = place.read()?;
    let items = links(&page, place.from.saturating_sub(1))?.items;
    check_evidence(&page, &items, keys)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use causeway_crypto::Digest;

    use super::*;
    use crate::kept_pages::keep;
    use crate::test_pages::{keys, page_at, released};

    #[test]
    fn a_page_that_was_changed_is_broken_and_the_others_are_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let (key, verifiers) = keys();
        let first = page_at(4, Digest([0; 32]), vec![released(1)], &key);
        let second = page_at(6, crate::test_pages::digest(&first.chain_after), vec![released(2)], &key);
        keep(folder.path(), &first).expect("kept");
        keep(folder.path(), &second).expect("kept");
        let kept = read(folder.path(), (0, 0), Some(&verifiers)).expect("readable");
        let sizes: Vec<u64> = kept.checkpoints.all().map(|kept| kept.checkpoint.size).collect();
        assert_eq!(sizes, [5, 7], "every one that is kept is held to the journal");
        assert_eq!(kept.questions[0].0.agreement, crate::test_pages::AGREEMENT);
        assert_eq!(kept.comparison.end().lines().len(), 2, "neither has come from the journal yet");
        let path = folder.path().join("000000000002-000000000002-000000000006.page");
        let mut bytes = std::fs::read(&path).expect("readable");
        let at = bytes.windows(6).position(|part| part == b"female").expect("the record");
        bytes[at..at + 6].copy_from_slice(b"male  ");
        std::fs::write(&path, bytes).expect("writable");
        let kept = read(folder.path(), (0, 0), Some(&verifiers)).expect("readable");
        let lines = kept.comparison.end().lines();
        assert!(
            lines.iter().any(|line| line.contains("DOES NOT HOLD") && line.trim_start().starts_with('6')),
            "{lines:#?}"
        );
    }

    #[test]
    fn two_pages_of_one_place_are_a_fault_and_so_is_either_checkpoint() {
        let folder = tempfile::tempdir().expect("a folder");
        let (key, verifiers) = keys();
        keep(folder.path(), &page_at(4, Digest([0; 32]), vec![released(1)], &key)).expect("kept");
        let other = page_at(4, Digest([0; 32]), vec![crate::test_pages::withdrawn(1, 9)], &key);
        assert!(keep(folder.path(), &other).is_err());
        let kept = read(folder.path(), (0, 0), Some(&verifiers)).expect("readable");
        assert_eq!(kept.checkpoints.all().count(), 2, "of one size, with two roots");
        let lines = kept.comparison.end().lines();
        assert!(lines.iter().any(|line| line.contains("two histories")), "{lines:#?}");
    }
}
