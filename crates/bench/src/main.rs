//! Measures Causeway against the numbers that its design holds it to. Each command says what it did, on what disk, and what came
//! of it; README.md beside this says what that shows and what it does not.

mod audit;
mod disk;
mod numbers;
mod processor;
mod sample;
mod waiting;
mod who_saw;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Benchmarks of the gateway.
#[derive(Debug, Parser)]
#[command(name = "causeway-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The audit index: what searching, indexing and committing cost in a large journal.
    Audit(audit::Arguments),
    /// Asking a gateway who saw a record.
    WhoSaw(who_saw::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Audit(arguments) => audit::run(&arguments),
        Command::WhoSaw(arguments) => who_saw::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command's last words")]
fn complain(error: &(dyn Error + 'static)) {
    let mut cause = Some(error);
    while let Some(error) = cause {
        eprintln!("causeway-bench: {error}");
        cause = error.source();
    }
}
