//! The offline verifier: what anybody can check of a journal with its public key and the evidence that it handed out.
//!
//! In scope: proof files, receipts, checkpoints and pairs of them. Out of scope: networks, files, clocks, the gateway's
//! own state. A proof shows that an entry is in the log, unaltered; not that what it decided was right.

mod entry_fields;
mod error;
mod history;
mod receipt;

pub use entry_fields::{decision_name, entry_fields, operation_name};
pub use error::VerifyError;
pub use history::{checkpoint, extends};
pub use receipt::{Receipt, Verified, proof_file, proof_file_of, receipt};
