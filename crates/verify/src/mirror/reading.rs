//! Reading a mirror's bundles: what needs no state, and so may be done for several at once.

use std::path::Path;

use causeway_crypto::{Digest, sha256};
use causeway_journal::tlog_path::{MAX_BUNDLE_BYTES, decode_bundle};
use causeway_journal::{MirroredEntry, TILE_WIDTH, TilePath};

use super::layout::notes_of;
use super::notes::{MAX_NOTES_BYTES, Notes};
use crate::{VerifyError, files};

/// A bundle, decoded and hashed.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The leaf index of its first entry.
    pub(crate) from: u64,
    /// Its entries.
    pub(crate) entries: Vec<MirroredEntry>,
    /// What goes with them; none in a mirror without notes.
    pub(crate) notes: Option<Notes>,
}

/// A bundle as it was read.
#[derive(Debug)]
pub(crate) struct ReadBundle {
    pub(crate) batch: Batch,
    /// The entries' exact bytes.
    pub(crate) bytes: Vec<Vec<u8>>,
    /// The digest of the file of notes.
    pub(crate) notes_sum: Option<Digest>,
}

/// Reads one bundle with its notes.
pub(crate) fn read_bundle(folder: &Path, bundle: TilePath, with_notes: bool) -> Result<ReadBundle, VerifyError> {
    let TilePath::Entries { index, width } = bundle else { return Err(VerifyError::at(bundle, "no bundle")) };
    let from = index * TILE_WIDTH as u64;
    let file = files::read(&folder.join(bundle.to_string()), MAX_BUNDLE_BYTES)?;
    let bytes = decode_bundle(&file, width).map_err(|error| VerifyError::at(bundle, error))?;
    let (mut notes, mut notes_sum) = (None, None);
    if with_notes {
        let path = notes_of(bundle);
        let file = files::read(&folder.join(&path), MAX_NOTES_BYTES)?;
        notes_sum = Some(sha256(&[&file]));
        notes = Some(Notes::read(&file, from, bytes.len()).map_err(|what| VerifyError::at(path, what))?);
    }
    let entries = decode(from, &bytes, notes.as_ref())?;
    Ok(ReadBundle { batch: Batch { from, entries, notes }, bytes, notes_sum })
}

/// The entries from this leaf index on, with their texts.
pub(crate) fn decode(from: u64, bytes: &[Vec<u8>], notes: Option<&Notes>) -> Result<Vec<MirroredEntry>, VerifyError> {
    let mut texts = notes.map_or(&[][..], |notes| notes.texts.as_slice()).iter().peekable();
    let mut entries = Vec::with_capacity(bytes.len());
    for (bytes, leaf) in bytes.iter().zip(from..) {
        let text = texts.next_if(|text| text.leaf_index == leaf).map(|text| text.text.clone());
        let entry = MirroredEntry::read(bytes, text.unwrap_or_default());
        entries.push(entry.map_err(|error| VerifyError::at(format_args!("entry {leaf}"), error))?);
    }
    Ok(entries)
}
