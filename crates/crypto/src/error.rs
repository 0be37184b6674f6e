//! What can go wrong: bytes of the wrong form, an unknown version or suite, a wrong key, a failed authentication.

use std::fmt;

/// Why a cryptographic operation was refused. Holds nothing of what was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CryptoError {
    /// The bytes are not of the form that the named thing has. Whoever supplied them is at fault.
    Malformed(&'static str),
    /// The named thing is of a version or suite that this software does not know. A newer version may.
    Unsupported(&'static str),
    /// What is to be opened names another key than the one given. Try the key that it names.
    OtherKey,
    /// Authentication failed: wrong key, wrong context, or altered bytes. Which of them cannot be told.
    Refused,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "malformed {what}"),
            Self::Unsupported(what) => write!(f, "unsupported {what}"),
            Self::OtherKey => f.write_str("sealed to another key"),
            Self::Refused => f.write_str("authentication failed: wrong key, wrong context or altered bytes"),
        }
    }
}

impl std::error::Error for CryptoError {}
