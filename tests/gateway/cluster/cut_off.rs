//! A log that answers nobody for longer than an election takes.

use causeway_exchange::Condition;
use tonic::Code;

use super::stand::{Cluster, SYSTEM};
use crate::harness::calls::{reason, submit, within};
use crate::harness::documents;

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_log_that_does_not_answer_is_refused_in_time_and_the_repeat_finds_what_became_of_it() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    let mut ingest = gateways[0].ingest(SYSTEM).await;
    submit(&mut ingest, "before", &documents::profile()).await.expect("accepted");
    cluster.silence(true);
    // This one is under way when the log falls silent, and waits for it.
    let record = documents::profile();
    let open = within("the refusal", submit(&mut ingest, "open", &record)).await.expect_err("nobody answers");
    assert_eq!((open.code(), reason(&open).as_str()), (Code::Unavailable, "log-not-reached"), "{}", open.message());
    assert_eq!(gateways[0].exchange().condition(), Condition::CutOff);
    // And this one is refused at once.
    let refused = submit(&mut ingest, "refused", &record).await.expect_err("it takes nothing");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "log-not-reached"));
    let measures = gateways[0].exchange().measures();
    assert!(!measures.is_healthy && measures.node.expect("a node").is_cut_off);

    cluster.silence(false);
    let again = async {
        loop {
            match submit(&mut ingest, "open", &record).await {
                Ok(receipt) => return receipt,
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{}", status.message()),
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let receipt = within("the log's answer", again).await;
    submit(&mut ingest, "refused", &record).await.expect("taken now");
    cluster.are_one(&gateways).await;
    let effective = cluster.entries(2).into_iter().filter(|seen| seen.outcome.is_effective());
    let of_record = |seen: &crate::harness::Seen| {
        seen.entry.records.iter().any(|record| {
            record.version == 1
                && causeway_model::RecordId::try_from(record.record_id.as_slice())
                    .is_ok_and(|id| id.to_string() == receipt.record_id)
        })
    };
    assert_eq!(effective.filter(|seen| !seen.entry.submission_mac.is_empty() && of_record(seen)).count(), 1, "once");
    cluster.stop(gateways).await;
}
