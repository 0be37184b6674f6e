//! What is on a disk before a recording begins.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Failed;

/// Folders and files, each with its inode; all of it is durable.
#[derive(Debug)]
pub(crate) struct Base {
    pub(super) inode: u64,
    pub(super) names: Vec<Held>,
}

/// A file or folder under its name.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: OsString,
    pub(super) inode: u64,
    pub(super) mode: u32,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    File(Vec<u8>),
    Folder(Vec<Held>),
}

impl Base {
    /// What `root` holds now of these names. What is beside them is not played, and may be there or not.
    pub(crate) fn of(root: &Path, played: &[&str]) -> Result<Self, Failed> {
        let there = played.iter().filter(|name| root.join(name).exists());
        let names = there.map(|name| held(&root.join(name), OsString::from(name))).collect::<Result<_, _>>()?;
        Ok(Self { inode: fs::metadata(root)?.ino(), names })
    }
}

fn held(path: &Path, name: OsString) -> Result<Held, Failed> {
    let about = fs::metadata(path)?;
    let content = if about.is_dir() {
        let entries = fs::read_dir(path)?.map(|entry| {
            let entry = entry?;
            held(&entry.path(), entry.file_name())
        });
        Content::Folder(entries.collect::<Result<_, _>>()?)
    } else {
        Content::File(fs::read(path)?)
    };
    Ok(Held { name, inode: about.ino(), mode: about.mode() & 0o777, content })
}
