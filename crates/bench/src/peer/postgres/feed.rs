//! Pages: what a partner may read by the policy of its rows, without the members that leave to nobody.

use std::sync::Arc;

use causeway_proto::v1;
use causeway_proto::v1::feed_service_server::FeedService;
use tokio_stream::Empty;
use tonic::{Request, Response, Status};

use super::ingest::hexadecimal;
use super::refusal::{absent, actor, failed, malformed};
use super::store::{Shared, Store};

/// The system of a partner that reads.
const READER: &str = "feed";

/// Items of a page that states no limit, and of the largest, as the gateway's.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1_000;

/// An answer, or what stopped it.
type Answer<T> = Result<Response<T>, Status>;

/// The service.
#[derive(Debug)]
pub(super) struct Feed {
    store: Arc<Store>,
}

impl Feed {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl FeedService for Feed {
    type WatchStream = Empty<Result<v1::WatchResponse, Status>>;

    async fn pull(&self, request: Request<v1::PullRequest>) -> Answer<v1::PullResponse> {
        let actor = actor(&request, READER)?;
        let v1::PullRequest { agreement, cursor, limit } = request.into_inner();
        let after = if cursor.is_empty() { 0 } else { cursor.parse().map_err(|_| malformed("the cursor"))? };
        let limit = if limit == 0 { PAGE } else { limit.min(LARGEST_PAGE) };
        // A record names agencies, or countries whose agencies are all meant.
        let country = actor.agency.split('-').next().unwrap_or_default().to_uppercase();
        let named = format!("{},{country}", actor.agency);
        let records = self.store.page(&actor, &named, after, limit.into()).await.map_err(failed)?;
        let last = records.last().map_or(after, |record| record.seq);
        let more = records.len() as u64 == u64::from(limit);
        let items = records.into_iter().map(item).collect();
        let page =
            v1::Page { agreement, items, next_cursor: last.to_string(), more, in_force: true, ..Default::default() };
        Ok(Response::new(v1::PullResponse { page: Some(page) }))
    }

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        absent()
    }

    async fn acknowledge(&self, _: Request<v1::AcknowledgeRequest>) -> Answer<v1::AcknowledgeResponse> {
        absent()
    }

    async fn count(&self, _: Request<v1::CountRequest>) -> Answer<v1::CountResponse> {
        absent()
    }

    async fn list_tables(&self, _: Request<v1::ListTablesRequest>) -> Answer<v1::ListTablesResponse> {
        absent()
    }
}

fn item(record: Shared) -> v1::Item {
    let released = v1::ReleasedRecord {
        kind: record.kind,
        schema_version: record.schema_version,
        document: record.body.into_bytes(),
        ..Default::default()
    };
    v1::Item {
        position: record.seq.unsigned_abs(),
        item_id: hexadecimal(&record.id),
        kind: v1::ItemKind::Release.into(),
        content: Some(v1::item::Content::Released(released)),
    }
}
