//! Answers of services that are not ours (health, reflection): their streams, too, end when the peer may not go on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use crate::standing::Standing;

/// A body that ends, with the reason in its trailers, once the peer's standing is lost.
struct Lapsing {
    body: Body,
    lost: Pin<Box<dyn Future<Output = Status> + Send>>,
    over: bool,
}

/// Lets the response go on for as long as its peer's standing does.
pub(crate) fn follow(standing: Standing, response: http::Response<Body>) -> http::Response<Body> {
    response.map(|body| Body::new(Lapsing { body, lost: Box::pin(async move { standing.lost().await }), over: false }))
}

impl http_body::Body for Lapsing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(status) = self.lost.as_mut().poll(cx) {
            self.over = true;
            let mut trailers = HeaderMap::new();
            return Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
