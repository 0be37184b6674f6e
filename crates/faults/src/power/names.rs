//! What kind of thing an event is, so that every kind is cut at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Event;

/// Follows the names of files, and names each event by what is done to what kind of file.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    names: BTreeMap<u64, PathBuf>,
    inodes: BTreeMap<PathBuf, u64>,
    syncs: BTreeMap<u64, String>,
}

impl Kinds {
    /// The kind of the next event; none for one after which nothing on the disk is otherwise, and nobody told.
    pub(super) fn of(&mut self, event: &Event<'_>) -> Option<String> {
        match *event {
            Event::Created { inode, path, .. } => Some(self.named(inode, path, "create")),
            Event::FolderMade { inode, path, .. } => Some(self.named(inode, path, "make")),
            Event::Sized { inode, .. } => Some(self.inode("resize", inode)),
            Event::Written { inode, .. } => Some(self.inode("write", inode)),
            Event::Renamed { from, to } | Event::Linked { from, to } => {
                let verb = if matches!(event, Event::Renamed { .. }) { "rename" } else { "link" };
                if let Some(inode) = self.inodes.get(from).copied() {
                    self.named(inode, to, verb);
                }
                Some(format!("{verb} {}", class(to)))
            }
            Event::Removed { path } => Some(format!("remove {}", class(path))),
            Event::SyncBegan { number, inode, .. } => {
                let what = self.inode("", inode);
                self.syncs.insert(number, what.clone());
                Some(format!("begin to sync{what}"))
            }
            Event::SyncEnded { number } => Some(format!("sync{}", self.syncs.remove(&number).unwrap_or_default())),
            Event::Kept { .. } => Some("acknowledge".to_owned()),
            Event::RangeSynced { .. } | Event::Phase { .. } => None,
        }
    }

    fn named(&mut self, inode: u64, path: &Path, verb: &str) -> String {
        self.names.insert(inode, path.to_owned());
        self.inodes.insert(path.to_owned(), inode);
        format!("{verb} {}", class(path))
    }

    fn inode(&self, verb: &str, inode: u64) -> String {
        format!("{verb} {}", self.names.get(&inode).map(|path| class(path)).unwrap_or_default())
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
