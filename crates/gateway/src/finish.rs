//! One log line for each call that is over: how it ended and how long it took. What was called, by whom and under which
//! request id are the span's. No line holds anything that the peer sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use causeway_exchange::Exchange;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};
use tracing::Span;

use crate::metadata;
use crate::metrics::{Open, Traffic};
use crate::status;

/// A call from its beginning until its line is written.
#[derive(Debug)]
pub(crate) struct Finish {
    began: Instant,
    span: Span,
    counted: Counted,
    /// Of a node: whose position is told with the answer.
    node: Option<Exchange>,
}

/// What counts the call, and until when it counts as open.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) traffic: Traffic,
    pub(crate) method: &'static str,
    pub(crate) _open: Option<Open>,
}

impl Finish {
    pub(crate) fn new(span: Span, counted: Counted) -> Self {
        Self { began: Instant::now(), span, counted, node: None }
    }

    /// The same, which tells with the answer how far this gateway has applied its log, where it shares that with others.
    pub(crate) fn telling(self, exchange: Exchange) -> Self {
        Self { node: Some(exchange).filter(|exchange| exchange.node_number().is_some()), ..self }
    }

    /// Writes the line when the response is over: at once where its headers hold its status, as those of a refusal do,
    /// otherwise with its trailers, or when the client goes before them.
    pub(crate) fn follow(self, mut response: http::Response<Body>) -> http::Response<Body> {
        let request_id = response.headers().get(metadata::REQUEST_ID).cloned();
        if let Some(status) = Status::from_header_map(response.headers()) {
            self.say(&status);
            name_request(response.headers_mut(), &status, request_id.as_ref());
            self.tell_position(response.headers_mut());
            return response;
        }
        response.map(|body| Body::new(Followed { body, finish: Some(self), request_id }))
    }

    /// Writes the line of an answer that is a file: it is whole when it begins.
    pub(crate) fn file(self, status: StatusCode) {
        let micros = self.count(http_code(status));
        self.span.in_scope(|| match status {
            StatusCode::OK => tracing::debug!(%status, micros, "call finished"),
            _ => tracing::info!(%status, micros, "call refused"),
        });
    }

    fn say(&self, status: &Status) {
        let (code, reason) = (status.code(), status::reason(status));
        let micros = self.count(status::code_name(code));
        self.span.in_scope(|| match code {
            Code::Ok => tracing::debug!(?code, micros, "call finished"),
            // Whoever is over a limit can cause it at will; it is summed up, and said once a minute.
            Code::ResourceExhausted => tracing::debug!(?code, reason, micros, "call refused"),
            _ => tracing::info!(?code, reason, micros, "call refused"),
        });
    }

    /// Says how far the log has been applied here: whatever this call has written is before that.
    fn tell_position(&self, trailers: &mut HeaderMap) {
        let position = self.node.as_ref().and_then(Exchange::log_position);
        if let Some(Ok(position)) = position.map(|position| HeaderValue::try_from(position.to_string())) {
            trailers.insert(metadata::POSITION, position);
        }
    }

    /// Counts the call; gives the microseconds that it took.
    fn count(&self, code: &'static str) -> u128 {
        let took = self.began.elapsed();
        self.counted.traffic.ended(self.counted.method, code, took);
        took.as_micros()
    }

    fn broken_off(&self) {
        let micros = self.count(status::code_name(Code::Cancelled));
        self.span.in_scope(|| tracing::debug!(code = ?Code::Cancelled, micros, "call broken off"));
    }
}

/// The codes that files are answered with, as words; what is none of them is a mistake of ours.
fn http_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "200",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        429 => "429",
        503 => "503",
        _ => "500",
    }
}

/// The body of a response, with whoever waits for its end.
struct Followed {
    body: Body,
    finish: Option<Finish>,
    request_id: Option<HeaderValue>,
}

impl Followed {
    fn look(&mut self, trailers: &mut HeaderMap) {
        if let (Some(status), Some(finish)) = (Status::from_header_map(trailers), self.finish.take()) {
            finish.say(&status);
            name_request(trailers, &status, self.request_id.as_ref());
            finish.tell_position(trailers);
        }
    }
}

/// Puts the request's id into the details of a status that is the gateway's own: clients keep those, and lose headers.
fn name_request(headers: &mut HeaderMap, status: &Status, request_id: Option<&HeaderValue>) {
    let named = request_id.and_then(|id| status::naming(status, id.to_str().ok()?));
    if let Some(named) = named {
        for header in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
            headers.remove(header);
        }
        // What it was made of went into headers before.
        let _ = named.add_header(headers);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(finish) = self.finish.take() {
            finish.broken_off();
        }
    }
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_ok(|frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                self.look(&mut trailers);
                Frame::trailers(trailers)
            }
            Err(frame) => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use futures_util::future::poll_fn;
    use http_body::Body as _;

    use super::*;
    use crate::status::Fault;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn take(&self) -> Vec<String> {
            let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A body of frames.
    struct Frames(Vec<Frame<Bytes>>);

    impl http_body::Body for Frames {
        type Data = Bytes;
        type Error = Status;
        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready((!self.0.is_empty()).then(|| Ok(self.0.remove(0))))
        }
    }

    fn answer(trailers: &HeaderMap) -> http::Response<Body> {
        let frames = vec![Frame::data(Bytes::from_static(b"SECRET")), Frame::trailers(trailers.clone())];
        http::Response::new(Body::new(Frames(frames)))
    }

    #[tokio::test]
    async fn every_end_of_a_call_is_one_line_at_its_level() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let begin = || {
            let counted = Counted { traffic: Traffic::default(), method: "unknown", _open: None };
            Finish::new(tracing::error_span!("request", request_id = "r-1"), counted)
        };
        let only = || {
            let mut found = lines.take();
            assert_eq!(found.len(), 1, "{found:?}");
            let line = found.remove(0);
            assert!(
                line.contains("request_id=\"r-1\"") && line.contains("micros=") && !line.contains("SECRET"),
                "{line}"
            );
            line
        };

        let mut well = HeaderMap::new();
        well.insert("grpc-status", HeaderValue::from_static("0"));
        let mut body = begin().follow(answer(&well)).into_body();
        assert!(lines.take().is_empty(), "it is not over");
        while poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_some() {}
        drop(body);
        let line = only();
        assert!(line.contains("DEBUG") && line.contains("code=Ok"), "{line}");

        let response = begin().follow(Status::from(Fault::Field("limit")).into_http());
        drop(response);
        let line = only();
        assert!(
            line.contains("INFO") && line.contains("InvalidArgument") && line.contains("field-malformed"),
            "{line}"
        );

        let mut body = begin().follow(answer(&well)).into_body();
        let first = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        assert!(first.is_some_and(|frame| frame.is_ok_and(|frame| frame.is_data())));
        drop(body);
        let line = only();
        assert!(line.contains("DEBUG") && line.contains("broken off"), "{line}");
    }
}
