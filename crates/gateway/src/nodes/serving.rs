//! The port at which a node answers the others.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use causeway_exchange::Releaser;
use causeway_proto::node_v1::page_key_service_server::PageKeyServiceServer;
use causeway_proto::node_v1::releaser_service_server::ReleaserServiceServer;
use causeway_store::{Clock, NodeKeys, NodeNumber};
use rustls::ServerConfig;
use rustls_pki_types::UnixTime;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::releaser::Standing;
use super::service::PageKeys;
use super::{NodeCredentials, identity};
use crate::error::Error;
use crate::tls::chain;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Handshakes at a time: each of a few nodes needs one.
const HANDSHAKES: usize = 16;

/// Calls of one node at a time.
const CALLS: u32 = 8;

/// Pause after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound port, and what is answered there.
#[derive(Debug)]
pub struct NodeServer {
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    service: PageKeys,
    releaser: Releaser,
}

impl NodeServer {
    /// Makes ready to answer these nodes. Nobody is answered before [`NodeServer::serve`].
    ///
    /// # Errors
    /// `Faults` where certificate and key do not make a server.
    pub fn new(
        listener: TcpListener,
        credentials: &NodeCredentials,
        others: BTreeSet<NodeNumber>,
        keys: NodeKeys,
        clock: Clock,
    ) -> Result<Self, Error> {
        let tls = credentials.server(others, &clock).map_err(|error| Error::Faults(vec![error.to_string()]))?;
        Ok(Self { listener, tls: Arc::new(tls), service: PageKeys { keys, clock }, releaser: Releaser::alone() })
    }

    /// Tells the others whether this node is the releaser. Without, it is not.
    #[must_use]
    pub fn with_releaser(self, releaser: Releaser) -> Self {
        Self { releaser, ..self }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `shutdown` completes. The port is free again when this returns.
    ///
    /// # Errors
    /// `Serve`.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let Self { listener, tls, service, releaser } = self;
        let standing = Standing { releaser, clock: service.clock.clone() };
        let (ready, connections) = mpsc::channel(HANDSHAKES);
        // A set, so that a server that is dropped accepts nothing any more either.
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, TlsAcceptor::from(tls), ready));
        let served = Server::builder()
            .max_concurrent_streams(CALLS)
            .add_service(PageKeyServiceServer::new(service))
            .add_service(ReleaserServiceServer::new(standing))
            .serve_with_incoming_shutdown(ReceiverStream::new(connections), shutdown)
            .await;
        accepting.shutdown().await;
        served.map_err(Error::Serve)
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, ready: mpsc::Sender<io::Result<FromNode>>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection of a node");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (tls, ready) = (tls.clone(), ready.clone());
        tokio::spawn(async move {
            let handshake = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await;
            drop(place);
            match handshake {
                Ok(Ok(stream)) => {
                    if let Some(stream) = FromNode::of(stream) {
                        // The receiver is gone only where the node is stopping.
                        let _ = ready.send(Ok(stream)).await;
                    }
                }
                Ok(Err(error)) => tracing::warn!(%error, "a connection to this node's port was refused"),
                Err(_elapsed) => tracing::debug!("a handshake of a node took too long"),
            }
        });
    }
}

/// Which node is at the other end, and how long its certificate says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calling {
    pub(super) node: NodeNumber,
    pub(super) expires: UnixTime,
}

/// A connection of an authenticated node.
struct FromNode {
    stream: TlsStream<TcpStream>,
    calling: Calling,
}

impl FromNode {
    fn of(stream: TlsStream<TcpStream>) -> Option<Self> {
        let (tcp, connection) = stream.get_ref();
        let _ = tcp.set_nodelay(true);
        let certificates = connection.peer_certificates()?;
        let node = identity::of_certificate(certificates.first()?).ok()?;
        let ends: Result<Vec<UnixTime>, _> = certificates.iter().map(chain::expiry).collect();
        let expires = ends.ok()?.into_iter().min()?;
        Some(Self { stream, calling: Calling { node, expires } })
    }
}

impl Connected for FromNode {
    type ConnectInfo = Calling;

    fn connect_info(&self) -> Calling {
        self.calling
    }
}

impl AsyncRead for FromNode {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for FromNode {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
