//! Measures Causeway against the numbers that its design holds it to. Each command says what it did, on what machine and disk, and what
//! came of it; README.md beside this says what that shows and what it does not.

mod all;
mod appends;
mod audit;
mod callers;
mod check;
mod cut;
mod disk;
mod ground;
mod instructions;
mod journals;
mod latency;
mod limits;
mod machine;
mod mixed;
mod nodes;
mod numbers;
mod pacing;
mod peer;
mod processor;
mod pull;
mod records;
mod round;
mod sample;
mod secured;
mod start;
mod submit;
mod waiting;
mod who_saw;

use std::error::Error;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causeway_rig::Failed;
use clap::{Parser, Subcommand};

use check::Check;
use machine::Machine;

/// Benchmarks of the gateway.
#[derive(Debug, Parser)]
#[command(name = "causeway-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object instead of tables.
    #[arg(long, global = true)]
    json: bool,
    /// The folder whose disk is measured on: installations are made in it, and go. The system's folder for temporary files otherwise.
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every benchmark, and every number that Causeway is held to.
    All(all::Arguments),
    /// The audit index: what searching, indexing and committing cost in a large journal.
    Audit(audit::Arguments),
    /// How soon a revoked partner's stream is cut.
    Cut(cut::Arguments),
    /// How many instructions a record takes.
    Instructions(instructions::Arguments),
    /// Durable appends of the library alone.
    Journal(appends::Arguments),
    /// The physical bill: what wire, disk and libraries take when nothing is built on them.
    Limits(limits::Arguments),
    /// Whether submitting, pulling, watching and asking slow each other down.
    Mixed(mixed::Arguments),
    /// Several gateways on one log beside a gateway alone.
    Nodes(nodes::Arguments),
    /// The same job done by others, side by side: OpenTAXII, and a service on PostgreSQL.
    Peer(peer::Arguments),
    /// Reading feeds: whole ones, pages over the size of the feed, and watches while records come.
    Pull(pull::Arguments),
    /// Starting over a large journal, after a clean stop and after a kill.
    Start(start::Arguments),
    /// One start, for `start`.
    #[command(hide = true)]
    StartOnce(start::once::Arguments),
    /// Submitting records to a gateway, by single calls or over a stream.
    Submit(submit::Arguments),
    /// Asking a gateway who saw a record.
    WhoSaw(who_saw::Arguments),
}

impl Command {
    /// What it found; beside it, where it is of several and some of them failed, that they did.
    fn run(&self, dir: &Path) -> Result<(Vec<Check>, Result<(), Failed>), Failed> {
        let checks = match self {
            Self::All(arguments) => return Ok(all::run(arguments, dir)),
            Self::Audit(arguments) => audit::run(arguments, dir),
            Self::Cut(arguments) => cut::run(arguments, dir),
            Self::Instructions(arguments) => instructions::run(arguments, dir),
            Self::Journal(arguments) => appends::run(arguments, dir),
            Self::Limits(arguments) => limits::run(arguments, dir),
            Self::Mixed(arguments) => mixed::run(arguments, dir),
            Self::Nodes(arguments) => nodes::run(arguments, dir),
            Self::Peer(arguments) => peer::run(arguments, dir),
            Self::Pull(arguments) => pull::run(arguments, dir),
            Self::Start(arguments) => start::run(arguments, dir),
            Self::StartOnce(arguments) => start::once::run(arguments),
            Self::Submit(arguments) => submit::run(arguments, dir),
            Self::WhoSaw(arguments) => who_saw::run(arguments, dir),
        }?;
        Ok((checks, Ok(())))
    }
}

fn main() -> ExitCode {
    if let Some(code) = limits::run_echo().or_else(peer::run_service).or_else(causeway_rig::run_causeway) {
        return code;
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let dir = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&dir)?;
    let machine = Machine::of(&dir)?;
    let (checks, ended) = arguments.command.run(&dir)?;
    check::print(&machine, &checks, arguments.json)?;
    ended
}

fn complain(error: &(dyn Error + 'static)) {
    let mut cause = Some(error);
    while let Some(error) = cause {
        say(error);
        cause = error.source();
    }
}

/// Says something beside the table.
#[expect(clippy::print_stderr, reason = "a command's progress and last words")]
fn say(what: impl Display) {
    eprintln!("causeway-bench: {what}");
}

#[cfg(test)]
#[test]
#[ignore = "the gateway of other tests, in a process of its own"]
fn causeway() {
    let Some(code) = limits::run_echo().or_else(peer::run_service).or_else(causeway_rig::run_causeway) else { return };
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}
