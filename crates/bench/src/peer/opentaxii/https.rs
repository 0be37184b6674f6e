//! A client of a server that speaks HTTP/1.1 over mutual TLS: a connection that stays, one request after the other.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use causeway_rig::Failed;
use http::{Method, Request, header};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// TAXII 2.1, section 1.6.8: requests and answers alike.
const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

/// What an answer is.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Whom to ask, and as whom.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    tls: Arc<ClientConfig>,
    authorisation: Arc<str>,
}

impl Target {
    /// A server of `gb-nca` at an address, asked as the system that submits, with a bearer's token; identities are those in `certs`.
    pub(super) fn new(address: SocketAddr, certs: &Path, token: &str) -> Result<Self, Failed> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(certs.join("gb-nca/ca.pem"))? {
            roots.add(root?)?;
        }
        let own = certs.join(crate::ground::SUBMITTER);
        let chain = CertificateDer::pem_file_iter(own.with_extension("pem"))?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(own.with_extension("key"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Self { address, tls: Arc::new(tls), authorisation: format!("Bearer {token}").into() })
    }

    /// Connects. The server's side of the handshake is done with the first request.
    pub(super) async fn connect(&self) -> Result<Connection, Failed> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(ServerName::from(self.address.ip()), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with its sender; an error is told to the request that meets it.
        tokio::spawn(connection);
        Ok(Connection { target: self.clone(), sender })
    }
}

/// A connection that stays, and is made again where the server has closed it.
#[derive(Debug)]
pub(super) struct Connection {
    target: Target,
    sender: SendRequest<String>,
}

impl Connection {
    /// Asks for a resource: by POST where there is something to say.
    pub(super) async fn ask(&mut self, resource: &str, body: Option<String>) -> Result<Answer, Failed> {
        if self.sender.ready().await.is_err() {
            *self = self.target.connect().await?;
        }
        let request = Request::builder()
            .method(if body.is_some() { Method::POST } else { Method::GET })
            .uri(resource)
            .header(header::HOST, self.target.address.to_string())
            .header(header::ACCEPT, MEDIA_TYPE)
            .header(header::CONTENT_TYPE, MEDIA_TYPE)
            .header(header::AUTHORIZATION, &*self.target.authorisation)
            .body(body.unwrap_or_default())?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: read(response.into_body()).await? })
    }
}

async fn read(body: Incoming) -> Result<Vec<u8>, Failed> {
    let (mut body, mut bytes) = (pin!(body), Vec::new());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}
