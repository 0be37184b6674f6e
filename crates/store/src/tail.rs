//! What a journal says of itself without being opened: its checkpoint, by the ring's keys. Nothing is created, locked or mended.

use std::path::Path;

use causeway_crypto::{Digest, KeyRing};
use causeway_journal::{VerifierKey, checkpoint};

use crate::error::StoreError;
use crate::keys::RING;
use crate::root_source::RootSource;
use crate::secret_file;

/// Checkpoint notes are a few hundred bytes; a longer file is something else.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What the checkpoint file of a journal says, signed by a key of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// Reads the checkpoint file of the journal `origin` and verifies it by the ring under the first of `roots` that opens it. A gateway may be
/// running meanwhile.
///
/// # Errors
/// [`StoreError::Keys`] when the ring does not open under any of them, [`StoreError::CheckpointFile`] when no key of it has signed what is
/// there, [`StoreError::Io`] for what is not there or may not be read.
pub fn kept_checkpoint(
    data_dir: &Path,
    keys_dir: &Path,
    roots: &[&RootSource],
    origin: &str,
) -> Result<KeptCheckpoint, StoreError> {
    let ring = ring(keys_dir, roots)?;
    let path = data_dir.join("checkpoint");
    let refused = |source: crate::EngineError| StoreError::CheckpointFile { path: path.clone(), source };
    let failed = |source| StoreError::io("read the checkpoint file", &path, source);
    if std::fs::metadata(&path).map_err(failed)?.len() > MAX_FILE_BYTES {
        return Err(refused("it is too long".into()));
    }
    let note = std::fs::read_to_string(&path).map_err(failed)?;
    let keys: Result<Vec<_>, _> =
        ring.checkpoint_keys().into_iter().map(|key| VerifierKey::new(origin, key.public_key())).collect();
    let keys = keys.map_err(|error| StoreError::Engine(Box::new(error)))?;
    let kept = checkpoint::verify_with_any(&note, &keys, origin).map_err(|error| refused(Box::new(error)))?;
    Ok(KeptCheckpoint { size: kept.size, root: kept.root })
}

fn ring(keys_dir: &Path, roots: &[&RootSource]) -> Result<KeyRing, StoreError> {
    let path = keys_dir.join(RING);
    let wrapped = secret_file::read(&path)?;
    for root in roots {
        if let Ok(ring) = KeyRing::unwrap(&root.read(keys_dir)?, &wrapped) {
            return Ok(ring);
        }
    }
    Err(StoreError::keys(&path, "does not open under the root key that the settings name"))
}
