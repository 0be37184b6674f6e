//! What the operator's own monitoring reads: plain HTTP on the loopback, from the process's first moments to its last. `/metrics` is
//! OpenMetrics text of sizes, times and positions; `/healthz` says that the process lives, `/readyz` that it serves.
//!
//! No label names anything but an agency and its systems, an agreement, a witness, or a word of this program's own tables.

mod disk;
mod feeds;
mod journal;
mod node;
mod process;
mod traffic;
mod trust;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_exchange::{Condition, Exchange};
use causeway_store::Clock;
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::error::Error;
use process::Process;
pub(crate) use traffic::{Open, Traffic};
pub(crate) use trust::{Reloaded, RevocationMeasure, TrustMeasures};

/// The media type of OpenMetrics 1.0.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The media type of what is said in a word.
const WORDS: &str = "text/plain; charset=utf-8";

/// Connections at a time; one over it waits.
const CONNECTIONS: usize = 8;

/// Largest request head, in bytes; hyper takes no less.
const HEAD_BYTES: usize = 8 * 1024;

/// The longest time in which a request's head has to be there.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// The longest life of a connection.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

/// Pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listening socket of the metrics, which is served from when it is made until this is dropped.
#[derive(Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    board: Arc<Board>,
    accepting: JoinHandle<()>,
}

/// What is shown.
#[derive(Debug)]
struct Board {
    /// The process alone, before there is more.
    process: Registry,
    started_seconds: u64,
    /// Everything, once the journal is recovered.
    gateway: OnceLock<(Exchange, Registry)>,
    is_serving: AtomicBool,
}

impl Endpoint {
    /// Listens, and shows the process.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Error> {
        let listener = TcpListener::bind(address).await.map_err(Error::Listen)?;
        let address = listener.local_addr().map_err(Error::Listen)?;
        // The machine's clock, whatever clock entries go by: this is about the process.
        let started_seconds = Clock::system().now().0 / 1_000_000;
        let mut process = Registry::default();
        Process::register(&mut process, started_seconds);
        let board = Board { process, started_seconds, gateway: OnceLock::new(), is_serving: AtomicBool::new(false) };
        let board = Arc::new(board);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&board)));
        Ok(Self { address, board, accepting })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows the gateway too: its journal is recovered.
    pub(crate) fn show(&self, exchange: &Exchange, data_dir: PathBuf, traffic: &Traffic, trust: &Arc<TrustMeasures>) {
        let mut registry = Registry::default();
        Process::register(&mut registry, self.board.started_seconds);
        traffic.register(&mut registry);
        trust.register(&mut registry);
        registry.register_collector(Box::new(Gauges { exchange: exchange.clone(), data_dir }));
        // A second time changes nothing: what is shown is of one gateway.
        let _ = self.board.gateway.set((exchange.clone(), registry));
    }

    /// Ends it, and lets go of the socket.
    pub(crate) async fn close(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    /// Says whether calls are being served.
    pub(crate) fn serving(&self, is_serving: bool) {
        self.board.is_serving.store(is_serving, Ordering::Relaxed);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Board {
    /// Whether calls that write would be taken, and otherwise why not, in a word.
    fn readiness(&self) -> Result<(), &'static str> {
        let Some((exchange, _)) = self.gateway.get() else { return Err("recovering") };
        match (exchange.condition(), self.is_serving.load(Ordering::Relaxed)) {
            (Condition::Writable, true) => Ok(()),
            (Condition::Writable, false) => Err("not-serving"),
            (other, _) => Err(other.word()),
        }
    }

    fn metrics(&self) -> Option<String> {
        let registry = self.gateway.get().map_or(&self.process, |(_, registry)| registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).ok()?;
        Some(text)
    }

    fn answer(&self, path: &str) -> Response<String> {
        match path {
            "/metrics" => match self.metrics() {
                Some(text) => response(StatusCode::OK, MEDIA_TYPE, text),
                None => response(StatusCode::INTERNAL_SERVER_ERROR, WORDS, String::new()),
            },
            "/healthz" => response(StatusCode::OK, WORDS, "alive\n".into()),
            "/readyz" => match self.readiness() {
                Ok(()) => response(StatusCode::OK, WORDS, "ready\n".into()),
                Err(why) => response(StatusCode::SERVICE_UNAVAILABLE, WORDS, format!("{why}\n")),
            },
            _ => response(StatusCode::NOT_FOUND, WORDS, String::new()),
        }
    }
}

fn response(status: StatusCode, media_type: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    response
}

async fn accept(listener: TcpListener, board: Arc<Board>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let board = Arc::clone(&board);
                tokio::spawn(async move {
                    connection(stream, board).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection for metrics");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection: its requests one after the other.
async fn connection(stream: TcpStream, board: Arc<Board>) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let board = Arc::clone(&board);
        async move { Ok::<_, Infallible>(answer(&request, board).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION_TIME, served).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection for metrics broke off"),
    }
}

async fn answer(request: &Request<Incoming>, board: Arc<Board>) -> Response<String> {
    let path = request.uri().path().to_owned();
    let is_known = ["/metrics", "/healthz", "/readyz"].contains(&path.as_str());
    if is_known && request.method() != Method::GET {
        return response(StatusCode::METHOD_NOT_ALLOWED, WORDS, String::new());
    }
    // Sizes of files are asked of the disk, which may take a while.
    let answered = tokio::task::spawn_blocking(move || board.answer(&path)).await;
    answered.unwrap_or_else(|_panicked| response(StatusCode::INTERNAL_SERVER_ERROR, WORDS, String::new()))
}

/// The measures of the moment at which they are asked for.
#[derive(Debug)]
struct Gauges {
    exchange: Exchange,
    data_dir: PathBuf,
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let measures = self.exchange.measures();
        journal::of_journal(&mut encoder, &measures, &self.data_dir)?;
        disk::of_disk(&mut encoder, &self.exchange)?;
        measures.node.as_ref().map_or(Ok(()), |node| node::of_node(&mut encoder, node))?;
        feeds::of_feeds(&mut encoder, &measures.feeds)?;
        measures.witnesses.map_or(Ok(()), |witnesses| feeds::of_witnesses(&mut encoder, &witnesses))
    }
}

/// A gauge without labels.
pub(crate) fn whole(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    number: u64,
) -> Result<(), std::fmt::Error> {
    gauge(number).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

pub(crate) fn gauge(number: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX))
}
