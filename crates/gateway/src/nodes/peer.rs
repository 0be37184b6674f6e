//! Another node, called over mutual TLS by threads that may block.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use causeway_proto::node_v1::page_key_service_client::PageKeyServiceClient;
use causeway_proto::node_v1::{
    CompareSlotsRequest, FetchKeysRequest, FetchPagesRequest, PageKey as WireKey, PutKeysRequest, SlotStanding as Wire,
};
use causeway_store::{Clock, NodeNumber, PageKey, PageKeyPeer, PeerFailure, SlotStanding, SlotStandings};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};

use super::{NodeCredentials, NodeSettings};
use crate::error::Error;
use crate::status;

/// How long one call may take, the connection included. A node that hangs holds up a frame no longer than one that is away.
pub(super) const CALL: Duration = Duration::from_secs(2);

/// Keys, slots or pages in one message.
pub(super) const AT_ONCE: usize = 128;

/// Every other node of the roster. Nothing is connected before the first call, and a connection that breaks is made again by the next. To
/// be called within a runtime; the peers' own calls block, and are not to be made by its threads.
///
/// # Errors
/// `Faults` where certificate and key do not make a client.
pub fn peers(
    settings: &NodeSettings,
    credentials: &NodeCredentials,
    clock: &Clock,
) -> Result<Vec<Arc<dyn PageKeyPeer>>, Error> {
    let mut peers: Vec<Arc<dyn PageKeyPeer>> = Vec::new();
    for node in settings.others() {
        let fault = |error: rustls::Error| Error::Faults(vec![error.to_string()]);
        let tls = Arc::new(credentials.client(node.number, clock).map_err(fault)?);
        let client = PageKeyServiceClient::new(channel(&node.address, tls));
        peers.push(Arc::new(RemoteNode { number: node.number, runtime: Handle::current(), client }));
    }
    Ok(peers)
}

/// One other node.
#[derive(Debug)]
struct RemoteNode {
    number: NodeNumber,
    runtime: Handle,
    client: PageKeyServiceClient<Channel>,
}

impl RemoteNode {
    fn call<R>(&self, call: impl Future<Output = Result<Response<R>, Status>>) -> Result<R, PeerFailure> {
        match self.runtime.block_on(async { tokio::time::timeout(CALL, call).await }) {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(failure(&status)),
            Err(_elapsed) => Err(PeerFailure::Away("it took too long".into())),
        }
    }
}

impl PageKeyPeer for RemoteNode {
    fn node(&self) -> NodeNumber {
        self.number
    }

    fn put(&self, keys: &[PageKey]) -> Result<(), PeerFailure> {
        for some in keys.chunks(AT_ONCE) {
            let request = PutKeysRequest { keys: some.iter().map(to_wire).collect() };
            let mut client = self.client.clone();
            self.call(client.put_keys(request))?;
        }
        Ok(())
    }

    fn standings(&self, writer: NodeNumber, first: u64) -> Result<SlotStandings, PeerFailure> {
        let mut client = self.client.clone();
        let answer = self.call(client.compare_slots(CompareSlotsRequest { writer: writer.0.into(), first }))?;
        let standing = |wire: Wire| match wire {
            Wire::Unspecified => SlotStanding::Nothing,
            Wire::Key => SlotStanding::Key,
            Wire::Destroyed => SlotStanding::Destroyed,
        };
        let slots = answer.slots().map(standing).collect();
        let writers = answer.writers.iter().map(|writer| u16::try_from(*writer).map(NodeNumber));
        let writers = writers.collect::<Result<_, _>>().map_err(|_| malformed())?;
        let ring_check = answer.ring_check.try_into().map_err(|_| malformed())?;
        Ok(SlotStandings { ring_check, writers, slots })
    }

    fn keys_of(&self, slots: &[u64]) -> Result<Vec<PageKey>, PeerFailure> {
        let mut keys = Vec::with_capacity(slots.len());
        for some in slots.chunks(AT_ONCE) {
            let mut client = self.client.clone();
            let answer = self.call(client.fetch_keys(FetchKeysRequest { slots: some.to_vec() }))?;
            for key in &answer.keys {
                keys.push(from_wire(key).ok_or_else(malformed)?);
            }
        }
        Ok(keys)
    }

    fn pages_written_anew(&self, numbers: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, PeerFailure> {
        let mut pages = Vec::new();
        for some in numbers.chunks(AT_ONCE) {
            let mut client = self.client.clone();
            let answer = self.call(client.fetch_pages(FetchPagesRequest { numbers: some.to_vec() }))?;
            pages.extend(answer.pages.into_iter().map(|page| (page.number, page.stored)));
        }
        Ok(pages)
    }
}

/// A key as it is sent; the message is wiped when it is dropped.
pub(super) fn to_wire(key: &PageKey) -> WireKey {
    WireKey { slot: key.slot(), key: key.expose().to_vec() }
}

/// A key as it came; none where it is no key.
pub(super) fn from_wire(key: &WireKey) -> Option<PageKey> {
    Some(PageKey::new(key.slot, key.key.as_slice().try_into().ok()?))
}

fn malformed() -> PeerFailure {
    PeerFailure::Refused("its answer is none".into())
}

/// What a status means. Its text is the other node's, and goes into no log.
fn failure(status: &Status) -> PeerFailure {
    let why = status::page_key_reason(status).unwrap_or_else(|| status::code_name(status.code()));
    match status.code() {
        Code::PermissionDenied | Code::FailedPrecondition | Code::InvalidArgument | Code::Unimplemented => {
            PeerFailure::Refused(why.into())
        }
        _ => PeerFailure::Away(why.into()),
    }
}

/// A channel to the node at an address, `host:port`, which has to prove that it is the node that the configuration expects.
pub(super) fn channel(address: &str, tls: Arc<ClientConfig>) -> Channel {
    let address: Arc<str> = address.into();
    let connector = tower::service_fn(move |_: Uri| {
        let (address, tls) = (Arc::clone(&address), Arc::clone(&tls));
        async move {
            let connected = async {
                let stream = TcpStream::connect(&*address).await?;
                let _ = stream.set_nodelay(true);
                // The node is known by its certificate's number; the verifier does not look at this name.
                let name = ServerName::try_from("node.invalid").expect("a name");
                TlsConnector::from(tls).connect(name, stream).await
            };
            let stream = tokio::time::timeout(CALL, connected).await??;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    // The authority that requests name; the connector knows where to go.
    Endpoint::from_static("https://node.invalid").connect_with_connector_lazy(connector)
}
