//! `causeway audit match`: two-sided evidence. What a partner or a submitter kept is compared with the journal, and the journal with it.

mod comparison;
mod pages;
mod receipts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use causeway_journal::Checkpoint;
use causeway_proto::v1::QueryRequest;
use causeway_verify::{VerifyError, write_evidence};
use clap::Args;

use crate::Failure;
use crate::audit::asking::{Asking, Desk, PURPOSES};
use crate::audit::checks::{Begin, Row};
use crate::audit::span::Span;
use crate::output::{note, say, say_json};
use comparison::{Comparison, Split};

const AFTER_HELP: &str = "A folder of pages (`causeway pull --receipts DIR`): each page is checked offline, its disclosure has to be in the journal at its place and byte for byte, and \
                          each disclosure of the feed that the journal has must be kept. A file of receipts (`causeway submit --receipts FILE`): the same for each submission, and each \
                          collection and correction by those systems must have its receipt. The journal has to extend every checkpoint that is kept. --between says of which time, for both sides; without it, of all time.\n\n\
                          A disclosure that is not kept may be a page that was abandoned before it left: the entry comes first. Where its positions are in other \
                          pages, its answer may have got lost on the way. The exit code is 0 where both \
                          sides agree in everything, otherwise 1; 4 where what was kept is itself of two histories that the journal's \
                          key has signed: both signed checkpoints are then in KEPT.evidence.";

/// Compares kept pages or receipts with the journal, and reports what one side has and the other has not, or has otherwise.
#[derive(Debug, Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{PURPOSES}"))]
pub(crate) struct Options {
    /// The folder of pages, or the file of receipts.
    kept: PathBuf,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    asking: Asking,
}

/// What one side kept, checked by itself.
#[derive(Debug)]
struct Kept {
    /// What is asked of the journal, and whether each entry of the answer must have been kept.
    questions: Vec<(QueryRequest, Wanted)>,
    comparison: Comparison,
    /// Every signed checkpoint that was kept, each once.
    checkpoints: Checkpoints,
}

/// Signed checkpoints, each once: of the same size and origin with different roots there may be several.
#[derive(Debug, Default)]
struct Checkpoints(BTreeMap<(u64, String, [u8; 32]), Begin>);

impl Checkpoints {
    fn keep(&mut self, note: &str, checkpoint: &Checkpoint) {
        let key = (checkpoint.size, checkpoint.origin.clone(), checkpoint.root.0);
        self.0.entry(key).or_insert_with(|| Begin { note: note.to_owned(), checkpoint: checkpoint.clone() });
    }

    fn all(&self) -> impl Iterator<Item = &Begin> {
        self.0.values()
    }
}

/// Which entries of an answer must have been kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Every page of the feed.
    Pages,
    /// Every entry that took effect.
    Effective,
    /// None: it is asked only for what was kept.
    None,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let span = options.span.micros()?;
    let mut desk = options.asking.open().await?;
    desk.prove();
    let kept = match options.kept.is_dir() {
        true => pages::read(&options.kept, span, desk.keys.as_ref())?,
        false => receipts::read(&options.kept, span, desk.keys.as_ref())?,
    };
    let Kept { questions, mut comparison, checkpoints } = kept;
    for (question, wanted) in questions {
        let question = QueryRequest { from_micros: span.0, to_micros: span.1, ..question };
        let each = |row: &Row| {
            comparison.take(row, wanted);
            Ok(())
        };
        desk.each(question, each).await?;
    }
    // One that was kept in between may be of another journal although the newest is of this one.
    for kept in checkpoints.all() {
        if let Some(fault) = extends(&desk, kept).await? {
            comparison.fault("history", kept.checkpoint.size.saturating_sub(1), fault);
        }
    }
    let signed = desk.keys.is_some();
    let report = comparison.end();
    match options.asking.json {
        true => report.forms().for_each(|form| say_json(&form)),
        false => report.lines().iter().for_each(say),
    }
    note(report.sentence(signed));
    desk.note_grounds();
    match &report.split {
        Some(split) if signed => Err(convict(&options.kept, split)),
        _ => report.verdict(),
    }
}

/// Keeps both signed checkpoints beside what was kept.
fn convict(kept: &Path, split: &Split) -> Failure {
    let mut beside = kept.as_os_str().to_owned();
    beside.push(".evidence");
    match write_evidence(Path::new(&beside), &split.known, &split.found) {
        Ok([known, found]) => {
            note(format_args!("both signed checkpoints are kept: {} and {}", known.display(), found.display()));
            Failure::NotProven(VerifyError::SplitView { size: split.size })
        }
        Err(fault) => Failure::NotProven(fault),
    }
}

/// Why the journal of now is not the one that was kept from, where it is not.
async fn extends(desk: &Desk, kept: &Begin) -> Result<Option<String>, Failure> {
    let Some(now) = desk.newest() else { return Ok(None) };
    if kept.checkpoint.origin != now.checkpoint.origin {
        return Ok(Some(format!("a checkpoint of another journal, {}, is kept", kept.checkpoint.origin)));
    }
    match desk.consistency(kept, now).await {
        Ok(_) => Ok(None),
        Err(Failure::DoesNotHold(what)) => Ok(Some(what)),
        Err(other) => Err(other),
    }
}
