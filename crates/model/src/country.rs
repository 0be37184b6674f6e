//! Countries, as ISO 3166-1 alpha-2 codes.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;

/// Two upper-case letters. That the code is assigned is the schema's code list to say; this type holds its form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// The code as two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("two ASCII letters")
    }

    pub(crate) fn from_lower(letters: &[u8]) -> Self {
        Self([letters[0].to_ascii_uppercase(), letters[1].to_ascii_uppercase()])
    }
}

impl FromStr for Country {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Ok(Self([*a, *b])),
            _ => Err(Malformed("country code")),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
