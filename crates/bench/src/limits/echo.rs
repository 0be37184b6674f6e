//! The bare echo as it is measured: its process, connections to it, and rounds of calls.

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::{Failed, Installation, Launch, Process};
use prost::Message;

use super::server::{FOLDER, RECEIPT, SAID};
use crate::callers;
use crate::ground;
use crate::latency::Latency;
use crate::round::Round;

/// A running echo; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Echo {
    process: Process,
    connections: Vec<Clients>,
}

impl Echo {
    /// Starts it with the identities of an installation, to answer with this receipt, and connects so many times.
    pub(crate) async fn start(
        installation: &Installation,
        receipt: &v1::Receipt,
        connections: usize,
    ) -> Result<Self, Failed> {
        std::fs::write(installation.path(RECEIPT), receipt.encode_to_vec())?;
        let launch = Launch { environment: vec![(FOLDER.into(), installation.root().into())], ..Launch::default() };
        let process = Process::running(&[], SAID, &launch)?;
        let connections = connect(installation, &process, connections).await?;
        Ok(Self { process, connections })
    }

    /// So many callers, each making one call after the other.
    pub(crate) async fn unary(&self, in_flight: usize, requests: Vec<v1::SubmitRequest>) -> Result<Round, Failed> {
        let count = requests.len();
        Round::of(self.process.id(), count, callers::call(&self.connections, in_flight, requests)).await
    }

    /// A stream of requests, and one of answers.
    pub(crate) async fn both_ways(&self, requests: Vec<v1::SubmitRequest>) -> Result<Round, Failed> {
        let count = requests.len();
        Round::of(self.process.id(), count, callers::stream(&self.connections, requests)).await
    }

    /// One request, and a stream of answers that hold its document.
    pub(crate) async fn down(&self, request: &v1::SubmitRequest, times: usize) -> Result<Round, Failed> {
        let submission = v1::SubmitRequest { expected_version: u32::try_from(times)?, ..request.clone() };
        let clients = self.connections.first().ok_or("no connection")?;
        Round::of(self.process.id(), times, down(clients, submission, times)).await
    }
}

/// Connections of the submitting system.
pub(crate) async fn connect(
    installation: &Installation,
    process: &Process,
    count: usize,
) -> Result<Vec<Clients>, Failed> {
    let reach = installation.reach(process);
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count.max(1) {
        connections.push(reach.clients(ground::SUBMITTER, ground::PURPOSE).await?);
    }
    Ok(connections)
}

async fn down(clients: &Clients, submission: v1::SubmitRequest, times: usize) -> Result<Latency, Failed> {
    let request = tokio_stream::once(v1::SubmitStreamRequest { submission: Some(submission) });
    let mut answers = clients.ingest().submit_stream(request).await?.into_inner();
    let mut answered = 0;
    while answers.message().await?.is_some() {
        answered += 1;
    }
    // What a message of many takes says nothing here.
    if answered == times { Ok(Latency::new()) } else { Err("a stream ended before its last message".into()) }
}
