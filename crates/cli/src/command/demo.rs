//! `causeway demo`: the main job end to end, on synthetic records.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::Failure;
use crate::demo;

/// Shows the main job end to end in a temporary journal: gb-nca submits 2,000 synthetic records, two partners pull what
/// their agreements let them see, an auditor asks who saw one record and checks the proofs offline.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Exit when it is done: with 0 where all of it held, otherwise not.
    #[arg(long)]
    pub(crate) once: bool,
    /// Print one JSON object and nothing else on standard output (with --once).
    #[arg(long, requires = "once")]
    pub(crate) json: bool,
    /// Show three gateways on one log that three servers keep, of which one gateway and one server are killed meanwhile.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Where the gateway listens; with --cluster, the first of three ports in a row.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// How many records are submitted; those that must be refused are among them (200 to 100,000).
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(200..=100_000))]
    pub(crate) count: u32,
    /// From the same seed come the same records.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the development identities are, or are made.
    #[arg(long, value_name = "DIR", default_value = "certs-dev")]
    pub(crate) certs_dir: PathBuf,
    /// The folder with gateway.toml, agencies/, agreements/ and schemas/.
    #[arg(long, value_name = "DIR", default_value = "config")]
    pub(crate) config_dir: PathBuf,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    demo::run(options).await
}
