//! The `causeway` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    causeway_cli::run(std::env::args_os())
}
