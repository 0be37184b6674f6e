//! Key files: base64 on one line, as `causeway certs dev` and `causeway keys new` write them.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_crypto::{SealingPrivateKey, SealingPublicKey, SigningKey};

use crate::{Failure, input, private_file};

/// The approval key of a rostered person: the 32 bytes of an Ed25519 seed.
pub(crate) fn approval_key(path: &Path) -> Result<SigningKey, Failure> {
    let seed: [u8; 32] = decoded(path)
        .and_then(|bytes| bytes.try_into().map_err(|_| ()).or_else(|()| wrong(path, "an approval key (32 bytes)")))?;
    Ok(SigningKey::from_seed(&seed))
}

/// The private half of a sealing key: an X-Wing seed.
pub(crate) fn sealing_private(path: &Path) -> Result<SealingPrivateKey, Failure> {
    SealingPrivateKey::from_bytes(&decoded(path)?).or_else(|_| wrong(path, "a private sealing key (32 bytes)"))
}

/// The public half of a sealing key.
pub(crate) fn sealing_public(path: &Path) -> Result<SealingPublicKey, Failure> {
    SealingPublicKey::from_bytes(&decoded(path)?).or_else(|_| wrong(path, "a public sealing key (1,216 bytes)"))
}

/// Writes a new pair: the private half for its owner alone, the public one beside it.
pub(crate) fn write_pair(private: &Path, public: &Path) -> Result<SealingPublicKey, Failure> {
    let key = SealingPrivateKey::generate();
    if public.exists() {
        return Err(Failure::content(public, "this file is there already and is not overwritten".into()));
    }
    private_file::write(private, format!("{}\n", STANDARD.encode(key.to_bytes())).as_bytes())?;
    let text = format!("{}\n", STANDARD.encode(key.public_key().to_bytes()));
    std::fs::write(public, text).map_err(|error| Failure::file(public, error))?;
    Ok(key.public_key())
}

fn decoded(path: &Path) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(input::line(path)?).or_else(|_| wrong(path, "a key in base64"))
}

fn wrong<T>(path: &Path, wanted: &str) -> Result<T, Failure> {
    Err(Failure::content(path, format!("this is not {wanted}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_reads_back_and_neither_half_passes_for_the_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let (private, public) = (folder.path().join("a.key"), folder.path().join("a.pub"));
        let made = write_pair(&private, &public).expect("written");
        assert_eq!(sealing_public(&public).expect("readable"), made);
        assert_eq!(sealing_private(&private).expect("readable").public_key(), made);
        assert!(sealing_private(&public).is_err() && sealing_public(&private).is_err());
        assert!(write_pair(&private, &public).is_err(), "no key is overwritten");
        assert_eq!(sealing_public(&public).expect("readable"), made);
    }
}
