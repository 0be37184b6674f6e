//! The offline verifier: what anybody can check of a journal with its public key and the evidence that it handed out.
//!
//! In scope: proof files, receipts, kept pages, checkpoints and pairs of them, exports, whole logs that were mirrored as tlog-tiles, and
//! what the entries say, as exports show it. Files are read; the clock is not, and nothing here knows a network or a runtime. Out of
//! scope: the gateway's own state. A proof shows that an entry is in the log, unaltered; not that what it decided was right.

pub mod command;

mod consistency;
mod entry_fields;
mod error;
mod export;
mod files;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod hex;
mod histories;
mod history;
mod lines;
mod memory;
mod mirror;
mod pages;
pub mod plain;
mod receipt;
mod receipts;
mod trust;
mod wire;

pub use consistency::{CONSISTENCY_HEADER, ConsistencyFile, MAX_CONSISTENCY_BYTES};
pub use entry_fields::{decision_name, entry_fields, operation_name};
pub use error::VerifyError;
pub use export::{EXPORT_FORMAT, Exported, MAX_EXPORT_LINE_BYTES, export};
pub use histories::{Histories, Unlike};
pub use history::{checkpoint, extends};
pub use memory::{Memory, Remembered, write_evidence};
pub use mirror::{Approvals, KnownCheckpoint, MAX_NOTES_BYTES, MirrorWriter, Mirrored, mirror};
pub use pages::{KeptPages, PAGE_EXTENSION, pages};
pub use receipt::{Included, Receipt, Verified, included, included_in_file, proof_file, proof_file_of, receipt};
pub use receipts::receipts;
pub use trust::{Freshness, Trust, Vouched};
pub use wire::is_bounded_page;
