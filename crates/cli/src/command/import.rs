//! `causeway import`: the rows of somebody's table or JSON through one stream, by a mapping file and no code for the source.

mod report;
mod tally;

use std::path::PathBuf;

use causeway_proto::v1::{Record, SubmitRequest};
use clap::Args;

use crate::client_options::ClientOptions;
use crate::import::{ImportMap, Mapped, Reject, Row};
use crate::output::{Progress, note, say};
use crate::push::{Answer, Outgoing, Totals, Unsent, Verdict, again, push};
use crate::session::{Doing, Session, broken};
use crate::signals::Signals;
use crate::{Broken, Failure, source};

use report::Report;
use tally::Tally;

/// Submits the rows of a CSV or JSON file as a mapping file says. An interrupted import is simply run again: a row's
/// submission id follows from its number and content, so what was accepted before gives the same receipt.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The mapping file; config/imports/README.md says what one holds.
    #[arg(long, value_name = "MAP")]
    map: PathBuf,
    /// The table, or the JSON: one object, an array, or one object a line; - for standard input.
    file: PathBuf,
    /// Write what was refused to this CSV file: row, pointer, rule. Never a value.
    #[arg(long, value_name = "OUT.csv")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let map = ImportMap::load(&options.map).map_err(|faults| Failure::faults(&options.map, &faults))?;
    let unreadable = |faults: Vec<String>| Failure::faults(&options.file, &faults);
    let total = match source::is_read_again(&options.file) {
        true => Some(map.count(source::open(&options.file)?).map_err(unreadable)?),
        false => None,
    };
    let rows = map.rows(source::open(&options.file)?).map_err(unreadable)?;
    let mut report = options.rejects.as_deref().map(Report::create).transpose()?;
    let session = Session::open(&options.client, Doing::Submitting).await?;
    // From here on an interruption is told of; before, there is nothing to tell.
    let mut signals = Signals::catch()?;
    let mut progress = Progress::start("importing", total, false);
    let (mut tally, mut so_far) = (Tally::default(), Totals::default());
    let outcome = {
        let each = |answer: Answer, totals: &Totals| {
            progress.at(totals.all());
            so_far = *totals;
            let faults = faults(&answer);
            tally.row(&faults);
            report
                .as_mut()
                .map_or(Ok(()), |report| faults.iter().try_for_each(|fault| report.write(answer.place, fault)))
        };
        tokio::select! {
            outcome = push(&session, rows.map(outgoing), each) => Some(outcome),
            () = signals.wait() => None,
        }
    };
    progress.finish();
    // Also after an interruption: what the report holds is true, as far as it goes.
    report.map_or(Ok(()), Report::finish)?;
    let (interrupted, all) = (outcome.is_none(), so_far.all());
    outcome.map_or(Ok(()), |outcome| outcome.map(drop)).inspect_err(|_| stopped(&so_far))?;
    if interrupted {
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        note(format_args!("interrupted after {all}{of} rows"));
    }
    tally.summary(&so_far).into_iter().for_each(say);
    match total {
        Some(total) if all < total => {
            stopped(&so_far);
            Err(Failure::Partly(format!("{} of {total} rows were not answered", total - all)))
        }
        None if interrupted => {
            stopped(&so_far);
            Err(Failure::Partly("the rows after these were not read".into()))
        }
        _ if all == 0 => Err(source::empty(&options.file, "row")),
        _ if so_far.accepted == 0 => {
            Err(Failure::Partly(format!("none of {all} rows was accepted: is the map for this source?")))
        }
        _ => Ok(()),
    }
}

/// What can be done about a run that broke off.
fn stopped(so_far: &Totals) {
    again(so_far.accepted, "run the same import again");
}

/// A row as a submission, or as what is wrong with it.
fn outgoing(row: Row) -> Outgoing {
    let what = row.result.map(request).map_err(|rejects| Unsent {
        reason: "unmapped-row",
        fault: "the map has no answer for this row".into(),
        broken: rejects.into_iter().map(from_reject).collect(),
    });
    Outgoing { place: row.number, what }
}

fn request(mapped: Mapped) -> SubmitRequest {
    SubmitRequest {
        submission_id: mapped.submission_id.expose().to_owned(),
        record: Some(Record {
            kind: mapped.schema.kind.to_string(),
            schema_version: mapped.schema.version.to_string(),
            document: mapped.document,
        }),
        ..SubmitRequest::default()
    }
}

fn from_reject(reject: Reject) -> Broken {
    Broken { pointer: reject.pointer, rule: reject.rule.into_owned(), reason: "unmapped-row".into() }
}

/// What the report says of one row; nothing for an accepted one. A refusal without violations stands for the whole row.
fn faults(answer: &Answer) -> Vec<Broken> {
    let (faults, reason) = match &answer.verdict {
        Verdict::Accepted(_) => return Vec::new(),
        Verdict::Refused(refusal) => (refusal.violations.iter().map(broken).collect(), refusal.reason.clone()),
        Verdict::NotSent(unsent) => (unsent.broken.clone(), unsent.reason.to_owned()),
    };
    match faults {
        faults if !faults.is_empty() => faults,
        _ => vec![Broken { pointer: String::new(), rule: reason.clone(), reason }],
    }
}
