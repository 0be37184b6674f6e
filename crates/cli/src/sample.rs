//! Synthetic records of both kinds, for the demonstration, tests and measurements: from one seed always the same bytes.
//! None describes a person.
//!
//! What follows published figures on the UK's National Referral Mechanism (Home Office, modern slavery statistics):
//! nationalities as in 2024 (19,125 referrals: UK 4,441, Albanian 2,492, Vietnamese 2,153, Eritrean 1,702, Sudanese
//! 1,175), duty-to-notify reports as in 2024 (5,598), children (44%) and women and girls (24%) as in 2023. Types of
//! exploitation are the Home Office's (labour, criminal, sexual, domestic servitude, organ, not specified). How the
//! other nationalities, the types and everything else are spread is this project's own guess, as are all routes.

mod fault;
mod journey;
mod person;
mod places;
mod profile;
mod random;
mod route;

use causeway_model::{Kind, SchemaId, SchemaVersion};
use serde_json::{Value, json};

pub use fault::FaultKind;

use random::Random;

/// Share of routes among the records, in percent.
const ROUTES_PERCENT: u32 = 15;
/// The schema versions that the records are written in: submitters do not change over on one day.
const OLDER: SchemaVersion = SchemaVersion { major: 1, minor: 0 };
const NEWER: SchemaVersion = SchemaVersion { major: 1, minor: 1 };
/// One record in so many is of the newer version, and has fields that the older does not.
const NEWER_ONE_IN: usize = 4;

/// One record to submit.
#[derive(Debug, Clone)]
pub struct SampleRecord {
    /// The submitter's id of it: unique within the seed, but for [`FaultKind::SubmissionReused`].
    pub submission_id: String,
    /// The kind and version to submit it as.
    pub schema: SchemaId,
    /// The bytes of the record.
    pub document: Vec<u8>,
    /// What was made wrong with it, if anything.
    pub fault: Option<FaultKind>,
}

/// `count` records, among them one of each [`FaultKind`]; below twice as many records as kinds of fault, every other
/// record is faulty and the last kinds are left out.
pub fn records(seed: u64, count: usize) -> Sample {
    let kinds = FaultKind::ALL.len().min(count / 2);
    let stride = count.checked_div(kinds).unwrap_or(usize::MAX);
    Sample { seed, next: 0, count, kinds, stride }
}

/// `count` records without any fault.
pub fn clean(seed: u64, count: usize) -> Sample {
    Sample { seed, next: 0, count, kinds: 0, stride: usize::MAX }
}

/// The records, made one by one as they are asked for.
#[derive(Debug, Clone)]
pub struct Sample {
    seed: u64,
    next: usize,
    count: usize,
    /// How many kinds of fault are spread over the records, one in the middle of each `stride`.
    kinds: usize,
    stride: usize,
}

impl Sample {
    fn fault(&self, number: usize) -> Option<FaultKind> {
        let (turn, within) = (number.checked_div(self.stride)?, number.checked_rem(self.stride)?);
        let faulty = turn < self.kinds && within == self.stride / 2;
        faulty.then(|| FaultKind::ALL.get(turn).copied()).flatten()
    }

    fn record(&self, number: usize) -> SampleRecord {
        let mut random = Random::of(self.seed, "record", number);
        let fault = self.fault(number);
        let kind = match fault {
            Some(fault) => fault.kind(),
            None if random.chance(ROUTES_PERCENT) => Kind::TraffickingRoute,
            None => Kind::VictimProfile,
        };
        let mut record = match kind {
            // A fault needs a record that is whole: one that names a person and has a way to follow.
            Kind::VictimProfile => profile::profile(self.seed, number, fault.is_some(), &mut random),
            Kind::TraffickingRoute => route::route(self.seed, number, fault.is_some(), &mut random),
        };
        // Faults are told apart by the rules of the older version.
        let newer = fault.is_none() && number % NEWER_ONE_IN == NEWER_ONE_IN - 1;
        if newer {
            profile::add(&mut record, newer_members(kind));
        }
        let schema = SchemaId { kind, version: if newer { NEWER } else { OLDER } };
        let (schema, document) = match fault {
            Some(fault) => fault.apply(schema, record),
            None => (schema, Value::Object(record).to_string().into_bytes()),
        };
        // The first record is never faulty: a fault is in the middle of its stride, which is two records at least.
        let named = if fault == Some(FaultKind::SubmissionReused) { 0 } else { number };
        SampleRecord { submission_id: format!("SYN-{:016x}-{named:07}", self.seed), schema, document, fault }
    }
}

/// Members that the newer version has and the older does not.
fn newer_members(kind: Kind) -> Value {
    match kind {
        Kind::VictimProfile => json!({
            "trafficking_status_decided_by": "NonPoliceGovernmentalOrganization",
            "several_situations": "no",
            "support_organisation_type": "NGO",
            "deceased": false
        }),
        Kind::TraffickingRoute => json!({"network_types": ["family", "organised_crime"], "traveller": "victim"}),
    }
}

impl Iterator for Sample {
    type Item = SampleRecord;

    fn next(&mut self) -> Option<SampleRecord> {
        if self.next == self.count {
            return None;
        }
        let record = self.record(self.next);
        self.next += 1;
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Sample {}

#[cfg(test)]
mod tests;
