//! `causeway submit`: a file of records through one stream, with a verdict for each.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::pull::cursor_file::partial_of;
use crate::Failure;
use crate::client_options::ClientOptions;
use crate::line::LINE_HELP;
use crate::lines::{Lines, no_line};
use crate::output::{Progress, say};
use crate::push::{Answer, Outgoing, Pushed, Reasons, Totals, Verdict, again, push};
use crate::receipt_form::ReceiptForm;
use crate::session::{Doing, Session, broken, said};

/// So many refusals are listed; the rest are counted by reason.
const LISTED: u64 = 20;

/// Submits a file of records (JSON Lines: submission_id, kind, schema_version, document; for a correction also record_id
/// and expected_version). Running it again with the same file is safe: the same submissions give the same receipts.
#[derive(Debug, Args)]
#[command(after_help = LINE_HELP)]
pub(crate) struct Options {
    /// The file, one submission a line; - for standard input.
    file: PathBuf,
    /// Add the receipts, each with its inclusion proof, to this file (JSON Lines, for `causeway verify`) at the end of the
    /// run; until then they are in FILE.partial, and what the file held before stays.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let (lines, count) = Lines::open(&options.file)?;
    let mut receipts = options.receipts.as_deref().map(Receipts::create).transpose()?;
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let mut progress = Progress::start("submitting", count, false);
    let (mut reasons, mut listed, mut accepted) = (Reasons::default(), Vec::new(), 0);
    let proven = options.receipts.is_some();
    let lines = lines.map(move |outgoing| with_proof(outgoing, proven));
    let pushed = push(&session, lines, |answer, totals| {
        progress.at(totals.all());
        accepted = totals.accepted;
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
    // A run that broke off has good receipts too. They are put in their place before anything is said: saying may fail.
    let kept = receipts.map_or(Ok(()), Receipts::finish);
    listed.iter().flatten().for_each(say);
    kept?;
    let Pushed { totals, position } =
        pushed.inspect_err(|_| again(accepted, "the same file can be submitted again"))?;
    if totals.all() == 0 {
        return Err(no_line(&options.file));
    }
    if let Some(position) = position {
        say(format_args!("log position: {position}"));
    }
    conclude(totals, &reasons)
}

/// A receipt that is kept is to be verifiable by itself.
fn with_proof(mut outgoing: Outgoing, proven: bool) -> Outgoing {
    if let Ok(request) = &mut outgoing.what {
        request.with_inclusion_proof = proven;
    }
    outgoing
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

/// The file of receipts. It is written beside its place and put there at the end, after what was there before, so that
/// no interruption and no second run loses a receipt.
struct Receipts {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
}

impl Receipts {
    fn create(path: &Path) -> Result<Self, Failure> {
        let partial = partial_of(path);
        let mut file = File::create(&partial).map_err(|e| Failure::file(&partial, e))?;
        match File::open(path) {
            Ok(mut earlier) => drop(std::io::copy(&mut earlier, &mut file).map_err(|e| Failure::file(path, e))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::file(path, error)),
        }
        Ok(Self { path: path.to_owned(), partial, file: BufWriter::new(file) })
    }

    fn write(&mut self, receipt: &ReceiptForm<'_>) -> Result<(), Failure> {
        let line = serde_json::to_string(receipt).expect("a receipt is texts and numbers");
        writeln!(self.file, "{line}").map_err(|e| Failure::file(&self.partial, e))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|e| Failure::file(&self.partial, e))?;
        std::fs::rename(&self.partial, &self.path).map_err(|e| Failure::file(&self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::v1::Receipt;

    use super::*;

    fn lines(path: &Path) -> usize {
        std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
    }

    #[test]
    fn a_second_run_adds_its_receipts_and_one_that_breaks_off_takes_none_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("receipts.jsonl");
        let receipt = Receipt::default();
        for run in 1..=2 {
            let mut receipts = Receipts::create(&path).expect("opens");
            receipts.write(&ReceiptForm::new("s", &receipt)).expect("writes");
            assert_eq!(lines(&path), run - 1, "not there before the end");
            receipts.finish().expect("ends");
            assert_eq!(lines(&path), run);
        }
        let mut killed = Receipts::create(&path).expect("opens");
        killed.write(&ReceiptForm::new("s", &receipt)).expect("writes");
        drop(killed);
        assert_eq!(lines(&path), 2, "what was there stays");
    }
}
