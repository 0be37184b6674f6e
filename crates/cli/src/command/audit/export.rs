//! `causeway audit export`: entries to a file, in a form that others read; what was cut off goes on.

mod csv_rows;
#[cfg(test)]
mod hostile;
mod json_lines;
mod ocsf;
mod state;
mod syslog;
mod target;

use std::path::PathBuf;

use causeway_proto::v1::QueryRequest;
use clap::{Args, ValueEnum};

use crate::Failure;
use crate::audit::answer::Answer;
use crate::audit::asking::{Asking, Desk, PAGE_ROWS, PURPOSES};
use crate::audit::checks::{Begin, Checks, Row, Told};
use crate::audit::filters::Filters;
use crate::output::{Progress, note};
use state::State;
use target::Target;

const AFTER_HELP: &str = "JSON Lines is the canonical form: with --prove it holds what `causeway verify` needs. Of the other forms each row has its leaf index and leaf \
                          hash, and FILE.checkpoint is the signed checkpoint that the export ends at. docs/audit-export.md says what each form holds.\n\n\
                          While an export is made, FILE.state says how far it is whole: the same command goes on from there, and no row is doubled or lost.";

/// Writes entries to a file, page after page, each row checked first.
#[derive(Debug, Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{PURPOSES}"))]
pub(crate) struct Options {
    /// In which form.
    #[arg(long, value_enum)]
    format: Format,
    /// Write to this file, for its owner alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    filters: Filters,
    /// Newest first instead of oldest first.
    #[arg(long)]
    newest: bool,
    /// With the texts that entries commit to, where they are still there.
    #[arg(long)]
    openings: bool,
    /// With what was in each disclosed page (jsonl). For the operator's auditors.
    #[arg(long)]
    items: bool,
    /// With the texts of governed documents and published tables (jsonl).
    #[arg(long)]
    texts: bool,
    /// At most so many rows are asked for at a time (1 to 10,000).
    #[arg(long, value_name = "N", default_value_t = PAGE_ROWS, value_parser = clap::value_parser!(u32).range(1..=10_000), hide = true)]
    page: u32,
    #[command(flatten)]
    asking: Asking,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON Lines, with entries and proofs.
    Jsonl,
    /// CSV for spreadsheets.
    Csv,
    /// OCSF API Activity events, one a line.
    Ocsf,
    /// RFC 5424 messages, one a line.
    Syslog,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
            Self::Syslog => "syslog",
        }
    }
}

impl Options {
    fn request(&self) -> Result<QueryRequest, Failure> {
        Ok(QueryRequest {
            limit: self.page,
            newest_first: self.newest,
            prove: self.asking.prove,
            with_openings: self.openings,
            with_items: self.items,
            with_texts: self.texts,
            ..self.filters.request()?
        })
    }
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let request = options.request()?;
    let jsonl = options.format == Format::Jsonl;
    if !jsonl && (options.items || options.texts) {
        return Err(Failure::usage("--items and --texts are for --format jsonl"));
    }
    let header = json_lines::header(options.asking.gateway(), &request);
    let question = format!("{header} {:?}", [options.openings, options.items, options.texts]);
    let (target, state) = Target::open(&options.out, options.format.name(), &question)?;
    if state.complete {
        note(format_args!("{} is whole: {} rows", options.out.display(), state.rows));
        return Ok(());
    }
    if state.rows > 0 {
        note(format_args!("goes on after {} rows", state.rows));
    }
    let desk = options.asking.open().await?;
    let about_record = !request.record_id.is_empty() || !request.pseudonym.is_empty();
    let (format, proofs) = (options.format, request.prove);
    let mut export = Export { format, desk: &desk, target, state, page: Vec::new(), proofs, about_record };
    if export.state.is_new() {
        export.begin(&header);
    }
    export.write(request).await?;
    note(format_args!("{}: {} rows", options.out.display(), export.state.rows));
    Ok(())
}

/// An export under way.
struct Export<'d> {
    format: Format,
    desk: &'d Desk,
    target: Target,
    state: State,
    /// The lines of the page that is being read.
    page: Vec<u8>,
    proofs: bool,
    about_record: bool,
}

impl Export<'_> {
    /// What stands before the first row.
    fn begin(&mut self, header: &str) {
        match self.format {
            Format::Jsonl => self.page.extend(header.bytes().chain(*b"\n")),
            Format::Csv => self.page.extend(csv_rows::heading()),
            Format::Ocsf | Format::Syslog => {}
        }
    }

    async fn write(&mut self, request: QueryRequest) -> Result<(), Failure> {
        let begun = self.state.begin()?;
        let checks = Checks::after(request.clone(), self.desk.keys.clone(), self.state.last_leaf, begun);
        let from = QueryRequest { cursor: self.state.cursor.clone(), ..request };
        let mut progress = Progress::start("rows", None, false);
        let (mut answer, mut rows) = (Answer::new(&self.desk.session, from, checks, true), 0);
        while let Some(told) = answer.next().await? {
            match told {
                Told::Begin(begin) => self.part(&begin).await?,
                Told::Row(row) => {
                    rows += 1;
                    self.row(&row);
                }
                Told::End(cursor) => {
                    self.state.rows += std::mem::take(&mut rows);
                    self.state.last_leaf = answer.checks().last();
                    self.page_ends(cursor)?;
                    progress.at(self.state.rows);
                }
            }
        }
        progress.finish();
        Ok(())
    }

    /// A page of the answer begins, under a checkpoint that extends the one before.
    async fn part(&mut self, begin: &Begin) -> Result<(), Failure> {
        let consistency = match self.state.begin()? {
            Some(before) => self.desk.consistency(&before, begin).await?,
            None => Vec::new(),
        };
        if self.format == Format::Jsonl {
            self.page.extend(json_lines::checkpoint(begin, &consistency));
        }
        self.state.checkpoint = Some(begin.note.clone());
        Ok(())
    }

    fn row(&mut self, row: &Row) {
        let lines = match self.format {
            Format::Jsonl => json_lines::row(row, self.proofs, self.about_record),
            Format::Csv => csv_rows::row(row),
            Format::Ocsf => ocsf::row(row),
            Format::Syslog => syslog::row(row),
        };
        self.page.extend(lines);
    }

    /// The rows of a page are made durable, and only then does the state say so.
    fn page_ends(&mut self, cursor: String) -> Result<(), Failure> {
        self.state.cursor = cursor;
        self.state.complete = self.state.cursor.is_empty();
        if self.state.complete {
            let begin = self.state.begin()?.ok_or_else(|| Failure::does_not_hold("the answer had no checkpoint"))?;
            match self.format {
                Format::Jsonl => self.page.extend(json_lines::end(self.state.rows, &begin)),
                _ => self.target.keep_checkpoint(&begin.note)?,
            }
        }
        self.state.bytes = self.target.append(&self.page)?;
        self.page.clear();
        self.target.keep(&self.state)
    }
}
