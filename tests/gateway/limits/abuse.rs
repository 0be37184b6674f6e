//! HTTP/2 as no honest client speaks it: each way ends that connection, is summed up, and leaves another agency's calls alone.

use std::time::Duration;

use causeway_proto::v1;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::{READER, SUBMITTER, limited, summed_up};
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{reason, submit, within};
use crate::harness::raw_h2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, PING, PRIORITY, RST_STREAM, Raw,
    SETTINGS, call, frame, message,
};
use crate::harness::{Gateway, World, documents};

/// More than any flood is let to go on.
const MANY: usize = 200_000;

/// Floods as one agency while another submits; the flood's connection ends, and no other.
async fn floods(world: &World, gateway: &Gateway, what: &str, next: impl FnMut(u32) -> Vec<u8>) {
    let mut raw = Raw::open(world, gateway.address(), READER, &[]).await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let goes_on = async {
        for number in 0..5 {
            submit(&mut ingest, &format!("{what} {number}"), &documents::route()).await.expect(what);
        }
    };
    let flood = async {
        let _ = raw.flood(MANY, next).await;
        raw.ended().await;
    };
    within(what, async { tokio::join!(goes_on, flood) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_frames_end_their_connection_and_no_other() {
    let world = limited(|_| {});
    let gateway = world.start().await;
    floods(&world, &gateway, "pings", |number| frame(PING, 0, 0, &u64::from(number).to_be_bytes())).await;
    floods(&world, &gateway, "settings", |_| frame(SETTINGS, 0, 0, &[])).await;
    floods(&world, &gateway, "priorities", |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])).await;
    let entry = summed_up(&world, "floods").await;
    let actor = entry.actor.expect("a system");
    assert_eq!((entry.count, actor.agency.as_str()), (3, "al-police"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_begun_and_reset_at_once_end_their_connection_and_no_other() {
    let world = limited(|_| {});
    let gateway = world.start().await;
    let block = call("FeedService/Pull");
    floods(&world, &gateway, "resets", move |number| {
        let stream = 2 * number + 1;
        [frame(HEADERS, END_HEADERS, stream, &block), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    })
    .await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_block_without_end_ends_its_connection_and_no_other() {
    let world = limited(|_| {});
    let gateway = world.start().await;
    let block = call("FeedService/Pull");
    let field = [&[0u8, 1][..], b"x", &[1], b"y"].concat();
    floods(&world, &gateway, "continuations", move |number| match number {
        0 => frame(HEADERS, 0, 1, &block),
        _ => frame(CONTINUATION, 0, 1, &field),
    })
    .await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_stops_coming_is_given_up() {
    let world = limited(|limits| limits.body = Duration::from_millis(500));
    let gateway = world.start().await;
    let mut client = tonic::client::Grpc::new(gateway.channel(SUBMITTER).await);
    client.ready().await.expect("the connection stands");
    let mut never = Request::new(tokio_stream::pending());
    for (name, value) in [("causeway-purpose", "lawfulness"), ("causeway-operator", "test.operator")] {
        never.metadata_mut().insert(name, value.parse().expect("ASCII"));
    }
    let path = PathAndQuery::from_static("/causeway.v1.IngestService/Submit");
    let codec = ProstCodec::<v1::SubmitRequest, v1::SubmitResponse>::default();
    let status: Status = within("an answer", client.streaming(never, path, codec)).await.map(drop).expect_err("slow");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "request-too-slow"));

    // Within a message of a stream, a byte now and then is nothing; between two of them, nothing is nothing wrong.
    let mut raw = Raw::open(&world, gateway.address(), SUBMITTER, &[]).await;
    let open = |stream| frame(HEADERS, END_HEADERS, stream, &call("IngestService/SubmitStream"));
    raw.send(&[open(1), open(3), frame(DATA, 0, 3, &message(&[]))].concat()).await.expect("sent");
    raw.send(&frame(DATA, 0, 1, &message(&[0; 1_000])[..100])).await.expect("sent");
    let over = loop {
        let dribble = tokio::time::timeout(Duration::from_millis(100), raw.next()).await;
        match dribble {
            Err(_elapsed) => raw.send(&frame(DATA, 0, 1, &[0])).await.expect("sent"),
            Ok(frame) => {
                let frame = frame.expect("the connection goes on");
                if frame.kind == RST_STREAM || frame.flags & END_STREAM != 0 && frame.kind == HEADERS {
                    break frame.stream;
                }
            }
        }
    };
    assert_eq!(over, 1, "the other stream is idle, and may be");
    assert_eq!(summed_up(&world, "too-slow").await.count, 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_takes_nothing_of_an_answer_is_cut_and_one_without_news_is_not() {
    let world = limited(|limits| limits.unread = Duration::from_secs(1));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let receipt = submit(&mut ingest, "released", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &receipt).await;
    let mut idle = gateway.feed("vn-police/feed").await;
    let mut watch = idle.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
    let mut raw = Raw::open(&world, gateway.address(), READER, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    let asked = [frame(HEADERS, END_HEADERS, 1, &call("FeedService/Watch")), frame(DATA, END_STREAM, 1, &message(&[]))];
    raw.send(&asked.concat()).await.expect("sent");
    raw.ended().await;
    let quiet = tokio::time::timeout(Duration::from_secs(1), watch.message()).await;
    assert!(quiet.is_err() || quiet.is_ok_and(|page| page.is_ok()), "a watch without news goes on");
    assert_eq!(summed_up(&world, "too-slow").await.count, 1);
    gateway.stop().await;
}
