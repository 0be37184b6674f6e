//! To whom backups are sealed. It is a setting, and not for whoever calls: with a stolen certificate of the operator's, nobody can have
//! the journal sealed to a key of their own.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_agreement::section::{Section, text};
use causeway_crypto::SealingPublicKey;

use super::read::stated;

/// A key file holds some 1,600 characters; a longer one is something else.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// The recipient of the section; the inner none where it names nobody.
pub(super) fn backup(section: &mut Section<'_>, folder: &Path) -> Option<Option<SealingPublicKey>> {
    stated(section, "recipient", None, |value| read(&folder.join(text(value)?)).map(Some))
}

fn read(path: &Path) -> Result<SealingPublicKey, String> {
    let named = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let length = std::fs::metadata(path).map_err(|error| named(&error))?.len();
    let no_key = || named(&"is no public sealing key, as `causeway keys new` writes it (sealing.pub)");
    if length > MAX_FILE_BYTES {
        return Err(no_key());
    }
    let line = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    let bytes = STANDARD.decode(line.trim()).map_err(|_| no_key())?;
    SealingPublicKey::from_bytes(&bytes).map_err(|_| no_key())
}
