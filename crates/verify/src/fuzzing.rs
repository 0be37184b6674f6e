//! What the fuzz targets of this crate reach beside its public functions (`fuzz/`): a page and a mirrored bundle as bytes, without the
//! files that they are otherwise read from.

use causeway_journal::tlog_path::decode_bundle;

use crate::mirror::{AppliedEntries, BundleNotes, ReadEntries, decode_entries};
use crate::pages::Read;
use crate::trust::Trust;
use crate::{VerifyError, wire};

/// Reads a kept page, and checks all of it but the name of its file.
///
/// # Errors
/// What does not hold.
pub fn page(bytes: &[u8], trust: &Trust) -> Result<(), VerifyError> {
    let page = wire::Page::read(bytes).ok_or_else(|| VerifyError::at("page", "it is no page"))?;
    Read::of(&page, trust).map(|_| ())
}

/// Reads the first bundle of a mirror, of this many entries, with its notes, and applies it.
///
/// # Errors
/// What does not hold.
pub fn first_bundle(width: u16, bundle: &[u8], notes: &[u8]) -> Result<(), VerifyError> {
    let bytes = decode_bundle(bundle, width).map_err(|error| VerifyError::at("bundle", error))?;
    let notes = BundleNotes::read(notes, 0, bytes.len()).map_err(|what| VerifyError::at("notes", what))?;
    let entries = decode_entries(0, &bytes, Some(&notes))?;
    AppliedEntries::new(true, None).take(&ReadEntries { from: 0, entries, notes: Some(notes) }, &mut |_| Ok(()))
}
