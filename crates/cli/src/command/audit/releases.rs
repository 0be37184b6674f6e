//! `causeway audit releases`: re-identifications, each with what became of it.

use std::collections::BTreeMap;

use causeway_journal::{
    REASON_IDENTITY_APPROVED, REASON_IDENTITY_COLLECTED, REASON_IDENTITY_DELIVERED, REASON_IDENTITY_REFUSED,
    REASON_IDENTITY_RELEASED, REASON_IDENTITY_REQUESTED,
};
use causeway_proto::v1::QueryRequest;
use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::audit::asking::{Asking, PURPOSES};
use crate::audit::checks::Row;
use crate::audit::span::Span;
use crate::output::{note, say, say_json};
use crate::text_table::free_text;
use causeway_verify::hex::hex;
use causeway_verify::plain::plain;

/// The steps of a re-identification.
const STEPS: [&str; 6] = [
    REASON_IDENTITY_REQUESTED,
    REASON_IDENTITY_APPROVED,
    REASON_IDENTITY_REFUSED,
    REASON_IDENTITY_RELEASED,
    REASON_IDENTITY_DELIVERED,
    REASON_IDENTITY_COLLECTED,
];

/// Lists who asked for the identity behind a pseudonym or record, who approved or refused, and whether it was handed over. A step in the
/// span of time brings its request with it only where that is in the span too.
#[derive(Debug, Args)]
#[command(after_help = PURPOSES)]
pub(crate) struct Options {
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    asking: Asking,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let (from_micros, to_micros) = options.span.micros()?;
    let mut desk = options.asking.open().await?;
    let mut requests = Requests::default();
    for reason in STEPS {
        let request = QueryRequest {
            reason: reason.to_owned(),
            from_micros,
            to_micros,
            with_openings: true,
            ..QueryRequest::default()
        };
        desk.each(request, |row| {
            requests.take(row);
            Ok(())
        })
        .await?;
    }
    for request in requests.in_order() {
        match options.asking.json {
            true => say_json(request),
            false => request.lines().iter().for_each(|line| say(plain(line))),
        }
    }
    note(requests.sentence());
    desk.note_grounds();
    Ok(())
}

/// Requests by their id. There are few: every agreement has a monthly cap.
#[derive(Debug, Default)]
struct Requests(BTreeMap<String, Request>);

/// One re-identification.
#[derive(Debug, Default, Serialize)]
struct Request {
    /// The request's id, hexadecimal.
    request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    under: String,
    steps: Vec<Step>,
}

/// One step of it.
#[derive(Debug, Serialize)]
struct Step {
    leaf_index: u64,
    time: String,
    reason: String,
    outcome: String,
    agency_system: String,
    person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_reference: Option<String>,
    /// Rostered persons whose signatures are in the entry.
    approved_by: Vec<String>,
}

impl Requests {
    fn take(&mut self, row: &Row) {
        let entry = &row.entry;
        // The request's own entry gives it its id.
        let id = if entry.identity_request.is_empty() { &entry.entry_id } else { &entry.identity_request };
        let request = self.0.entry(hex(id)).or_default();
        request.request = hex(id);
        if let Some(record) = entry.records.first() {
            request.record = Some(hex(&record.record_id));
        }
        if request.under.is_empty() || entry.recipient.as_ref().is_some_and(|to| !to.agreement.is_empty()) {
            request.under = row.under();
        }
        let case = row.wire.opened.as_ref().map(|opened| opened.case_reference.clone());
        request.steps.push(Step {
            leaf_index: row.leaf(),
            time: row.time(),
            reason: if row.is_allowed() { entry.reason.clone() } else { format!("DENIED {}", entry.reason) },
            outcome: row.wire.outcome.clone(),
            agency_system: row.system(),
            person: row.person().map(ToOwned::to_owned),
            case_reference: case.filter(|case| !case.is_empty()),
            approved_by: entry.approvals.iter().map(|by| format!("{}/{}", by.agency, by.person)).collect(),
        });
    }

    /// By the time of their first step, the steps in the order of the journal.
    fn in_order(&mut self) -> Vec<&Request> {
        for request in self.0.values_mut() {
            request.steps.sort_by_key(|step| step.leaf_index);
        }
        let mut requests: Vec<&Request> = self.0.values().collect();
        requests.sort_by_key(|request| request.steps.first().map(|step| step.leaf_index));
        requests
    }

    fn sentence(&self) -> String {
        let with = |reason: &str| self.0.values().filter(|request| request.has(reason)).count();
        let (refused, collected) = (with(REASON_IDENTITY_REFUSED), with(REASON_IDENTITY_COLLECTED));
        format!("{} requests that this auditor may see: {collected} collected, {refused} refused", self.0.len())
    }
}

impl Request {
    fn has(&self, reason: &str) -> bool {
        self.steps.iter().any(|step| step.reason == reason && step.outcome == "effective")
    }

    fn lines(&self) -> Vec<String> {
        let record = self.record.as_ref().map_or_else(String::new, |record| format!(", record {record}"));
        let mut lines = vec![format!("request {} under {}{record}", self.request, self.under)];
        for step in &self.steps {
            let person = step.person.as_deref().map_or_else(String::new, |person| format!(" ({})", free_text(person)));
            let mut line =
                format!("{:>8}  {} {}{person} {}", step.leaf_index, step.time, step.agency_system, step.reason);
            if let Some(case) = &step.case_reference {
                line.push_str(&format!(", case {}", free_text(case)));
            }
            if !step.approved_by.is_empty() {
                line.push_str(&format!(", approved by {}", step.approved_by.join(" and ")));
            }
            if step.outcome != "effective" {
                line.push_str(&format!(" [{}]", crate::entry_text::outcome(&step.outcome)));
            }
            lines.push(line);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Approval, Entry, Operation};

    use super::*;
    use crate::audit::test_answers::{entry, row};

    #[test]
    fn the_steps_of_a_request_come_together_in_the_order_of_the_journal() {
        let asked = entry(1, Operation::Consultation, REASON_IDENTITY_REQUESTED);
        let step = |minute, reason: &str| Entry {
            identity_request: asked.entry_id.clone(),
            approvals: vec![Approval { agency: "gb-nca".into(), person: "dpo".into(), ..Approval::default() }],
            ..entry(minute, Operation::Consultation, reason)
        };
        let mut requests = Requests::default();
        requests.take(&row(9, step(4, REASON_IDENTITY_COLLECTED)));
        requests.take(&row(5, step(2, REASON_IDENTITY_APPROVED)));
        requests.take(&row(3, asked.clone()));
        requests.take(&row(4, entry(2, Operation::Consultation, REASON_IDENTITY_REQUESTED)));
        let ordered = requests.in_order();
        assert_eq!(ordered.len(), 2);
        let lines = ordered[0].lines();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].ends_with("identity-approved, approved by gb-nca/dpo"), "{lines:#?}");
        assert_eq!(requests.sentence(), "2 requests that this auditor may see: 1 collected, 0 refused");
    }
}
