//! One log line for each call that is over: how it ended and how long it took. What was called, by whom and under which
//! request id are the span's. No line holds anything that the peer sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};
use tracing::Span;

use crate::status;

/// A call from its beginning until its line is written.
#[derive(Debug)]
pub(crate) struct Finish {
    began: Instant,
    span: Span,
}

impl Finish {
    pub(crate) fn new(span: Span) -> Self {
        Self { began: Instant::now(), span }
    }

    /// Writes the line when the response is over: at once where its headers hold its status, as those of a refusal do,
    /// otherwise with its trailers, or when the client goes before them.
    pub(crate) fn follow(self, response: http::Response<Body>) -> http::Response<Body> {
        if let Some(status) = Status::from_header_map(response.headers()) {
            self.say(&status);
            return response;
        }
        response.map(|body| Body::new(Followed { body, finish: Some(self) }))
    }

    /// Writes the line of an answer that is a file: it is whole when it begins.
    pub(crate) fn file(self, status: StatusCode) {
        let micros = self.began.elapsed().as_micros();
        self.span.in_scope(|| match status {
            StatusCode::OK => tracing::debug!(%status, micros, "call finished"),
            _ => tracing::info!(%status, micros, "call refused"),
        });
    }

    fn say(&self, status: &Status) {
        let (code, reason) = (status.code(), status::reason(status));
        let micros = self.began.elapsed().as_micros();
        self.span.in_scope(|| match code {
            Code::Ok => tracing::debug!(?code, micros, "call finished"),
            _ => tracing::info!(?code, reason, micros, "call refused"),
        });
    }

    fn broken_off(&self) {
        let micros = self.began.elapsed().as_micros();
        self.span.in_scope(|| tracing::debug!(code = ?Code::Cancelled, micros, "call broken off"));
    }
}

/// The body of a response, with whoever waits for its end.
struct Followed {
    body: Body,
    finish: Option<Finish>,
}

impl Followed {
    fn look(&mut self, trailers: &HeaderMap) {
        if let (Some(status), Some(finish)) = (Status::from_header_map(trailers), self.finish.take()) {
            finish.say(&status);
        }
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
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            self.look(trailers);
        }
        polled
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
    use http::HeaderValue;
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
        let begin = || Finish::new(tracing::error_span!("request", request_id = "r-1"));
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
