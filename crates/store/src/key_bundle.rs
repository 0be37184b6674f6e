//! The offline copy of root key and ring, sealed to a recipient: what a lost keys folder is restored from, with the mirror.

use std::fs;
use std::path::Path;

use causeway_crypto::{
    KeyRing, RootKey, SealingPrivateKey, SealingPublicKey, SigningKey, open_key_bundle, seal_key_bundle,
};
use causeway_journal::VerifierKey;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::folder;
use crate::format::KEYS;
use crate::keys::RING;
use crate::root_rotation;
use crate::root_source::{self, RootSource};
use crate::secret_file;

/// The root key's bytes, which come first in a bundle; then the wrapped ring.
const ROOT_BYTES: usize = 32;

/// Root key and ring of a keys folder, sealed to the recipient: about 1.5 KiB. Nothing else is in it: page keys, rewritten
/// pages and the register of erasures have no history, and are mirrored instead.
///
/// # Errors
/// [`StoreError::Keys`] when the ring does not open under the root key, or a rotation of the root key is under way.
pub fn seal_keys(keys_dir: &Path, root: &RootSource, recipient: &SealingPublicKey) -> Result<Vec<u8>, StoreError> {
    let path = keys_dir.join(RING);
    KEYS.of(keys_dir)?;
    if root_rotation::is_decided(keys_dir) {
        return Err(StoreError::keys(&path, "a rotation of the root key is not ended: start the gateway first"));
    }
    let (root, ring) = (root.read(keys_dir)?, secret_file::read(&path)?);
    if KeyRing::unwrap(&root, &ring).is_err() {
        return Err(StoreError::keys(
            &path,
            "does not open under the root key: a bundle of the two would be of no use",
        ));
    }
    let mut plaintext = Zeroizing::new(Vec::with_capacity(ROOT_BYTES + ring.len()));
    plaintext.extend_from_slice(root.expose());
    plaintext.extend_from_slice(&ring);
    Ok(seal_key_bundle(recipient, &plaintext))
}

/// The verifier keys of a keys folder's ring, by which a journal of this origin is signed: nothing there is changed, locked or made.
///
/// # Errors
/// As [`seal_keys`].
pub(crate) fn checkpoint_keys(keys_dir: &Path, root: &RootKey, origin: &str) -> Result<Vec<VerifierKey>, StoreError> {
    let path = keys_dir.join(RING);
    let ring = KeyRing::unwrap(root, &secret_file::read(&path)?);
    let ring = ring.map_err(|_| StoreError::keys(&path, "does not open under the root key"))?;
    let key = |key: &SigningKey| {
        VerifierKey::new(origin, key.public_key()).map_err(|error| StoreError::Engine(Box::new(error)))
    };
    ring.checkpoint_keys().iter().map(key).collect()
}

/// Puts the root key (as `root.key`) and the ring of a bundle into a folder that has neither. What the mirror holds belongs
/// beside them before the gateway starts.
///
/// # Errors
/// [`StoreError::Keys`] when the folder has keys; [`StoreError::Bundle`] when the bundle is none, is sealed to another
/// key, or has been altered.
pub fn open_keys(bundle: &[u8], recipient: &SealingPrivateKey, into: &Path) -> Result<(), StoreError> {
    let plaintext = open_key_bundle(recipient, bundle).map_err(StoreError::Bundle)?;
    let malformed = StoreError::Corrupt("a bundle holds no root key and ring");
    let Some((root, ring)) = plaintext.split_first_chunk::<ROOT_BYTES>() else { return Err(malformed) };
    let root = RootKey::from_bytes(*root);
    KeyRing::unwrap(&root, ring).map_err(|_| malformed)?;

    let failed = |source| StoreError::io("restore the keys", into, source);
    folder::create_private(into).map_err(failed)?;
    KEYS.of(into)?;
    let (root_path, ring_path) = (into.join(root_source::FILE), into.join(RING));
    for path in [&root_path, &ring_path] {
        if path.exists() {
            return Err(StoreError::keys(path, "there is one already: keys are restored into a folder without any"));
        }
    }
    let next = folder::beside(&ring_path);
    // In the order of a creation, so that a stop in between is ended by the next start.
    folder::replace(&next, ring)
        .and_then(|()| folder::replace(&root_path, root.expose()))
        .and_then(|()| fs::rename(&next, &ring_path))
        .and_then(|()| folder::sync(into))
        .map_err(failed)
}
