//! `causeway retention`: what is due by its date, and erasing that now.

use causeway_proto::v1::{ListRetentionRequest, RetentionReason, RetentionRow, RunRetentionRequest};
use clap::{ArgGroup, Args};
use serde::Serialize;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};

/// Lists what retention makes due, or erases what is. The gateway does the latter by itself once a day.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["dry_run", "run"]))]
pub(crate) struct Options {
    /// List what is due and why; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Erase, now, this agency's records whose last day is over and that no legal hold covers.
    #[arg(long)]
    run: bool,
    /// List reviews, too, that fall due within so many days (at most 366).
    #[arg(long, value_name = "DAYS", default_value_t = 30, conflicts_with = "run", value_parser = clap::value_parser!(u32).range(0..=366))]
    review_within: u32,
    /// Print JSON: one object a record.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Serialize)]
struct RowForm<'a> {
    record: &'a str,
    reason: &'static str,
    date: &'a str,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Protecting).await?;
    match options.run {
        true => erase(&session, options.json).await,
        false => list(&session, options).await,
    }
}

async fn list(session: &Session, options: &Options) -> Result<(), Failure> {
    let request = ListRetentionRequest { review_within_days: options.review_within };
    let response = session.protection().list_retention(request).await.map_err(|status| session.failure(status))?;
    let response = response.into_inner();
    for row in &response.rows {
        match options.json {
            true => say_json(&RowForm { record: &row.record_id, reason: code(row), date: &row.date }),
            false => say(format_args!("{}  {}  {}", row.record_id, row.date, words(row))),
        }
    }
    let count = |reason| response.rows.iter().filter(|row| row.reason() == reason).count();
    let (expired, held) = (count(RetentionReason::Expired), count(RetentionReason::Held));
    let (reviews, without) = (count(RetentionReason::ReviewDue), response.without_date);
    note(format_args!(
        "{expired} to be erased, {held} kept by a legal hold, {reviews} to be reviewed; {without} records state no last day"
    ));
    if response.more {
        note("there are more: these are the first");
    }
    Ok(())
}

async fn erase(session: &Session, json: bool) -> Result<(), Failure> {
    let response = session.protection().run_retention(RunRetentionRequest {}).await;
    let response = response.map_err(|status| session.failure(status))?.into_inner();
    for record in &response.record_ids {
        match json {
            true => say_json(&RowForm { record, reason: "erased", date: "" }),
            false => say(format_args!("{record}  erased")),
        }
    }
    let (erased, held) = (response.record_ids.len(), response.held);
    note(format_args!("{erased} erased, {held} kept by a legal hold"));
    Ok(())
}

fn code(row: &RetentionRow) -> &'static str {
    match row.reason() {
        RetentionReason::Unspecified => "unknown",
        RetentionReason::Expired => "expired",
        RetentionReason::Held => "held",
        RetentionReason::ReviewDue => "review-due",
    }
}

fn words(row: &RetentionRow) -> &'static str {
    match row.reason() {
        RetentionReason::Unspecified => "for a reason that this program does not know",
        RetentionReason::Expired => "its last day is over: the next run erases it",
        RetentionReason::Held => "its last day is over, and a legal hold or a restriction keeps it",
        RetentionReason::ReviewDue => "to be reviewed: is it still needed?",
    }
}
