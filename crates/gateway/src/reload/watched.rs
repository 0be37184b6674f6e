//! Files that are looked at for changes: by their digests, so that what matters is what they hold and not how it came there.

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use causeway_crypto::{Digest, sha256};

/// Bytes of a file that a look reads: more than any of these files may have.
const LOOK_BYTES: u64 = 8 << 20;

/// Looks at which a file is read although its times and its size stand still: two changes may fall within one tick of its times.
const LOOKS_AFTER_CHANGE: u8 = 8;

/// Files that mean something together, as a certificate and its key.
#[derive(Debug, Default)]
pub(super) struct Watched {
    files: Vec<Looked>,
    before: Option<Contents>,
    in_force: Option<Contents>,
    judged: Option<Contents>,
    refused: Option<Contents>,
}

/// What files hold, and what they are judged by: none for a file that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents(Vec<Option<Digest>>);

impl Watched {
    /// Files of which nothing has been taken yet.
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        let files = files.into_iter().map(Looked::new).collect();
        Self { files, before: None, in_force: None, judged: None, refused: None }
    }

    /// A file that is in force as it was when it held bytes with this digest.
    pub(super) fn held(file: PathBuf, digest: Digest) -> Self {
        let held = Contents(vec![Some(sha256(&[&[]])), Some(digest)]);
        Self { judged: Some(held.clone()), in_force: Some(held), ..Self::new(vec![file]) }
    }

    /// Files that are in force as they are now.
    pub(super) fn in_force(files: Vec<PathBuf>) -> Self {
        let mut watched = Self::new(files);
        let now = watched.contents(&[]);
        Self { before: Some(now.clone()), judged: Some(now.clone()), in_force: Some(now), ..watched }
    }

    /// Goes on with other files in their place.
    pub(super) fn follow(&mut self, files: Vec<PathBuf>) {
        if !self.files.iter().map(|file| &file.path).eq(&files) {
            self.files = files.into_iter().map(Looked::new).collect();
        }
    }

    /// Whether they are to be judged now: they hold something else than what was judged last, and did so at the look before, so that
    /// nobody is in the middle of writing them. `at_once`, where somebody says that they are complete, judges them in any case.
    /// `about` is what they are judged by beside themselves.
    pub(super) fn look(&mut self, about: &[u8], at_once: bool) -> bool {
        let now = self.contents(about);
        let stands = self.before.as_ref() == Some(&now);
        self.before = Some(now.clone());
        if self.in_force.as_ref() == Some(&now) {
            (self.judged, self.refused) = (Some(now), None);
            return false;
        }
        if !at_once && (!stands || self.judged.as_ref() == Some(&now)) {
            return false;
        }
        self.judged = Some(now);
        true
    }

    /// What was judged last is in force.
    pub(super) fn take(&mut self) {
        (self.in_force, self.refused) = (self.judged.clone(), None);
    }

    /// What was judged last is not taken. Whether that has not been said of the same contents just before.
    pub(super) fn refuse(&mut self) -> bool {
        let is_new = self.refused != self.judged;
        self.refused.clone_from(&self.judged);
        is_new
    }

    /// Whether what they hold has been refused.
    pub(super) const fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Whether none of them is there, and none has been in force.
    pub(super) fn were_never_there(&self) -> bool {
        self.in_force.is_none() && self.files.iter().all(|file| file.digest.is_none())
    }

    fn contents(&mut self, about: &[u8]) -> Contents {
        let files = self.files.iter_mut().map(Looked::look);
        Contents(std::iter::once(Some(sha256(&[about]))).chain(files).collect())
    }
}

/// One file.
#[derive(Debug)]
struct Looked {
    path: PathBuf,
    stamp: Option<Stamp>,
    digest: Option<Digest>,
    looks: u8,
}

/// What changes with a file: device, inode, size, and the times of its contents and of itself, in seconds and nanoseconds.
type Stamp = [i128; 7];

fn stamp(found: &Metadata) -> Stamp {
    let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()].map(i128::from);
    let [modified, modified_nanos, changed, changed_nanos] = times;
    [found.dev().into(), found.ino().into(), found.size().into(), modified, modified_nanos, changed, changed_nanos]
}

impl Looked {
    const fn new(path: PathBuf) -> Self {
        Self { path, stamp: None, digest: None, looks: 0 }
    }

    fn look(&mut self) -> Option<Digest> {
        let now = fs::metadata(&self.path).ok().as_ref().map(stamp);
        if now != self.stamp {
            (self.stamp, self.looks) = (now, 0);
        }
        if self.looks < LOOKS_AFTER_CHANGE {
            (self.digest, self.looks) = (digest(&self.path), self.looks + 1);
        }
        self.digest
    }
}

/// The digest of what a file holds; one of its own for a file that is there and cannot be read, none for one that is not.
fn digest(path: &Path) -> Option<Digest> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOK_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Some(sha256(&[&bytes])),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(_) => Some(sha256(&[b"unreadable"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_judged_once_when_it_stands_still() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let write = |path: &Path, text: &str| fs::write(path, text).expect("written");
        write(&one, "a");
        let mut watched = Watched::in_force(vec![one.clone(), other.clone()]);
        assert!(!watched.look(&[], false), "nothing has changed");

        write(&one, "b");
        assert!(!watched.look(&[], false), "it may still be written");
        write(&other, "c");
        assert!(!watched.look(&[], false), "and so may the other");
        assert!(watched.look(&[], false));
        assert!(watched.refuse() && watched.is_refused());
        assert!(!watched.look(&[], false), "it has been judged");
        assert!(watched.look(&[], true), "unless somebody asks");
        assert!(!watched.refuse(), "which says nothing new");

        write(&one, "a");
        fs::remove_file(&other).expect("removed");
        for _ in 0..2 {
            assert!(!watched.look(&[], false), "what is in force is there again");
        }
        assert!(!watched.is_refused());
        write(&one, "d");
        assert!([watched.look(&[], false), watched.look(&[], false)] == [false, true]);
        watched.take();
        assert!(!watched.look(&[], false));
        assert!([watched.look(b"by other rules", false), watched.look(b"by other rules", false)] == [false, true]);
    }

    #[test]
    fn a_replaced_file_and_one_written_over_are_both_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, beside) = (folder.path().join("file"), folder.path().join("beside"));
        fs::write(&path, "same size 1").expect("written");
        let mut watched = Watched::in_force(vec![path.clone()]);
        fs::write(&beside, "same size 2").expect("written");
        fs::rename(&beside, &path).expect("replaced");
        assert!([watched.look(&[], false), watched.look(&[], false)] == [false, true]);
        watched.take();
        for number in 3..9 {
            fs::write(&path, format!("same size {number}")).expect("written over");
            assert!([watched.look(&[], false), watched.look(&[], false)] == [false, true], "{number}");
            watched.take();
        }
    }
}
