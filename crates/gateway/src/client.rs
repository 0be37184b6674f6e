//! The client's side: mutual TLS as the acceptor speaks it, the gateway known by its SPIFFE ID and its agency's root, and
//! the metadata that every call carries.

mod clients;
mod error;
mod probe;
mod verifier;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_exchange::LogPosition;
use causeway_model::{OperatorId, PurposeCode, PurposeText};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls_pki_types::{ServerName, TrustAnchor};
use tokio::io::AsyncBufReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::identity::SpiffeId;
use crate::metadata;
use crate::tls::{ALPN, KeyPair, chain, hybrid};
pub use clients::{Admin, Audit, Clients, Feed, Ingest, Protection, Refusal};
pub use error::ClientError;
pub use probe::{Handshake, Health, certificate_ends, handshake};
use verifier::GatewayVerifier;

/// Time for a connection to stand, from the first packet to the gateway's first frame.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection is probed after so long without traffic.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Most bytes of a stream that may be on their way: enough to keep a stream of records busy.
const STREAM_WINDOW: u32 = 1 << 20;

/// Most bytes of a connection that may be on their way.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// What a client shows, and whom it believes: its certificate chain, its private key, and the roots of the gateway's agency.
#[derive(Debug, Clone)]
pub struct Credentials {
    pair: Arc<KeyPair>,
    roots: Arc<Vec<TrustAnchor<'static>>>,
}

impl Credentials {
    /// Reads PEM files: a certificate chain, its private key (PKCS#8), and the root of the gateway's agency.
    ///
    /// # Errors
    /// `Files` with everything that is wrong with them, one line each.
    pub fn load(certificate: &Path, key: &Path, ca: &Path) -> Result<Self, ClientError> {
        let pair = KeyPair::load(certificate, key);
        let named = |what: String| format!("{}: {what}", ca.display());
        let roots = std::fs::read(ca)
            .map_err(|error| named(error.to_string()))
            .and_then(|pem| chain::read_roots(&pem).map_err(named));
        match (pair, roots) {
            (Ok(pair), Ok(roots)) => Ok(Self { pair: Arc::new(pair), roots: Arc::new(roots) }),
            (pair, roots) => Err(ClientError::Files(pair.err().into_iter().flatten().chain(roots.err()).collect())),
        }
    }

    fn tls(&self, gateway: &SpiffeId) -> Result<Arc<ClientConfig>, ClientError> {
        let verifier = GatewayVerifier::new(gateway.clone(), Arc::clone(&self.roots));
        let mut config = ClientConfig::builder_with_provider(hybrid::provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(ClientError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(self.pair.chain.clone(), self.pair.key.clone_key())
            .map_err(ClientError::Tls)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(Arc::new(config))
    }
}

/// Connects to the gateway at `address`, as `https://127.0.0.1:8443`, which must prove to be `gateway`. The channel
/// connects again by itself where the connection breaks.
///
/// # Errors
/// What kept the first connection from standing, a refused certificate included.
pub async fn connect(address: &str, credentials: &Credentials, gateway: &SpiffeId) -> Result<Channel, ClientError> {
    let (uri, dialer) = dialer(address, credentials, gateway)?;
    let first = Arc::new(Mutex::new(Some(dialer.dial().await?)));
    let endpoint = Endpoint::from(uri)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_while_idle(true);
    let connector = tower::service_fn(move |_: Uri| {
        let (dialer, first) = (dialer.clone(), Arc::clone(&first));
        async move {
            let dialled = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let stream = match dialled {
                Some(stream) => stream,
                None => dialer.dial().await?,
            };
            Ok::<_, ClientError>(TokioIo::new(stream))
        }
    });
    endpoint.connect_with_connector(connector).await.map_err(ClientError::Transport)
}

/// What makes connections to the gateway at `address`.
fn dialer(address: &str, credentials: &Credentials, gateway: &SpiffeId) -> Result<(Uri, Dialer), ClientError> {
    let malformed = || ClientError::Address(address.to_owned());
    let uri: Uri = address.parse().map_err(|_| malformed())?;
    let dialer = Dialer {
        host: uri.host().ok_or_else(malformed)?.trim_matches(['[', ']']).to_owned(),
        port: uri.port_u16().ok_or_else(malformed)?,
        tls: credentials.tls(gateway)?,
    };
    if uri.scheme_str() == Some("https") { Ok((uri, dialer)) } else { Err(malformed()) }
}

/// Makes connections to one gateway.
#[derive(Debug, Clone)]
struct Dialer {
    host: String,
    port: u16,
    tls: Arc<ClientConfig>,
}

impl Dialer {
    async fn dial(&self) -> Result<TlsStream<TcpStream>, ClientError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.handshake()).await {
            Ok(stream) => stream,
            Err(_elapsed) => Err(self.unreachable(std::io::ErrorKind::TimedOut.into())),
        }
    }

    async fn handshake(&self) -> Result<TlsStream<TcpStream>, ClientError> {
        let name = ServerName::try_from(self.host.clone()).map_err(|_| ClientError::Address(self.host.clone()))?;
        let address = (self.host.as_str(), self.port);
        let stream = TcpStream::connect(address).await.map_err(|error| self.unreachable(error))?;
        // Requests are small and awaited: without this each would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let mut stream = connector.connect(name, stream).await.map_err(ClientError::of_handshake)?;
        // In TLS 1.3 the client's side is done before the gateway has judged the client's certificate. Its first frame, or
        // its alert, tells; it stays in the buffer for HTTP/2 to read.
        let greeting = stream.fill_buf().await.map_err(ClientError::of_handshake)?;
        if greeting.is_empty() { Err(ClientError::Refused) } else { Ok(stream) }
    }

    fn unreachable(&self, source: std::io::Error) -> ClientError {
        ClientError::Unreachable { gateway: format!("{}:{}", self.host, self.port), source }
    }
}

/// How far the node that answered has applied its log, from the metadata of an answer or of a refusal, or from a stream's trailers; none of
/// a gateway that shares its log with no other.
pub fn position_of(answer: &MetadataMap) -> Option<&str> {
    answer.get(metadata::POSITION)?.to_str().ok()
}

/// What every call of records or entries states: why, and which person acts. An interceptor for the generated clients.
#[derive(Clone)]
pub struct Statement {
    purpose: MetadataValue<Ascii>,
    operator: MetadataValue<Ascii>,
    position: Option<MetadataValue<Ascii>>,
}

impl Statement {
    /// `purpose` is a code, or `code:text`; `operator` is the person acting, in the agency's own words.
    ///
    /// # Errors
    /// `Statement` naming what is malformed. Both are ASCII on the wire.
    pub fn new(purpose: &str, operator: &str) -> Result<Self, ClientError> {
        let (code, text) = purpose.split_once(':').map_or((purpose, None), |(code, text)| (code, Some(text)));
        let of_purpose = "the purpose must be a code, or code:text, as safeguarding:referral";
        code.parse::<PurposeCode>().map_err(|_| ClientError::Statement(of_purpose))?;
        if let Some(text) = text {
            text.trim_start().parse::<PurposeText>().map_err(|_| ClientError::Statement(of_purpose))?;
        }
        let of_operator = "the operator must be 1 to 128 ASCII characters";
        operator.parse::<OperatorId>().map_err(|_| ClientError::Statement(of_operator))?;
        Ok(Self {
            purpose: purpose.parse().map_err(|_| ClientError::Statement(of_purpose))?,
            operator: operator.parse().map_err(|_| ClientError::Statement(of_operator))?,
            position: None,
        })
    }

    /// The same, by whose calls a gateway answers only once it has applied what another node had at this position ([`position_of`]).
    ///
    /// # Errors
    /// `Statement` for what no gateway has given.
    pub fn after(self, position: &str) -> Result<Self, ClientError> {
        let malformed = || ClientError::Statement("the position must be one that a gateway has given with an answer");
        position.parse::<LogPosition>().map_err(|_| malformed())?;
        Ok(Self { position: Some(position.parse().map_err(|_| malformed())?), ..self })
    }
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Statement(..)")
    }
}

impl Interceptor for Statement {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(metadata::PURPOSE, self.purpose.clone());
        request.metadata_mut().insert(metadata::OPERATOR, self.operator.clone());
        if let Some(position) = &self.position {
            request.metadata_mut().insert(metadata::POSITION, position.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// The files of a certificate and of a key in a folder.
    fn write(folder: &Path, certificate: &KeyPair, key: &KeyPair) -> Result<Credentials, ClientError> {
        let signed = CertificateParams::default().self_signed(certificate).expect("signed");
        let at = |name: &str| folder.join(name);
        std::fs::write(at("system.pem"), signed.pem()).expect("written");
        std::fs::write(at("system.key"), key.serialize_pem()).expect("written");
        Credentials::load(&at("system.pem"), &at("system.key"), &at("system.pem"))
    }

    fn key() -> KeyPair {
        KeyPair::generate().expect("a key")
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_in_one_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = write(folder.path(), &key(), &key()).expect_err("they do not belong together");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let expected =
            format!("{}: is not the private key of the certificate {}", path("system.key"), path("system.pem"));
        assert_eq!(refused.to_string(), expected);
    }

    #[tokio::test]
    async fn a_port_that_does_not_speak_tls_is_told_apart_from_a_refusal() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = key();
        let credentials = write(folder.path(), &own, &own).expect("they belong together");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("https://{}", listener.local_addr().expect("bound"));
        let other = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("answered");
            stream
        });
        let gateway = "spiffe://gb-nca.causeway.example/gateway".parse().expect("an id");
        let refused = connect(&address, &credentials, &gateway).await.expect_err("it is no gateway");
        assert!(matches!(refused, ClientError::NotTls), "{refused:?}");
        drop(other.await.expect("it answered"));
    }
}
