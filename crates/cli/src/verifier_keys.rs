//! The keys that a reader has pinned: one, or after rotations several of one journal, each of which signed in its time.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_journal::{VerifierKey, note};

use crate::Failure;
use causeway_verify::hex::hex;

/// At least one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifierKeys(Vec<VerifierKey>);

impl From<VerifierKey> for VerifierKeys {
    fn from(key: VerifierKey) -> Self {
        Self(vec![key])
    }
}

impl VerifierKeys {
    /// As given on the command line with this option: a key, or a file that holds one or several, one a line.
    ///
    /// # Errors
    /// A text that is neither, with the option's name.
    pub(crate) fn of(option: &str, text: &str) -> Result<Self, Failure> {
        if let Ok(key) = text.trim().parse::<VerifierKey>() {
            return Ok(key.into());
        }
        let path = Path::new(text);
        let content = fs::read_to_string(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::usage(format!(
                "{option}: {text}: no such file, and no verifier key (name+id+key) either; `causeway audit checkpoint --key-out FILE` \
                 writes one"
            )),
            _ => Failure::file(path, error),
        })?;
        Self::parse(&content).map_err(|fault| Failure::content(path, fault))
    }

    fn parse(content: &str) -> Result<Self, String> {
        let lines = content.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(str::parse).collect::<Result<Vec<_>, _>>();
        match keys {
            Ok(keys) if keys.is_empty() => Err("it holds no verifier key".into()),
            Ok(keys) => Ok(Self(keys)),
            Err(fault) => Err(format!("no verifier key: {fault}")),
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[VerifierKey] {
        &self.0
    }

    /// The one of the keys that signed a note. Whether its signature verifies is for whoever checks the note with it.
    ///
    /// # Errors
    /// A note that none of them signed, with the id of the key that did where it bears the same name.
    pub(crate) fn signer(&self, signed: &str) -> Result<&VerifierKey, Failure> {
        let found = signers(signed);
        let mut of_note = self.0.iter().filter(|key| found.contains(&name_and_id(key)));
        let first = of_note.clone().next();
        if let Some(key) = of_note.find(|key| note::verify(signed, key).is_ok()).or(first) {
            return Ok(key);
        }
        let named = |signer: &&String| self.0.iter().any(|key| signer.starts_with(&format!("{}+", key.name())));
        if let Some(other) = found.iter().find(named) {
            return Err(Failure::does_not_hold(format!(
                "it is signed by {other}, another key of the same name than was given: was it rotated? then give that key \
                 too (a file may hold several, one a line); where nobody told you of a rotation, ask"
            )));
        }
        // What is wrong with the note itself is said by whoever checks it.
        self.0.first().ok_or_else(|| Failure::usage("no verifier key was given"))
    }

    /// Writes a key to a file, to be pinned. A file that holds another key stays as it is: what was pinned is there to find
    /// out that the key has changed.
    ///
    /// # Errors
    /// A file that holds another key, or something else.
    pub(crate) fn pin(path: &Path, key: &VerifierKey) -> Result<(), Failure> {
        if path.is_file() {
            let held = fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
            match Self::parse(&held) {
                Ok(keys) if keys.0.contains(key) => return Ok(()),
                _ if held.trim().is_empty() => {}
                Ok(_) => {
                    let now = name_and_id(key);
                    return Err(Failure::content(
                        path,
                        format!(
                            "it holds another key than the gateway's present one ({now}), and is not overwritten; where the \
                             signing key was rotated, give another file and keep this one, which checks what was signed before; \
                             where nobody told you of a rotation, ask"
                        ),
                    ));
                }
                Err(_) => {
                    return Err(Failure::content(path, "it holds something else and is not overwritten".into()));
                }
            }
        }
        fs::write(path, format!("{key}\n")).map_err(|error| Failure::file(path, error))
    }
}

/// As a signature names its key: the key's text up to the public key.
fn name_and_id(key: &VerifierKey) -> String {
    // The public key, in base64, may hold more plus signs; the name holds none.
    key.to_string().splitn(3, '+').take(2).collect::<Vec<_>>().join("+")
}

/// Who signed a note, as far as it can be read: name and key id of each signature line.
fn signers(signed: &str) -> BTreeSet<String> {
    let lines = signed.rsplit_once("\n\n").map_or("", |(_, lines)| lines).lines();
    let signer = |line: &str| {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        let signature = STANDARD.decode(signature).ok()?;
        Some(format!("{name}+{}", hex(signature.get(..4)?)))
    };
    lines.filter_map(signer).collect()
}

#[cfg(test)]
mod tests {
    use causeway_crypto::SigningKey;

    use super::*;

    const NAME: &str = "test.example/journal";

    fn pair() -> (SigningKey, VerifierKey) {
        let key = SigningKey::generate();
        let public = VerifierKey::new(NAME, key.public_key()).expect("a name");
        (key, public)
    }

    #[test]
    fn of_several_keys_the_one_that_signed_is_found_and_another_of_the_name_is_told_of() {
        let ((old, old_public), (new, new_public), (_, other)) = (pair(), pair(), pair());
        let keys = VerifierKeys::parse(&format!("{old_public}\n\n{new_public}\n")).expect("two keys");
        for (key, public) in [(&old, &old_public), (&new, &new_public)] {
            let signed = note::sign("text\n", NAME, key);
            assert_eq!(keys.signer(&signed).expect("one of them"), public);
            let fault = VerifierKeys::from(other.clone()).signer(&signed).expect_err("none of them").to_string();
            assert!(fault.contains(&name_and_id(public)) && fault.contains("rotated"), "{fault}");
        }
        let another = note::sign("text\n", "other.example/journal", &old);
        assert!(note::verify(&another, keys.signer(&another).expect("left to the check")).is_err());
    }

    #[test]
    fn a_key_that_is_not_there_is_said_to_be_missing_under_its_own_option() {
        let fault = VerifierKeys::of("--verifier-key", "nowhere/key.txt").expect_err("there is none").to_string();
        assert!(fault.starts_with("--verifier-key: nowhere/key.txt: no such file"), "{fault}");
    }

    #[test]
    fn a_pinned_key_is_never_overwritten_by_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.txt");
        let ((_, pinned), (_, other)) = (pair(), pair());
        VerifierKeys::pin(&path, &pinned).expect("written");
        VerifierKeys::pin(&path, &pinned).expect("the same");
        let fault = VerifierKeys::pin(&path, &other).expect_err("another").to_string();
        assert!(fault.contains("rotated"), "{fault}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), format!("{pinned}\n"));
        fs::write(&path, "a diary").expect("written");
        assert!(VerifierKeys::pin(&path, &pinned).is_err());
    }
}
