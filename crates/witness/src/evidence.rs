//! Evidence of two histories of one log: two checkpoints that the log signed and that do not go together, kept as they are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::folder;
use crate::held::{Held, SignedNote};

/// Pairs of each log of which two different trees of one size were signed: the log's own doing, which nobody can bring about
/// without its key.
const MAX_PAIRS: usize = 256;

/// Pairs after which a proof that fails is no longer kept: anybody who has seen a checkpoint can offer it with a wrong
/// proof, and must not take the room of the others.
const MAX_UNPROVEN_PAIRS: usize = 32;

/// How two checkpoints fail to go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// The same size with another root: proof that the log signed two histories.
    Split,
    /// The consistency proof fails: perhaps two histories, perhaps only a wrong proof.
    Unproven,
}

impl Suspicion {
    /// What there is to suspect between what is held and a checkpoint that the log has signed.
    pub(crate) fn between(held: &Held, offered: &SignedNote, proof_failed: bool) -> Option<Self> {
        let (held, offered) = (&held.checkpoint, &offered.checkpoint);
        if held.size == offered.size && held.root != offered.root {
            Some(Self::Split)
        } else {
            proof_failed.then_some(Self::Unproven)
        }
    }
}

/// The folder.
#[derive(Debug)]
pub(crate) struct Evidence {
    folder: PathBuf,
    /// Held while files are counted and written.
    writing: Mutex<()>,
}

impl Evidence {
    pub(crate) fn in_dir(state_dir: &Path) -> Self {
        Self { folder: state_dir.join("evidence"), writing: Mutex::new(()) }
    }

    /// Keeps both notes: `-a` what is held, `-b` what was offered, named by the size of the latter. The first pair of a
    /// size stays, except that proof takes the place of suspicion. Gives the file of the offered one, or none where it was
    /// not written.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn keep(
        &self,
        name: &str,
        held: &Held,
        offered: &SignedNote,
        suspicion: Suspicion,
    ) -> io::Result<Option<PathBuf>> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        folder::create_private(&self.folder)?;
        let file = |end: char| self.folder.join(format!("{name}-{}-{end}.note", offered.checkpoint.size));
        let (a, b) = (file('a'), file('b'));
        let most = match suspicion {
            Suspicion::Split => MAX_PAIRS,
            Suspicion::Unproven if b.exists() => return Ok(None),
            Suspicion::Unproven => MAX_UNPROVEN_PAIRS,
        };
        if is_split(&a, &b) || (!b.exists() && self.pairs(name)? >= most) {
            return Ok(None);
        }
        folder::replace(&a, held.note.as_bytes())?;
        folder::replace(&b, offered.note.as_bytes())?;
        Ok(Some(b))
    }

    fn pairs(&self, name: &str) -> io::Result<usize> {
        let mut pairs = 0;
        for entry in std::fs::read_dir(&self.folder)? {
            let file = entry?.file_name();
            let is_one = file.to_str().is_some_and(|file| file.starts_with(name) && file.ends_with("-b.note"));
            pairs += usize::from(is_one);
        }
        Ok(pairs)
    }
}

/// Whether a pair that is there already is of one size, which is what proves two histories.
fn is_split(a: &Path, b: &Path) -> bool {
    let size = |path: &Path| folder::read(path).ok().flatten().and_then(|bytes| second_line(&bytes));
    size(a).is_some_and(|of_a| size(b) == Some(of_a))
}

fn second_line(note: &[u8]) -> Option<Vec<u8>> {
    note.split(|byte| *byte == b'\n').nth(1).map(<[u8]>::to_vec)
}
