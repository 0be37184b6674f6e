//! Restoring a journal: opened part by part into a folder beside its place, read back from there, checked against its signed checkpoint
//! to the last byte, and only then put in its place.

use std::collections::BTreeMap;
use std::fs;
use std::mem;
use std::path::PathBuf;

use causeway_crypto::{Digest, SealingPrivateKey, sha256};
use causeway_journal::{Checkpoint, State, Tile, VerifierKey, apply_judged, checkpoint, frame_id, judge};
use causeway_model::Timestamp;

use super::checking::{Check, Found};
use super::folder::parts;
use super::header::Header;
use super::records::{Record, records};
use super::restored_files::WorkFolder;
use super::sealed_part;
use crate::carried_pages::key_pages;
use crate::error::StoreError;
use crate::history::read_note;
use crate::key_bundle::checkpoint_keys;
use crate::key_folders::KeyFolders;
use crate::key_pages::slot_of;
use crate::log::{Beside, FrameLog};
use crate::replay::apply_all;
use crate::root_rotation;
use crate::root_source::RootSource;
use crate::sled_log::{Filling, SledLog};
use crate::vault::Vault;

/// What to restore, and by whose keys.
#[derive(Debug)]
pub struct Restore {
    /// The backup's folder.
    pub from: PathBuf,
    /// The private key that the backup is sealed to.
    pub identity: SealingPrivateKey,
    /// Where the journal is to be: an empty folder, or none yet.
    pub to: PathBuf,
    /// The journal's name in its checkpoints.
    pub origin: String,
    /// Keys that sign this journal's checkpoints, beside those of the ring.
    pub trusted: Vec<VerifierKey>,
    /// The gateway's keys, to open bodies and openings with; none to check all that can be checked without.
    pub keys: Option<RestoreKeys>,
}

/// Where the gateway's keys are. They are only read: a gateway may run on them.
#[derive(Debug, Clone)]
pub struct RestoreKeys {
    /// The keys folder.
    pub keys_dir: PathBuf,
    /// Its mirror.
    pub mirror_dir: Option<PathBuf>,
    /// Where the root key comes from.
    pub root: RootSource,
}

/// How far a restore has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restoring {
    /// So many parts of so many have been opened.
    Parts(u64, u64),
    /// So many entries of so many have been read back and checked.
    Entries(u64, u64),
}

/// What has been restored, all of it checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup's id.
    pub id: [u8; 16],
    /// Entries: the newest has this number less one.
    pub entries: u64,
    /// Frames.
    pub frames: u64,
    /// The tree's root.
    pub root: Digest,
    /// When the newest entry was made.
    pub newest: Timestamp,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Parts that were used.
    pub parts: u64,
    /// Parts of a run that was interrupted, after the last checkpoint: they were not used.
    pub unused_parts: u64,
    /// Bodies, each as the digest in its entry says.
    pub bodies: u64,
    /// Bodies and openings that were opened; none without keys.
    pub opened: u64,
    /// Bodies and openings whose keys have been destroyed.
    pub erased: u64,
    /// Bodies and openings whose page key is damaged in the keys folder (docs/keys.md, "A page key is damaged").
    pub unreadable: u64,
}

/// Restores a backup. What is in its place afterwards is whole and checked; where anything does not hold, nothing is there.
///
/// # Errors
/// [`StoreError::Backup`] and [`StoreError::BackupSealed`] for a part that is not what it should be, [`StoreError::NotRestored`] for what
/// is not what the signed checkpoint says, [`StoreError::Keys`] for keys that cannot be read.
pub fn restore(options: &Restore, progress: &mut dyn FnMut(Restoring)) -> Result<Restored, StoreError> {
    let all = parts(&options.from)?;
    let Some(last) = all.iter().rposition(|(_, header)| header.closes) else {
        let what = "holds no backup that was ever ended: run `causeway backup` again, it goes on where it stopped";
        return Err(StoreError::backup(&options.from, what));
    };
    let used = &all[..=last];
    let opened = options.keys.as_ref().map(|keys| open_keys(keys, &options.origin)).transpose()?;
    let (vault, ring) = opened.unzip();
    let trusted: Vec<VerifierKey> = ring.into_iter().flatten().chain(options.trusted.iter().cloned()).collect();
    let work = WorkFolder::beside(&options.to)?;
    let done = (|| {
        let filled = fill(&work, used, options, progress)?;
        let signed = checkpoint::verify_with_any(&filled.checkpoint, &trusted, &options.origin);
        let signed = signed.map_err(|error| not_restored(format_args!("{UNSIGNED} ({error})")))?;
        let (state, found) = check(&work, vault.as_ref(), &filled, &signed, progress)?;
        work.settle(&filled.checkpoint, &filled.past)?;
        Ok(Restored {
            id: used[0].1.id,
            entries: signed.size,
            frames: state.head().0.0,
            root: signed.root,
            newest: state.last_time(),
            checkpoint: filled.checkpoint,
            parts: used.len() as u64,
            unused_parts: (all.len() - used.len()) as u64,
            bodies: found.bodies,
            opened: found.opened,
            erased: found.erased,
            unreadable: found.unreadable,
        })
    })();
    done.inspect_err(|_| work.remove())
}

const UNSIGNED: &str = "its checkpoint is signed by none of the keys that are known here: it is another gateway's, or from before a rotation \
                        of the signing key (docs/keys.md, \"The data directory is restored from a backup\")";

fn not_restored(what: impl std::fmt::Display) -> StoreError {
    StoreError::NotRestored { what: what.to_string() }
}

/// The vault, and the keys that sign checkpoints.
fn open_keys(keys: &RestoreKeys, origin: &str) -> Result<(Vault, Vec<VerifierKey>), StoreError> {
    if root_rotation::is_decided(&keys.keys_dir) {
        return Err(StoreError::keys(
            &keys.keys_dir,
            "a rotation of the root key is not ended: start the gateway first",
        ));
    }
    let root = keys.root.read(&keys.keys_dir)?;
    let folders = KeyFolders::as_they_are(&keys.keys_dir, keys.mirror_dir.as_deref());
    Ok((Vault::as_it_is(&folders, &root)?, checkpoint_keys(&keys.keys_dir, &root, origin)?))
}

/// What the parts held beside frames and key pages.
#[derive(Debug, Default)]
struct Filled {
    checkpoint: String,
    past: BTreeMap<u64, String>,
    /// Every full tile that the log has to give again: its level, its index, and the digest of its hashes.
    tiles: Vec<(u8, u64, Digest)>,
}

/// Opens parts and puts what they hold into the log.
fn fill(
    work: &WorkFolder,
    used: &[(PathBuf, Header)],
    options: &Restore,
    progress: &mut dyn FnMut(Restoring),
) -> Result<Filled, StoreError> {
    let mut filler = Filler {
        log: Filling::of(SledLog::open(work.path())?),
        state: State::new(),
        waiting: Vec::new(),
        newest_page: None,
        filled: Filled::default(),
    };
    let mut before = Digest([0; 32]);
    for (index, (path, header)) in used.iter().enumerate() {
        let part = fs::read(path).map_err(|source| StoreError::io("read a part of the backup", path, source))?;
        if header.previous != before {
            let what = "does not go on from the part before it: one of them was altered or exchanged";
            return Err(StoreError::backup(path, what));
        }
        before = sha256(&[&part]);
        let held = sealed_part::open(header, &part, &options.identity).map_err(|error| match error {
            StoreError::Unopened(source) => StoreError::BackupSealed { path: path.clone(), source },
            _ => StoreError::backup(path, "is cut off"),
        })?;
        filler.part(header, &held).map_err(|fault| match fault {
            Fault::Content(what) => not_restored(format_args!("{}: {what}", path.display())),
            Fault::Store(error) => error,
        })?;
        progress(Restoring::Parts(index as u64 + 1, used.len() as u64));
    }
    filler.log.close()?;
    Ok(filler.filled)
}

/// Why a part did not find its way into the log.
enum Fault {
    /// It is not what it should be.
    Content(String),
    /// It could not be written.
    Store(StoreError),
}

impl From<&str> for Fault {
    fn from(what: &str) -> Self {
        Self::Content(what.to_owned())
    }
}

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Self::Content(what)
    }
}

struct Filler {
    log: Filling,
    state: State,
    /// Tiles that go into the log with the next frame, as in a journal that runs.
    waiting: Vec<Tile>,
    /// The number of the newest key page and its bytes: of all of them, only that one grows.
    newest_page: Option<(u64, Vec<u8>)>,
    filled: Filled,
}

impl Filler {
    fn part(&mut self, header: &Header, held: &[u8]) -> Result<(), Fault> {
        let mut closed = false;
        for record in records(held) {
            if closed {
                return Err("holds more behind its checkpoint".into());
            }
            closed = self.record(record?)?;
        }
        let (head, id) = self.state.head();
        let reaches = head == header.through && id.is_none_or(|id| id == header.through_id) && closed == header.closes;
        if reaches { Ok(()) } else { Err("does not reach to where its header says".into()) }
    }

    /// Takes a record; says whether it was the checkpoint that ends a run.
    fn record(&mut self, record: Record<'_>) -> Result<bool, Fault> {
        match record {
            Record::Frame(seq, bytes) => {
                let judged = judge(&self.state, seq, bytes).map_err(|error| format!("frame {seq}: {error}"))?;
                let beside = Beside { key_pages: key_pages(&judged), tiles: mem::take(&mut self.waiting) };
                let applied = apply_judged(&mut self.state, judged).map_err(|error| format!("frame {seq}: {error}"))?;
                self.filled.tiles.extend(beside.tiles.iter().map(stated));
                self.log.frame(&frame_id(bytes), bytes, &beside).map_err(Fault::Store)?;
                self.waiting = applied.tiles;
            }
            Record::KeyPage(number, page) => {
                self.may_follow(number, page)?;
                self.log.key_page(number, page).map_err(Fault::Store)?;
                self.newest_page = Some((number, page.to_vec()));
            }
            Record::Past(note) => {
                let (checkpoint, _) = read_note(note).ok_or("a checkpoint of the past is none")?;
                self.filled.past.insert(checkpoint.size, note.to_owned());
            }
            Record::Checkpoint(note) => {
                let (checkpoint, _) = read_note(note).ok_or("its checkpoint is none")?;
                if !is_of(&checkpoint, &self.state) {
                    return Err("its checkpoint is not that of its entries".into());
                }
                note.clone_into(&mut self.filled.checkpoint);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a key page may come after those before it. Whoever can write to the backup can put a part behind the others, since anybody
    /// can seal to the recipient and has the checkpoint of some receipt: one with a page in the place of another would make all that has
    /// its keys in that one look as if it had been erased.
    fn may_follow(&self, number: u64, page: &[u8]) -> Result<(), Fault> {
        let Some((newest, before)) = &self.newest_page else { return Ok(()) };
        let grows = || slot_of(page).ok() == slot_of(before).ok() && page.len() >= before.len();
        if number > *newest || number == *newest && grows() {
            return Ok(());
        }
        Err(format!("the key page {number} takes the place of another").into())
    }
}

fn is_of(checkpoint: &Checkpoint, state: &State) -> bool {
    checkpoint.size == state.tree().size() && checkpoint.root == state.tree().root()
}

fn stated(tile: &Tile) -> (u8, u64, Digest) {
    (tile.level, tile.index, digest_of(&tile.hashes))
}

fn digest_of(hashes: &[Digest]) -> Digest {
    let parts: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
    sha256(&parts)
}

/// Reads everything back from the disk, by the way that a start takes, and compares it with what was signed.
fn check(
    work: &WorkFolder,
    vault: Option<&Vault>,
    filled: &Filled,
    signed: &Checkpoint,
    progress: &mut dyn FnMut(Restoring),
) -> Result<(State, Found), StoreError> {
    let log = SledLog::open(work.path())?;
    let mut past: BTreeMap<u64, Digest> =
        filled.past.values().filter_map(|note| read_note(note)).map(|(past, _)| (past.size, past.root)).collect();
    past.remove(&0);
    let mut check = Check { log: &log, vault, found: Found::default(), last: None };
    let mut state = State::new();
    apply_all(&log, &mut state, |seq, bytes, applied| {
        if past.get(&applied.size) == Some(&applied.root) {
            past.remove(&applied.size);
        }
        progress(Restoring::Entries(applied.size, signed.size));
        if applied.passed_over.is_some() {
            return Ok(());
        }
        check.frame(bytes).map_err(|what| not_restored(format_args!("frame {seq}: {what}")))
    })?;
    if !is_of(signed, &state) {
        return Err(not_restored("the entries do not come to what the signed checkpoint says"));
    }
    if let Some((size, _)) = past.first_key_value() {
        return Err(not_restored(format_args!("the journal never was what its checkpoint of {size} entries says")));
    }
    for (level, index, digest) in &filled.tiles {
        let is_there = log.tile(*level, *index)?.is_some_and(|hashes| digest_of(&hashes) == *digest);
        if !is_there {
            return Err(not_restored(format_args!("the tile {index} of level {level} does not read back")));
        }
    }
    let found = check.found;
    log.close()?;
    Ok((state, found))
}
