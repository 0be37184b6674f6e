//! A side that speaks `causeway.v1` over mutual TLS, the gateway or the service on PostgreSQL: both are called by the same client.

use std::path::Path;
use std::time::Instant;

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::{Failed, Process, Reach};

use super::family;
use super::job::Round;
use crate::ground::{self, Ground};
use crate::latency::Latency;
use crate::pull::{Partner, Reader, release_to};
use crate::{callers, records};

/// One record in so many is released to nobody: the partner has 90% of them.
const KEPT_ONE_IN: usize = 10;

/// The partner that pulls.
pub(super) fn partner() -> Partner {
    Partner::new(0)
}

/// So many records to submit, nine in ten of which the partner may have. No two rounds and jobs have the same submissions.
pub(super) fn requests(round: usize, job: &str, count: usize) -> Vec<v1::SubmitRequest> {
    let partner = partner();
    records::requests_with(
        round as u64 + 1,
        count,
        records::DESIGN_BYTES,
        &format!("{job}-{round}"),
        |number, record| {
            let named: &[&str] = if number % KEPT_ONE_IN == 0 { &[] } else { &[&partner.agency] };
            release_to(record, named);
        },
    )
}

/// A gateway that has the partner beside its twenty. It goes before its folder.
#[derive(Debug)]
pub(super) struct Gateway {
    process: Process,
    pub(super) reach: Reach,
    pub(super) ground: Ground,
}

impl Gateway {
    pub(super) fn start(dir: &Path) -> Result<Self, Failed> {
        let ground = Ground::prepared_within(dir, |config| partner().add_to(config))?;
        let (process, reach) = ground.start()?;
        Ok(Self { process, reach, ground })
    }

    /// The way to it, for the systems that are measured with.
    pub(super) async fn side(&self, page: u32) -> Result<Side, Failed> {
        let side = Side::connect(vec![self.process.id()], &self.reach, page).await?;
        Ok(Side { releases: true, ..side })
    }
}

/// Of so many records, how many the partner may have.
fn granted(records: usize) -> u64 {
    (records - records.div_ceil(KEPT_ONE_IN)) as u64
}

/// The connections to one side.
#[derive(Debug)]
pub(super) struct Side {
    /// What serves it; what these have started is counted with them.
    pub(super) processes: Vec<u32>,
    submitter: [Clients; 1],
    reader: Reader,
    /// Whether records are released to the partner after they are submitted, and not by being there.
    releases: bool,
    /// Records that the partner may have by now.
    granted: u64,
}

impl Side {
    /// Connects as the system that submits and as the partner's, which asks for pages of so many items.
    pub(super) async fn connect(processes: Vec<u32>, reach: &Reach, page: u32) -> Result<Self, Failed> {
        let submitter = [reach.clients(ground::SUBMITTER, ground::PURPOSE).await?];
        let reader = Reader::connect(reach, &partner(), page).await?;
        Ok(Self { processes, submitter, reader, releases: false, granted: 0 })
    }

    /// Submits over one stream.
    pub(super) async fn stream(&mut self, requests: Vec<v1::SubmitRequest>) -> Result<Round, Failed> {
        let (records, begun) = (requests.len(), Instant::now());
        let latency = callers::stream(&self.submitter, requests).await?;
        self.granted += granted(records);
        Ok(Round { records, took: begun.elapsed(), latency: Some(latency) })
    }

    /// Submits one by one, so many at a time.
    pub(super) async fn unary(&mut self, requests: Vec<v1::SubmitRequest>, in_flight: usize) -> Result<Round, Failed> {
        let (records, begun) = (requests.len(), Instant::now());
        let latency = callers::call(&self.submitter, in_flight, requests).await?;
        self.granted += granted(records);
        Ok(Round { records, took: begun.elapsed(), latency: Some(latency) })
    }

    /// Pulls all that the partner may have, page after page from the start.
    ///
    /// # Errors
    /// Where that is not what was submitted for it: then the sides do not do the same.
    pub(super) async fn pull(&self) -> Result<Round, Failed> {
        let (mut latency, begun) = (Latency::new(), Instant::now());
        let read = self.reader.pull_all(&mut latency).await?;
        if read.items != self.granted {
            return Err(format!("{} records were pulled in the place of {}", read.items, self.granted).into());
        }
        let records = usize::try_from(read.items)?;
        Ok(Round { records, took: begun.elapsed(), latency: Some(latency) })
    }

    /// Waits until nothing is left over from what was measured before, as releasing is.
    pub(super) async fn settled(&self) -> Result<(), Failed> {
        if self.releases {
            self.reader.settled(self.granted).await?;
        }
        family::settled(&self.processes).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partner_may_have_nine_records_in_ten_and_no_submission_stands_twice() {
        let (first, second) = (requests(0, "stream", 100), requests(1, "stream", 100));
        let names = |request: &&v1::SubmitRequest| {
            let document = &request.record.as_ref().expect("a record").document;
            String::from_utf8_lossy(document).contains(&format!("\"{}\"", partner().agency))
        };
        assert_eq!([first.iter().filter(names).count(), second.iter().filter(names).count()], [90, 90]);
        assert_eq!([granted(100), granted(91), granted(1)], [90, 81, 0]);
        assert_ne!(first[0].submission_id, second[0].submission_id);
    }
}
