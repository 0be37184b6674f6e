//! `causeway validate`: checks a file of records as a submission would; the gateway keeps nothing of them.

use std::path::PathBuf;

use causeway_proto::v1::{Record, ValidateRequest};
use clap::Args;
use futures_util::{StreamExt, stream};

use crate::client_options::ClientOptions;
use crate::line::{LINE_HELP, Line};
use crate::lines::{Lines, no_line};
use crate::output::{Progress, say};
use crate::session::{Doing, Session, broken, said};
use crate::{Broken, Failure};

/// Calls under way at a time.
const IN_FLIGHT: usize = 16;

/// Checks a file of records (JSON Lines) against the rules of a submission, without submitting it.
#[derive(Debug, Args)]
#[command(after_help = LINE_HELP)]
pub(crate) struct Options {
    /// The file, one submission a line; - for standard input.
    file: PathBuf,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let (mut lines, count) = Lines::open(&options.file)?;
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let mut progress = Progress::start("checking", count, false);
    let (mut valid, mut invalid) = (0u64, 0u64);
    let calls = stream::iter(std::iter::from_fn(move || lines.next_line()));
    let mut verdicts = calls.map(|(number, line)| check(&session, number, line)).buffered(IN_FLIGHT);
    while let Some(verdict) = verdicts.next().await {
        let (number, faults) = verdict?;
        match faults.is_empty() {
            true => valid += 1,
            false => {
                invalid += 1;
                say(format_args!("line {number}:"));
                faults.iter().for_each(|fault| say(format_args!("  {fault}")));
            }
        }
        progress.at(valid + invalid);
    }
    progress.finish();
    if valid + invalid == 0 {
        return Err(no_line(&options.file));
    }
    say(format_args!("{} records: {valid} valid, {invalid} not", valid + invalid));
    match invalid {
        0 => Ok(()),
        _ => Err(Failure::Partly(format!("{invalid} of {} would be refused", valid + invalid))),
    }
}

/// Every fault of one line. Only what concerns the whole run is an error.
async fn check(session: &Session, number: u64, line: Result<Line, String>) -> Result<(u64, Vec<String>), Failure> {
    let line = match line {
        Ok(line) => line,
        Err(fault) => return Ok((number, vec![format!("malformed-line: {fault}")])),
    };
    let record = Record {
        kind: line.schema.kind.to_string(),
        schema_version: line.schema.version.to_string(),
        document: line.document,
    };
    let answer = session.ingest().validate(ValidateRequest { record: Some(record) }).await;
    let violations: Vec<Broken> = match answer.map_err(|status| session.failure(status)) {
        Ok(response) => response.into_inner().violations.iter().map(broken).collect(),
        Err(Failure::Refused { reason, message, violations, .. }) if concerns_the_record(&reason) => {
            let mut faults = vec![said(&reason, &message)];
            faults.extend(violations.iter().map(ToString::to_string));
            return Ok((number, faults));
        }
        Err(failure) => return Err(failure),
    };
    Ok((number, violations.iter().map(ToString::to_string).collect()))
}

/// Whether a refusal is about this record, so that the next one may fare better. What is about the caller ends the run.
fn concerns_the_record(reason: &str) -> bool {
    !reason.starts_with("role-") && !reason.starts_with("purpose-") && !reason.starts_with("operator-")
}
