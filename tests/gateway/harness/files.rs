//! The log's files as a third party's tool reads them: GET and HEAD over the same connection as the calls.

use std::pin::pin;

use futures_util::future::poll_fn;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Method, Request};
use tonic::codegen::{Body as _, Service};
use tonic::transport::Channel;

/// What came back.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

/// What a read of entries states.
pub(crate) const STATED: &[(&str, &str)] = &[("causeway-purpose", "integrity"), ("causeway-operator", "test.operator")];

/// Asks for a file, stating what it is given.
pub(crate) async fn ask(channel: &Channel, method: Method, path: &str, stated: &[(&str, &str)]) -> File {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in stated {
        request = request.header(*name, *value);
    }
    let mut channel = channel.clone();
    poll_fn(|cx| channel.poll_ready(cx)).await.expect("the connection stands");
    let response = channel.call(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let (mut body, mut bytes) = (pin!(body), Vec::new());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame.expect("the answer goes on").into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    File { status: parts.status.as_u16(), headers: parts.headers, bytes }
}

/// A file, with what a read of entries states.
pub(crate) async fn get(channel: &Channel, path: &str) -> File {
    ask(channel, Method::GET, path, STATED).await
}
