//! The log's files over HTTPS (C2SP tlog-tiles): checkpoints, tiles of hashes and entry bundles, for the tools of third parties. They
//! pass the same gate as every call; what they say back is plain HTTP.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use causeway_exchange::{Caller, Error, Exchange, Tallied, Which};
use causeway_journal::tlog_path::{FULL_WIDTH, TilePath};
use causeway_model::SystemId;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};

use crate::access::{self, Answerer, CHECKPOINT, WITNESSED_CHECKPOINT};
use crate::status;

/// Entry bundles in memory at a time, each of at most 4 MiB: who asks beyond waits.
const BUNDLES: usize = 16;

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// A full tile never changes. It is for whoever was let in only.
const FOR_EVER: &str = "private, max-age=31536000, immutable";
/// What grows, and what a full tile or the next checkpoint will take the place of.
const ASK_AGAIN: &str = "private, no-cache";
/// Entries are read under a purpose that is recorded each time; and refusals.
const NEVER: &str = "no-store";

/// The files.
#[derive(Debug, Clone)]
pub(crate) struct LogFiles {
    exchange: Exchange,
    bundles: Arc<Semaphore>,
}

/// A request for a file, which is answered by plain HTTP.
#[derive(Debug)]
pub(crate) struct Wanted {
    method: Method,
    path: String,
}

impl Wanted {
    /// What a request is for; none where it is a call. A file is wanted by its path, or because no call is made with the method.
    pub(crate) fn of(request: &Request<Body>) -> Option<Self> {
        let (method, path) = (request.method(), request.uri().path());
        let is_file = access::row(path).is_some_and(|row| row.answerer != Answerer::Service);
        (is_file || reads(method)).then(|| Self { method: method.clone(), path: path.to_owned() })
    }

    fn tile(&self) -> Option<TilePath> {
        TilePath::parse(self.path.strip_prefix('/')?).ok()
    }
}

/// A refusal of the gate.
pub(crate) fn refusal(status: &Status) -> Response<Body> {
    let code = match status.code() {
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound | Code::Unimplemented => StatusCode::NOT_FOUND,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let words = format!("{}: {}\n", status::reason(status), status.message());
    response(code, File { media_type: TEXT, caching: NEVER, bytes: words.into(), place: None }, true)
}

/// What is sent.
struct File {
    media_type: &'static str,
    caching: &'static str,
    bytes: Bytes,
    place: Option<OwnedSemaphorePermit>,
}

impl LogFiles {
    pub(crate) fn of(exchange: Exchange) -> Self {
        Self { exchange, bundles: Arc::new(Semaphore::new(BUNDLES)) }
    }

    /// A checkpoint, or a tile of hashes.
    pub(crate) async fn hashes(&self, wanted: &Wanted, system: &SystemId) -> Response<Body> {
        let which = match wanted.path.as_str() {
            CHECKPOINT => Some(Which::Newest),
            WITNESSED_CHECKPOINT => Some(Which::Witnessed),
            _ => None,
        };
        let file = match (which, wanted.tile()) {
            _ if !reads(&wanted.method) => return self.malformed(system, not_allowed()),
            (Some(which), _) => self.exchange.checkpoint_file(system, which).await.map(checkpoint),
            (None, Some(TilePath::Hashes { level, index, width })) => {
                self.exchange.tile_file(system, level, index, width).await.map(|bytes| hashes(bytes, width))
            }
            (None, Some(TilePath::Entries { .. }) | None) => return self.malformed(system, not_found()),
        };
        answer(wanted, file)
    }

    /// An entry bundle.
    pub(crate) async fn entries(&self, wanted: &Wanted, caller: &Caller) -> Response<Body> {
        if !reads(&wanted.method) {
            return self.malformed(&caller.system, not_allowed());
        }
        let Some(TilePath::Entries { index, width }) = wanted.tile() else {
            return self.malformed(&caller.system, not_found());
        };
        let place = Arc::clone(&self.bundles).acquire_owned().await.ok();
        let bytes = self.exchange.entry_bundle(caller, index, width).await;
        let file = bytes.map(|bytes| File { media_type: BYTES, caching: NEVER, bytes: bytes.into(), place });
        answer(wanted, file)
    }

    /// What names no file, or would do something else than read it: summed up, as any request is that is none.
    fn malformed(&self, system: &SystemId, answer: Response<Body>) -> Response<Body> {
        self.exchange.tally("", Some(system), Tallied::Malformed, 1);
        answer
    }
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn checkpoint(note: Arc<str>) -> File {
    File { media_type: TEXT, caching: ASK_AGAIN, bytes: Bytes::copy_from_slice(note.as_bytes()), place: None }
}

fn hashes(bytes: Vec<u8>, width: u16) -> File {
    let caching = if width == FULL_WIDTH { FOR_EVER } else { ASK_AGAIN };
    File { media_type: BYTES, caching, bytes: bytes.into(), place: None }
}

fn answer(wanted: &Wanted, file: Result<File, Error>) -> Response<Body> {
    match file {
        Ok(file) => response(StatusCode::OK, file, wanted.method == Method::GET),
        Err(error) => refusal(&status::of(error)),
    }
}

fn not_found() -> Response<Body> {
    let bytes = Bytes::from_static(b"no-such-file: this log has no file of that name\n");
    response(StatusCode::NOT_FOUND, File { media_type: TEXT, caching: NEVER, bytes, place: None }, true)
}

fn not_allowed() -> Response<Body> {
    let bytes = Bytes::from_static(b"read-only: the log's files are read with GET or HEAD\n");
    let file = File { media_type: TEXT, caching: NEVER, bytes, place: None };
    let mut response = response(StatusCode::METHOD_NOT_ALLOWED, file, true);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn response(code: StatusCode, file: File, with_body: bool) -> Response<Body> {
    let length = HeaderValue::from(file.bytes.len());
    let body = if with_body { Body::new(Whole { bytes: Some(file.bytes), _place: file.place }) } else { Body::empty() };
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(file.caching));
    headers.insert(CONTENT_LENGTH, length);
    response
}

/// A body that is there as a whole, and keeps its place until it has been taken.
struct Whole {
    bytes: Option<Bytes>,
    _place: Option<OwnedSemaphorePermit>,
}

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
