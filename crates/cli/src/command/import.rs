//! `causeway import`: the rows of somebody's table through one stream, by a mapping file and no code for the source.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use causeway_proto::v1::{Record, SubmitRequest};
use clap::Args;

use crate::client_options::ClientOptions;
use crate::import::{ImportMap, Mapped, Reject, Row};
use crate::lines;
use crate::output::{Progress, say};
use crate::push::{Answer, Outgoing, Reasons, Unsent, Verdict, again, push};
use crate::session::{Doing, Session, broken};
use crate::{Broken, Failure};

/// Submits the rows of a CSV file as a mapping file says. An interrupted import is simply run again: a row's submission id
/// follows from its number and content, so what was accepted before gives the same receipt.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The mapping file.
    #[arg(long, value_name = "MAP")]
    map: PathBuf,
    /// The table.
    file: PathBuf,
    /// Write what was refused to this CSV file: row, pointer, rule.
    #[arg(long, value_name = "OUT.csv")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let map = ImportMap::load(&options.map).map_err(|faults| Failure::faults(&options.map, &faults))?;
    let open = || File::open(&options.file).map(BufReader::new).map_err(|e| Failure::file(&options.file, e));
    // The header is a line too. A quoted line break would count as two, which only the bar would show.
    let total = lines::count(open()?).map_err(|e| Failure::file(&options.file, e))?.saturating_sub(1);
    let rows = map.rows(open()?).map_err(|faults| Failure::faults(&options.file, &faults))?;
    let mut report = options.rejects.as_deref().map(Report::create).transpose()?;
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let mut progress = Progress::start("importing", Some(total), false);
    let (mut rules, mut accepted) = (Reasons::default(), 0);
    let totals = push(&session, rows.map(outgoing), |answer, totals| {
        progress.at(totals.all());
        accepted = totals.accepted;
        for fault in faults(&answer) {
            rules.count(&fault.rule_and_place());
            if let Some(report) = &mut report {
                report.write(answer.place, &fault)?;
            }
        }
        Ok(())
    })
    .await;
    progress.finish();
    report.map_or(Ok(()), Report::finish)?;
    let totals = totals.inspect_err(|_| again(accepted, "run the same import again"))?;
    let faulty = totals.refused + totals.not_sent;
    say(format_args!("{} rows: {} accepted, {faulty} refused", totals.all(), totals.accepted));
    if faulty > 0 {
        say(format_args!("refused for: {}", rules.summary()));
    }
    Ok(())
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
    Broken { pointer: reject.pointer, rule: reject.rule.into(), reason: "unmapped-row".into() }
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

impl Broken {
    /// How refusals are counted: array places aside, so that a rule counts once for a field.
    fn rule_and_place(&self) -> String {
        let names = self.pointer.split('/').filter(|part| part.parse::<u32>().is_err());
        let place = names.collect::<Vec<_>>().join("/");
        if place.is_empty() { self.rule.clone() } else { format!("{} at {place}", self.rule) }
    }
}

/// The file of what was refused.
struct Report {
    path: PathBuf,
    file: csv::Writer<File>,
}

impl Report {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|e| Failure::file(path, e))?;
        let mut report = Self { path: path.to_owned(), file: csv::Writer::from_writer(file) };
        report.record(&["row", "pointer", "rule"])?;
        Ok(report)
    }

    fn write(&mut self, row: u64, fault: &Broken) -> Result<(), Failure> {
        self.record(&[&row.to_string(), &fault.pointer, &fault.rule])
    }

    fn record(&mut self, cells: &[&str; 3]) -> Result<(), Failure> {
        self.file.write_record(cells).map_err(|e| Failure::file(&self.path, std::io::Error::other(e)))
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|e| Failure::file(&self.path, e))
    }
}
