//! Proof files (C2SP tlog-proof): an inclusion proof with its checkpoint, to be kept and verified offline.
//!
//! The optional `extra` line, which the specification leaves to the log, holds the entry's bytes here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;
use causeway_model::LeafIndex;

use crate::checkpoint::decode_hash;
use crate::note::MAX_NOTE_BYTES;
use crate::proof::MAX_PROOF_HASHES;
use crate::{JournalError, MAX_ENTRY_BYTES, decimal};

/// Longest proof file that is read: the note, an entry in base64, 63 hash lines of 45 bytes, and some for the rest.
pub const MAX_PROOF_FILE_BYTES: usize = MAX_NOTE_BYTES + MAX_ENTRY_BYTES * 4 / 3 + MAX_PROOF_HASHES * 45 + 256;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof file. Its `Display` is the file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    /// The entry's bytes, where the file brings them.
    pub entry: Option<Vec<u8>>,
    /// The leaf's place.
    pub index: LeafIndex,
    /// The inclusion proof.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint, as it was published. Not yet verified.
    pub checkpoint: String,
}

impl ProofFile {
    /// Reads a proof file.
    ///
    /// # Errors
    /// Another form, more than 63 hashes, or an entry over its limit.
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        if text.len() > MAX_PROOF_FILE_BYTES {
            return Err(JournalError::TooLarge { what: "proof file", limit: MAX_PROOF_FILE_BYTES });
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(JournalError::Note("no checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(JournalError::Note("not a proof file of version 1"));
        }
        let entry = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => Some(STANDARD.decode(&line["extra ".len()..]).map_err(|_| JournalError::Note("extra line"))?),
            None => None,
        };
        if entry.as_ref().is_some_and(|entry| entry.len() > MAX_ENTRY_BYTES) {
            return Err(JournalError::TooLarge { what: "entry", limit: MAX_ENTRY_BYTES });
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = LeafIndex(index.ok_or(JournalError::Note("index line"))?);
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(crate::ProofError::ProofTooLong.into());
            }
            hashes.push(decode_hash(line).ok_or(JournalError::Note("hash line"))?);
        }
        Ok(Self { entry, index, hashes, checkpoint: checkpoint.into() })
    }
}

impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(entry) = &self.entry {
            writeln!(f, "extra {}", STANDARD.encode(entry))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash.0)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ProofFile {
        ProofFile {
            entry: Some(b"entry".to_vec()),
            index: LeafIndex(7),
            hashes: vec![Digest([1; 32]), Digest([2; 32])],
            checkpoint: "origin\n8\nroot\n\n— origin sig\n".into(),
        }
    }

    #[test]
    fn a_proof_file_reads_back() {
        assert_eq!(ProofFile::parse(&file().to_string()), Ok(file()));
        let bare = ProofFile { entry: None, hashes: Vec::new(), ..file() };
        assert_eq!(ProofFile::parse(&bare.to_string()), Ok(bare));
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = file().to_string();
        for (from, to) in [
            ("proof@v1", "proof@v2"),
            ("index 7", "index 07"),
            ("index 7", "index +7"),
            ("index 7", "index 7\r"),
            ("index 7\n", ""),
            ("extra ", "extra  "),
            ("\n\n", "\n"),
            ("AQEB", "AQE"),
        ] {
            assert!(ProofFile::parse(&text.replace(from, to)).is_err(), "{from:?} as {to:?}");
        }
        let long = ProofFile { hashes: vec![Digest([0; 32]); 64], ..file() };
        assert_eq!(ProofFile::parse(&long.to_string()), Err(crate::ProofError::ProofTooLong.into()));
        assert!(ProofFile::parse(&"x".repeat(MAX_PROOF_FILE_BYTES + 1)).is_err());
    }
}
