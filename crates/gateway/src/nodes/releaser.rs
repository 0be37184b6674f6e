//! The releaser among the nodes: whether this one is, told to the others, and the same asked of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_exchange::{Releaser, ReleaserPeers};
use causeway_proto::node_v1::releaser_service_client::ReleaserServiceClient;
use causeway_proto::node_v1::releaser_service_server::ReleaserService;
use causeway_proto::node_v1::{GetTermRequest, GetTermResponse};
use causeway_store::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::peer::{CALL, channel};
use super::service::caller;
use super::{NodeCredentials, NodeSettings};
use crate::error::Error;

/// Every other node of the roster, to be asked whether it is the releaser. Nothing is connected before the first question.
///
/// # Errors
/// `Faults` where certificate and key do not make a client.
pub fn releaser_peers(
    settings: &NodeSettings,
    credentials: &NodeCredentials,
    clock: &Clock,
) -> Result<Arc<dyn ReleaserPeers>, Error> {
    let mut clients = BTreeMap::new();
    for node in settings.others() {
        let tls = credentials.client(node.number, clock).map_err(|error| Error::Faults(vec![error.to_string()]))?;
        let client = ReleaserServiceClient::new(channel(&node.address, Arc::new(tls)));
        clients.insert(node.name.clone(), client);
    }
    Ok(Arc::new(Others(clients)))
}

/// The other nodes, by their names.
#[derive(Debug)]
struct Others(BTreeMap<String, ReleaserServiceClient<Channel>>);

impl ReleaserPeers for Others {
    fn acts<'a>(&'a self, node: &'a str, term: u64) -> BoxFuture<'a, bool> {
        let Some(mut client) = self.0.get(node).cloned() else { return std::future::ready(false).boxed() };
        let asked = async move {
            let answer = tokio::time::timeout(CALL, client.get_term(GetTermRequest {})).await;
            answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.get_ref().term == term))
        };
        asked.boxed()
    }
}

/// How this node stands, as the others may ask.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) releaser: Releaser,
    pub(super) clock: Clock,
}

#[tonic::async_trait]
impl ReleaserService for Standing {
    async fn get_term(&self, request: Request<GetTermRequest>) -> Result<Response<GetTermResponse>, Status> {
        caller(&request, &self.clock)?;
        let term = self.releaser.acts_in(self.clock.passed()).unwrap_or_default();
        Ok(Response::new(GetTermResponse { term }))
    }
}
