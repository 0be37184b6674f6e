//! Breaks a running gateway in every way that it promises to survive, and counts what was acknowledged and is gone. README.md
//! beside this says what each fault shows and what it does not.

mod chance;
mod cluster;
mod failing;
mod faults;
mod load;
mod power;
mod pressure;
mod small_volume;
mod stand;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use causeway_rig::Failed;
use clap::{Parser, Subcommand};

use faults::Context;
use table::Table;

/// Fault injection. Exits with 0 only if nothing that was acknowledged was lost and every gateway served again.
#[derive(Debug, Parser)]
#[command(name = "causeway-faults", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The short form of every fault; what is done where nothing is said.
    #[arg(long, conflicts_with = "long")]
    short: bool,
    /// The long form of every fault.
    #[arg(long, conflicts_with = "cluster")]
    long: bool,
    /// The faults of a cluster, which have a short form only, in the place of one gateway's.
    #[arg(long)]
    cluster: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Only these faults, by name.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Where the load's chances and the moments of the faults come from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A journal alone, with an index of small blocks.
    #[command(hide = true)]
    Journal {
        /// The folder that its data and keys are in.
        folder: PathBuf,
        /// The file that what was acknowledged is written into.
        kept: PathBuf,
        /// The file that is marked at each acknowledgement.
        marks: PathBuf,
    },
}

fn main() -> ExitCode {
    if let Some(code) = causeway_rig::run_causeway() {
        return code;
    }
    let arguments = Arguments::parse();
    let ended = match &arguments.command {
        Some(Command::Journal { folder, kept, marks }) => {
            faults::journal(folder, kept, marks).map(|()| ExitCode::SUCCESS)
        }
        None if arguments.cluster => cluster::run(&arguments.only).map(|table| {
            table.print(arguments.json);
            code(table.is_good())
        }),
        None => run(&arguments).map(|table| {
            table.print(arguments.json);
            code(table.is_good())
        }),
    };
    ended.unwrap_or_else(|error| {
        complain(error.as_ref());
        ExitCode::FAILURE
    })
}

fn code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(arguments: &Arguments) -> Result<Table, Failed> {
    let context = Context { short: !arguments.long, seed: arguments.seed };
    let mut table = Table::default();
    for fault in faults::chosen(&arguments.only)? {
        complain_of(format_args!("{} ...", fault.name));
        match (fault.run)(&context) {
            Ok(row) => table.add(row),
            Err(error) => {
                // The others are run all the same: one table shows all that does not hold.
                complain(error.as_ref());
                table.add_failed(fault.name);
            }
        }
    }
    Ok(table)
}

fn complain(error: &(dyn Error + 'static)) {
    let mut cause = Some(error);
    while let Some(error) = cause {
        complain_of(error);
        cause = error.source();
    }
}

/// Says something beside the table.
#[expect(clippy::print_stderr, reason = "a command's progress and last words")]
fn complain_of(what: impl std::fmt::Display) {
    eprintln!("causeway-faults: {what}");
}

#[cfg(test)]
#[test]
#[ignore = "the gateway of other tests, in a process of its own"]
fn causeway() {
    let Some(code) = causeway_rig::run_causeway() else { return };
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}
