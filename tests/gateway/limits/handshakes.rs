//! Connections that prove nothing: few at a time, apart from those of authenticated systems, and none of these waits for them.

use std::time::Duration;

use causeway_journal::v1::Decision;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{READER, SUBMITTER, limited, summed_up};
use crate::harness::calls::{submit, within};
use crate::harness::documents;

/// Places for handshakes, and connections that want one: from one address, as they all come from one.
const PLACES: usize = 16;
const HALF_OPEN: usize = 200;

/// Whether the gateway has ended a connection.
async fn is_over(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    tokio::time::timeout(Duration::from_millis(1), stream.read(&mut byte)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_push_out_each_other_and_nobody_else() {
    let world = limited(|limits| {
        limits.handshakes_per_address = PLACES;
        limits.handshake = Duration::from_secs(60);
    });
    let gateway = world.start().await;
    let mut before = gateway.ingest(SUBMITTER).await;
    let mut half_open = Vec::new();
    for _ in 0..HALF_OPEN {
        half_open.push(TcpStream::connect(gateway.address()).await.expect("the gateway listens"));
    }
    let pushed_out = async {
        loop {
            let mut over = 0;
            for stream in &mut half_open {
                over += usize::from(is_over(stream).await);
            }
            if over >= HALF_OPEN - PLACES {
                return over;
            }
        }
    };
    let over = within("those that wait longest to be closed", pushed_out).await;
    assert!(over < HALF_OPEN, "the newest have their time");
    for number in 0..3 {
        submit(&mut before, &format!("before {number}"), &documents::route()).await.expect("who was there goes on");
        let mut after = gateway.ingest(SUBMITTER).await;
        submit(&mut after, &format!("after {number}"), &documents::route()).await.expect("who comes gets in");
    }
    gateway.channel(READER).await;
    let entry = summed_up(&world, "overload").await;
    assert!(entry.count >= (HALF_OPEN - PLACES) as u64 && entry.decision() == Decision::Denied, "{}", entry.count);
    drop(half_open);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_takes_too_long_is_summed_up_apart() {
    let world = limited(|limits| limits.handshake = Duration::from_millis(200));
    let gateway = world.start().await;
    let mut silent = TcpStream::connect(gateway.address()).await.expect("the gateway listens");
    let mut rest = Vec::new();
    let _ = within("the end of a connection that says nothing", silent.read_to_end(&mut rest)).await;
    assert_eq!(summed_up(&world, "handshakes-too-slow").await.count, 1);
    gateway.stop().await;
}
