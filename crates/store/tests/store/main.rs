//! The store through its public face, over real sled in temporary folders.
//!
//! Invariants: what is acknowledged is there after any restart, once; nothing is applied that is not durable; a log that is
//! cut, altered or put back is refused or halted with its reason; no key that was destroyed is found again, in backups neither.
//! Non-failures: an append that was told `Stopped` may be in the log.

mod disk;
mod doubles;
mod erasure;
mod first_format;
mod first_format_rows;
mod flip;
mod frames;
mod journal;
mod key_search;
mod node_keys;
mod node_keys_setting;
mod nodes;
mod nodes_halted;
mod nodes_late;
mod nodes_racing;
mod nodes_setting;
mod nodes_terms;
mod recovery;
mod rollback;
mod rotation;
mod setting;
mod shared_doubles;
mod signing_overlap;
mod snapshot;
mod tree;
