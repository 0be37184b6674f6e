//! The bare echo, in a process of its own: tonic over mutual TLS as the gateway speaks it, and nothing behind it. It answers where the
//! gateway's `Submit` and `SubmitStream` are, so that the same client calls both.

use std::convert::Infallible;
use std::fs;
use std::future::{Ready, ready};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use causeway_proto::v1;
use causeway_rig::Failed;
use prost::Message;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, BoxStream, Context, Poll, Service, http};
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::secured::{accepted, server_tls};

/// Holds the installation's folder, for the child process.
pub(super) const FOLDER: &str = "CAUSEWAY_BENCH_ECHO";
/// What stands before the address on the line that says where it listens.
pub(super) const SAID: &str = "echo on ";
/// The receipt that it answers with, in the installation's folder.
pub(super) const RECEIPT: &str = "echo-receipt";

/// As the gateway has them.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Calls at a time on a connection: more than are measured.
const CALLS: u32 = 1_024;

/// Serves the echo, where this process was started for that; none where it was not.
pub(crate) fn run() -> Option<ExitCode> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.map_err(Failed::from).and_then(|runtime| runtime.block_on(serve(&folder)));
    Some(served.map_or_else(
        |error| {
            crate::complain(error.as_ref());
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    ))
}

async fn serve(folder: &Path) -> Result<(), Failed> {
    let receipt = v1::Receipt::decode(fs::read(folder.join(RECEIPT))?.as_slice())?;
    let certs = folder.join("certs-dev/gb-nca");
    let tls = server_tls(&certs.join("gateway"), &[certs.join("ca.pem")])?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    crate::say(format_args!("{SAID}{}", listener.local_addr()?));
    let server = Server::builder()
        .max_concurrent_streams(CALLS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .add_service(Echo { receipt: Arc::new(receipt) })
        .serve_with_incoming(accepted(listener, tls, |_| Some(())));
    Ok(server.await?)
}

/// Answers each submission with one and the same receipt.
#[derive(Debug, Clone)]
struct Echo {
    receipt: Arc<v1::Receipt>,
}

impl NamedService for Echo {
    const NAME: &'static str = "causeway.v1.IngestService";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move {
            Ok(if request.uri().path().ends_with("/SubmitStream") {
                Grpc::new(ProstCodec::default()).streaming(echo, request).await
            } else {
                Grpc::new(ProstCodec::default()).unary(echo, request).await
            })
        })
    }
}

impl UnaryService<v1::SubmitRequest> for Echo {
    type Response = v1::SubmitResponse;
    type Future = Ready<Result<Response<v1::SubmitResponse>, Status>>;

    fn call(&mut self, _: Request<v1::SubmitRequest>) -> Self::Future {
        ready(Ok(Response::new(v1::SubmitResponse { receipt: Some((*self.receipt).clone()) })))
    }
}

impl StreamingService<v1::SubmitStreamRequest> for Echo {
    type Response = v1::SubmitStreamResponse;
    type ResponseStream = BoxStream<v1::SubmitStreamResponse>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<v1::SubmitStreamRequest>>) -> Self::Future {
        let receipt = Arc::clone(&self.receipt);
        Box::pin(async move {
            let mut requests = request.into_inner();
            let first = requests.message().await?;
            Ok(Response::new(match first.as_ref().and_then(wanted) {
                Some((document, times)) => down(document, times),
                None => both_ways(first, requests, receipt),
            }))
        })
    }
}

/// The document that a stream is to be made of, and of how often: a submission with an expected version asks for that, which no record
/// of the benchmarks has.
fn wanted(message: &v1::SubmitStreamRequest) -> Option<(Vec<u8>, u32)> {
    let submission = message.submission.as_ref()?;
    let document = submission.record.as_ref()?.document.clone();
    (submission.expected_version > 0).then_some((document, submission.expected_version))
}

/// So many answers to one message: a server stream.
fn down(document: Vec<u8>, times: u32) -> BoxStream<v1::SubmitStreamResponse> {
    let answers = (0..u64::from(times)).map(move |index| {
        let receipt = v1::Receipt { entry: document.clone(), ..Default::default() };
        Ok(answer(index, receipt))
    });
    Box::pin(tokio_stream::iter(answers))
}

/// An answer to each message.
fn both_ways(
    first: Option<v1::SubmitStreamRequest>,
    rest: Streaming<v1::SubmitStreamRequest>,
    receipt: Arc<v1::Receipt>,
) -> BoxStream<v1::SubmitStreamResponse> {
    let mut index = 0;
    let answers = tokio_stream::iter(first.map(Ok)).chain(rest).map(move |message| {
        message?;
        index += 1;
        Ok(answer(index - 1, (*receipt).clone()))
    });
    Box::pin(answers)
}

fn answer(index: u64, receipt: v1::Receipt) -> v1::SubmitStreamResponse {
    v1::SubmitStreamResponse { index, verdict: Some(v1::submit_stream_response::Verdict::Receipt(receipt)) }
}
