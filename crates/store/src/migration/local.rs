//! A node's own journal, stopped: its log, and what was signed of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use causeway_crypto::Digest;
use causeway_journal::{State, checkpoint};

use super::not_migrated;
use crate::error::StoreError;
use crate::evidence::Evidence;
use crate::folder;
use crate::history::{History, read_note};
use crate::key_bundle::checkpoint_keys;
use crate::replay::apply_all;
use crate::root_rotation;
use crate::root_source::RootSource;
use crate::sled_log::SledLog;

/// Where a node's own journal is, and the keys that sign it, which are only read.
#[derive(Debug, Clone)]
pub struct LocalLog {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The keys folder.
    pub keys_dir: PathBuf,
    /// Where the root key comes from.
    pub root: RootSource,
    /// The journal's name in its checkpoints.
    pub origin: String,
}

/// The journal, locked.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) log: SledLog,
    pub(super) signed: Signed,
    /// The newest checkpoint, as it was signed.
    pub(super) checkpoint: String,
    /// Those that were kept, by their size.
    pub(super) past: BTreeMap<u64, String>,
}

/// What was signed of a log, which it therefore has to have been: sizes and roots.
#[derive(Debug, Clone)]
pub(super) struct Signed(Vec<(u64, Digest)>);

impl LocalLog {
    /// The id of the journal's log; none while it is empty.
    ///
    /// # Errors
    /// As [`migrate_to_shared`](super::migrate_to_shared).
    pub fn log_id(&self) -> Result<Option<[u8; 16]>, StoreError> {
        use crate::shared_log::SharedLog;
        Ok(self.open_log()?.head()?.log)
    }

    fn open_log(&self) -> Result<SledLog, StoreError> {
        // Opening would make one.
        if !folder::engine_dir(&self.data_dir).is_dir() {
            return Err(not_migrated(format!("there is no journal in {}", self.data_dir.display())));
        }
        SledLog::open(&self.data_dir)
    }

    pub(super) fn open(&self) -> Result<Opened, StoreError> {
        let log = self.open_log()?;
        if root_rotation::is_decided(&self.keys_dir) {
            let what = "a rotation of the root key is not ended: start the gateway first";
            return Err(StoreError::keys(&self.keys_dir, what));
        }
        let keys = checkpoint_keys(&self.keys_dir, &self.root.read(&self.keys_dir)?, &self.origin)?;
        let path = self.data_dir.join("checkpoint");
        let note = match fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::CheckpointMissing { path });
            }
            Err(source) => return Err(StoreError::io("read the checkpoint file", &path, source)),
        };
        let newest = checkpoint::verify_with_any(&note, &keys, &self.origin)
            .map_err(|error| StoreError::CheckpointFile { path, source: Box::new(error) })?;
        let history = History::open(&self.data_dir)?;
        let mut signed: Vec<_> = history.roots().into_iter().chain([(newest.size, newest.root)]).collect();
        // What has halted the journal before halts it here as well.
        for (path, note) in Evidence::in_dir(&self.data_dir).contradicting()? {
            let (accusing, _) = read_note(&note)
                .ok_or_else(|| StoreError::CheckpointFile { path, source: "it is no checkpoint".into() })?;
            signed.push((accusing.size, accusing.root));
        }
        signed.retain(|(size, _)| *size > 0);
        let past = history.from(0, usize::MAX)?;
        let past = past.into_iter().filter_map(|note| Some((read_note(&note)?.0.size, note))).collect();
        Ok(Opened { log, signed: Signed(signed), checkpoint: note, past })
    }
}

impl Signed {
    /// Looks at the tree as it was at the end of a frame.
    pub(super) fn look(&mut self, size: u64, root: Digest) {
        self.0.retain(|signed| *signed != (size, root));
    }

    /// # Errors
    /// [`StoreError::RolledBack`] where something was signed that the log has never been.
    pub(super) fn conclude(&self, found_size: u64) -> Result<(), StoreError> {
        match self.0.iter().map(|(size, _)| *size).max() {
            Some(signed_size) => Err(StoreError::RolledBack { signed_size, found_size }),
            None => Ok(()),
        }
    }

    /// Replays a node's own log, and compares it with what was signed.
    pub(super) fn replay(&self, log: &SledLog, progress: &mut dyn FnMut(u64, u64)) -> Result<State, StoreError> {
        use crate::shared_log::SharedLog;
        let last = log.head()?.last;
        let (mut state, mut signed) = (State::new(), self.clone());
        apply_all(log, &mut state, |seq, _, applied| {
            signed.look(applied.size, applied.root);
            progress(seq.0, last.0);
            Ok(())
        })?;
        signed.conclude(state.tree().size())?;
        Ok(state)
    }
}
