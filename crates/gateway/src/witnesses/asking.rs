//! One witness, asked: for a cosignature, and for what it remembers where it does not give one.

use std::fmt;
use std::sync::Arc;

use causeway_crypto::sha256;
use causeway_journal::WitnessKey;
use causeway_journal::witness::{AddCheckpoint, read_cosignature, read_size};

use super::evidence::{Memory, Ours};
use super::remote::{Failure, Remote};

/// A checkpoint that is to be cosigned.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The note, signed by the log.
    pub(super) note: Arc<str>,
    /// Its tree size.
    pub(super) size: u64,
}

/// A cosignature, verified: its line, and the witness's time in seconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Cosigned {
    pub(super) line: String,
    pub(super) seconds: u64,
}

/// Why a witness did not cosign. It holds nothing that the witness said but numbers.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no answer.
    Silent(Failure),
    /// It answered with another status than the protocol's for a conflict.
    Status(u16),
    /// What it gave is no cosignature by its key over this checkpoint.
    NoCosignature,
    /// It claims to hold a larger or another history, and shows nothing of it that this log has signed.
    Claim(u64),
    /// The proof that it needs cannot be made.
    NoProof,
    /// It holds what this log has signed, and the log is not that: the journal is halted.
    Halted,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(failure) => failure.fmt(f),
            Self::Status(status) => write!(f, "it refuses with status {status}"),
            Self::NoCosignature => f.write_str("what it gives is no cosignature by its key"),
            Self::Claim(size) => {
                write!(
                    f,
                    "it claims to hold another history, of {size} entries, and shows nothing that this log has signed"
                )
            }
            Self::NoProof => f.write_str("the proof that it asks for cannot be made"),
            Self::Halted => f.write_str("it holds what this log has signed, and the log is not that"),
        }
    }
}

/// One witness, and what it has cosigned last.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) witness: WitnessKey,
    remote: Remote,
    ours: Ours,
    /// The size of its last checkpoint, as far as is known.
    size: u64,
}

impl Asker {
    pub(super) fn new(witness: WitnessKey, remote: Remote, ours: Ours) -> Self {
        Self { witness, remote, ours, size: 0 }
    }

    /// Looks at what it holds before anything is asked of it.
    pub(super) async fn look_first(&mut self) {
        if let Err(trouble) = self.recall(0).await {
            tracing::warn!(witness = self.witness.name, %trouble, "a witness does not say what it holds");
        }
    }

    /// Has a checkpoint cosigned.
    pub(super) async fn cosign(&mut self, target: &Target) -> Result<Cosigned, Trouble> {
        match self.submit(target).await? {
            Submitted::Cosigned(cosigned) => Ok(cosigned),
            Submitted::Conflict(size) if size > target.size || size == self.size => {
                // It holds more than was asked for, or other entries of that size.
                self.recall(size).await?;
                self.again(target).await
            }
            Submitted::Conflict(size) => {
                self.size = size;
                self.again(target).await
            }
            Submitted::Inconsistent => {
                self.recall(self.size).await?;
                self.again(target).await
            }
        }
    }

    /// Once more, with what is known now.
    async fn again(&mut self, target: &Target) -> Result<Cosigned, Trouble> {
        match self.submit(target).await? {
            Submitted::Cosigned(cosigned) => Ok(cosigned),
            Submitted::Conflict(size) => {
                self.recall(size).await?;
                Err(Trouble::Claim(size))
            }
            Submitted::Inconsistent => {
                self.recall(self.size).await?;
                Err(Trouble::Claim(self.size))
            }
        }
    }

    async fn submit(&mut self, target: &Target) -> Result<Submitted, Trouble> {
        let old_size = self.size;
        if old_size > target.size {
            // It has cosigned a later one in the meantime, which a later round asks for again.
            return Ok(Submitted::Conflict(old_size));
        }
        let proof = match old_size == 0 || old_size == target.size {
            true => Vec::new(),
            false => {
                let proof = self.ours.journal.consistency_proof(old_size, target.size).await;
                proof.map_err(|_| Trouble::NoProof)?
            }
        };
        let request = AddCheckpoint { old_size, proof, checkpoint: target.note.to_string() };
        let answer = self.remote.ask("/add-checkpoint", Some(request.to_string())).await.map_err(Trouble::Silent)?;
        match answer.status {
            200 => {
                let read = read_cosignature(&target.note, &answer.body, &self.witness.key);
                let (line, seconds) = read.map_err(|_| Trouble::NoCosignature)?;
                self.size = target.size;
                Ok(Submitted::Cosigned(Cosigned { line, seconds }))
            }
            409 => Ok(Submitted::Conflict(read_size(&answer.body).map_err(|_| Trouble::Status(409))?)),
            422 => Ok(Submitted::Inconsistent),
            status => Err(Trouble::Status(status)),
        }
    }

    /// Fetches the checkpoint that the witness holds and compares it with the log: the one thing by which a witness can halt it.
    /// `claimed` is the size that the witness spoke of.
    async fn recall(&mut self, claimed: u64) -> Result<(), Trouble> {
        let name = sha256(&[self.ours.origin.as_bytes()]);
        let answer = self.remote.ask(&format!("/{name}/checkpoint"), None).await.map_err(Trouble::Silent)?;
        let note = match answer.status {
            200 => String::from_utf8(answer.body).map_err(|_| Trouble::Claim(claimed))?,
            // It has seen nothing of this log.
            404 if claimed == 0 => return Ok(()),
            _ => return Err(Trouble::Claim(claimed)),
        };
        match self.ours.compare(&note).await {
            Memory::Ours(size) => {
                self.size = size;
                Ok(())
            }
            Memory::Contradiction { size, own } => {
                self.ours.halt(&self.witness.name, size, own, note).await;
                Err(Trouble::Halted)
            }
            Memory::NotOurs | Memory::Unknown => Err(Trouble::Claim(claimed)),
        }
    }
}

/// What came of a request.
enum Submitted {
    Cosigned(Cosigned),
    /// The witness says that it holds this size, or nobody has to ask to know.
    Conflict(u64),
    /// It says that the proof does not lead from what it holds to this.
    Inconsistent,
}
