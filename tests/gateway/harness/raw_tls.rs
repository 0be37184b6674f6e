//! TLS without the gateway's own client: handshakes with any certificate or none, and a hello of an older version, so that
//! what the gateway refuses is seen as it is on the wire.

use std::net::SocketAddr;
use std::sync::Arc;

use causeway_cli::certs::Issued;
use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption, WebPkiServerVerifier};
use rustls::{AlertDescription, ClientConfig, HandshakeKind, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::mirror::PATIENCE;

/// How a handshake ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The gateway took the certificate and began to speak HTTP/2.
    Taken,
    /// The gateway refused, with this alert.
    Refused(AlertDescription),
}

/// A TLS 1.3 client that resumes sessions where it is given a ticket.
pub(crate) struct Client {
    connector: TlsConnector,
    sessions: Arc<ClientSessionMemoryCache>,
    name: ServerName<'static>,
}

impl Client {
    /// With a certificate or without; `gateway_ca` is the root of the gateway's agency, PEM.
    pub(crate) fn new(identity: Option<&Issued>, gateway_ca: &str) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(gateway_ca.as_bytes()).expect("a certificate")).expect("a root");
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has suites of TLS 1.3")
            .with_webpki_verifier(verifier.expect("there is a root"));
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some(issued) => {
                let chain = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).expect("a certificate");
                let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).expect("a key");
                config.with_client_auth_cert(vec![chain], key).expect("they belong together")
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let sessions = Arc::new(ClientSessionMemoryCache::new(8));
        config.resumption = Resumption::store(Arc::clone(&sessions) as Arc<dyn ClientSessionStore>);
        let name = ServerName::try_from("localhost").expect("a name");
        Self { connector: TlsConnector::from(Arc::new(config)), sessions, name }
    }

    /// Connects and waits for the gateway's first frame or its alert. Also says whether the handshake was a whole one.
    pub(crate) async fn attempt(&self, gateway: SocketAddr) -> (Ended, Option<HandshakeKind>) {
        let stream = TcpStream::connect(gateway).await.expect("the gateway listens");
        let connected = self.connector.connect(self.name.clone(), stream).await;
        let mut stream = connected.expect("in TLS 1.3 the client is done before its certificate is judged");
        let kind = stream.get_ref().1.handshake_kind();
        let mut first = [0; 9];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut first)).await.expect("the gateway answers");
        match read {
            Ok(_) => (Ended::Taken, kind),
            Err(error) => {
                let alert = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
                match alert {
                    Some(rustls::Error::AlertReceived(description)) => (Ended::Refused(*description), kind),
                    _ => panic!("the gateway ends a handshake with an alert, not with {error:?}"),
                }
            }
        }
    }

    /// Connects as whoever the gateway takes; what is said then is the test's.
    pub(crate) async fn open(&self, gateway: SocketAddr) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(gateway).await.expect("the gateway listens");
        self.connector.connect(self.name.clone(), stream).await.expect("the client's side of the handshake")
    }

    /// The certificate that the gateway shows.
    pub(crate) async fn shown(&self, gateway: SocketAddr) -> Vec<u8> {
        let connected = self.open(gateway).await;
        let (_, session) = connected.get_ref();
        session.peer_certificates().and_then(<[_]>::first).expect("it shows one").to_vec()
    }

    /// Whether the gateway has given this client anything to resume a session with.
    pub(crate) fn has_ticket(&self) -> bool {
        self.sessions.take_tls13_ticket(&self.name).is_some()
    }
}

/// Sends a hello by hand, of TLS 1.2 or of TLS 1.3, and gives the type of the record that answers (21 for an alert, 22 for
/// a handshake) with its payload.
pub(crate) async fn hello(gateway: SocketAddr, is_tls13: bool) -> (u8, Vec<u8>) {
    let mut stream = TcpStream::connect(gateway).await.expect("the gateway listens");
    stream.write_all(&client_hello(is_tls13)).await.expect("sent");
    let mut header = [0; 5];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut header)).await.expect("the gateway answers");
    read.expect("with a record");
    let mut payload = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut payload).await.expect("a whole record");
    (header[0], payload)
}

/// A ClientHello with suites, groups and signatures of both versions (RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.2);
/// the extensions that make it one of TLS 1.3 only where it is to be one.
fn client_hello(is_tls13: bool) -> Vec<u8> {
    let extension = |id: u16, body: &[u8]| [&id.to_be_bytes(), &sized(body)[..]].concat();
    let suites = [0x13, 0x01, 0xc0, 0x2b, 0xc0, 0x2f, 0xcc, 0xa9];
    let mut extensions = [
        extension(10, &sized(&[0x00, 0x1d, 0x00, 0x17])),
        extension(11, &[1, 0]),
        extension(13, &sized(&[0x04, 0x03, 0x08, 0x04, 0x04, 0x01, 0x08, 0x07])),
        extension(16, &sized(b"\x02h2")),
    ]
    .concat();
    if is_tls13 {
        let share = [&[0x00, 0x1d][..], &sized(&[9; 32])].concat();
        extensions.extend(extension(43, &[2, 0x03, 0x04]));
        extensions.extend(extension(51, &sized(&share)));
    }
    let body = [&[3, 3][..], &[7; 32], &[0], &sized(&suites), &[1, 0], &sized(&extensions)].concat();
    let length = u32::try_from(body.len()).expect("a short hello").to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &sized(&message)].concat()
}

/// Bytes after their length in two bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short vector");
    [&length.to_be_bytes()[..], bytes].concat()
}
