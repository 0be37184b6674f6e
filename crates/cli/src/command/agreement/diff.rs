//! `causeway agreement diff`: what an agreement would change, before it is approved.

use std::path::{Path, PathBuf};

use causeway_journal::v1::DocumentKind;
use causeway_proto::v1::{AgreementChange, CompareAgreementRequest, CompareAgreementResponse};
use causeway_store::Clock;
use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::approval::GovernedFile;
use crate::client_options::ClientOptions;
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};
use crate::text_table::TextTable;
use causeway_verify::plain::plain;

/// Compares two texts of an agreement over the records that are there now; with one file, against the version in force. Changes
/// nothing.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The earlier text, where it is not the one in force, and the later one.
    #[arg(required = true, num_args = 1..=2, value_name = "[OLD] NEW")]
    files: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(super) async fn run(options: &Options) -> Result<(), Failure> {
    let (old, new) = match options.files.as_slice() {
        [old, new] => (Some(agreement(old)?), new),
        [new] => (None, new),
        _ => return Err(Failure::usage("name one agreement, or an earlier and a later one")),
    };
    let new = agreement(new)?;
    let note_of_the_day = match new.begins_after(Clock::system().now()) {
        None => "this is what it would be now; nothing has changed".to_owned(),
        Some(day) => {
            format!("this is what it would be on {day}, over the records that are there now; nothing has changed")
        }
    };
    let session = Session::open(&options.client, Doing::Operating).await?;
    let request = CompareAgreementRequest {
        old_text: old.map(|old| old.text.into_bytes()).unwrap_or_default(),
        new_text: new.text.into_bytes(),
    };
    let response = session.admin().compare_agreement(request).await.map_err(|status| session.failure(status))?;
    let response = response.into_inner();
    match options.json {
        true => say_json(&ComparisonForm::new(&response)),
        false => lines(&response).iter().for_each(say),
    }
    note(note_of_the_day);
    Ok(())
}

/// An agreement, with its faults found before it is sent.
fn agreement(path: &Path) -> Result<GovernedFile, Failure> {
    let file = GovernedFile::read(path)?;
    file.must_be(Some(DocumentKind::Agreement), path)?;
    Ok(file)
}

fn lines(response: &CompareAgreementResponse) -> Vec<String> {
    let CompareAgreementResponse { agreement, recipient, records, granted_before, granted_after, changes } = response;
    let count = |change: &str| -> u64 { changes.iter().filter(|row| row.change == change).map(|row| row.count).sum() };
    let mut lines = vec![plain(&format!(
        "{agreement}, for {recipient}: of {records} records {granted_before} are granted, and {granted_after} would be"
    ))];
    let (gained, lost, changed) = (count("gained"), count("lost"), count("changed"));
    lines.push(format!("{gained} gained, {lost} lost, {changed} in another form"));
    if changes.is_empty() {
        return lines;
    }
    let mut table = TextTable::new(["CHANGE", "FROM", "TO", "WHY", "RECORDS", "IN FEED"]);
    let or_none = |text: &String| if text.is_empty() { "-".to_owned() } else { text.clone() };
    for AgreementChange { change, old_clause, new_clause, reason, count, in_feed } in changes {
        let cells = [change, old_clause, new_clause, reason].map(or_none);
        table.row(cells.into_iter().chain([count.to_string(), in_feed.to_string()]));
    }
    lines.extend(table.lines().iter().map(|line| format!("  {line}")));
    lines
}

#[derive(Serialize)]
struct ComparisonForm<'a> {
    agreement: &'a str,
    recipient: &'a str,
    records: u64,
    granted_before: u64,
    granted_after: u64,
    changes: Vec<ChangeForm<'a>>,
}

#[derive(Serialize)]
struct ChangeForm<'a> {
    change: &'a str,
    old_clause: &'a str,
    new_clause: &'a str,
    reason: &'a str,
    count: u64,
    in_feed: u64,
}

impl<'a> ComparisonForm<'a> {
    fn new(response: &'a CompareAgreementResponse) -> Self {
        let change = |row: &'a AgreementChange| ChangeForm {
            change: &row.change,
            old_clause: &row.old_clause,
            new_clause: &row.new_clause,
            reason: &row.reason,
            count: row.count,
            in_feed: row.in_feed,
        };
        Self {
            agreement: &response.agreement,
            recipient: &response.recipient,
            records: response.records,
            granted_before: response.granted_before,
            granted_after: response.granted_after,
            changes: response.changes.iter().map(change).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_summed_up_and_listed_by_clause_and_reason() {
        let change = |change: &str, old: &str, new: &str, reason: &str, count| AgreementChange {
            change: change.into(),
            old_clause: old.into(),
            new_clause: new.into(),
            reason: reason.into(),
            count,
            in_feed: 1,
        };
        let response = CompareAgreementResponse {
            agreement: "ISA-AL-2026-014".into(),
            recipient: "al-police".into(),
            records: 100,
            granted_before: 10,
            granted_after: 12,
            changes: vec![
                change("gained", "", "c3.2", "outside-filter", 3),
                change("gained", "", "c3.1", "tlp-above-ceiling", 1),
                change("lost", "c3.1", "", "purpose\nless", 2),
            ],
        };
        let lines = lines(&response);
        assert_eq!(lines[1], "4 gained, 2 lost, 0 in another form");
        assert_eq!(lines[2], "  CHANGE  FROM  TO    WHY                RECORDS  IN FEED");
        assert_eq!(lines[3], "  gained  -     c3.2  outside-filter           3        1");
        assert!(!lines.concat().contains('\n') && lines.len() == 6, "{lines:#?}");
        let unchanged = CompareAgreementResponse { changes: Vec::new(), ..response };
        assert_eq!(super::lines(&unchanged).len(), 2);
    }
}
