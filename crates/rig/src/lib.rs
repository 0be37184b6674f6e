//! What faults and benchmarks run on: an installation in a folder of its own, with the shipped configuration and new identities, a
//! gateway on it in a process of its own, and the way to that gateway; the servers of a shared log; and a network of their own.

mod administering;
mod cluster;
mod installation;
mod lab;
mod process;
mod reach;

pub use administering::administer;
pub use causeway_cli::nats;
pub use cluster::{Cluster, STREAM};
pub use installation::{Installation, copy};
pub use lab::Lab;
pub use process::{Launch, Process, command, run_causeway};
pub use reach::{OWNER, OWNER_PERSONS, Reach, digest_of};

/// Why something could not be set up, started or reached.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;
