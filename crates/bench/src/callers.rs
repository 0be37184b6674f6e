//! What callers of `Submit` and `SubmitStream` do, of a gateway and of the bare echo alike: both are measured with the same client.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::Failed;
use tokio::task::JoinSet;

use crate::latency::Latency;
use crate::records;

/// So many callers, each making one call of `Submit` after the other, on these connections in turn.
pub(crate) async fn call(
    connections: &[Clients],
    in_flight: usize,
    requests: Vec<v1::SubmitRequest>,
) -> Result<Latency, Failed> {
    let mut callers = JoinSet::new();
    for (share, clients) in shares(requests, in_flight).into_iter().zip(connections.iter().cycle()) {
        let mut ingest = clients.ingest();
        callers.spawn(async move {
            let mut taken: Vec<Duration> = Vec::with_capacity(share.len());
            for request in share {
                let begun = Instant::now();
                let answer = ingest.submit(request).await?;
                taken.push(begun.elapsed());
                if answer.into_inner().receipt.is_none() {
                    return Err("an answer without a receipt".into());
                }
            }
            Ok::<_, Failed>(taken)
        });
    }
    let mut latency = Latency::new();
    while let Some(caller) = callers.join_next().await {
        caller??.into_iter().for_each(|taken| latency.add(taken));
    }
    Ok(latency)
}

/// One `SubmitStream` on each of these connections; each verdict must be a receipt. What a submission took counts from where the
/// transport took it, which is before it was sent: flow control is in it.
pub(crate) async fn stream(connections: &[Clients], requests: Vec<v1::SubmitRequest>) -> Result<Latency, Failed> {
    let mut streams = JoinSet::new();
    for (share, clients) in shares(requests, connections.len()).into_iter().zip(connections) {
        streams.spawn(stream_one(clients.clone(), share));
    }
    let mut latency = Latency::new();
    while let Some(stream) = streams.join_next().await {
        latency.merge(&stream??)?;
    }
    Ok(latency)
}

async fn stream_one(clients: Clients, requests: Vec<v1::SubmitRequest>) -> Result<Latency, Failed> {
    let (count, mut latency, mut answered) = (requests.len(), Latency::new(), 0);
    let (handing, handed) = mpsc::channel();
    let requests = requests.into_iter().map(move |request| {
        // Nobody reads it where the stream has ended with an error, which is told there.
        let _ = handing.send(Instant::now());
        v1::SubmitStreamRequest { submission: Some(request) }
    });
    let mut verdicts = clients.ingest().submit_stream(tokio_stream::iter(requests)).await?.into_inner();
    while let Some(verdict) = verdicts.message().await? {
        if verdict.index != answered {
            return Err("a verdict out of its order".into());
        }
        answered += 1;
        records::taken(verdict)?;
        latency.add(handed.try_recv().map_err(|_| "a verdict on what was not sent")?.elapsed());
    }
    if answered == count as u64 { Ok(latency) } else { Err("a stream ended before its last verdict".into()) }
}

/// Dealt out one by one, so that all shares are of about the same work.
fn shares(requests: Vec<v1::SubmitRequest>, count: usize) -> Vec<Vec<v1::SubmitRequest>> {
    let count = count.max(1);
    let mut shares: Vec<Vec<v1::SubmitRequest>> = (0..count).map(|_| Vec::new()).collect();
    for (number, request) in requests.into_iter().enumerate() {
        shares[number % count].push(request);
    }
    shares
}
