//! Who comes in: mutual TLS as the gateway's, and the identity in the client's certificate.

use std::fs;
use std::io::{self, IoSlice};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use causeway_gateway::identity::SpiffeId;
use causeway_model::SystemId;
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

/// Accepts for as long as somebody takes what comes.
pub(super) fn connections(listener: TcpListener, tls: ServerConfig) -> ReceiverStream<io::Result<Admitted>> {
    let (ready, connections) = mpsc::channel(READY_CONNECTIONS);
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, ready) = (acceptor.clone(), ready.clone());
            tokio::spawn(async move {
                if let Some(admitted) = admit(stream, &acceptor).await {
                    // Nobody takes it any more where the service is ending.
                    let _ = ready.send(Ok(admitted)).await;
                }
            });
        }
    });
    ReceiverStream::new(connections)
}

/// The connection of whoever has a certificate that names a system; none of anybody else.
async fn admit(stream: TcpStream, acceptor: &TlsAcceptor) -> Option<Admitted> {
    stream.set_nodelay(true).ok()?;
    let tls = acceptor.accept(stream).await.ok()?;
    let (_, session) = tls.get_ref();
    let caller = SpiffeId::of_certificate(session.peer_certificates()?.first()?).ok()?.system;
    Some(Admitted { tls, caller })
}

/// The service's own certificate is the gateway's, and clients have theirs from the agencies in `certs`.
pub(super) fn tls(certs: &Path) -> Result<ServerConfig, Failed> {
    let own = certs.join("gb-nca/gateway");
    let chain = CertificateDer::pem_file_iter(own.with_extension("pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(own.with_extension("key"))?;
    let mut roots = RootCertStore::empty();
    for agency in fs::read_dir(certs)? {
        let root = agency?.path().join("ca.pem");
        if root.exists() {
            roots.add(CertificateDer::from_pem_file(root)?)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// An encrypted connection with the system that it belongs to.
#[derive(Debug)]
pub(super) struct Admitted {
    tls: TlsStream<TcpStream>,
    caller: SystemId,
}

impl Connected for Admitted {
    type ConnectInfo = SystemId;

    fn connect_info(&self) -> SystemId {
        self.caller.clone()
    }
}

impl AsyncRead for Admitted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Admitted {
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
