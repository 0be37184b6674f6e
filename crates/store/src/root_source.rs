//! Where the root key comes from: a file of the keys folder, a systemd credential, or an open file descriptor.

use std::env;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use causeway_crypto::RootKey;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::secret_file;

/// The root key's file in the keys folder.
pub(crate) const FILE: &str = "root.key";

/// The root key's bytes, and one more: what is longer is something else.
const AT_MOST: u64 = 33;

/// The first descriptor that is not standard input, output or error.
const FIRST_DESCRIPTOR: u32 = 3;

/// Where the root key comes from. Reads `file`, `credential:NAME` or `fd:N`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RootSource {
    /// `root.key` in the keys folder, mode 0600. The only source that Causeway makes a key in, and rotates itself.
    #[default]
    File,
    /// The systemd credential of this name: a file in `$CREDENTIALS_DIRECTORY` (systemd.exec, "LoadCredential").
    Credential(String),
    /// The file or pipe behind this descriptor, which the process inherited. It is read once, to its end.
    Descriptor(u32),
}

impl RootSource {
    /// The key: 32 bytes, no more and no fewer.
    pub(crate) fn read(&self, keys_dir: &Path) -> Result<RootKey, StoreError> {
        let path = self.path(keys_dir)?;
        let bytes = match self {
            Self::File => secret_file::read(&path)?,
            Self::Credential(_) | Self::Descriptor(_) => {
                let mut bytes = Zeroizing::new(Vec::with_capacity(64));
                let read = fs::File::open(&path).and_then(|file| file.take(AT_MOST).read_to_end(&mut bytes));
                read.map_err(|source| StoreError::io("read the root key", &path, source))?;
                bytes
            }
        };
        RootKey::try_from(bytes.as_slice()).map_err(|_| StoreError::keys(&path, "not a root key of 32 bytes"))
    }

    fn path(&self, keys_dir: &Path) -> Result<PathBuf, StoreError> {
        match self {
            Self::File => Ok(keys_dir.join(FILE)),
            Self::Credential(name) => match env::var_os("CREDENTIALS_DIRECTORY") {
                Some(folder) => Ok(Path::new(&folder).join(name)),
                None => {
                    let source = io::Error::other("$CREDENTIALS_DIRECTORY is not set: the unit has no such credential");
                    Err(StoreError::io("read the root key's credential", Path::new(name), source))
                }
            },
            // The descriptor itself cannot be closed without unsafe code: a pipe is empty once it has been read.
            Self::Descriptor(number) => Ok(PathBuf::from(format!("/proc/self/fd/{number}"))),
        }
    }
}

impl FromStr for RootSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be \"file\", \"credential:NAME\" or \"fd:N\" with N from 3".to_owned();
        if text == "file" {
            return Ok(Self::File);
        }
        match text.split_once(':').ok_or_else(wrong)? {
            ("credential", name) if is_credential(name) => Ok(Self::Credential(name.to_owned())),
            ("fd", number) => match number.parse() {
                Ok(number) if number >= FIRST_DESCRIPTOR => Ok(Self::Descriptor(number)),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for RootSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::Credential(name) => write!(f, "credential:{name}"),
            Self::Descriptor(number) => write!(f, "fd:{number}"),
        }
    }
}

/// A name that stays within the credentials' folder.
fn is_credential(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_source_reads_as_it_is_written_and_an_unknown_one_is_refused() {
        for text in ["file", "credential:causeway-root.v2", "fd:3", "fd:17"] {
            assert_eq!(text.parse::<RootSource>().expect(text).to_string(), text);
        }
        let wrong = [
            "",
            "File",
            "file:",
            "credential:",
            "credential:../root",
            "credential:.x",
            "credential:a/b",
            "fd:",
            "fd:2",
        ];
        for text in wrong.into_iter().chain(["fd:-1", "fd:x", "tpm:1", "env:ROOT"]) {
            assert!(text.parse::<RootSource>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_descriptor_gives_exactly_32_bytes() {
        let dir = tempfile::tempdir().expect("a folder");
        for (length, good) in [(31, false), (32, true), (33, false), (5_000, false)] {
            let path = dir.path().join("key");
            fs::write(&path, vec![7; length]).expect("written");
            let file = fs::File::open(&path).expect("opened");
            let number = u32::try_from(file.as_raw_fd()).expect("not negative");
            let key = RootSource::Descriptor(number).read(dir.path());
            assert_eq!(key.as_ref().is_ok_and(|key| *key.expose() == [7; 32]), good, "{length} bytes");
        }
        assert!(RootSource::Credential("absent".into()).read(dir.path()).is_err());
        assert!(RootSource::File.read(dir.path()).is_err());
    }
}
