//! `causeway-verify`: the offline verifier as a program of its own, which links no network and no runtime.

use std::io::Write;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use causeway_verify::command::{Options, run};
use clap::Parser;

/// The exit code for a command line that says nothing sensible (`EX_USAGE` of sysexits.h): 2 is a verdict here.
const USAGE: u8 = 64;

/// Checks a Causeway journal's evidence, offline.
#[derive(Debug, Parser)]
#[command(name = "causeway-verify", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => {
            // Nothing can be done where the terminal is closed.
            let _ = message.print();
            return ExitCode::from(if message.use_stderr() { USAGE } else { 0 });
        }
    };
    let answer = run(&arguments.options, now_seconds);
    let mut out = std::io::stdout().lock();
    let said = answer.lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    for note in &answer.notes {
        let _ = writeln!(std::io::stderr(), "causeway-verify: {note}");
    }
    match said {
        // A verdict that nobody could read is not a good one.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe && answer.code == 0 => ExitCode::FAILURE,
        _ => ExitCode::from(answer.code),
    }
}

#[expect(clippy::disallowed_methods, reason = "the program has the clock, the library has none")]
fn now_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
