//! Evidence of two histories of one log: two checkpoints that the log signed and that do not go together, kept as they are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use causeway_journal::Checkpoint;
use causeway_journal::note::Note;

use crate::folder;
use crate::held::{Held, SignedNote};

/// Pairs of each log of which two different trees of one size were signed: the log's own doing, which nobody can bring about
/// without its key.
const MAX_PAIRS: usize = 256;

/// Most pairs with a proof that failed: anybody who has seen a checkpoint can offer it with a wrong proof, and must not take the
/// room of the others. The newest takes the place of the oldest.
const MAX_UNPROVEN_PAIRS: usize = 32;

/// Least time after the newest pair with a proof that failed before another one takes the place of the oldest: whoever has seen
/// many checkpoints can neither keep the disk busy nor drive out at once what others have offered.
const REPLACED_AFTER: Duration = Duration::from_secs(60);

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
    /// size stays, except that proof takes the place of suspicion, and is never taken away. Gives the file of the offered one, or
    /// none where it was not written.
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
        let pair = self.pair(name, offered.checkpoint.size);
        if pair.is_split() || (pair.b.exists() && suspicion == Suspicion::Unproven) {
            return Ok(None);
        }
        if !pair.b.exists() && !self.has_room(name, suspicion)? {
            return Ok(None);
        }
        folder::replace(&pair.a, held.note.as_bytes())?;
        folder::replace(&pair.b, offered.note.as_bytes())?;
        Ok(Some(pair.b))
    }

    /// Looks again at what was suspected of a checkpoint of the size that has now been cosigned: the same one was only offered
    /// with a wrong proof, and is no evidence; another one is proof now, whose file is given. Smaller ones stay suspected: that
    /// the log has gone on is no answer to them.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn settle(&self, name: &str, held: &Held) -> io::Result<Option<PathBuf>> {
        let pair = self.pair(name, held.checkpoint.size);
        if !pair.b.exists() {
            return Ok(None);
        }
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let offered = folder::read(&pair.b)?.and_then(|bytes| checkpoint_of(&bytes));
        if offered.is_some_and(|offered| offered.root == held.checkpoint.root) {
            pair.remove()?;
        } else if !pair.is_split() {
            folder::replace(&pair.a, held.note.as_bytes())?;
            return Ok(Some(pair.b));
        }
        Ok(None)
    }

    fn pair(&self, name: &str, size: u64) -> Pair {
        let file = |end: char| self.folder.join(format!("{name}-{size}-{end}.note"));
        Pair { a: file('a'), b: file('b') }
    }

    /// Whether there is room for one more pair; it is made where suspicion takes the place of suspicion.
    fn has_room(&self, name: &str, suspicion: Suspicion) -> io::Result<bool> {
        let (split, mut unproven): (Vec<Pair>, Vec<Pair>) = self.pairs(name)?.into_iter().partition(Pair::is_split);
        if suspicion == Suspicion::Split {
            return Ok(split.len() < MAX_PAIRS);
        }
        unproven.sort_by_cached_key(Pair::written);
        let (Some(oldest), Some(newest)) = (unproven.first(), unproven.last()) else { return Ok(true) };
        if unproven.len() < MAX_UNPROVEN_PAIRS {
            return Ok(true);
        }
        let now = now_of_files();
        let is_recent = now.duration_since(newest.written()).is_ok_and(|age| age < REPLACED_AFTER);
        if !is_recent {
            oldest.remove()?;
        }
        Ok(!is_recent)
    }

    fn pairs(&self, name: &str) -> io::Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let file = entry?.file_name();
            let size =
                file.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('-')?.strip_suffix("-b.note"));
            pairs.extend(size.and_then(|size| size.parse().ok()).map(|size| self.pair(name, size)));
        }
        Ok(pairs)
    }
}

/// The files of a pair.
#[derive(Debug)]
struct Pair {
    a: PathBuf,
    b: PathBuf,
}

impl Pair {
    /// Whether it is there and both are of one size, which is what proves two histories.
    fn is_split(&self) -> bool {
        let of = |path: &Path| folder::read(path).ok().flatten().and_then(|bytes| checkpoint_of(&bytes));
        of(&self.a).is_some_and(|of_a| of(&self.b).is_some_and(|of_b| of_a.size == of_b.size))
    }

    /// When the offered one was written; long ago where that cannot be told.
    fn written(&self) -> SystemTime {
        std::fs::metadata(&self.b).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Takes it away, what is held last: if we stop in between, that lies there alone until a pair of that size is kept.
    fn remove(&self) -> io::Result<()> {
        folder::remove(&self.b)?;
        folder::remove(&self.a)
    }
}

#[expect(clippy::disallowed_methods, reason = "it is compared with the times of files, which are the machine's")]
fn now_of_files() -> SystemTime {
    SystemTime::now()
}

/// What a note that was kept states.
fn checkpoint_of(note: &[u8]) -> Option<Checkpoint> {
    let note = std::str::from_utf8(note).ok()?;
    Checkpoint::parse(Note::parse(note).ok()?.text).ok()
}
