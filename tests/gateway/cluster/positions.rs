//! A client that goes from one node to another, and reads there what it has written here.

use causeway_gateway::client::{Statement, position_of};
use causeway_proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use super::stand::{Cluster, SYSTEM};
use crate::harness::calls::{reason, request, within};
use crate::harness::{Gateway, documents};

/// Submits a record; gives the position that comes with the receipt.
async fn submitted(gateway: &Gateway, id: &str) -> String {
    let answer = gateway.ingest(SYSTEM).await.submit(request(id, &documents::profile())).await.expect("accepted");
    position_of(answer.metadata()).expect("a node's answer has one").to_owned()
}

fn asked(id: &str) -> v1::GetReceiptRequest {
    v1::GetReceiptRequest { submission_id: id.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_at_one_node_is_read_at_another_that_lags_once_it_has_come_there() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    cluster.are_one(&gateways).await;
    let hold = cluster.faults(2).hold();
    let position = submitted(&gateways[0], "mine").await;
    let lagging = gateways[1].exchange().log_position().expect("it has a log").to_string();
    assert!(lagging < position, "the control: {lagging} and {position}");
    let mut at_another = gateways[1].ingest_after(SYSTEM, &position).await;
    let late = within("the refusal", at_another.get_receipt(asked("mine"))).await.expect_err("it lags");
    assert_eq!((late.code(), reason(&late).as_str()), (Code::Unavailable, "position-not-reached"));
    assert!(late.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some()));
    // This one waits until it is there.
    let (answer, ()) = tokio::join!(at_another.get_receipt(asked("mine")), async {
        hold.reached().await;
        drop(hold);
    });
    let answer = answer.expect("it is there by then");
    assert!(position_of(answer.metadata()).is_some_and(|here| *here > *position), "the question is an entry, too");
    let receipt = answer.into_inner().receipt.expect("a receipt");
    assert!(cluster.entries(1).iter().any(|seen| seen.leaf == receipt.leaf_index));

    // Of a stream the position comes with its end, and of a refusal with that.
    let stream =
        tokio_stream::iter([v1::SubmitStreamRequest { submission: Some(request("two", &documents::route())) }]);
    let mut verdicts = gateways[2].ingest(SYSTEM).await.submit_stream(stream).await.expect("opened").into_inner();
    while verdicts.message().await.expect("verdicts").is_some() {}
    let trailers = verdicts.trailers().await.expect("ended").expect("trailers");
    let position = position_of(&trailers).expect("with the end").to_owned();
    gateways[0].ingest_after(SYSTEM, &position).await.get_receipt(asked("two")).await.expect("there");
    let unknown = gateways[0].ingest(SYSTEM).await.get_receipt(asked("nobody")).await.expect_err("not there");
    assert!(position_of(unknown.metadata()).is_some());
    cluster.stop(gateways).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_another_log_and_what_is_none_are_refused_in_words() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    let position = submitted(&gateways[0], "mine").await;
    let other = format!("{}-{}", "0".repeat(32), &position[33..]);
    let refused = gateways[0].ingest_after(SYSTEM, &other).await.get_receipt(asked("mine")).await;
    let refused = refused.expect_err("it is another log's");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "position-of-another-log"));
    assert!(Statement::new("investigation", "test.operator").expect("formed").after("7").is_err());
    let mut request = tonic::Request::new(asked("mine"));
    request.metadata_mut().insert("causeway-position", "7".parse().expect("ASCII"));
    let refused = gateways[0].ingest(SYSTEM).await.get_receipt(request).await.expect_err("it is none");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "metadata-malformed"));
    cluster.stop(gateways).await;
}
