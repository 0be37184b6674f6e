//! `peer`: the same job done by others, side by side with Causeway in one run: OpenTAXII, and what a team would build on PostgreSQL.

mod cluster;
mod daemon;
mod family;
mod job;
mod jobs;
mod opentaxii;
mod postgres;
mod side;

use std::fmt::{self, Display};
use std::path::Path;
use std::process::ExitCode;

use causeway_rig::Failed;

use crate::check::Check;
use crate::say;

/// Beside whom to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Debug, clap::Subcommand)]
enum Peer {
    /// OpenTAXII 0.9.3 behind gunicorn with mutual TLS, on SQLite or PostgreSQL.
    Opentaxii(opentaxii::Arguments),
    /// A service over the same mutual TLS on PostgreSQL, with row-level security and an append-only table of audit rows.
    Postgres(postgres::Arguments),
}

impl Arguments {
    /// Beside OpenTAXII, in about a minute.
    pub(crate) fn short_opentaxii() -> Self {
        Self { peer: Peer::Opentaxii(opentaxii::Arguments::short()) }
    }

    /// Beside OpenTAXII, to see that it runs.
    pub(crate) fn smoke_opentaxii() -> Self {
        Self { peer: Peer::Opentaxii(opentaxii::Arguments::smoke()) }
    }

    /// Beside PostgreSQL, in about a minute.
    pub(crate) fn short_postgres() -> Self {
        Self { peer: Peer::Postgres(postgres::Arguments::short()) }
    }

    /// Beside PostgreSQL, to see that it runs.
    pub(crate) fn smoke_postgres() -> Self {
        Self { peer: Peer::Postgres(postgres::Arguments::smoke()) }
    }
}

/// Why a peer cannot be set up on this machine. It is no failure of the benchmark.
#[derive(Debug)]
struct Absent(String);

impl Absent {
    fn because(reason: impl Display) -> Failed {
        Box::new(Self(reason.to_string()))
    }
}

impl Display for Absent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Absent {}

/// Runs the benchmark; gives no checks, and says why, where the peer is not to be had on this machine.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let measured = match &arguments.peer {
        Peer::Opentaxii(arguments) => runtime.block_on(opentaxii::run(arguments, dir)),
        Peer::Postgres(arguments) => runtime.block_on(postgres::run(arguments, dir)),
    };
    match measured {
        Err(error) if error.is::<Absent>() => {
            say(format_args!("skipped: {error}"));
            Ok(Vec::new())
        }
        measured => measured,
    }
}

/// Serves as the service on PostgreSQL, where this process was started for that; none where it was not.
pub(crate) fn run_service() -> Option<ExitCode> {
    postgres::run_service()
}
