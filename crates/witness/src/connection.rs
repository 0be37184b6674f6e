//! One connection: its handshake and its requests, each on a deadline, so that nobody who is slow holds a place for long.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::config::Limits;
use crate::service::Service;
use crate::tls::ALPN_HTTP2;

/// Largest request head, in bytes; hyper takes no less for its buffer. The paths and headers of this protocol have a few
/// hundred.
const HEAD_BYTES: usize = 8 * 1024;

/// The same of HTTP/2, where what counts is the head unpacked.
const HEADER_LIST_BYTES: u32 = 8 * 1024;

/// Requests at a time on one HTTP/2 connection: a log needs one.
const STREAMS: u32 = 4;

/// Bytes of one stream that may be on their way: more than the longest request, so that no window has to be opened for it.
const STREAM_WINDOW: u32 = 72 * 1024;

/// What a connection is served with. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) service: Arc<Service>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) limits: Limits,
    /// Says when the witness is stopping.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Server {
    /// Serves one connection to its end.
    pub(crate) async fn serve(self, stream: TcpStream) {
        // Without it an answer may wait for the acknowledgement of what came before; with an error it only is slower.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else { return self.http1(stream).await };
        match timeout(self.limits.handshake, TlsAcceptor::from(tls).accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2) => self.http2(stream).await,
            Ok(Ok(stream)) => self.http1(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = Arc::clone(&self.service);
        let answer = service_fn(move |request| {
            let answer = Arc::clone(&service).answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.limits.head).max_buf_size(HEAD_BYTES);
        let connection = builder.serve_connection(TokioIo::new(stream), answer);
        self.drive(connection, http1::Connection::graceful_shutdown).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = Arc::clone(&self.service);
        let answer = service_fn(move |request| {
            let answer = Arc::clone(&service).answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.head)
            .keep_alive_timeout(self.limits.head)
            .max_header_list_size(HEADER_LIST_BYTES)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(STREAM_WINDOW * STREAMS);
        let connection = builder.serve_connection(TokioIo::new(stream), answer);
        self.drive(connection, http2::Connection::graceful_shutdown).await;
    }

    /// Drives a connection until it ends by itself, or has lived for long enough, or the witness stops: then it takes no
    /// further request, and is cut once those under way have had their time.
    async fn drive<C, E>(mut self, connection: C, take_no_more: impl FnOnce(Pin<&mut C>))
    where
        C: Future<Output = Result<(), E>>,
        E: std::error::Error,
    {
        let mut connection = pin!(connection);
        let stopping = &mut self.stopping;
        let over = timeout(self.limits.connection, async move {
            // An error means that nobody is left to say it.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        });
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            // Because the time is over, or the word was said.
            _ = over => {
                take_no_more(connection.as_mut());
                timeout(self.limits.head + self.limits.body, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}
