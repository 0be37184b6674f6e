//! `causeway submit`: a file of records through one stream, with a verdict for each.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::lines::Lines;
use crate::output::{Progress, note, say};
use crate::push::{Answer, Reasons, Totals, Verdict, push};
use crate::receipt_form::ReceiptForm;
use crate::session::{Doing, Session, broken, said};

/// So many refusals are listed; the rest are counted by reason.
const LISTED: u64 = 20;

/// Submits a file of records (JSON Lines: submission_id, kind, schema_version, document; for a correction also record_id
/// and expected_version). Running it again with the same file is safe: the same submissions give the same receipts.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file, one submission a line.
    file: PathBuf,
    /// Write each receipt to this file (JSON Lines).
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let (lines, count) = Lines::open(&options.file)?;
    let mut receipts = options.receipts.as_deref().map(Receipts::create).transpose()?;
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let mut progress = Progress::start("submitting", Some(count), false);
    let (mut reasons, mut listed) = (Reasons::default(), Vec::new());
    let totals = push(&session, lines, |answer, totals| {
        progress.at(totals.all());
        if let (Verdict::Accepted(receipt), Some(receipts)) = (&answer.verdict, &mut receipts) {
            receipts.write(&ReceiptForm::new(&answer.submission_id, receipt))?;
        }
        if let Some(refusal) = refusal(&answer) {
            reasons.count(reason(&answer));
            if totals.refused + totals.not_sent <= LISTED {
                listed.push(refusal);
            }
        }
        Ok(())
    })
    .await;
    progress.finish();
    listed.iter().flatten().for_each(say);
    let totals =
        totals.inspect_err(|_| note("what was acknowledged is durable: the same file can be submitted again"))?;
    if let Some(receipts) = receipts {
        receipts.finish()?;
    }
    conclude(totals, &reasons)
}

/// The last lines, and whether the command did all it was asked to.
fn conclude(totals: Totals, reasons: &Reasons) -> Result<(), Failure> {
    let faulty = totals.refused + totals.not_sent;
    say(format_args!("{} submissions: {} accepted, {faulty} refused", totals.all(), totals.accepted));
    if faulty == 0 {
        return Ok(());
    }
    say(format_args!("refused: {}", reasons.summary()));
    Err(Failure::Partly(format!("{faulty} of {} were refused: mend them and submit the file again", totals.all())))
}

fn reason(answer: &Answer) -> &str {
    match &answer.verdict {
        Verdict::Accepted(_) => "accepted",
        Verdict::Refused(refusal) => &refusal.reason,
        Verdict::NotSent(unsent) => unsent.reason,
    }
}

/// What to say of a line that was not accepted; none for one that was.
fn refusal(answer: &Answer) -> Option<Vec<String>> {
    match &answer.verdict {
        Verdict::Accepted(_) => None,
        Verdict::Refused(refusal) => {
            let mut text = vec![format!("line {}: {}", answer.place, said(&refusal.reason, &refusal.message))];
            text.extend(refusal.violations.iter().map(|v| format!("  {}", broken(v))));
            Some(text)
        }
        Verdict::NotSent(unsent) => Some(vec![format!("line {}: {}: {}", answer.place, unsent.reason, unsent.fault)]),
    }
}

/// The file of receipts.
struct Receipts {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Receipts {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|e| Failure::file(path, e))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    fn write(&mut self, receipt: &ReceiptForm<'_>) -> Result<(), Failure> {
        let line = serde_json::to_string(receipt).expect("a receipt is texts and numbers");
        writeln!(self.file, "{line}").map_err(|e| Failure::file(&self.path, e))
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|e| Failure::file(&self.path, e))
    }
}
