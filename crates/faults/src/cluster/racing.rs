//! Two nodes that are asked for the same at the same moment: of what cannot both be, one is done.

use causeway_cli::sample;
use causeway_gateway::client::{Clients, Refusal};
use causeway_proto::v1;
use causeway_rig::Reach;
use futures_util::future::join;

use crate::Failed;
use crate::load::{Kept, Ledger};

const SUBMITTER: &str = "gb-nca/case-management";

/// How a submission ended.
type Ended = Result<v1::Receipt, Refusal>;

/// Races so often; gives how many things took effect twice, or in neither node's answer.
///
/// # Errors
/// Where a node does not answer.
pub(super) async fn race(nodes: [Reach; 2], rounds: usize, ledger: &Ledger) -> Result<u64, Failed> {
    let [one, other] = nodes;
    let clients = [one.clients(SUBMITTER, "investigation").await?, other.clients(SUBMITTER, "investigation").await?];
    let mut wrong = 0;
    let mut records = sample::clean(5, 3 * rounds).map(|record| v1::Record {
        kind: record.schema.kind.to_string(),
        schema_version: record.schema.version.to_string(),
        document: record.document,
    });
    for round in 0..rounds {
        let (Some(record), Some(another), Some(third)) = (records.next(), records.next(), records.next()) else {
            break;
        };
        let first = |id: &str, record: &v1::Record| v1::SubmitRequest {
            submission_id: format!("race-{round}-{id}"),
            record: Some(record.clone()),
            ..v1::SubmitRequest::default()
        };
        // The same submission: both are told of one and the same.
        let [left, right] = both(&clients, [first("same", &record), first("same", &record)], ledger).await?;
        let (Ok(left), Ok(right)) = (left, right) else {
            return Err("a submission that is the same was refused".into());
        };
        wrong += u64::from((&left.record_id, left.leaf_index) != (&right.record_id, right.leaf_index));
        // One id for two different records.
        wrong += one_of(both(&clients, [first("id", &another), first("id", &third)], ledger).await?);
        // Two corrections of one version.
        let correction = |id: &str, record: &v1::Record| v1::SubmitRequest {
            record_id: left.record_id.clone(),
            expected_version: left.version,
            ..first(id, record)
        };
        let corrected = [correction("left", &record), correction("right", &record)];
        wrong += one_of(both(&clients, corrected, ledger).await?);
    }
    Ok(wrong)
}

/// 1 where not exactly one was accepted.
fn one_of(ended: [Ended; 2]) -> u64 {
    u64::from(ended.iter().filter(|ended| ended.is_ok()).count() != 1)
}

/// Submits at both nodes at once.
async fn both(clients: &[Clients; 2], requests: [v1::SubmitRequest; 2], ledger: &Ledger) -> Result<[Ended; 2], Failed> {
    let [left, right] = requests;
    let (left, right) = join(submit(&clients[0], left, ledger), submit(&clients[1], right, ledger)).await;
    Ok([left?, right?])
}

async fn submit(clients: &Clients, request: v1::SubmitRequest, ledger: &Ledger) -> Result<Ended, Failed> {
    let submission_id = request.submission_id.clone();
    match clients.ingest().submit(request).await {
        Ok(answer) => {
            let receipt = answer.into_inner().receipt.ok_or("an answer without its receipt")?;
            ledger.keep(Kept::Submitted { submission_id, receipt: Box::new(receipt.clone()) });
            Ok(Ok(receipt))
        }
        Err(status) => match Refusal::from(status) {
            Refusal { reason: None, message, .. } => Err(format!("the connection broke: {message}").into()),
            refusal => Ok(Err(refusal)),
        },
    }
}
