//! The `causeway` binary as a library: what its commands do, and the development identities that tests use too.
//!
//! In scope: the command line, files that people hand in and get back, what is printed, and development identities.
//! Out of scope: serving and the wire (gateway), the rules (exchange and inward).

mod approval;
mod approvals_file;
mod arguments;
mod as_text;
mod audit;
pub mod certs;
mod client_options;
mod cluster_file;
mod command;
mod core_dumps;
mod demo;
mod doctor;
mod entry_text;
mod evidence;
mod failure;
mod feed;
mod holder_form;
mod identity_file;
pub mod import;
mod input;
mod kept_items;
mod kept_pages;
mod key_file;
mod line;
mod lines;
pub mod nats;
mod output;
mod private_file;
mod proof_file;
mod push;
mod receipt_form;
pub mod sample;
mod schema_folder;
mod session;
mod signals;
mod source;
mod supervisor;
#[cfg(test)]
mod test_pages;
mod text_table;
pub mod trial_nodes;
mod verifier_keys;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use arguments::{Arguments, Command};

pub use failure::{Broken, Failure};

/// The system's keeps what is freed for good where threads free what others allocated, and takes a fifth more time over records.
/// Fuzzing needs the system's, which its sanitiser watches.
#[cfg(not(feature = "fuzzing"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long work that goes on behind a command may take after the command has ended.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Runs one command line and gives the exit code: 0 when all that was asked for was done, otherwise 1; 2 for evidence that was
/// checked without a key or that too few witnesses cosigned; 3 for evidence that is older than was asked for; 4 for a journal that was
/// cut back or split; 64 for a command line that says nothing sensible.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_words(arguments.into_iter().collect())
}

/// Of no generic type, so that it is compiled once, here, with all that it calls, and not again in each program that calls it.
fn run_words(words: Vec<OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        // Help and version come this way too, with code 0.
        Err(error) => return ExitCode::from(output::say_usage(&error)),
    };
    if let Err(failure) = core_dumps::refuse() {
        output::fail(&failure);
        return ExitCode::from(failure.exit_code());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the system gives a process its first few threads");
    let outcome = runtime.block_on(dispatch(&arguments.command));
    // A thread may still wait for standard input, of which nothing is wanted any more.
    runtime.shutdown_timeout(LAST_WORK);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::fail(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn dispatch(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Demo(options) => command::demo::run(options).await,
        Command::Serve(options) => command::serve::run(options).await,
        Command::Doctor(options) => command::doctor::run(options).await,
        Command::Certs(certs) => command::certs::run(certs),
        Command::Submit(options) => command::submit::run(options).await,
        Command::Validate(options) => command::validate::run(options).await,
        Command::Withdraw(options) => command::withdraw::run(options).await,
        Command::Restrict(options) => command::restrict::run(options).await,
        Command::Erase(erase) => command::erase::run(erase).await,
        Command::AtRisk(options) => command::at_risk::run(options).await,
        Command::Holders(options) => command::holders::run(options).await,
        Command::Explain(options) => command::explain::run(options).await,
        Command::Hold(hold) => command::hold::run(hold).await,
        Command::Retention(options) => command::retention::run(options).await,
        Command::Identity(identity) => command::identity::run(identity).await,
        Command::Agreement(agreement) => command::agreement::run(agreement).await,
        Command::Approve(options) => command::approve::run(options),
        Command::Document(document) => command::document::run(document).await,
        Command::Keys(keys) => command::keys::run(keys).await,
        Command::Backup(options) => command::backup::run(options).await,
        Command::Restore(options) => command::restore::run(options),
        Command::Cluster(cluster) => command::cluster::run(cluster),
        Command::Migrate(options) => command::migrate::run(options),
        Command::Pseudonym(pseudonym) => command::pseudonym::run(pseudonym),
        Command::Receipt(options) => command::receipt::run(options).await,
        Command::Pull(options) => command::pull::run(options).await,
        Command::Watch(options) => command::watch::run(options).await,
        Command::Acknowledge(options) => command::acknowledge::run(options).await,
        Command::Count(options) => command::count::run(options).await,
        Command::Audit(audit) => command::audit::run(audit).await,
        Command::Verify(options) => command::verify::run(options),
        Command::Witness(options) => command::witness::run(options).await,
        Command::Import(options) => command::import::run(options).await,
        Command::Sample(options) => command::sample::run(options),
        Command::Schemas(schemas) => command::schemas::run(schemas).await,
    }
}
