//! What the owner's systems do: submit, correct, withdraw, erase; and what its auditor asks.

use std::time::Duration;

use causeway_cli::sample;
use causeway_gateway::client::Ingest;
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;

use super::{Amount, Kept, Ledger, Unanswered};
use crate::Failed;
use causeway_rig::Reach;
use causeway_rig::{OWNER_PERSONS, digest_of};

const SUBMITTER: &str = "gb-nca/case-management";
const AUDITOR: &str = "gb-nca/audit";
const OFFICER: &str = "gb-nca/protection";

/// How long somebody waits who was told to come back, or who found nothing to do.
const PAUSE: Duration = Duration::from_millis(15);

/// Records from a seed, as they are submitted.
fn requests(seed: u64, count: usize, prefix: &str) -> impl Iterator<Item = v1::SubmitRequest> + Send + use<> {
    let prefix = prefix.to_owned();
    sample::clean(seed, count).enumerate().map(move |(number, record)| v1::SubmitRequest {
        submission_id: format!("{prefix}-{number}"),
        record: Some(v1::Record {
            kind: record.schema.kind.to_string(),
            schema_version: record.schema.version.to_string(),
            document: record.document,
        }),
        ..v1::SubmitRequest::default()
    })
}

/// One stream of records.
pub(super) async fn stream(reach: Reach, amount: Amount, ledger: Ledger) -> Result<(), Failed> {
    let Ok(clients) = reach.clients(SUBMITTER, "investigation").await else { return Ok(()) };
    let prefix = format!("stream-{}", amount.round);
    let ids: Vec<_> = (0..amount.streamed).map(|number| format!("{prefix}-{number}")).collect();
    let messages = requests(amount.seed ^ amount.round, amount.streamed, &prefix)
        .map(|submission| v1::SubmitStreamRequest { submission: Some(submission) });
    let Ok(answer) = clients.ingest().submit_stream(tokio_stream::iter(messages)).await else { return Ok(()) };
    let mut verdicts = answer.into_inner();
    while let Ok(Some(verdict)) = verdicts.message().await {
        let submission_id = usize::try_from(verdict.index).ok().and_then(|index| ids.get(index)).cloned();
        let submission_id = submission_id.ok_or("a verdict on what was not sent")?;
        match verdict.verdict {
            Some(Verdict::Receipt(receipt)) => {
                ledger.keep(Kept::Submitted { submission_id, receipt: Box::new(receipt) });
            }
            Some(Verdict::Refusal(refusal)) if refusal.reason == "schema-violation" => {
                return Err(format!("a good record was refused: {}", refusal.reason).into());
            }
            Some(Verdict::Refusal(_)) => {}
            None => return Err("a verdict that says nothing".into()),
        }
    }
    Ok(())
}

/// Records one by one, some of them corrected and some withdrawn.
pub(super) async fn singly(reach: Reach, amount: Amount, task: u64, ledger: Ledger) -> Result<(), Failed> {
    let Ok(clients) = reach.clients(SUBMITTER, "investigation").await else { return Ok(()) };
    let mut ingest = clients.ingest();
    let seed = amount.seed.wrapping_add(1 + task).wrapping_mul(1_000).wrapping_add(amount.round);
    let prefix = format!("single-{task}-{}", amount.round);
    for (number, request) in requests(seed, amount.single, &prefix).enumerate() {
        let Some(receipt) = submit(&mut ingest, &request, &ledger).await? else { return Ok(()) };
        let mut version = receipt.version;
        if number % 3 == 2 {
            let correction = v1::SubmitRequest {
                submission_id: format!("{prefix}-{number}-correction"),
                record_id: receipt.record_id.clone(),
                expected_version: version,
                ..request
            };
            let Some(corrected) = submit(&mut ingest, &correction, &ledger).await? else { return Ok(()) };
            version = corrected.version;
        }
        if number % 7 == 6 {
            let withdrawal = v1::WithdrawRequest {
                submission_id: format!("{prefix}-{number}-withdrawal"),
                record_id: receipt.record_id,
                expected_version: version,
                with_inclusion_proof: false,
            };
            let submission_id = withdrawal.submission_id.clone();
            match ingest.withdraw(withdrawal).await.map_err(Unanswered::from) {
                Ok(answer) => keep_receipt(&ledger, submission_id, answer.into_inner().receipt)?,
                Err(unanswered) if unanswered.is_final() => return Ok(()),
                // The officer may have erased it meanwhile.
                Err(_) => {}
            }
        }
    }
    Ok(())
}

/// Submits one record, again where the gateway says that it is busy; none where the gateway has gone or will not take it any more.
async fn submit(
    ingest: &mut Ingest,
    request: &v1::SubmitRequest,
    ledger: &Ledger,
) -> Result<Option<v1::Receipt>, Failed> {
    loop {
        match ingest.submit(request.clone()).await.map_err(Unanswered::from) {
            Ok(answer) => {
                let receipt = answer.into_inner().receipt;
                keep_receipt(ledger, request.submission_id.clone(), receipt.clone())?;
                return Ok(receipt);
            }
            Err(Unanswered::Refused(refusal)) if refusal.retry_after.is_some() => tokio::time::sleep(PAUSE).await,
            Err(unanswered) if unanswered.is_final() => return Ok(None),
            Err(Unanswered::Refused(refusal)) if refusal.reason.as_deref() == Some("schema-violation") => {
                return Err(format!("a good record was refused: {}", refusal.message).into());
            }
            Err(_) => return Ok(None),
        }
    }
}

fn keep_receipt(ledger: &Ledger, submission_id: String, receipt: Option<v1::Receipt>) -> Result<(), Failed> {
    let receipt = Box::new(receipt.ok_or("an answer without its receipt")?);
    ledger.keep(Kept::Submitted { submission_id, receipt });
    Ok(())
}

/// An auditor: the newest checkpoint, and what was denied.
pub(super) async fn audit(reach: Reach, turns: usize, ledger: Ledger) -> Result<(), Failed> {
    let Ok(clients) = reach.clients(AUDITOR, "lawfulness").await else { return Ok(()) };
    let mut audit = clients.audit();
    for _ in 0..turns {
        match audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.map_err(Unanswered::from) {
            Ok(answer) => {
                let answer = answer.into_inner();
                ledger.keep(Kept::VerifierKey { key: answer.verifier_key });
                ledger.keep(Kept::Signed { note: answer.checkpoint });
            }
            Err(unanswered) if unanswered.is_final() => return Ok(()),
            Err(_) => {}
        }
        let question = v1::QueryRequest { decision: "denied".into(), limit: 10, ..v1::QueryRequest::default() };
        if let Ok(answer) = audit.query(question).await {
            let mut rows = answer.into_inner();
            while let Ok(Some(_)) = rows.message().await {}
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// An officer who erases the record that was submitted last, by the owner's two approvals.
pub(super) async fn erase(reach: Reach, turns: usize, ledger: Ledger) -> Result<(), Failed> {
    let Ok(clients) = reach.clients(OFFICER, "safeguarding").await else { return Ok(()) };
    let mut office = clients.protection();
    for _ in 0..turns {
        tokio::time::sleep(PAUSE).await;
        let newest = ledger.newest(|kept| match kept {
            Kept::Submitted { receipt, .. } => Some(receipt.record_id.clone()),
            _ => None,
        });
        let Some(record_id) = newest else { continue };
        let plan = v1::PlanErasureRequest { record_ids: vec![record_id.clone()], subject_reference: String::new() };
        let plan = match office.plan_erasure(plan).await.map_err(Unanswered::from) {
            Ok(answer) => answer.into_inner(),
            Err(unanswered) if unanswered.is_final() => return Ok(()),
            Err(_) => continue,
        };
        let digest = digest_of(&plan.digest)?;
        let approval = |person: &str| {
            let signature = reach.signature(person, &digest)?;
            Ok(v1::PersonSignature { person: person.into(), signature })
        };
        let approvals = OWNER_PERSONS.into_iter().map(approval).collect::<Result<_, Failed>>()?;
        let order = v1::EraseRequest { record_ids: plan.record_ids, subject_reference: String::new(), approvals };
        match office.erase(order).await.map_err(Unanswered::from) {
            Ok(answer) => {
                let answer = answer.into_inner();
                ledger
                    .keep(Kept::Erased { record_id, leaves: [answer.ordered_leaf_index, answer.complete_leaf_index] });
            }
            Err(unanswered) if unanswered.is_final() => return Ok(()),
            Err(_) => {}
        }
    }
    Ok(())
}
