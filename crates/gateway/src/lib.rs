//! The gateway at its edge: TLS, identity, conversion, status mapping, limits, services and serving; and the client's side,
//! with its own connector, that the command line, benchmarks and tests use.
//!
//! In scope: who is at the other end, which method it may call, what it states about itself, and how answers and failures
//! look on the wire. Out of scope: every decision about a record (`exchange`, `agreement`, `schema`) and every stored byte
//! (`store`, `journal`).

mod accept;
mod access;
mod answers;
pub mod client;
mod cluster;
pub mod config;
mod cut_off;
mod duties;
mod error;
pub mod expiry;
mod finish;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gate;
pub mod identity;
mod lapse;
mod limits;
mod live;
mod log_files;
mod logging;
mod metadata;
mod metrics;
pub mod nodes;
mod panics;
mod peer;
mod reload;
mod reopen;
mod revocation;
mod secured;
mod server;
mod services;
mod shutdown;
mod standing;
mod start;
mod status;
mod tls;
mod trust;
mod wire;
mod witnesses;

pub use cluster::ClusterSettings;
pub use config::Config;
pub use error::Error;
pub use logging::init as init_logging;
pub use panics::{At, Probe};
pub use reload::Reloads;
pub use server::{Gateway, GatewayParts};
pub use start::{Logs, launch, launch_over, launch_with};
