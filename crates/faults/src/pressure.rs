//! What the faults of too much share: the memory of a gateway, submissions for a while, and how long they took.

use std::fs;
use std::time::{Duration, Instant};

use causeway_cli::sample;
use causeway_gateway::client::Refusal;
use causeway_proto::v1;

use crate::Failed;
use crate::load::{Kept, Ledger};
use causeway_rig::Reach;

/// The system that submits.
const SUBMITTER: &str = "gb-nca/case-management";

/// Bytes of memory that a process has in use (its resident set).
pub(crate) fn memory(process: u32) -> Result<u64, Failed> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Megabytes, for people.
pub(crate) const fn megabytes(bytes: u64) -> u64 {
    bytes >> 20
}

/// Submissions one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Submitter<'a> {
    /// What its submission ids begin with.
    pub(crate) name: &'a str,
    /// Where its records come from.
    pub(crate) seed: u64,
    /// Until when it submits.
    pub(crate) until: Instant,
    /// Whether it comes back when it was told to, or at once.
    pub(crate) heeds: bool,
}

/// How submissions went.
#[derive(Debug, Clone, Default)]
pub(crate) struct Went {
    /// How long each took that was accepted.
    pub(crate) took: Vec<Duration>,
    /// How many were refused for now, with a delay.
    pub(crate) put_off: u64,
    /// Reasons of other refusals.
    pub(crate) refused: Vec<String>,
}

impl Went {
    /// All of both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.took.extend(other.took);
        self.put_off += other.put_off;
        self.refused.extend(other.refused);
        self
    }

    /// Whether submissions went on without a refusal, while the gateway's memory stayed within so many bytes more than before.
    pub(crate) fn held(&self, before: u64, most: u64, more: u64) -> Result<(), Failed> {
        if most <= before + more && !self.took.is_empty() && self.refused.is_empty() {
            return Ok(());
        }
        let (served, refused) = (self.took.len(), &self.refused);
        Err(format!("memory {before}, then {most}; {served} served, refused {refused:?}").into())
    }

    /// The time within which so many of a hundred were accepted.
    pub(crate) fn within(&self, hundredths: usize) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get((took.len() * hundredths / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

impl Submitter<'_> {
    /// Submits until its time is over, on a connection of its own or a shared one; what is accepted is kept.
    pub(crate) async fn run(self, reach: &Reach, ledger: &Ledger) -> Result<Went, Failed> {
        let clients = reach.clients(SUBMITTER, "investigation").await?;
        self.run_on(&clients, ledger).await
    }

    /// The same on this connection.
    pub(crate) async fn run_on(
        self,
        clients: &causeway_gateway::client::Clients,
        ledger: &Ledger,
    ) -> Result<Went, Failed> {
        let (mut ingest, mut went) = (clients.ingest(), Went::default());
        let mut records = sample::clean(self.seed, usize::MAX).enumerate();
        while Instant::now() < self.until {
            let (number, record) = records.next().ok_or("no more records")?;
            let submission_id = format!("{}-{number}", self.name);
            let request = v1::SubmitRequest {
                submission_id: submission_id.clone(),
                record: Some(v1::Record {
                    kind: record.schema.kind.to_string(),
                    schema_version: record.schema.version.to_string(),
                    document: record.document,
                }),
                ..v1::SubmitRequest::default()
            };
            let began = Instant::now();
            match ingest.submit(request).await.map_err(Refusal::from) {
                Ok(answer) => {
                    went.took.push(began.elapsed());
                    let receipt = Box::new(answer.into_inner().receipt.ok_or("an answer without its receipt")?);
                    ledger.keep(Kept::Submitted { submission_id, receipt });
                }
                Err(Refusal { retry_after: Some(delay), .. }) => {
                    went.put_off += 1;
                    if self.heeds {
                        tokio::time::sleep(delay).await;
                    }
                }
                Err(refusal) => went.refused.push(refusal.reason.unwrap_or(refusal.message)),
            }
        }
        Ok(went)
    }
}

/// How long it takes now to connect and to have a record accepted.
pub(crate) async fn serves(reach: &Reach, ledger: &Ledger, seed: u64) -> Result<Duration, Failed> {
    let began = Instant::now();
    let clients = reach.clients(SUBMITTER, "investigation").await?;
    let connected = began.elapsed();
    let one = Submitter { name: "again", seed, until: Instant::now() + Duration::from_secs(1), heeds: true };
    let went = one.run_on(&clients, ledger).await?;
    let first = went.took.first().ok_or("it does not serve again")?;
    Ok(connected + *first)
}
