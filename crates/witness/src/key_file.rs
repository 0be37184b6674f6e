//! The file of the witness's private key: the 32 bytes of an Ed25519 seed (RFC 8032) in base64 on one line, for its owner
//! alone, as the other Ed25519 keys of Causeway are kept.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::SigningKey;
use zeroize::Zeroizing;

/// Rights of group and others.
const OTHERS: u32 = 0o077;

/// Longest file that is read, in bytes; a key has 44 and its line feed.
const MAX_BYTES: u64 = 128;

/// The file's content for a key.
pub fn encode(key: &SigningKey) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n", STANDARD.encode(key.seed().as_slice())))
}

/// Reads a key; an error says what is wrong, without anything of the content.
pub(crate) fn read(path: &Path) -> Result<SigningKey, String> {
    let text = content(path).map_err(|error| error.to_string())?;
    let decoded = STANDARD.decode(text.trim_ascii_end()).map(Zeroizing::new);
    let decoded = decoded.map_err(|_| "is not a key: 32 bytes in base64 on one line")?;
    let seed: &[u8; 32] = decoded.as_slice().try_into().map_err(|_| "is not a key of 32 bytes")?;
    Ok(SigningKey::from_seed(seed))
}

fn content(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & OTHERS != 0 {
        return Err(io::Error::other("others than its owner may read it: chmod 600"));
    }
    // Room from the start, so that no copy of the key is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(256));
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_key_reads_back_and_only_where_no_other_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("witness.key");
        let key = SigningKey::generate();
        fs::write(&path, encode(&key).as_bytes()).expect("written");
        for mode in [0o644, 0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            assert!(read(&path).expect_err("others may").contains("chmod 600"), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        assert_eq!(read(&path).expect("a key").public_key(), key.public_key());
        for wrong in ["", "AAAA\n", "not base64\n", &"A".repeat(4096)] {
            fs::write(&path, wrong).expect("written");
            let error = read(&path).expect_err("no key");
            assert!(wrong.trim().is_empty() || !error.contains(wrong.trim()), "{error}");
        }
        assert!(read(&folder.path().join("absent")).is_err());
    }
}
