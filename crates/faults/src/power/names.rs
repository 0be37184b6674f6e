//! What kind of thing an event is, so that every kind is cut at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::base::{Content, Held};
use super::{Base, Event};

/// Follows the names of files, and names each event by what is done to what kind of file.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    names: BTreeMap<u64, PathBuf>,
    inodes: BTreeMap<PathBuf, u64>,
    syncs: BTreeMap<u64, String>,
}

impl Kinds {
    /// With the names that were there before.
    pub(super) fn over(base: &Base) -> Self {
        let mut kinds = Self::default();
        kinds.names.insert(base.inode, PathBuf::new());
        base.names.iter().for_each(|held| kinds.hold(Path::new(""), held));
        kinds
    }

    fn hold(&mut self, parent: &Path, held: &Held) {
        let path = parent.join(&held.name);
        self.names.insert(held.inode, path.clone());
        self.inodes.insert(path.clone(), held.inode);
        if let Content::Folder(names) = &held.content {
            names.iter().for_each(|held| self.hold(&path, held));
        }
    }

    /// The kind of the next event; none for one after which nothing on the disk is otherwise, and nobody told.
    pub(super) fn of(&mut self, event: &Event<'_>) -> Option<String> {
        match *event {
            Event::Created { inode, path, .. } => Some(self.named(inode, path, "create")),
            Event::FolderMade { inode, path, .. } => Some(self.named(inode, path, "make")),
            Event::Sized { inode, .. } => self.inode("resize", inode),
            Event::Written { inode, .. } => self.inode("write", inode),
            Event::Renamed { from, to } | Event::Linked { from, to } => {
                let verb = if matches!(event, Event::Renamed { .. }) { "rename" } else { "link" };
                if let Some(inode) = self.inodes.get(from).copied() {
                    self.named(inode, to, verb);
                }
                Some(format!("{verb} {}", class(to)))
            }
            Event::Removed { path } => Some(format!("remove {}", class(path))),
            Event::SyncBegan { number, inode, .. } => {
                let what = self.inode("sync", inode)?;
                self.syncs.insert(number, what.clone());
                Some(format!("begin to {what}"))
            }
            Event::SyncEnded { number } => self.syncs.remove(&number),
            Event::Kept { .. } => Some("acknowledge".to_owned()),
            Event::RangeSynced { .. } | Event::Phase { .. } => None,
        }
    }

    fn named(&mut self, inode: u64, path: &Path, verb: &str) -> String {
        self.names.insert(inode, path.to_owned());
        self.inodes.insert(path.to_owned(), inode);
        format!("{verb} {}", class(path))
    }

    /// None for files outside.
    fn inode(&self, verb: &str, inode: u64) -> Option<String> {
        Some(format!("{verb} {}", class(self.names.get(&inode)?)))
    }
}

/// A path with every number in it taken for the same.
fn class(path: &Path) -> String {
    let (text, mut class) = (path.to_string_lossy(), String::new());
    for word in text.split_inclusive(['/', '.', '-']) {
        let (name, end) = word.split_at(word.trim_end_matches(['/', '.', '-']).len());
        let is_number =
            name.chars().any(|letter| letter.is_ascii_digit()) && name.chars().all(|letter| letter.is_ascii_hexdigit());
        class.push_str(if is_number { "#" } else { name });
        class.push_str(end);
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_alike() {
        let class = |path: &str| class(Path::new(path));
        assert_eq!(class("data/journal/log/snap.0000000000aB12"), "data/journal/log/snap.#");
        assert_eq!(class("data/keys/pages/17"), class("data/keys/pages/3"));
        assert_eq!(class("data/keys/page-keys"), "data/keys/page-keys");
    }
}
