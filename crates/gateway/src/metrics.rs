//! Metrics for the operator's own monitoring: plain HTTP on the loopback, OpenMetrics text, sizes and positions only. No label names
//! anything but an agreement or a witness.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use causeway_exchange::{Exchange, FeedMeasures, Measures, WitnessMeasures};
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

use crate::shutdown::Stopping;

/// Where the metrics are.
const PATH: &str = "/metrics";

/// The media type of OpenMetrics 1.0.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

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

/// Serves the metrics until the gateway stops.
pub(crate) async fn serve(listener: TcpListener, exchange: Exchange, stopping: Stopping) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Gauges(exchange)));
    let registry = Arc::new(registry);
    tokio::select! {
        () = accept(&listener, &registry) => {}
        () = stopping.wait() => {}
    }
}

async fn accept(listener: &TcpListener, registry: &Arc<Registry>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let registry = Arc::clone(registry);
                tokio::spawn(async move {
                    connection(stream, registry).await;
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
async fn connection(stream: TcpStream, registry: Arc<Registry>) {
    let service = hyper::service::service_fn(move |request| {
        let answer = answer(&request, &registry);
        async move { Ok::<_, Infallible>(answer) }
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

fn answer(request: &Request<Incoming>, registry: &Registry) -> Response<String> {
    let refused = |status: StatusCode| {
        let mut response = Response::new(String::new());
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != PATH {
        return refused(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED);
    }
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, registry).is_err() {
        return refused(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let mut response = Response::new(text);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// The measures of the moment at which they are asked for.
#[derive(Debug)]
struct Gauges(Exchange);

/// What a gauge of feeds is called, what it says, and where its number is.
type OfFeeds = (&'static str, &'static str, fn(&FeedMeasures) -> u64);

const OF_FEEDS: [OfFeeds; 3] = [
    ("causeway_overdue_acknowledgements", "Recalls not acknowledged in time", |feed| feed.overdue),
    ("causeway_feed_newest_position", "Newest position of the feed", |feed| feed.newest),
    ("causeway_feed_acknowledged_position", "Position up to which the feed is acknowledged", |feed| feed.acknowledged),
];

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Measures { is_healthy, entries, looked_at, feeds, witnesses } = self.0.measures();
        for (name, help, number) in OF_FEEDS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for feed in &feeds {
                let label = [("agreement", feed.agreement.as_str())];
                gauge(number(feed)).encode(family.encode_family(&label)?)?;
            }
        }
        let whole = [
            ("causeway_journal_entries", "Entries of the journal", entries),
            ("causeway_audit_entries_looked_at", "Entries that auditors' answers have looked at", looked_at),
            ("causeway_healthy", "Whether the journal can be written: 1, or 0", u64::from(is_healthy)),
        ];
        for (name, help, number) in whole {
            let family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            gauge(number).encode(family)?;
        }
        witnesses.map_or(Ok(()), |witnesses| of_witnesses(&mut encoder, &witnesses))
    }
}

fn of_witnesses(encoder: &mut DescriptorEncoder<'_>, witnesses: &WitnessMeasures) -> Result<(), std::fmt::Error> {
    let age = ("causeway_witness_quorum_age_seconds", "Seconds since a quorum of witnesses has cosigned");
    let size = ("causeway_witnessed_size", "Tree size of the newest witnessed checkpoint");
    for ((name, help), number) in [(age, witnesses.quorum_age_seconds), (size, witnesses.size)] {
        gauge(number).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
    }
    let help = "Whether the witness's last answer was a cosignature: 1, or 0";
    let mut family = encoder.encode_descriptor("causeway_witness_up", help, None, MetricType::Gauge)?;
    for (witness, up) in &witnesses.up {
        gauge(u64::from(*up)).encode(family.encode_family(&[("witness", witness.as_str())])?)?;
    }
    Ok(())
}

fn gauge(number: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX))
}
