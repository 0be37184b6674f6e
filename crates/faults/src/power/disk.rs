//! The simulated disk: a recording played up to some moment, and what is left when the power goes there.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::Failed;
use crate::chance::Chance;

use super::base::{Content, Held};
use super::file::{Change, FileNode};
use super::folder::{FolderNode, NameChange, NodeId};
use super::{Base, Event, Survival};

/// Which syncs the disk does not make, though it says so: to see that losses are found then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgets {
    /// An honest disk.
    Nothing,
    /// `fdatasync`, by which the log is made durable.
    Fdatasync,
    /// Syncs of folders.
    Folders,
}

#[derive(Debug)]
enum Node<'a> {
    File(FileNode<'a>),
    Folder(FolderNode),
}

/// The disk. Names outside of the folders that it was asked to play are left out.
#[derive(Debug)]
pub(crate) struct Disk<'a> {
    nodes: Vec<Node<'a>>,
    inodes: BTreeMap<u64, NodeId>,
    syncs: BTreeMap<u64, (NodeId, usize)>,
    forgets: Forgets,
    now: usize,
}

const ROOT: NodeId = 0;

impl<'a> Disk<'a> {
    /// A disk that holds, durably, what there was.
    pub(crate) fn over(base: &Base, forgets: Forgets) -> Self {
        let mut disk = Self {
            nodes: vec![Node::Folder(FolderNode::new(0o700))],
            inodes: BTreeMap::from([(base.inode, ROOT)]),
            syncs: BTreeMap::new(),
            forgets,
            now: 0,
        };
        base.names.iter().for_each(|held| disk.hold(ROOT, held));
        disk
    }

    fn hold(&mut self, parent: NodeId, held: &Held) {
        let node = match &held.content {
            Content::File(bytes) => self.add(held.inode, Node::File(FileNode::new(held.mode, bytes.clone()))),
            Content::Folder(names) => {
                let node = self.add(held.inode, Node::Folder(FolderNode::new(held.mode)));
                names.iter().for_each(|held| self.hold(node, held));
                node
            }
        };
        if let Some(Node::Folder(folder)) = self.nodes.get_mut(parent) {
            folder.hold(held.name.clone(), node);
        }
    }

    /// Plays the next thing that happened.
    ///
    /// # Errors
    /// Where it names what is not there: the recording has missed something.
    pub(crate) fn play(&mut self, event: &Event<'a>) -> Result<(), Failed> {
        self.now += 1;
        match *event {
            Event::Created { inode, mode, path } => {
                self.put(path, inode, Node::File(FileNode::new(mode, Vec::new())))?
            }
            Event::FolderMade { inode, mode, path } => self.put(path, inode, Node::Folder(FolderNode::new(mode)))?,
            Event::Sized { inode, size } => self.change(inode, Change::Size(size)),
            Event::Written { inode, at, bytes } => self.change(inode, Change::Write(at, bytes)),
            Event::Renamed { from, to } => self.rename(from, to)?,
            Event::Linked { from, to } => {
                let node = self.find(from)?;
                self.name(to, |name| NameChange::Put(name, node))?;
            }
            Event::Removed { path } => self.name(path, NameChange::Gone)?,
            Event::SyncBegan { number, inode, data_only } => self.begin_sync(number, inode, data_only),
            Event::SyncEnded { number } => self.end_sync(number),
            Event::RangeSynced { .. } | Event::Kept { .. } | Event::Phase { .. } => {}
        }
        Ok(())
    }

    fn begin_sync(&mut self, number: u64, inode: u64, data_only: bool) {
        let Some(node) = self.inodes.get(&inode) else { return };
        let is_folder = matches!(self.nodes.get(*node), Some(Node::Folder(_)));
        let is_forgotten = match self.forgets {
            Forgets::Nothing => false,
            Forgets::Fdatasync => data_only,
            Forgets::Folders => is_folder,
        };
        if !is_forgotten {
            self.syncs.insert(number, (*node, self.now));
        }
    }

    fn end_sync(&mut self, number: u64) {
        let Some((node, began)) = self.syncs.remove(&number) else { return };
        match &mut self.nodes[node] {
            Node::File(file) => file.sync(began),
            Node::Folder(folder) => folder.sync(began),
        }
    }

    fn change(&mut self, inode: u64, change: Change<'a>) {
        // Files outside the played folders are not known.
        let node = self.inodes.get(&inode).copied();
        if let Some(Node::File(file)) = node.and_then(|node| self.nodes.get_mut(node)) {
            file.change(self.now, change);
        }
    }

    fn put(&mut self, path: &Path, inode: u64, node: Node<'a>) -> Result<(), Failed> {
        let node = self.add(inode, node);
        self.name(path, |name| NameChange::Put(name, node))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Failed> {
        let node = self.find(from)?;
        if from.parent() == to.parent() {
            let to = to.file_name().unwrap_or_default().to_owned();
            return self.name(from, |from| NameChange::Moved(from, to, node));
        }
        self.name(to, |name| NameChange::Put(name, node))?;
        self.name(from, NameChange::Gone)
    }

    fn name(&mut self, path: &Path, change: impl FnOnce(std::ffi::OsString) -> NameChange) -> Result<(), Failed> {
        let parent = self.find(path.parent().unwrap_or_else(|| Path::new("")))?;
        let (now, name) = (self.now, path.file_name().unwrap_or_default().to_owned());
        self.folder(parent)?.change(now, change(name));
        Ok(())
    }

    fn add(&mut self, inode: u64, node: Node<'a>) -> NodeId {
        self.nodes.push(node);
        let id = self.nodes.len() - 1;
        // An inode's number is given again when its file has gone.
        self.inodes.insert(inode, id);
        id
    }

    fn folder(&mut self, node: NodeId) -> Result<&mut FolderNode, Failed> {
        match self.nodes.get_mut(node) {
            Some(Node::Folder(folder)) => Ok(folder),
            _ => Err("a file where a folder was".into()),
        }
    }

    fn find(&self, path: &Path) -> Result<NodeId, Failed> {
        let missing = || format!("the recording has missed how {} came to be", path.display());
        path.iter().try_fold(ROOT, |node, name| match self.nodes.get(node) {
            Some(Node::Folder(folder)) => folder.current.get(name).copied().ok_or_else(|| missing().into()),
            _ => Err(missing().into()),
        })
    }

    /// Whether the file that is now at this path is the one with this inode.
    pub(crate) fn is_file(&self, inode: u64, path: &Path) -> bool {
        self.inodes.get(&inode).is_some_and(|node| self.find(path).is_ok_and(|found| found == *node))
    }

    /// The bytes of a file as a reader of the running system sees them; none where there is no such file.
    pub(crate) fn current(&self, path: &Path) -> Option<Vec<u8>> {
        let Some(Node::File(file)) = self.find(path).ok().and_then(|node| self.nodes.get(node)) else { return None };
        Some(file.current())
    }

    /// Holds the disk against the real one, which has everything: a write that went past the shim shows here.
    ///
    /// # Errors
    /// The first file that differs.
    pub(crate) fn is_whole(&self, root: &Path) -> Result<(), Failed> {
        let Some(Node::Folder(played)) = self.nodes.get(ROOT) else { return Err("there is no disk".into()) };
        played.current.keys().try_for_each(|name| self.is_like(&root.join(name), Path::new(name)))
    }

    fn is_like(&self, real: &Path, path: &Path) -> Result<(), Failed> {
        let differs = || Failed::from(format!("{} is not as it was recorded", path.display()));
        if !real.is_dir() {
            return if self.current(path) == Some(fs::read(real)?) { Ok(()) } else { Err(differs()) };
        }
        let Some(Node::Folder(folder)) = self.nodes.get(self.find(path)?) else { return Err(differs()) };
        let names = fs::read_dir(real)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, Failed>>()?;
        if folder.current.len() != names.len() {
            return Err(differs());
        }
        names.iter().try_for_each(|name| self.is_like(&real.join(name), &path.join(name)))
    }

    /// Makes in `target` what is left when the power goes now.
    pub(crate) fn cut(&self, survival: Survival, chance: &mut Chance, target: &Path) -> Result<(), Failed> {
        let pending = |node: &Node<'a>| match node {
            Node::File(file) => file.first_pending(),
            Node::Folder(folder) => folder.first_pending(),
        };
        let first = self.nodes.iter().filter_map(pending).min().unwrap_or(self.now);
        // In order, up to a moment between the first that is not durable and now.
        let moment = first + chance.below(self.now + 1 - first);
        self.leave(ROOT, (survival, moment), chance, target)
    }

    fn leave(&self, node: NodeId, what: (Survival, usize), chance: &mut Chance, target: &Path) -> Result<(), Failed> {
        match self.nodes.get(node) {
            Some(Node::File(file)) => {
                let bytes = file.left(what.0, what.1, chance);
                let mut file = OpenOptions::new().write(true).create_new(true).mode(file.mode).open(target)?;
                file.write_all(&bytes)?;
            }
            Some(Node::Folder(folder)) => {
                if !target.exists() {
                    DirBuilder::new().mode(folder.mode).create(target)?;
                }
                for (name, node) in folder.left(what.0, what.1, chance) {
                    let within = (what.0.within(&name, chance), what.1);
                    self.leave(node, within, chance, &target.join(name))?;
                }
            }
            None => return Err("a name for what is not there".into()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn cut(disk: &Disk<'_>, survival: Survival) -> BTreeMap<String, Vec<u8>> {
        let target = tempfile::tempdir().expect("a folder");
        disk.cut(survival, &mut Chance::of(1), target.path()).expect("made");
        let files = fs::read_dir(target.path()).expect("readable").map(|entry| entry.expect("readable").path());
        files
            .map(|path| (path.file_name().expect("a name").display().to_string(), fs::read(path).expect("read")))
            .collect()
    }

    #[test]
    fn a_file_is_there_under_its_name_once_the_folder_is_synced_and_whole_once_it_is_itself() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = fs::metadata(root.path()).expect("there").ino();
        let mut disk = Disk::over(&Base::of(root.path(), &[]).expect("read"), Forgets::Nothing);
        let mut play = |event: Event<'static>| disk.play(&event).expect("plays");
        let (new, name) = (Path::new("a.new"), Path::new("a"));
        play(Event::Created { inode: 5, mode: 0o600, path: new });
        play(Event::Written { inode: 5, at: 0, bytes: b"whole" });
        play(Event::SyncBegan { number: 1, inode: 5, data_only: true });
        play(Event::Written { inode: 5, at: 0, bytes: b"later" });
        play(Event::SyncEnded { number: 1 });
        play(Event::Renamed { from: new, to: name });
        play(Event::SyncBegan { number: 2, inode: folder, data_only: false });
        let held = |bytes: &[u8]| BTreeMap::from([("a".to_owned(), bytes.to_vec())]);
        assert_eq!(cut(&disk, Survival::Nothing), BTreeMap::new(), "the folder's sync has not ended");
        assert_eq!(
            cut(&disk, Survival::NamesOnly),
            held(b"whole"),
            "and what was written meanwhile is not in the file's"
        );
        assert_eq!(cut(&disk, Survival::Everything), held(b"later"));
        disk.play(&Event::SyncEnded { number: 2 }).expect("plays");
        assert_eq!(cut(&disk, Survival::Nothing), held(b"whole"));
    }
}
