//! What the sequencer, the reader threads and every handle of a journal look at together.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use causeway_crypto::Digest;
use causeway_journal::{JournalError, State, Tile, TileNodes, VerifierKey};
use event_listener::{Event, EventListener};

use crate::at_work::AtWork;
use crate::checkpoint_file::Signed;
use crate::clock_guard::ClockGuard;
use crate::error::StoreError;
use crate::expected::OnTheirWay;
use crate::log::FrameLog;
use crate::measures::Appends;
use crate::recent::Recent;
use crate::room::{FreeBytes, Gauge, Room};
use crate::snapshot::Frozen;

/// The journal's state as applied so far, and the log under it. Only the sequencer changes it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: Box<dyn FrameLog>,
    pub(crate) recent: Recent,
    pub(crate) gauge: Gauge,
    pub(crate) clock: ClockGuard,
    pub(crate) appends: Appends,
    pub(crate) at_work: AtWork,
    pub(crate) on_their_way: OnTheirWay,
    verifier_keys: RwLock<Vec<VerifierKey>>,
    state: RwLock<State>,
    checkpoint: RwLock<Arc<str>>,
    /// Full tiles of the newest frame, which go into the log with the next one.
    tiles: RwLock<Vec<Tile>>,
    changed: Event,
    stopped: OnceLock<Arc<str>>,
    halted: OnceLock<Arc<str>>,
}

impl Shared {
    pub(crate) fn new(
        log: Box<dyn FrameLog>,
        (gauge, clock): (Gauge, ClockGuard),
        verifier_keys: Vec<VerifierKey>,
        state: State,
        checkpoint: Arc<str>,
        tiles: Vec<Tile>,
    ) -> Self {
        Self {
            log,
            recent: Recent::new(),
            gauge,
            clock,
            appends: Appends::default(),
            at_work: AtWork::default(),
            on_their_way: OnTheirWay::default(),
            verifier_keys: RwLock::new(verifier_keys),
            state: RwLock::new(state),
            checkpoint: RwLock::new(checkpoint),
            tiles: RwLock::new(tiles),
            changed: Event::new(),
            stopped: OnceLock::new(),
            halted: OnceLock::new(),
        }
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state of now, to be kept; none where the journal has stopped, or a panic has left half a frame in it.
    pub(crate) fn frozen(&self) -> Option<Frozen> {
        if self.stopped().is_some() {
            return None;
        }
        let state = self.state.read().ok()?;
        Some(Frozen { snapshot: state.snapshot(), tiles: self.waiting_tiles() })
    }

    pub(crate) fn checkpoint(&self) -> Arc<str> {
        Arc::clone(&self.checkpoint.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key that verifies the newest checkpoint.
    pub(crate) fn verifier_key(&self) -> VerifierKey {
        self.verifier_keys().swap_remove(0)
    }

    /// All keys that verify it, the signing key's first; there is always that one.
    pub(crate) fn verifier_keys(&self) -> Vec<VerifierKey> {
        self.verifier_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says which keys verify the checkpoint that is about to be shown.
    pub(crate) fn replace_verifier_keys(&self, keys: Vec<VerifierKey>) {
        *self.verifier_keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Tiles that belong into the next commit.
    pub(crate) fn waiting_tiles(&self) -> Vec<Tile> {
        self.tiles.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a frame's tiles in the place of those before, which are in the log with that frame. To be called before the
    /// state that needs them can be seen.
    pub(crate) fn replace_tiles(&self, tiles: Vec<Tile>) {
        *self.tiles.write().unwrap_or_else(PoisonError::into_inner) = tiles;
    }

    /// Shows the checkpoint of a commit, and wakes who waits for one.
    pub(crate) fn publish(&self, checkpoint: Arc<str>) {
        *self.checkpoint.write().unwrap_or_else(PoisonError::into_inner) = checkpoint;
        self.changed.notify(usize::MAX);
    }

    /// A full tile, from the newest frame's or else from the log: it may have moved there in between, never back.
    pub(crate) fn tile(&self, level: u8, index: u64) -> Result<Vec<Digest>, JournalError> {
        let missing = JournalError::Tile { level, index };
        let waiting = self.tiles.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tile) = waiting.iter().find(|tile| (tile.level, tile.index) == (level, index)) {
            return Ok(tile.hashes.clone());
        }
        drop(waiting);
        let stored = self.log.tile(level, index).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a tile could not be read");
            missing.clone()
        })?;
        stored.ok_or(missing)
    }

    /// The same with the nodes above its hashes.
    pub(crate) fn tile_nodes(&self, level: u8, index: u64) -> Result<Arc<TileNodes>, JournalError> {
        if let Some(tile) = self.recent.upper_tile(level, index) {
            return Ok(tile);
        }
        let nodes = TileNodes::above(self.tile(level, index)?).ok_or(JournalError::Tile { level, index })?;
        let nodes = Arc::new(nodes);
        self.recent.keep_upper_tile(level, index, Arc::clone(&nodes));
        Ok(nodes)
    }

    /// How much room there is, and how many bytes are free.
    pub(crate) fn room(&self) -> (Room, FreeBytes) {
        self.gauge.look(self.log.as_ref())
    }

    /// # Errors
    /// Where there is too little room for what can wait.
    pub(crate) fn has_ample_room(&self) -> Result<(), StoreError> {
        if self.room().0 == Room::Ample { Ok(()) } else { Err(StoreError::DiskLow) }
    }

    pub(crate) fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Why nothing is appended any more; none while the journal runs.
    pub(crate) fn stopped(&self) -> Option<Arc<str>> {
        self.stopped.get().cloned()
    }

    /// Records why the journal stopped, and wakes who waits for it; the first reason stays.
    pub(crate) fn stop(&self, reason: Arc<str>) -> Arc<str> {
        let reason = Arc::clone(self.stopped.get_or_init(|| reason));
        self.changed.notify(usize::MAX);
        reason
    }

    /// Why the journal is halted; none while it is not.
    pub(crate) fn halted(&self) -> Option<Arc<str>> {
        self.halted.get().cloned()
    }

    /// Halts the journal: once this returns, nothing is signed or shown any more. `shown` takes the newest checkpoint's place.
    pub(crate) fn halt(&self, reason: Arc<str>, shown: Option<&Signed>) {
        // Under the lock in which a commit signs: that one is through, or sees this.
        self.change(|_| {
            if self.halted.set(Arc::clone(&reason)).is_ok()
                && let Some(signed) = shown
            {
                self.replace_verifier_keys(signed.keys.clone());
                *self.checkpoint.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&signed.note);
            }
        });
        self.stop(reason);
    }
}
