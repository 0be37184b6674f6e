//! The accept loop: handshakes side by side, on a deadline and in places of their own; refused ones reported, peers attached; and the
//! connection of an authenticated peer, on which what arrives and what is not taken is watched.

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
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::config::Limits;
use crate::limits::{Attached, Flood, Frames, HandshakePlace, Handshakes, Link, Parties, Place};
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

/// How often a connection is looked at for answers that its peer does not take.
const LOOK: Duration = Duration::from_millis(500);

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
    pub(crate) parties: Arc<Parties>,
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
        let places = Handshakes::default();
        loop {
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let limits = self.limits.now();
            let (place, lost) = places.enter(address.ip(), limits.handshakes_per_address, limits.handshakes);
            if let Some(source) = lost {
                self.exchange.tally(&source.to_string(), None, Tallied::Overload, 1);
            }
            let (acceptor, ready) = (self.clone(), ready.clone());
            tokio::spawn(async move {
                if let Some(stream) = acceptor.handshake(stream, address, place).await {
                    // The receiver is gone only where the gateway is stopping; the connection then just closes.
                    let _ = ready.send(Ok(stream)).await;
                }
            });
        }
    }

    async fn handshake(self, stream: TcpStream, address: SocketAddr, mut place: HandshakePlace) -> Option<PeerStream> {
        // Answers are small and awaited: without this each would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let acceptor = TlsAcceptor::from(self.tls.now());
        let secured = async {
            // What says nothing costs a socket, and none of the memory of a handshake.
            stream.readable().await?;
            acceptor.accept(stream).await
        };
        let refused = tokio::select! {
            secured = tokio::time::timeout(self.limits.now().handshake, secured) => match secured {
                Ok(Ok(tls)) => match self.admit(tls, address) {
                    Some(stream) => return Some(stream),
                    None => Tallied::HandshakeRefused,
                },
                Ok(Err(error)) => {
                    tracing::debug!(%error, "handshake failed");
                    Tallied::HandshakeRefused
                }
                Err(_elapsed) => {
                    tracing::debug!("handshake took too long");
                    Tallied::HandshakeSlow
                }
            },
            // Whoever took its place has summed it up.
            () = place.lost() => return None,
        };
        self.exchange.tally(&address.ip().to_string(), None, refused, 1);
        None
    }

    /// The connection of whoever has proved to be somebody; none where it is nobody in force.
    fn admit(&self, tls: TlsStream<TcpStream>, address: SocketAddr) -> Option<PeerStream> {
        let (_, session) = tls.get_ref();
        let chain = session.peer_certificates()?.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let peer = Peer::admit(&self.authority, chain, address, unix_time(&self.clock));
        let peer = peer.inspect_err(|reason| tracing::info!(%reason, "peer refused after its handshake")).ok()?;
        let party = self.parties.of(peer.system());
        let place = party.connect().ok()?;
        let open = self.traffic.connection(&peer.system().agency);
        Some(PeerStream::new(tls, Attached { peer, party, link: Link::default() }, place, open))
    }
}

/// An encrypted connection with the peer that was authenticated on it.
#[derive(Debug)]
pub(crate) struct PeerStream {
    tls: TlsStream<TcpStream>,
    attached: Attached,
    frames: Frames,
    /// When it is next looked whether the peer takes its answers.
    look: Pin<Box<Sleep>>,
    /// Until when nothing is read, since too many calls were refused.
    paused: Option<Pin<Box<Sleep>>>,
    /// Until when the peer's last bytes are thrown away; none before the gateway has ended the connection.
    lingering: Option<Pin<Box<Sleep>>>,
    _place: Place,
    _open: Open,
}

impl PeerStream {
    fn new(tls: TlsStream<TcpStream>, attached: Attached, place: Place, open: Open) -> Self {
        let look = Box::pin(tokio::time::sleep(LOOK));
        let frames = Frames::new();
        Self { tls, attached, frames, look, paused: None, lingering: None, _place: place, _open: open }
    }

    /// Ends the connection of a peer that has taken nothing of some answer for too long.
    fn poll_look(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.look.as_mut().poll(cx).is_ready() {
            self.look.as_mut().reset(Instant::now() + LOOK);
            let party = &self.attached.party;
            if self.attached.link.is_stuck(party.passed(), party.limits().unread) {
                party.tally(Tallied::TooSlow);
                tracing::info!(system = %self.attached.peer.system(), "answers are not read: connection closed");
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// Waits while the peer is not to be read.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(paused) = self.paused.as_mut() {
                ready!(paused.as_mut().poll(cx));
                self.paused = None;
            }
            let Some(left) = self.attached.link.paused(self.attached.party.passed()) else { return Poll::Ready(()) };
            self.paused = Some(Box::pin(tokio::time::sleep(left)));
        }
    }

    /// Ends the connection of a peer that keeps the gateway busy and moves nothing.
    fn flooded(&self, flood: Flood) -> io::Error {
        self.attached.party.tally(Tallied::Flood);
        tracing::warn!(system = %self.attached.peer.system(), of = flood.what(), "a flood: connection closed");
        io::ErrorKind::InvalidData.into()
    }

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
    type ConnectInfo = Attached;

    fn connect_info(&self) -> Attached {
        self.attached.clone()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_look(cx)?;
        ready!(self.poll_pause(cx));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tls).poll_read(cx, buffer))?;
        let now = self.attached.party.passed();
        let arrived = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(self.frames.arrived(arrived, now).map_err(|flood| self.flooded(flood)))
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_look(cx)?;
        let written = ready!(Pin::new(&mut self.tls).poll_write(cx, buffer))?;
        self.frames.sent(written);
        Poll::Ready(Ok(written))
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
        self.poll_look(cx)?;
        let written = ready!(Pin::new(&mut self.tls).poll_write_vectored(cx, buffers))?;
        self.frames.sent(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }
}
