//! One id goes through everything that a request leaves: the answer's metadata, an error's details, every log line and the entry.

use causeway_gateway::client::Refusal;
use causeway_proto::v1;
use serde_json::json;

use crate::harness::calls::{request, send};
use crate::harness::{World, documents};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The log lines that name a request, with what they say.
fn said(id: &str) -> Vec<String> {
    let named = format!("\"request_id\":\"{id}\"");
    World::log_lines().lines().filter(|line| line.contains(&named)).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_request_is_in_its_answer_its_entry_its_lines_and_its_refusal() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut asked = tonic::Request::new(request("one", &documents::profile()));
    asked.set_timeout(std::time::Duration::from_secs(60));
    let answer = ingest.submit(asked).await.expect("accepted");
    let id = answer.metadata().get("causeway-request-id").expect("it is there").to_str().expect("text").to_owned();
    let leaf = answer.get_ref().receipt.as_ref().expect("a receipt").leaf_index;
    let entry = world.journal().entry("the submission", |seen| seen.leaf == leaf).await.entry;
    assert_eq!(hex(&entry.request_id), id);
    assert!(said(&id).iter().any(|line| line.contains("call finished")), "{:?}", said(&id));

    let refused = send(&mut ingest, request("two", &json!({}))).await.expect_err("it breaks rules");
    let refused_id = Refusal::from(refused.clone()).request_id.expect("the details name it");
    let in_metadata = refused.metadata().get("causeway-request-id").expect("the headers do, too");
    assert_eq!(in_metadata.to_str().expect("text"), refused_id);
    assert!(said(&refused_id).iter().any(|line| line.contains("call refused")), "{:?}", said(&refused_id));
    let entry = world.journal().entry("the refusal", |seen| hex(&seen.entry.request_id) == refused_id).await.entry;
    assert_eq!(entry.reason, "schema-violation");
    assert_ne!(id, refused_id);

    // A stream's status comes in trailers, after headers that the client has forgotten by then.
    let query = v1::QueryRequest { cursor: "no cursor".into(), ..v1::QueryRequest::default() };
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let status = match auditor.query(query).await {
        Ok(stream) => stream.into_inner().message().await.expect_err("that is no cursor"),
        Err(status) => status,
    };
    let streamed_id = Refusal::from(status).request_id.expect("the details name it");
    assert!(!said(&streamed_id).is_empty());
    gateway.stop().await;
}
