//! The accept loop: connections counted, handshakes side by side and on a deadline, refused ones reported, peers attached.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use causeway_exchange::{Exchange, Tallied};
use causeway_store::Clock;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::config::Limits;
use crate::live::Live;
use crate::metrics::{Open, Traffic};
use crate::peer::{Peer, unix_time};
use crate::shutdown::Stopping;
use crate::trust::Authority;

/// Connections whose handshake is done and that nobody has taken over yet.
const READY_CONNECTIONS: usize = 16;

/// Pause after an accept that failed for want of descriptors or memory, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that the gateway has ended is read on, at most. A socket that is closed with unread bytes resets the
/// connection, and the reset can overtake what the peer was told last.
const LINGER: Duration = Duration::from_secs(1);

/// Bytes that are thrown away at once meanwhile.
const LINGER_BYTES: usize = 8 * 1024;

/// What the accept loop works with.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    pub(crate) tls: Arc<Live<ServerConfig>>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) exchange: Exchange,
    pub(crate) clock: Clock,
    pub(crate) limits: Arc<Live<Limits>>,
    pub(crate) traffic: Traffic,
}

impl Acceptor {
    /// Accepts until the gateway stops; gives the connections whose handshake succeeded. The listening socket closes when
    /// the gateway stops.
    pub(crate) fn run(self, listener: TcpListener, stopping: Stopping) -> ReceiverStream<io::Result<PeerStream>> {
        let (ready, connections) = mpsc::channel(READY_CONNECTIONS);
        tokio::spawn(async move {
            tokio::select! {
                () = self.accept(&listener, &ready) => {}
                () = stopping.wait() => {}
            }
        });
        ReceiverStream::new(connections)
    }

    async fn accept(self, listener: &TcpListener, ready: &mpsc::Sender<io::Result<PeerStream>>) {
        let places = Arc::new(Semaphore::new(self.limits.now().connections));
        loop {
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                self.exchange.tally(&address.ip().to_string(), None, Tallied::Overload, 1);
                continue;
            };
            let (acceptor, ready) = (self.clone(), ready.clone());
            tokio::spawn(async move {
                if let Some(stream) = acceptor.handshake(stream, address, place).await {
                    // The receiver is gone only where the gateway is stopping; the connection then just closes.
                    let _ = ready.send(Ok(stream)).await;
                }
            });
        }
    }

    async fn handshake(
        self,
        stream: TcpStream,
        address: SocketAddr,
        place: OwnedSemaphorePermit,
    ) -> Option<PeerStream> {
        // Answers are small and awaited: without this each would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let acceptor = TlsAcceptor::from(self.tls.now());
        let admitted = match tokio::time::timeout(self.limits.now().handshake, acceptor.accept(stream)).await {
            Ok(Ok(tls)) => self.admit(tls, address, place),
            Ok(Err(error)) => {
                tracing::debug!(%error, "handshake failed");
                None
            }
            Err(_elapsed) => {
                tracing::debug!("handshake took too long");
                None
            }
        };
        if admitted.is_none() {
            self.exchange.tally(&address.ip().to_string(), None, Tallied::HandshakeRefused, 1);
        }
        admitted
    }

    fn admit(&self, tls: TlsStream<TcpStream>, address: SocketAddr, place: OwnedSemaphorePermit) -> Option<PeerStream> {
        let (_, session) = tls.get_ref();
        let chain = session.peer_certificates()?.iter().map(|certificate| certificate.clone().into_owned()).collect();
        match Peer::admit(&self.authority, chain, address, unix_time(&self.clock)) {
            Ok(peer) => {
                let open = self.traffic.connection(&peer.system().agency);
                Some(PeerStream { tls, peer, lingering: None, _place: place, _open: open })
            }
            Err(reason) => {
                tracing::info!(%reason, "peer refused after its handshake");
                None
            }
        }
    }
}

/// An encrypted connection with the peer that was authenticated on it.
#[derive(Debug)]
pub(crate) struct PeerStream {
    tls: TlsStream<TcpStream>,
    peer: Peer,
    /// Until when the peer's last bytes are thrown away; none before the gateway has ended the connection.
    lingering: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
    _open: Open,
}

impl PeerStream {
    /// Throws away what the peer still sends, until it has closed its side or the time is over.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.lingering.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let (tcp, _) = self.tls.get_mut();
        let mut thrown_away = [0; LINGER_BYTES];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match ready!(Pin::new(&mut *tcp).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl Connected for PeerStream {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.tls).poll_shutdown(cx))?;
        }
        self.poll_linger(cx).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }
}
