//! The answers to other nodes: each call is converted, done on a thread that may block, and converted back.

use causeway_proto::node_v1::page_key_service_server::PageKeyService;
use causeway_proto::node_v1::{
    CompareSlotsRequest, CompareSlotsResponse, FetchKeysRequest, FetchKeysResponse, FetchPagesRequest,
    FetchPagesResponse, KeyPage, PutKeysRequest, PutKeysResponse, SlotStanding as Wire,
};
use causeway_store::{Clock, NodeKeys, NodeNumber, PageKey, PageKeyRefused, SlotStanding, StoreError};
use tonic::{Request, Response, Status};

use super::peer::{AT_ONCE, from_wire, to_wire};
use super::serving::Calling;
use crate::peer::unix_time;
use crate::status::{self, Fault};

type Answer<T> = Result<Response<T>, Status>;

/// This node's page keys, as the others may ask for them.
#[derive(Debug, Clone)]
pub(super) struct PageKeys {
    pub(super) keys: NodeKeys,
    pub(super) clock: Clock,
}

impl PageKeys {
    /// Runs on a thread that may block what reads and syncs files.
    async fn done<R: Send + 'static>(
        &self,
        work: impl FnOnce(&NodeKeys) -> Result<R, PageKeyRefused> + Send + 'static,
    ) -> Result<R, Status> {
        let keys = self.keys.clone();
        let done = tokio::task::spawn_blocking(move || work(&keys)).await;
        done.map_err(|_panicked| Status::from(Fault::Bug))?.map_err(|refused| status::of_page_keys(&refused))
    }
}

#[tonic::async_trait]
impl PageKeyService for PageKeys {
    async fn put_keys(&self, request: Request<PutKeysRequest>) -> Answer<PutKeysResponse> {
        let from = caller(&request, &self.clock)?;
        let keys = keys_of(&request.get_ref().keys)?;
        drop(request);
        self.done(move |node| node.take_keys(from, &keys)).await?;
        Ok(Response::new(PutKeysResponse {}))
    }

    async fn compare_slots(&self, request: Request<CompareSlotsRequest>) -> Answer<CompareSlotsResponse> {
        caller(&request, &self.clock)?;
        let CompareSlotsRequest { writer, first } = request.into_inner();
        let writer = u16::try_from(writer).map(NodeNumber).map_err(|_| Fault::Field("writer"))?;
        if first >> 48 != 0 {
            return Err(Fault::Field("first").into());
        }
        let standings = self.done(move |node| node.standings(writer, first).map_err(PageKeyRefused::Store)).await?;
        let wire = |standing: SlotStanding| match standing {
            SlotStanding::Nothing => Wire::Unspecified,
            SlotStanding::Key => Wire::Key,
            SlotStanding::Destroyed => Wire::Destroyed,
        };
        Ok(Response::new(CompareSlotsResponse {
            writers: standings.writers.into_iter().map(|node| u32::from(node.0)).collect(),
            slots: standings.slots.into_iter().map(|standing| wire(standing).into()).collect(),
            ring_check: standings.ring_check.to_vec(),
        }))
    }

    async fn fetch_keys(&self, request: Request<FetchKeysRequest>) -> Answer<FetchKeysResponse> {
        caller(&request, &self.clock)?;
        let slots = few("slots", request.into_inner().slots)?;
        let keys = self.done(move |node| kept(node.keys_of(&slots))).await?;
        Ok(Response::new(FetchKeysResponse { keys: keys.iter().map(to_wire).collect() }))
    }

    async fn fetch_pages(&self, request: Request<FetchPagesRequest>) -> Answer<FetchPagesResponse> {
        caller(&request, &self.clock)?;
        let numbers = few("numbers", request.into_inner().numbers)?;
        let pages = self.done(move |node| kept(node.pages_written_anew(&numbers))).await?;
        let pages = pages.into_iter().map(|(number, stored)| KeyPage { number, stored }).collect();
        Ok(Response::new(FetchPagesResponse { pages }))
    }
}

/// The node that calls, while its certificate holds: connections last for days.
pub(super) fn caller<T>(request: &Request<T>, clock: &Clock) -> Result<NodeNumber, Status> {
    let calling = request.extensions().get::<Calling>().filter(|calling| unix_time(clock) <= calling.expires);
    calling.map(|calling| calling.node).ok_or_else(|| Fault::IdentityLapsed.into())
}

fn kept<R>(result: Result<R, StoreError>) -> Result<R, PageKeyRefused> {
    result.map_err(PageKeyRefused::Store)
}

fn few<T>(field: &'static str, all: Vec<T>) -> Result<Vec<T>, Fault> {
    if all.len() <= AT_ONCE { Ok(all) } else { Err(Fault::Field(field)) }
}

fn keys_of(keys: &[causeway_proto::node_v1::PageKey]) -> Result<Vec<PageKey>, Fault> {
    let read = |key| from_wire(key).ok_or(Fault::Field("keys"));
    if keys.len() <= AT_ONCE { keys.iter().map(read).collect() } else { Err(Fault::Field("keys")) }
}
