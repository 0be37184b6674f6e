//! Making a mirror, and going on with one: everything is applied before it is written, and what is there is applied again first.
//!
//! If we stop before [`MirrorWriter::finish`], the folder holds whole bundles and `causeway/next`, the checkpoint that they are on the
//! way to; whoever goes on reads them again. The checkpoint takes its place last.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_crypto::sha256;
use causeway_journal::tlog_path::{FULL_WIDTH, encode_bundle, encode_tile};
use causeway_journal::{Tile, TilePath, v1};

use super::applying::Applying;
use super::layout::{self, CHECKPOINT, MAX_CHECKPOINT_BYTES, NEXT, SUMS, notes_of, sum_line};
use super::notes::Notes;
use super::reading::{Batch, decode, read_bundle};
use super::{partial_tiles, tile_path};
use crate::trust::{Trust, Vouched};
use crate::{VerifyError, files};

/// A signed checkpoint that a mirror knows.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownCheckpoint {
    /// The signed note.
    pub note: String,
    /// What it says, and who vouches for it.
    pub vouched: Vouched,
}

/// A mirror that is being made.
#[derive(Debug)]
pub struct MirrorWriter {
    folder: PathBuf,
    applying: Applying,
    /// The bundle that is not full yet: its entries and their notes.
    entries: Vec<Vec<u8>>,
    notes: Notes,
    sums: String,
    /// Where it stood when it was opened.
    known: Option<KnownCheckpoint>,
    /// The files at the right edge of the checkpoints from before, for which a larger one may have no place.
    superseded: Vec<PathBuf>,
}

impl MirrorWriter {
    /// Opens a mirror, or begins one in an empty or absent folder. What is there is read and applied again.
    ///
    /// # Errors
    /// A folder that holds something else, and a mirror that is not what its checkpoint says.
    pub fn open(folder: &Path, trust: &Trust) -> Result<Self, VerifyError> {
        let finished = known(folder, CHECKPOINT, trust)?;
        let next = known(folder, NEXT, trust)?;
        if finished.is_none() && next.is_none() && fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()) {
            return Err(VerifyError::at(folder.display(), "it holds something else than a mirror"));
        }
        let finished_size = finished.as_ref().map_or(0, |known| known.vouched.checkpoint.size);
        let mut writer = Self {
            folder: folder.to_owned(),
            applying: Applying::new(true, Some(finished_size)),
            entries: Vec::new(),
            notes: Notes::default(),
            sums: String::new(),
            known: None,
            superseded: Vec::new(),
        };
        writer.read_again(finished_size)?;
        for size in [&finished, &next].into_iter().flatten().map(|known| known.vouched.checkpoint.size) {
            writer.superseded.extend(layout::edge(size).map(|path| folder.join(path)));
        }
        if let Some(finished) = &finished
            && writer.applying.root_asked() != Some(finished.vouched.checkpoint.root)
        {
            let what = "it is not what its checkpoint says; make another in an empty folder, and keep this one";
            return Err(VerifyError::at(folder.display(), what));
        }
        writer.known = [finished, next].into_iter().flatten().max_by_key(|known| known.vouched.checkpoint.size);
        Ok(writer)
    }

    /// The newest checkpoint that the mirror knows of: the one it is of, or the one it was on its way to.
    pub fn known(&self) -> Option<&KnownCheckpoint> {
        self.known.as_ref()
    }

    /// How many entries it has: what comes next is the entry with this leaf index.
    pub fn size(&self) -> u64 {
        self.applying.tree().size()
    }

    /// Says which checkpoint it is on its way to now. Whether that one goes on from [`MirrorWriter::known`] is for the caller to see.
    ///
    /// # Errors
    /// What the system said.
    pub fn begin(&mut self, note: &str) -> Result<(), VerifyError> {
        files::write(&self.folder.join(NEXT), note.as_bytes())
    }

    /// Takes entries that come next, with their notes; never across a multiple of 256.
    ///
    /// # Errors
    /// Entries that do not come next, that apply refuses, or of which it makes something else than is stated; and what the system said.
    pub fn take(&mut self, from: u64, entries: Vec<Vec<u8>>, notes: v1::BundleNotes) -> Result<(), VerifyError> {
        if entries.is_empty() || self.entries.len() + entries.len() > usize::from(FULL_WIDTH) {
            return Err(VerifyError::at(format_args!("entry {from}"), "as many entries as no bundle has"));
        }
        let notes = Notes::of(notes, from, entries.len())
            .map_err(|what| VerifyError::at(format_args!("entry {from}"), what))?;
        self.apply(from, entries, notes)?;
        if self.entries.len() == usize::from(FULL_WIDTH) { self.close_bundle() } else { Ok(()) }
    }

    /// Finishes the mirror at the size that it has come to, under the checkpoint that it was on its way to.
    ///
    /// # Errors
    /// Entries that do not make the checkpoint's root; and what the system said.
    pub fn finish(mut self, trust: &Trust) -> Result<Vouched, VerifyError> {
        let next = known(&self.folder, NEXT, trust)?;
        let vouched = next.ok_or_else(|| VerifyError::at(NEXT, "it is missing"))?.vouched;
        let tree = self.applying.tree();
        if (tree.size(), tree.root()) != (vouched.checkpoint.size, vouched.checkpoint.root) {
            let what = "the entries that came do not make the root of the checkpoint";
            return Err(VerifyError::at(self.folder.display(), what));
        }
        partial_tiles(tree).try_for_each(|tile| write_tile(&self.folder, &tile))?;
        if !self.entries.is_empty() {
            self.close_bundle()?;
        }
        files::write(&self.folder.join(SUMS), self.sums.as_bytes())?;
        let (next, checkpoint) = (self.folder.join(NEXT), self.folder.join(CHECKPOINT));
        fs::rename(&next, &checkpoint).map_err(|error| VerifyError::file(&checkpoint, &error))?;
        files::sync_folder_of(&checkpoint)?;
        for path in self.superseded.iter().filter(|path| !is_of(&self.folder, path, vouched.checkpoint.size)) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(VerifyError::file(path, &error));
                }
                _ => {}
            }
            // The folder of partial widths goes with its last file.
            let _ = path.parent().map(fs::remove_dir);
        }
        Ok(vouched)
    }

    /// The full bundles that are there, and the partial one of the finished checkpoint unless a full one has taken its place.
    fn read_again(&mut self, finished_size: u64) -> Result<(), VerifyError> {
        for index in 0.. {
            let full = TilePath::Entries { index, width: FULL_WIDTH };
            let is_there = |path: &str| self.folder.join(path).is_file();
            let is_whole = is_there(&full.to_string()) && is_there(&notes_of(full));
            let partial = TilePath::entries_in(finished_size, index).filter(|bundle| *bundle != full);
            let bundle = match partial {
                _ if is_whole => full,
                Some(partial) => partial,
                None if index < layout::bundles(finished_size) => full,
                None => break,
            };
            let read = read_bundle(&self.folder, bundle, true)?;
            let notes = read.batch.notes.unwrap_or_default();
            self.apply(read.batch.from, read.bytes, notes)?;
            if !is_whole {
                break;
            }
            self.close_bundle_in_memory(index, read.notes_sum.unwrap_or_else(|| sha256(&[])));
        }
        Ok(())
    }

    fn apply(&mut self, from: u64, bytes: Vec<Vec<u8>>, notes: Notes) -> Result<(), VerifyError> {
        let entries = decode(from, &bytes, Some(&notes))?;
        let folder = &self.folder;
        let batch = Batch { from, entries, notes: Some(notes) };
        self.applying.take(&batch, &mut |tile| write_tile(folder, tile))?;
        self.notes.extend(batch.notes.unwrap_or_default());
        self.entries.extend(bytes);
        Ok(())
    }

    /// Writes the bundle that is full, or the last one.
    fn close_bundle(&mut self) -> Result<(), VerifyError> {
        let width = self.entries.len() as u64;
        let from = self.size() - width;
        let index = from / u64::from(FULL_WIDTH);
        let width = u16::try_from(width).expect("a bundle has at most 256 entries");
        let bundle = TilePath::Entries { index, width };
        let notes = self.notes.encode(from);
        files::write(&self.folder.join(bundle.to_string()), &encode_bundle(&self.entries)?)?;
        files::write(&self.folder.join(notes_of(bundle)), &notes)?;
        self.sums.push_str(&sum_line(bundle, sha256(&[&notes])));
        self.entries.clear();
        self.notes = Notes::default();
        Ok(())
    }

    /// The same for a bundle that was read from its file.
    fn close_bundle_in_memory(&mut self, index: u64, notes_sum: causeway_crypto::Digest) {
        self.sums.push_str(&sum_line(TilePath::Entries { index, width: FULL_WIDTH }, notes_sum));
        self.entries.clear();
        self.notes = Notes::default();
    }
}

fn known(folder: &Path, name: &str, trust: &Trust) -> Result<Option<KnownCheckpoint>, VerifyError> {
    let path = folder.join(name);
    let Some(bytes) = files::read_if_there(&path, MAX_CHECKPOINT_BYTES)? else { return Ok(None) };
    let note = String::from_utf8(bytes).map_err(|_| VerifyError::at(path.display(), "it is not text"))?;
    let vouched = trust.check(&note)?;
    Ok(Some(KnownCheckpoint { note, vouched }))
}

/// Writes a tile; one that is there has to be the same.
fn write_tile(folder: &Path, tile: &Tile) -> Result<(), VerifyError> {
    let place = tile_path(tile);
    let (path, bytes) = (folder.join(place.to_string()), encode_tile(&tile.hashes));
    match files::read_if_there(&path, bytes.len())? {
        Some(there) if there == bytes => Ok(()),
        Some(_) => Err(VerifyError::at(place, "its hashes are not those of the entries")),
        None => files::write(&path, &bytes),
    }
}

/// Whether a file that an earlier size had is one of this size too.
fn is_of(folder: &Path, path: &Path, size: u64) -> bool {
    let below = path.strip_prefix(folder).ok().and_then(Path::to_str);
    below.is_some_and(|below| layout::is_of(size, below, true))
}
