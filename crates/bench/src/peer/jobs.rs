//! The three jobs of a side that speaks `causeway.v1`, round by round.

use causeway_rig::Failed;

use super::family;
use super::job::Job;
use super::side::{self, Side};
use crate::check::Check;

/// A quarter of a round's records are submitted one by one.
const UNARY_SHARE: usize = 4;

/// One side with its jobs.
#[derive(Debug)]
pub(super) struct Jobs {
    name: String,
    side: Side,
    pub(super) streamed: Job,
    pub(super) unary: Job,
    pub(super) pulled: Job,
}

impl Jobs {
    /// `name` begins the names of what is found.
    pub(super) fn new(name: &str, side: Side) -> Self {
        let job = |job: &str| Job::new(format!("{name}, {job}"));
        let (streamed, unary) = (job("streamed"), job("one by one, many in flight"));
        Self { name: name.into(), side, streamed, unary, pulled: job("pulled") }
    }

    /// Submits so many records over a stream, and a quarter of them by calls of which so many are under way; then pulls all there are.
    pub(super) async fn round(&mut self, round: usize, records: usize, in_flight: usize) -> Result<(), Failed> {
        let side = &mut self.side;
        let processes = side.processes.clone();
        let requests = side::requests(round, "stream", records);
        side.settled().await?;
        self.streamed.round(&processes, side.stream(requests)).await?;
        let requests = side::requests(round, "unary", records / UNARY_SHARE);
        side.settled().await?;
        self.unary.round(&processes, side.unary(requests, in_flight)).await?;
        side.settled().await?;
        self.pulled.round(&processes, side.pull()).await
    }

    /// What they came to, and the memory that the side holds now.
    pub(super) fn checks(&self) -> Vec<Check> {
        let jobs = [&self.streamed, &self.unary, &self.pulled];
        let memory = family::memory_of(&self.side.processes) as f64;
        let memory = Check::shown(format!("{}: memory", self.name), memory, "bytes");
        jobs.into_iter().flat_map(Job::checks).chain([memory]).collect()
    }
}
