//! Consistency files: the proof that one size of a log extends another, to be kept beside two checkpoints.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;
use causeway_journal::{JournalError, MAX_PROOF_HASHES, MAX_TREE_SIZE, ProofError};

/// Longest consistency file that is read, in bytes: 63 hash lines of 45 bytes, and some for the rest.
pub const MAX_CONSISTENCY_BYTES: usize = MAX_PROOF_HASHES * 45 + 128;

/// The first line.
pub const CONSISTENCY_HEADER: &str = "causeway.consistency@v1";

/// A consistency file. Its `Display` is the file's text: the header, `first <size>`, `second <size>`, then the hashes of RFC 6962
/// section 2.1.2 in base64, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyFile {
    /// The smaller size.
    pub first: u64,
    /// The larger size.
    pub second: u64,
    /// The proof.
    pub hashes: Vec<Digest>,
}

impl ConsistencyFile {
    /// Reads a consistency file. Nothing is verified yet.
    ///
    /// # Errors
    /// Another form, sizes out of order or over 2^62, more than 63 hashes.
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        if text.len() > MAX_CONSISTENCY_BYTES {
            return Err(JournalError::TooLarge { what: "consistency file", limit: MAX_CONSISTENCY_BYTES });
        }
        let form = JournalError::Malformed("consistency file");
        let mut lines = text.strip_suffix('\n').ok_or_else(|| form.clone())?.split('\n');
        if lines.next() != Some(CONSISTENCY_HEADER) {
            return Err(form);
        }
        let mut size = |name: &str| {
            let digits = lines.next()?.strip_prefix(name)?;
            let size = digits.parse::<u64>().ok().filter(|size| *size <= MAX_TREE_SIZE)?;
            // One spelling for each number: no sign, no zeros before it.
            (size.to_string() == digits).then_some(size)
        };
        let (Some(first), Some(second)) = (size("first "), size("second ")) else { return Err(form) };
        if first > second {
            return Err(ProofError::SizesOutOfOrder.into());
        }
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(ProofError::ProofTooLong.into());
            }
            let hash = STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            hashes.push(Digest(hash.ok_or_else(|| form.clone())?));
        }
        Ok(Self { first, second, hashes })
    }
}

impl fmt::Display for ConsistencyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{CONSISTENCY_HEADER}\nfirst {}\nsecond {}", self.first, self.second)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_and_other_spellings_are_refused() {
        let file = ConsistencyFile { first: 13, second: 20, hashes: vec![Digest([1; 32]), Digest([2; 32])] };
        let text = file.to_string();
        assert_eq!(ConsistencyFile::parse(&text), Ok(file.clone()));
        let bare = ConsistencyFile { first: 0, second: 0, hashes: Vec::new() };
        assert_eq!(ConsistencyFile::parse(&bare.to_string()), Ok(bare));
        for (from, to) in [
            ("@v1", "@v2"),
            ("first 13", "first 013"),
            ("first 13", "first +13"),
            ("first 13", "first 21"),
            ("second 20", "second 20\r"),
            ("second 20", "second 4611686018427387905"),
            ("second 20\n", ""),
            ("AQEB", "AQE"),
        ] {
            assert!(ConsistencyFile::parse(&text.replace(from, to)).is_err(), "{from:?} as {to:?}");
        }
        assert!(ConsistencyFile::parse(text.trim_end()).is_err());
        let long = ConsistencyFile { hashes: vec![Digest([0; 32]); 64], ..file };
        assert!(ConsistencyFile::parse(&long.to_string()).is_err());
    }
}
