//! Submitting through several gateways, one of which may go: what has no verdict is sent again through the next, under the same ids.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use causeway_proto::v1::SubmitRequest;

use super::site::Site;
use crate::Failure;
use crate::demo::SUBMITTER;
use crate::demo::submitter::{check, request};
use crate::push::{Outgoing, Reasons, Verdict, push};
use crate::sample::{FaultKind, SampleRecord};
use crate::session::Doing;

/// How long it may take until there is a verdict on everything, whatever goes meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// Before what was refused for now is sent again.
const PAUSE: Duration = Duration::from_millis(500);

/// The refusal of a gateway that does not reach the log: nothing was accepted, and another one may.
const NOT_REACHED: &str = causeway_exchange::LOG_NOT_REACHED;

/// One record to submit.
#[derive(Debug, Clone)]
struct Submission {
    place: u64,
    request: SubmitRequest,
    fault: Option<FaultKind>,
}

/// What became of all that was submitted.
#[derive(Debug, Default)]
pub(super) struct Submitted {
    /// Record id and entry of what was accepted, by place in the sample.
    pub(super) accepted: HashMap<u64, (String, u64)>,
    /// Refusals by the kind of fault that was made.
    pub(super) reasons: Reasons,
    /// The places of those that were refused.
    pub(super) refusals: HashSet<u64>,
    /// How many of what had a receipt were sent again through another gateway, and got the same.
    pub(super) again: u64,
}

impl Submitted {
    /// Submits records through a gateway. `midway` is called once half of them have their verdict; where the gateway goes, the rest goes
    /// through the next one, and what was accepted before is sent there again too: it has to get the same receipts.
    pub(super) async fn submit(
        &mut self,
        site: &mut Site,
        first: usize,
        sample: impl Iterator<Item = (u64, SampleRecord)>,
        midway: impl FnOnce(&mut Site) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let all: Vec<_> =
            sample.map(|(place, record)| Submission { place, fault: record.fault, request: request(record) }).collect();
        let (began, mut node, mut left) = (Instant::now(), first, all.clone());
        let (mut midway, mut had) = (Some(midway), None);
        while !left.is_empty() {
            let half = u64::try_from(all.len() / 2).expect("a count");
            let pushed = self.push(site, node, &left, |site, count| match midway.take_if(|_| count >= half) {
                Some(act) => act(site),
                None => Ok(()),
            });
            let pushed = pushed.await;
            left.retain(|submission| !self.has_verdict(submission));
            let have = || all.iter().filter(|submission| self.has_receipt(submission)).cloned().collect::<Vec<_>>();
            had.get_or_insert_with(have);
            match pushed {
                // What does not hold stays so. A gateway that has gone, or refuses for now, is gone round.
                Err(failure @ Failure::DoesNotHold(_)) => return Err(failure),
                Err(failure) if began.elapsed() > PATIENCE => return Err(failure),
                Ok(()) if began.elapsed() > PATIENCE => return Err(Failure::does_not_hold("the log is never reached")),
                Ok(()) => {}
                Err(_) => node = site.after(node),
            }
            if !left.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        if let Some(had) = had.filter(|_| !site.runs(first)) {
            self.push(site, site.after(first), &had, |_, _| Ok(())).await?;
            self.again += had.len() as u64;
        }
        Ok(())
    }

    /// Sends submissions on one stream. `each` is told how many have their verdict.
    async fn push(
        &mut self,
        site: &mut Site,
        node: usize,
        submissions: &[Submission],
        mut each: impl FnMut(&mut Site, u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let session = site.session(node, SUBMITTER, Doing::Submitting).await?;
        let faults: HashMap<u64, Option<FaultKind>> =
            submissions.iter().map(|submission| (submission.place, submission.fault)).collect();
        let outgoing: Vec<_> = submissions
            .iter()
            .map(|submission| Outgoing { place: submission.place, what: Ok(submission.request.clone()) })
            .collect();
        let pushed = push(&session, outgoing.into_iter(), |answer, totals| {
            let is_put_off = matches!(&answer.verdict, Verdict::Refused(refusal) if refusal.reason == NOT_REACHED);
            if !is_put_off {
                let fault = faults.get(&answer.place).copied().flatten();
                self.note(
                    answer.place,
                    fault,
                    check(&answer, fault)?.map(|receipt| (&*receipt.record_id, receipt.leaf_index)),
                )?;
            }
            each(site, totals.all())
        });
        pushed.await.map(drop)
    }

    fn note(&mut self, place: u64, fault: Option<FaultKind>, receipt: Option<(&str, u64)>) -> Result<(), Failure> {
        let Some((record, leaf)) = receipt else {
            if self.refusals.insert(place) {
                self.reasons.count(fault.map_or("", FaultKind::as_str));
            }
            return Ok(());
        };
        let known = self.accepted.entry(place).or_insert_with(|| (record.to_owned(), leaf));
        match known.0 == record && known.1 == leaf {
            true => Ok(()),
            false => Err(Failure::does_not_hold("a submission that was sent again got another receipt")),
        }
    }

    fn has_receipt(&self, submission: &Submission) -> bool {
        self.accepted.contains_key(&submission.place)
    }

    /// Whether it needs no other: what is refused for its fault would be so again.
    fn has_verdict(&self, submission: &Submission) -> bool {
        self.has_receipt(submission) || self.refusals.contains(&submission.place)
    }
}
