//! Bringing the page-key file and its mirror up to date by each other, slot by slot, when they are opened.

use std::path::PathBuf;

use causeway_crypto::AeadKey;

use super::slot_file::{Content, SlotBytes, SlotFile, content, destroyed};
use super::{NodeNumber, STRETCH, Slot, unwrap};
use crate::error::StoreError;

/// Opens a writer's file at the first path and, where there is a second, its mirror. What is destroyed in either is destroyed in
/// both; a key that only one of them has is copied; where both have one, the file's own counts.
pub(super) fn open(paths: &[PathBuf], writer: NodeNumber, wrapping: &AeadKey) -> Result<Vec<SlotFile>, StoreError> {
    let [path, mirror] = paths else {
        return paths.iter().map(|path| SlotFile::open(path)).collect();
    };
    let has_slots = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|about| about.len() > 0);
    if has_slots(mirror) && !has_slots(path) {
        let what = "missing, but its mirror is there: copy page-keys, pages and erasures from the mirror into this folder, \
                    then start again (docs/keys.md, \"The keys folder is lost\")";
        return Err(StoreError::keys(path, what));
    }
    let (file, mirror) = (SlotFile::open(path)?, SlotFile::open(mirror)?);
    let differences = compare(&file, &mirror, writer, wrapping)?;
    if !differences.is_empty() {
        tracing::info!(slots = differences.len(), folder = %mirror.path().display(), "brought page keys and mirror together");
    }
    for (slot, bytes) in differences {
        file.write(slot, &[bytes])?;
        mirror.write(slot, &[bytes])?;
    }
    file.sync()?;
    mirror.sync()?;
    Ok(vec![file, mirror])
}

/// The slots in which the two differ, and what is to be in both. Nothing is written before all are known: a mirror of
/// which no key opens belongs to other keys, and is not overwritten.
fn compare(
    file: &SlotFile,
    mirror: &SlotFile,
    writer: NodeNumber,
    wrapping: &AeadKey,
) -> Result<Vec<(Slot, SlotBytes)>, StoreError> {
    let end = file.slots()?.max(mirror.slots()?);
    let opens = |slot: Slot, bytes: &SlotBytes| match content(bytes) {
        Content::Key(wrapped) => unwrap(wrapping, slot, wrapped).is_ok(),
        _ => false,
    };
    let (mut differences, mut own, mut foreign) = (Vec::new(), 0_u64, 0_u64);
    for first in (0..end).step_by(STRETCH) {
        let theirs = mirror.read(first, STRETCH)?;
        for ((number, ours), theirs) in (first..end).zip(file.read(first, STRETCH)?).zip(theirs) {
            let slot = Slot::of(writer, number);
            if ours == theirs {
                own += u64::from(ours != [0; super::slot_file::SLOT_BYTES]);
                continue;
            }
            let mirrored = opens(slot, &theirs);
            match content(&theirs) {
                Content::Key(_) if !mirrored => foreign += 1,
                Content::Key(_) | Content::Destroyed => own += 1,
                Content::Nothing => {}
            }
            match (content(&ours), content(&theirs)) {
                (Content::Destroyed, _) | (_, Content::Destroyed) => differences.push((slot, destroyed())),
                (Content::Key(_), _) if opens(slot, &ours) => differences.push((slot, ours)),
                (_, Content::Key(_)) if mirrored => differences.push((slot, theirs)),
                // Neither is a key of ours: a run that was cut short, and never used.
                _ => {}
            }
        }
    }
    if foreign > 0 && own == 0 {
        let what = "none of its keys opens under the root key: it is the mirror of other keys, or from before a rotation \
                    of the root key while it was not configured; empty that folder if it is the latter";
        return Err(StoreError::keys(mirror.path(), what));
    }
    Ok(differences)
}
