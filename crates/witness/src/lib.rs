//! A witness (C2SP tlog-witness v1.0.0): a small server that another organisation runs, and that cosigns checkpoints of the
//! logs it watches. It signs a checkpoint only where that log has grown consistently from the one that it signed before,
//! so that whoever asks for its cosignature is shown one history, and the same one as everybody else.
//!
//! In scope: what it holds of each log (one file each, on disk before a signature leaves), the evidence of two histories,
//! the HTTP server. Out of scope: the rules (the crate `journal` decides), the log's entries, which a witness never sees,
//! and where the time comes from.

mod body;
mod config;
mod connection;
mod error;
mod evidence;
mod folder;
mod held;
mod identity;
mod key_file;
mod memory;
mod notices;
mod refusal;
mod register;
mod server;
mod service;
mod tls;
mod watched_log;

pub use config::{Config, Limits, Log, LogKeys, Tls};
pub use error::Error;
pub use key_file::encode as encode_key;
pub use memory::{LastCheckpoint, LastHeld, begin, last_held};
pub use server::{Clock, Witness};
