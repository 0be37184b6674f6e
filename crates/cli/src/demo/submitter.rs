//! The submitter: streams the sample, and checks that each record was accepted or refused as it must be.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use causeway_proto::v1::{Receipt, Record, Refusal, SubmitRequest};

use crate::Failure;
use crate::output::Progress;
use crate::push::{Answer, Outgoing, Pushed, Reasons, Totals, Verdict, push};
use crate::sample::{FaultKind, SampleRecord};
use crate::session::Session;

/// What became of the sample.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) totals: Totals,
    /// How long the stream took.
    pub(super) took: Duration,
    /// Refusals by the kind of fault that was made.
    pub(super) reasons: Reasons,
    /// The record ids of what was accepted, by place in the sample.
    pub(super) records: HashMap<u64, String>,
}

pub(super) async fn submit(session: &Session, sample: Vec<SampleRecord>, quiet: bool) -> Result<Submitted, Failure> {
    let count = sample.len() as u64;
    let faults: Vec<Option<FaultKind>> = sample.iter().map(|record| record.fault).collect();
    let mut progress = Progress::start("gb-nca submits", Some(count), quiet);
    let (mut reasons, mut records) = (Reasons::default(), HashMap::new());
    let began = Instant::now();
    let outgoing = (0..).zip(sample).map(|(place, record)| Outgoing { place, what: Ok(request(record)) });
    let mut faults = faults.into_iter();
    let pushed = push(session, outgoing, |answer, totals| {
        progress.at(totals.all());
        let fault = faults.next().flatten();
        match check(&answer, fault)? {
            Some(receipt) => drop(records.insert(answer.place, receipt.record_id.clone())),
            None => reasons.count(fault.map_or("", FaultKind::as_str)),
        }
        Ok(())
    })
    .await;
    progress.finish();
    let Pushed { totals, .. } = pushed?;
    if totals.all() != count {
        return Err(Failure::does_not_hold(format!(
            "{count} records were submitted and {} got a verdict",
            totals.all()
        )));
    }
    Ok(Submitted { totals, took: began.elapsed(), reasons, records })
}

pub(super) fn request(record: SampleRecord) -> SubmitRequest {
    SubmitRequest {
        submission_id: record.submission_id,
        record: Some(Record {
            kind: record.schema.kind.to_string(),
            schema_version: record.schema.version.to_string(),
            document: record.document,
        }),
        ..SubmitRequest::default()
    }
}

/// A good record must be accepted; a faulty one must be refused for its fault and for nothing else.
pub(super) fn check(answer: &Answer, fault: Option<FaultKind>) -> Result<Option<&Receipt>, Failure> {
    let id = &answer.submission_id;
    match (&answer.verdict, fault) {
        (Verdict::Accepted(receipt), None) => Ok(Some(receipt)),
        (Verdict::Refused(refusal), Some(fault)) if is_for(refusal, fault) => Ok(None),
        (Verdict::Accepted(_), Some(fault)) => {
            Err(Failure::does_not_hold(format!("{id} was accepted in spite of its fault: {}", fault.as_str())))
        }
        (Verdict::Refused(refusal), _) => {
            let wanted = fault.map_or("be accepted", FaultKind::found_as);
            let rules: Vec<&str> = refusal.violations.iter().map(|violation| violation.rule.as_str()).collect();
            let was = format!("{} {}", refusal.reason, rules.join(" "));
            Err(Failure::does_not_hold(format!("{id} was refused as {was}; it should {wanted}")))
        }
        (Verdict::NotSent(_), _) => Err(Failure::does_not_hold(format!("{id} was not sent"))),
    }
}

fn is_for(refusal: &Refusal, fault: FaultKind) -> bool {
    match refusal.violations.as_slice() {
        [] => refusal.reason == fault.found_as(),
        violations => violations.iter().all(|violation| fault.breaks(&violation.rule)),
    }
}
