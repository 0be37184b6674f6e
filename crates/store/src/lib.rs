//! The journal's keeping: the log of frames on sled, the sequencer that appends to it, key files and key pages, the
//! checkpoint file, and reading back. The only crate that knows sled, and the only one that reads the clock.
//!
//! In scope: making what is appended durable before it is acknowledged, finding every gap when it is read, and recovery.
//! Out of scope: what entries mean (`causeway-journal`), what is decided and written (`causeway-exchange`).
//!
//! A data directory holds `format`, `lock`, `log/` (sled's files), `page-keys` and `checkpoint`. Threads: one appends,
//! two read, one keeps the checkpoint file; the functions that callers await need no runtime.

mod building;
mod checkpoint_file;
mod clock;
mod committed;
mod draft;
mod error;
mod folder;
mod journal;
mod key_pages;
mod keys;
mod log;
mod page_keys;
mod reader;
mod recent;
mod replay;
mod sequencer;
mod shared;
mod sled_log;

pub use clock::{Clock, ManualClock};
pub use committed::{Appending, Committed};
pub use draft::{Draft, DraftBody};
pub use error::{AppendFailure, StoreError};
pub use journal::{Journal, Options};
pub use keys::Keys;
pub use log::{AppendError, Beside, EngineError, FrameLog, ReadError};
pub use reader::OpenedBody;
pub use sled_log::SledLog;
