//! `/healthz` and `/readyz`: what a supervisor reads while the journal is still being recovered, and when it cannot be written.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;

use causeway_store::SledLog;

use super::{get, number, scrape, with_metrics};
use crate::harness::calls::{request, send};
use crate::harness::{Persist, World, documents};

/// An address that nothing listens on.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_lives_before_it_is_ready_and_is_ready_once_it_serves() {
    let address = free();
    let mut world = World::with(|setup| setup.configure(move |config| config.metrics = Some(address)));
    let (opening, opened) = mpsc::channel::<()>();
    let (go_on, told) = mpsc::channel::<()>();
    let (config, clock) = (world.config().clone(), world.time());
    let launched = tokio::spawn(causeway_gateway::launch_over(config, clock, move |data_dir| {
        let _ = opening.send(());
        let _ = told.recv();
        Ok(Box::new(SledLog::open(data_dir)?))
    }));
    tokio::task::spawn_blocking(move || opened.recv()).await.expect("no panic").expect("the journal is being opened");
    assert_eq!(get(address, "/healthz").await, (200, "alive\n".into()));
    assert_eq!(get(address, "/readyz").await, (503, "recovering\n".into()));
    let (status, text) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("process_start_time_seconds") && !text.contains("causeway_journal"), "{text}");
    go_on.send(()).expect("it waits");
    let gateway = launched.await.expect("no panic").expect("it starts");
    assert_eq!(get(address, "/readyz").await, (503, "not-serving\n".into()), "nobody is served yet");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(gateway.serve(async move {
        let _ = stopped.await;
    }));
    while get(address, "/readyz").await != (200, "ready\n".into()) {
        assert!(!served.is_finished(), "it stopped");
    }
    stop.send(()).expect("it serves");
    served.await.expect("no panic").expect("it stops in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_whose_journal_cannot_be_written_lives_and_is_not_ready() {
    let world = with_metrics();
    let gateway = world.start().await;
    let address = gateway.metrics().expect("metrics are served");
    while get(address, "/readyz").await.0 != 200 {}
    world.faults().fail_after(0, Persist::No);
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    send(&mut ingest, request("one", &documents::profile())).await.expect_err("nothing is written");
    assert_eq!(get(address, "/readyz").await, (503, "stopped\n".into()));
    assert_eq!(get(address, "/healthz").await.0, 200);
    assert_eq!(number(&scrape(&gateway).await, "causeway_healthy"), Some(0));
    let _ = gateway.ended().await;
}
