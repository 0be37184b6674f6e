//! `causeway audit transfers`: what DPA 2018 s.75(3) and s.76(3) ask to be documented of transfers to third countries: date and time,
//! recipient, justification, and a description of the personal data.

mod documents;
mod report;

use causeway_proto::v1::QueryRequest;
use clap::{Args, ValueEnum};

use crate::Failure;
use crate::audit::asking::{Asking, Desk, PURPOSES};
use crate::audit::checks::Row;
use crate::audit::span::Span;
use crate::output::{note, say, say_json};
use documents::Documents;
use report::{Per, Report};

const AFTER_HELP: &str = "The justification is the condition that the agreement in force states (DPA 2018 ss.74AA to 76), and the purposes that were stated. The \
                          description is what the clause gives of a kind of record, by the schema's classes: as recorded, coarse, as this feed's pseudonyms. A \
                          page that held withdrawals only, and published numbers, are no transfer of personal data; they are counted beside the report. An \
                          identity that a partner collected is one. A record that is read again is another disclosure of the same record: RECORDS are different record \
                          versions, READINGS how often they were read.";

/// Lists transfers to partner agencies: when, to whom, why that was lawful, and what it was.
#[derive(Debug, Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{PURPOSES}"))]
pub(crate) struct Options {
    #[command(flatten)]
    span: Span,
    /// One line for each recipient and day, or for each transfer.
    #[arg(long, value_enum, default_value_t = PerOption::Day)]
    per: PerOption,
    #[command(flatten)]
    asking: Asking,
}

/// What a line of the report stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PerOption {
    /// A recipient's day (UTC).
    Day,
    /// One disclosure.
    Transfer,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let (from_micros, to_micros) = options.span.bounded()?;
    let mut desk = options.asking.open().await?;
    let documents = read_documents(&mut desk, to_micros).await?;
    let per = match options.per {
        PerOption::Day => Per::Day,
        PerOption::Transfer => Per::Transfer,
    };
    let mut report = Report::new(per, &documents);
    let disclosures = QueryRequest {
        operation: "disclosure".into(),
        decision: "allowed".into(),
        from_micros,
        to_micros,
        with_items: true,
        ..QueryRequest::default()
    };
    let each = |row: &Row| {
        report.take(row);
        Ok(())
    };
    desk.each(disclosures, each).await?;
    match options.asking.json {
        true => report.forms().iter().for_each(say_json),
        false => report.lines().iter().for_each(say),
    }
    note(report.sentence());
    desk.note_grounds();
    Ok(())
}

/// Every governed document that came into force before this time.
async fn read_documents(desk: &mut Desk, to_micros: u64) -> Result<Documents, Failure> {
    let activated = QueryRequest {
        operation: "document".into(),
        decision: "allowed".into(),
        to_micros,
        with_texts: true,
        ..QueryRequest::default()
    };
    let mut documents = Documents::default();
    desk.each(activated, |row| {
        documents.take(row);
        Ok(())
    })
    .await?;
    Ok(documents)
}
