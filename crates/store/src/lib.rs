//! The journal's keeping: the log of frames on sled, the sequencer that appends to it, key files and key pages, the
//! checkpoint file, reading back, and the log that several nodes share. The only crate that knows sled and NATS, and the only one that
//! reads the clock.
//!
//! In scope: making what is appended durable before it is acknowledged, finding every gap when it is read, recovery, and
//! destroying keys so that nothing brings them back. Out of scope: what entries mean (`causeway-journal`), what is decided
//! and written (`causeway-exchange`).
//!
//! A data directory holds `format`, `lock`, `log/` (sled's files), `index/` (made of the log), `checkpoint`, `checkpoints` (those of the past) and, where its
//! history was changed, `evidence/`; it may be copied at will. A keys folder
//! holds `format`, `root.key`, `ring` and what has no history: `page-keys`, `pages/` and `erasures`, which a mirror gets too. Threads:
//! one appends, four read, and four for auditors, one keeps the checkpoint file, two index; of a node, one follows the shared log, some append to it and one looks
//! after it. The functions that callers await need no runtime.

mod answer_reads;
mod at_work;
mod backup;
mod body_reads;
mod building;
mod bundle;
mod carried_pages;
mod catching_up;
mod checkpoint_file;
mod checkpoint_timer;
mod clock;
mod clock_guard;
mod committed;
mod draft;
mod erasures;
mod error;
mod evidence;
mod expected;
mod folder;
mod forgetting;
mod format;
mod framer;
mod history;
mod index;
#[cfg(feature = "jetstream")]
mod jetstream;
mod joining;
mod journal;
mod key_bundle;
mod key_folders;
mod key_keeping;
mod key_pages;
mod keys;
mod lanes;
mod log;
mod maintenance;
mod measures;
mod migration;
mod moved_page_keys;
mod node;
mod node_keys;
mod one_entry;
mod page_keys;
mod past;
mod proving;
mod publisher;
mod raw_frame;
mod reader;
mod recent;
mod replay;
mod room;
mod root_rotation;
mod root_source;
mod secret_file;
mod sequencer;
mod shared;
mod shared_log;
mod signers;
mod sled_log;
mod snapshot;
mod starting;
mod steps;
mod tail;
mod tail_of_shared;
mod used_keys;
mod vault;
mod work;

pub use at_work::STALL;
pub use backup::{
    BackupFolder, BackupPart, BackupPlace, BackupRun, Restore, RestoreKeys, Restored, Restoring, restore,
};
pub use body_reads::{ClassifiedHalf, MadeAhead};
pub use bundle::Bundle;
pub use clock::{Clock, ManualClock};
pub use committed::{Appending, Committed};
pub use draft::{Draft, DraftBody};
pub use error::{AppendFailure, StoreError};
pub use expected::Expected;
pub use index::{IndexMeasures, Search, Term, clauses_of};
#[cfg(feature = "jetstream")]
pub use jetstream::{ClientFiles, JetStreamLog, JetStreamSettings, PATIENCE, StreamName, create_stream};
pub use journal::{Journal, Options};
pub use key_bundle::{open_keys, seal_keys};
pub use keys::{KeySettings, Keys};
pub use log::{AppendError, Beside, EngineError, FrameLog, ReadError};
pub use measures::{APPEND_CLASSES, AppendTimes, JournalMeasures, folder_bytes};
pub use migration::{LocalLog, Migrated, Migrating, migrate_from_shared, migrate_to_shared};
pub use node::Upstream;
pub use node_keys::{
    CaughtUp, NodeKeySettings, NodeKeys, PageKey, PageKeyPeer, PageKeyPeers, PageKeyRefused, PeerFailure,
    SHARED_WITHIN, SlotStandings, TooFewNodes,
};
pub use page_keys::{NodeNumber, SlotStanding};
pub use reader::OpenedBody;
pub use room::{FreeBytes, Room};
pub use root_source::RootSource;
pub use shared_log::{Assurance, AssureError, Head, SharedLog};
pub use sled_log::SledLog;
pub use tail::{KeptCheckpoint, kept_checkpoint};
pub use used_keys::have_kept_a_journal;
