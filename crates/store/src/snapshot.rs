//! The state on the disk: one file that a start loads, so that it replays only the frames after it. It is a cache and never an
//! authority: what cannot be used is said in the log and passed over, and the log is replayed from its beginning.

mod keeper;
mod looking_back;
mod mark;
mod pages;
#[cfg(test)]
mod tests;
mod unusable;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use causeway_crypto::{Digest, MacKey};
use causeway_journal::{RULES_SHARED, RULES_VERSION, Snapshot, State, TILE_WIDTH, Tile, decode_frame, frame_id};
use causeway_model::FrameSeq;

use crate::error::StoreError;
use crate::folder;
use crate::keys::Keys;
use crate::log::FrameLog;
use crate::steps;

pub(crate) use keeper::{EVERY, SnapshotKeeper, Work};
pub(crate) use looking_back::{Tiles, ends_frame, is_beginning};
use mark::{MARK_BYTES, Mark};
use pages::{PageReader, PageWriter};
pub(crate) use unusable::Unusable;

/// The folder within a data directory. It may be removed while no gateway runs: the next start then replays the log.
pub(crate) const FOLDER: &str = "state";

/// The file in it.
const FILE: &str = "snapshot";

/// Frames of the log's end that a start reads again before it goes on from what came of them.
const TAIL_FRAMES: u64 = 64;

/// Where snapshots are, and the key that tells ours from everything else.
pub(crate) struct Snapshots {
    folder: PathBuf,
    key: MacKey,
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshots({})", self.folder.display())
    }
}

/// A state at one moment, with what belongs to it and is not in the log.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) snapshot: Snapshot,
    /// The tiles that its newest frame completed: they go into the log with the frame after it.
    pub(crate) tiles: Vec<Tile>,
}

/// A state that was kept.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) state: State,
    /// See [`Frozen::tiles`].
    pub(crate) tiles: Vec<Tile>,
    /// Size and root of those checkpoints of the past that have been found to be of this log.
    pub(crate) met: BTreeMap<u64, Digest>,
}

impl Snapshots {
    pub(crate) fn in_dir(data_dir: &Path, keys: &Keys) -> Self {
        Self { folder: data_dir.join(FOLDER), key: keys.ring().state_mac() }
    }

    fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// The state that is kept, where it is whole, of these keys, this software's formats and this log.
    pub(crate) fn load(&self, log: &dyn FrameLog) -> Result<Loaded, Unusable> {
        let path = self.file();
        let failed = |source| StoreError::io("read the state that is kept", &path, source);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Unusable::Missing),
            opened => opened.map_err(failed)?,
        };
        let length = file.metadata().map_err(failed)?.len();
        let mut bytes = [0; MARK_BYTES];
        file.read_exact(&mut bytes).map_err(failed)?;
        let (mark, tag) = Mark::read(&bytes, &self.key)?;
        leads_to(log, &mark)?;
        let mut pages = PageReader::new(file, self.key.clone(), tag, length - MARK_BYTES as u64);
        let loaded = read_parts(&mut pages).map_err(failed)?;
        let tree = loaded.state.tree();
        let (log_id, head) = (loaded.state.log_id(), loaded.state.head());
        let as_marked = (Some(mark.log_id), (mark.seq, Some(mark.frame)), mark.leaves, mark.root);
        let is_of_its_rules = loaded.state.rules().max(RULES_VERSION) == mark.rules;
        if (log_id, head, tree.size(), tree.root()) != as_marked || !is_of_its_rules {
            return Err(Unusable::Because("it is not the state that it says"));
        }
        Ok(loaded)
    }

    /// Puts a state in the place of the one that is kept, durably, unless nothing is in it yet. `pace` is asked after each part of it
    /// whether to go on. Gives the bytes that were written.
    ///
    /// # Errors
    /// What `pace` answers, and a disk that does not take it. The one that was kept is there as it was.
    pub(crate) fn keep(
        &self,
        frozen: &Frozen,
        met: &BTreeMap<u64, Digest>,
        pace: &mut dyn FnMut() -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let Some(mark) = Mark::of(&frozen.snapshot) else { return Ok(0) };
        let path = self.file();
        let next = folder::beside(&path);
        let failed = |source| StoreError::io("keep the state", &next, source);
        folder::create_private(&self.folder).map_err(failed)?;
        // If we stop here, or within what is written, the next start finds the old one, and the next run writes over this.
        let written = steps::next().map_err(failed).and_then(|()| self.write(&next, &mark, frozen, met, pace));
        if written.is_err() {
            // A full disk is not to be kept full by half a state.
            let _ = fs::remove_file(&next);
        }
        let bytes = written?;
        steps::next().and_then(|()| fs::rename(&next, &path)).map_err(failed)?;
        // If we stop here, the next start finds the old one or the new one, whole.
        steps::next().and_then(|()| folder::sync(&self.folder)).map_err(failed)?;
        Ok(bytes)
    }

    fn write(
        &self,
        next: &Path,
        mark: &Mark,
        frozen: &Frozen,
        met: &BTreeMap<u64, Digest>,
        pace: &mut dyn FnMut() -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let failed = |source| StoreError::io("keep the state", next, source);
        let mut file = folder::open_private(next).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        let (bytes, tag) = mark.sealed(&self.key);
        file.write_all(&bytes).map_err(failed)?;
        let mut pages = PageWriter::new(file, self.key.clone(), tag, pace);
        let written = write_parts(frozen, met, &mut pages);
        let length = pages.close(written).map_err(|error| match error {
            pages::Stopped::Disk(source) => failed(source),
            pages::Stopped::Pace(error) => error,
        })?;
        Ok(MARK_BYTES as u64 + length)
    }
}

/// Reads the newest frames before a mark again: each names the one before it, and the last is the mark's.
fn leads_to(log: &dyn FrameLog, mark: &Mark) -> Result<(), Unusable> {
    let mut before = None;
    for seq in mark.seq.0.saturating_sub(TAIL_FRAMES - 1).max(1)..=mark.seq.0 {
        let frames = log.read(FrameSeq(seq), 1).map_err(StoreError::from)?;
        let (_, bytes) = frames.first().ok_or(Unusable::Because("it is ahead of this log"))?;
        // Of several writers none knows what comes before its frame, and one may have written what is no frame: there the newest one's
        // place and id say which log it is.
        if mark.rules < RULES_SHARED
            && let frame = decode_frame(bytes).map_err(|_| Unusable::Because("a frame that it is of does not read"))?
            && before.is_some_and(|before: Digest| before.0 != *frame.previous_frame)
        {
            return Err(Unusable::Because("the frames that it is of do not follow each other"));
        }
        before = Some(frame_id(bytes));
    }
    if before == Some(mark.frame) { Ok(()) } else { Err(Unusable::Because("it is not of this log")) }
}

fn write_parts(frozen: &Frozen, met: &BTreeMap<u64, Digest>, to: &mut impl Write) -> io::Result<()> {
    frozen.snapshot.save(to)?;
    to.write_all(&(frozen.tiles.len() as u64).to_le_bytes())?;
    for tile in &frozen.tiles {
        to.write_all(&[tile.level])?;
        to.write_all(&tile.index.to_le_bytes())?;
        tile.hashes.iter().try_for_each(|hash| to.write_all(&hash.0))?;
    }
    to.write_all(&(met.len() as u64).to_le_bytes())?;
    for (size, root) in met {
        to.write_all(&size.to_le_bytes())?;
        to.write_all(&root.0)?;
    }
    Ok(())
}

fn read_parts(pages: &mut PageReader) -> io::Result<Loaded> {
    let mut from = BufReader::new(pages);
    let state = State::load(&mut from)?;
    let tiles = (0..number(&mut from)?).map(|_| {
        let [level] = array(&mut from)?;
        let index = number(&mut from)?;
        let hashes = (0..TILE_WIDTH).map(|_| array(&mut from).map(Digest)).collect::<io::Result<_>>()?;
        Ok(Tile { level, index, hashes })
    });
    let tiles = tiles.collect::<io::Result<_>>()?;
    let met = (0..number(&mut from)?).map(|_| Ok((number(&mut from)?, Digest(array(&mut from)?))));
    let met = met.collect::<io::Result<_>>()?;
    match from.read(&mut [0])? {
        0 => Ok(Loaded { state, tiles, met }),
        _ => Err(io::Error::new(ErrorKind::InvalidData, "something is behind its end")),
    }
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    array(from).map(u64::from_le_bytes)
}

impl Loaded {
    /// The newest frame that it has.
    pub(crate) fn head(&self) -> FrameSeq {
        self.state.head().0
    }
}
