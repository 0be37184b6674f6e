//! Servers of the bench's own over mutual TLS as the gateway speaks it, but for what differs only while hands are shaken: the hybrid key
//! exchange, and which authority may speak for whom.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use causeway_rig::Failed;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// Connections that nobody has taken over yet.
const READY_CONNECTIONS: usize = 16;

/// What a server needs: its own certificate and key, `<own>.pem` and `<own>.key`, and the roots of those who may come.
pub(crate) fn server_tls(own: &Path, roots: &[PathBuf]) -> Result<ServerConfig, Failed> {
    let chain = CertificateDer::pem_file_iter(own.with_extension("pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(own.with_extension("key"))?;
    let mut trusted = RootCertStore::empty();
    for file in roots {
        for root in CertificateDer::pem_file_iter(file)? {
            trusted.add(root?)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider)).build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Accepts for as long as somebody takes what comes. `peer` makes of the client's certificate what calls are told of it; without that
/// the connection is closed.
pub(crate) fn accepted<P: Send + 'static>(
    listener: TcpListener,
    tls: ServerConfig,
    peer: fn(&CertificateDer<'_>) -> Option<P>,
) -> ReceiverStream<io::Result<Secured<P>>> {
    let (ready, connections) = mpsc::channel(READY_CONNECTIONS);
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, ready) = (acceptor.clone(), ready.clone());
            tokio::spawn(async move {
                // Whoever is refused is told so by the alert, and the next may be somebody else.
                if let Some(secured) = Secured::over(stream, &acceptor, peer).await {
                    // Nobody takes it any more where the server is ending.
                    let _ = ready.send(Ok(secured)).await;
                }
            });
        }
    });
    ReceiverStream::new(connections)
}

/// The encrypted connection of a client that has shown a certificate, and who that is.
#[derive(Debug)]
pub(crate) struct Secured<P> {
    tls: TlsStream<TcpStream>,
    peer: P,
}

impl<P> Secured<P> {
    async fn over(
        stream: TcpStream,
        acceptor: &TlsAcceptor,
        peer: fn(&CertificateDer<'_>) -> Option<P>,
    ) -> Option<Self> {
        stream.set_nodelay(true).ok()?;
        let tls = acceptor.accept(stream).await.ok()?;
        let (_, session) = tls.get_ref();
        let peer = peer(session.peer_certificates()?.first()?)?;
        Some(Self { tls, peer })
    }
}

impl<P: Clone + Send + Sync + 'static> Connected for Secured<P> {
    type ConnectInfo = P;

    fn connect_info(&self) -> P {
        self.peer.clone()
    }
}

impl<P: Unpin> AsyncRead for Secured<P> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(cx, buffer)
    }
}

impl<P: Unpin> AsyncWrite for Secured<P> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }
}
