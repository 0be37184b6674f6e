//! Asking a witness over HTTP/1.1: one connection a request, in TLS 1.3 where it is not on this machine, never long and never much.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use causeway_journal::note::MAX_NOTE_BYTES;
use http::{Method, Request, header};
use http_body::Body;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Address;
use crate::tls::KeyPair;

/// A request, from its first packet to the last byte of its answer.
const TIME: Duration = Duration::from_secs(5);

/// Largest answer: a note, which is also more than any cosignature takes.
const ANSWER_BYTES: usize = MAX_NOTE_BYTES;

/// Largest head of an answer.
const HEAD_BYTES: usize = 16 * 1024;

/// What a witness answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer. It holds nothing that a peer said.
#[derive(Debug)]
pub(super) enum Failure {
    /// It took too long.
    Late,
    /// It could not be reached, or broke off.
    Broken(io::Error),
    /// It does not speak HTTP, or not as it should.
    Protocol,
    /// It says more than a witness has to say.
    TooLarge,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Late => f.write_str("it does not answer in time"),
            Self::Broken(error) => write!(f, "it cannot be reached: {error}"),
            Self::Protocol => f.write_str("it does not speak HTTP as it should"),
            Self::TooLarge => f.write_str("its answer is too large"),
        }
    }
}

/// A witness's server.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    address: Address,
    tls: Arc<ClientConfig>,
}

impl Remote {
    pub(super) fn new(address: Address, tls: Arc<ClientConfig>) -> Self {
        Self { address, tls }
    }

    /// Asks for a resource, as `/add-checkpoint`: by POST where there is something to say.
    pub(super) async fn ask(&self, resource: &str, body: Option<String>) -> Result<Answer, Failure> {
        match tokio::time::timeout(TIME, self.exchange(resource, body)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Failure::Late),
        }
    }

    async fn exchange(&self, resource: &str, body: Option<String>) -> Result<Answer, Failure> {
        let stream = TcpStream::connect(self.address.socket()).await.map_err(Failure::Broken)?;
        // What is asked is small and awaited.
        let _ = stream.set_nodelay(true);
        let request = Request::builder()
            .method(if body.is_some() { Method::POST } else { Method::GET })
            .uri(self.address.path(resource))
            .header(header::HOST, self.address.authority())
            .body(body.unwrap_or_default())
            .map_err(|_| Failure::Protocol)?;
        match self.address.name() {
            None => speak(stream, request).await,
            Some(name) => {
                let connector = TlsConnector::from(Arc::clone(&self.tls));
                let stream = connector.connect(name.clone(), stream).await.map_err(Failure::Broken)?;
                speak(stream, request).await
            }
        }
    }
}

async fn speak<S>(stream: S, request: Request<String>) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|_| Failure::Protocol)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| Failure::Protocol)?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: read(response.into_body()).await? })
    };
    // The connection is driven here and nowhere else, so that nothing of it is left when this returns or is dropped.
    let (mut answer, mut connection) = (pin!(answer), pin!(connection));
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ended = &mut connection => answer.await,
    }
}

/// The whole body, never more of it than there may be.
async fn read(body: Incoming) -> Result<Vec<u8>, Failure> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let data: Bytes = frame.map_err(|_| Failure::Protocol)?.into_data().unwrap_or_default();
        if bytes.len() + data.len() > ANSWER_BYTES {
            return Err(Failure::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// How witnesses are spoken to: TLS 1.3, certificates under these roots, and the gateway's own certificate for those that ask for one.
pub(super) fn tls(roots: &Arc<RootCertStore>, own: &KeyPair) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(Arc::clone(roots))
        .with_client_auth_cert(own.chain.clone(), own.key.clone_key())?;
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
