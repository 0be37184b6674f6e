//! Calls as tests make them: a record in, a receipt or a status out; a whole feed; the reason that a status states.

use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use serde_json::Value;
use tonic::Status;
use tonic_types::{ErrorDetail, StatusExt};

use super::mirror::PATIENCE;
use super::{Stated, documents};

/// Waits for what must come, and fails the test instead of hanging where it does not.
pub(crate) async fn within<T>(what: &str, awaited: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, awaited).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => panic!("it never came: {what}"),
    }
}

/// The wire form of a submission.
pub(crate) fn request(submission_id: &str, record: &Value) -> v1::SubmitRequest {
    raw_request(submission_id, documents::kind(record), record.to_string().into_bytes())
}

/// The wire form of a submission of any bytes.
pub(crate) fn raw_request(submission_id: &str, kind: &str, document: Vec<u8>) -> v1::SubmitRequest {
    let record = v1::Record { kind: kind.into(), schema_version: "1.0".into(), document };
    let submission_id = submission_id.into();
    v1::SubmitRequest { submission_id, record: Some(record), ..v1::SubmitRequest::default() }
}

/// Submits one record.
pub(crate) async fn submit(
    client: &mut IngestServiceClient<Stated>,
    submission_id: &str,
    record: &Value,
) -> Result<v1::Receipt, Status> {
    send(client, request(submission_id, record)).await
}

/// Sends one submission as it is.
pub(crate) async fn send(
    client: &mut IngestServiceClient<Stated>,
    request: v1::SubmitRequest,
) -> Result<v1::Receipt, Status> {
    let response = client.submit(request).await?;
    Ok(response.into_inner().receipt.expect("an answer to a submission holds its receipt"))
}

/// Withdraws a record at a version.
pub(crate) async fn withdraw(
    client: &mut IngestServiceClient<Stated>,
    submission_id: &str,
    record_id: &str,
    expected_version: u32,
) -> Result<v1::Receipt, Status> {
    let request = v1::WithdrawRequest {
        submission_id: submission_id.into(),
        record_id: record_id.into(),
        expected_version,
        with_inclusion_proof: false,
    };
    let response = client.withdraw(request).await?;
    Ok(response.into_inner().receipt.expect("an answer to a withdrawal holds its receipt"))
}

/// One page of the caller's only feed, from a cursor ("" for the start).
pub(crate) async fn pull(client: &mut FeedServiceClient<Stated>, cursor: &str, limit: u32) -> Result<v1::Page, Status> {
    let request = v1::PullRequest { agreement: String::new(), cursor: cursor.into(), limit };
    Ok(client.pull(request).await?.into_inner().page.expect("an answer to a pull holds its page"))
}

/// Every page of the caller's only feed, from its start to its end; the last one may be empty.
pub(crate) async fn pull_all(client: &mut FeedServiceClient<Stated>) -> Vec<v1::Page> {
    let mut pages: Vec<v1::Page> = Vec::new();
    loop {
        let cursor = pages.last().map(|page| page.next_cursor.clone()).unwrap_or_default();
        let page = pull(client, &cursor, 100).await.expect("the feed can be pulled");
        let more = page.more;
        pages.push(page);
        if !more {
            return pages;
        }
    }
}

/// Every item of the caller's only feed.
pub(crate) async fn items(client: &mut FeedServiceClient<Stated>) -> Vec<v1::Item> {
    pull_all(client).await.into_iter().flat_map(|page| page.items).collect()
}

/// The document of a released item; none for one that is served as a withdrawal.
pub(crate) fn released(item: &v1::Item) -> Option<Value> {
    match item.content.as_ref().expect("an item has its content") {
        v1::item::Content::Released(record) => {
            Some(serde_json::from_slice(&record.document).expect("a released document is JSON"))
        }
        v1::item::Content::Withdrawn(_) | v1::item::Content::Deferred(_) => None,
    }
}

/// The stable reason that a status states in its details.
pub(crate) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

/// What a caller can tell refusals apart by: code, message and details, but for the id of the request, which each has of its own.
pub(crate) fn without_request_id(status: &Status) -> (i32, String, String) {
    let mut details = status.get_error_details_vec();
    // Of one length in all, so that it tells nothing by its size either.
    details.retain(|detail| !matches!(detail, ErrorDetail::RequestInfo(info) if info.request_id.len() == 32));
    (status.code().into(), status.message().to_owned(), format!("{details:?}"))
}
