//! A journal that was put back: the gateway shows its health and the last checkpoint that was signed, says why, and does nothing else.

use std::fs;
use std::path::PathBuf;

use causeway_proto::v1;
use tonic::codegen::http::Method;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::audit::{ask as query, everything};
use crate::feed::{ALBANIA, VIET_NAM, submit_all};
use crate::harness::calls::{items, pull, reason, request, submit, within};
use crate::harness::{Gateway, Persist, World, copy, documents, files, own_log_only};

const AUDITOR: &str = "gb-nca/audit";
const SYSTEM: &str = "gb-nca/case-management";
const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

/// A world whose journal has grown since a copy of it was made: the copy, and another of what it is now.
async fn grown() -> (World, PathBuf, PathBuf) {
    let world = World::new();
    world.start().await.stop().await;
    let (journal, older, newer) = (world.path("data/journal"), world.path("older"), world.path("newer"));
    copy(&journal, &older);
    let gateway = world.start().await;
    let requests = (0..5).map(|index| request(&format!("record-{index}"), &documents::profile()));
    submit_all(&mut gateway.ingest(SYSTEM).await, requests.collect()).await;
    // What a feed is still given while the gateway stops would be newer than what is kept of it.
    for agreement in [ALBANIA, VIET_NAM] {
        world.journal().settle(agreement, 5).await;
    }
    gateway.stop().await;
    copy(&journal, &newer);
    (world, older, newer)
}

/// What the health service says; the status of a response is its field 1.
async fn health(channel: &Channel) -> i32 {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("the connection stands");
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let answer = client.unary(tonic::Request::new(()), path, ProstCodec::<(), i32>::default()).await;
    answer.expect("health is served").into_inner()
}

/// Waits for a health, as whoever watches it is told.
pub(crate) async fn until_health(channel: &Channel, wanted: i32) {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("the connection stands");
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Watch");
    let opened = client.server_streaming(tonic::Request::new(()), path, ProstCodec::<(), i32>::default()).await;
    let mut watch = opened.expect("health is served").into_inner();
    within("the health changes", async { while watch.message().await.expect("the watch goes on") != Some(wanted) {} })
        .await;
}

async fn checkpoint(gateway: &Gateway, system: &str) -> Result<v1::GetCheckpointResponse, Status> {
    let asked = v1::GetCheckpointRequest::default();
    gateway.audit(system).await.get_checkpoint(asked).await.map(tonic::Response::into_inner)
}

fn assert_refused(answer: Result<impl std::fmt::Debug, Status>, words: &str) {
    let status = answer.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "journal-halted"), "{status:?}");
    assert!(status.message().contains(words), "{status:?}");
}

/// Nothing but health and the last checkpoint is served.
async fn assert_halted(gateway: &Gateway, newest: &str, words: &str) {
    let channel = gateway.channel(AUDITOR).await;
    assert_eq!(health(&channel).await, NOT_SERVING);
    let shown = checkpoint(gateway, AUDITOR).await.expect("the last checkpoint");
    assert_eq!(shown.checkpoint, newest);
    assert!(shown.halted.contains(words), "{}", shown.halted);
    let key: causeway_journal::VerifierKey = shown.verifier_key.parse().expect("a key");
    causeway_journal::verify_checkpoint(newest, &key, key.name()).expect("signed by the key that is named");
    let file = files::ask(&channel, Method::GET, "/checkpoint", &[]).await;
    assert_eq!((file.status, file.text()), (200, newest));
    for path in ["/witnessed-checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1"] {
        let file = files::get(&channel, path).await;
        assert_eq!(file.status, 503, "{path}");
        assert!(file.text().starts_with("journal-halted: ") && file.text().contains(words), "{}", file.text());
    }
    let mut auditor = gateway.audit(AUDITOR).await;
    assert_refused(query(&mut auditor, everything()).await, words);
    let asked = v1::GetConsistencyProofRequest { first_size: 1, second_size: 2 };
    assert_refused(auditor.get_consistency_proof(asked).await, words);
    assert_refused(auditor.list_checkpoints(v1::ListCheckpointsRequest::default()).await, words);
    assert_refused(submit(&mut gateway.ingest(SYSTEM).await, "new", &documents::profile()).await, words);
    assert_refused(pull(&mut gateway.feed("al-police/feed").await, "", 0).await, words);
    // Who may not have it is not told so: that could not be recorded.
    assert_refused(checkpoint(gateway, SYSTEM).await, words);
}

fn evidence(world: &World) -> Vec<String> {
    let files = fs::read_dir(world.path("data/journal/evidence")).expect("there is evidence");
    files.map(|file| fs::read_to_string(file.expect("an entry").path()).expect("a text")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterdays_journal_under_todays_checkpoint_is_halted() {
    let (mut world, older, newer) = grown().await;
    let journal = world.path("data/journal");
    let newest = fs::read_to_string(newer.join("checkpoint")).expect("read");
    copy(&older, &journal);
    fs::copy(newer.join("checkpoint"), journal.join("checkpoint")).expect("writable");
    world.forget_log();
    for _ in 0..2 {
        let gateway = world.start().await;
        let held = world.journal().size();
        assert_halted(&gateway, &newest, "it was truncated or an old copy was put back").await;
        gateway.stop().await;
        assert_eq!(fs::read_to_string(journal.join("checkpoint")).expect("read"), newest, "nothing is signed");
        assert_eq!(world.journal().size(), held, "nothing is appended");
        assert!(evidence(&world).contains(&newest));
    }
    assert!(World::log_lines().contains("the journal is halted: health and the last checkpoint are served"));
    // No log at all: there is nobody whom the gateway knows, so it does not start.
    fs::remove_dir_all(journal.join("log")).expect("writable");
    let error = world.try_start().await.err().expect("it does not start");
    assert!(format!("{error}").contains("holds 0 entries but has signed"), "{error}");
    // The whole of the newer one again.
    copy(&newer, &journal);
    world.forget_log();
    let gateway = world.start().await;
    assert_eq!(health(&gateway.channel(AUDITOR).await).await, SERVING);
    assert_eq!(checkpoint(&gateway, AUDITOR).await.expect("served").halted, "");
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.len(), 5);
    let status = pull(&mut feed, "1.9.00", 0).await.expect_err("no cursor");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "cursor-invalid"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_the_past_tells_of_a_rollback_too() {
    let (mut world, older, newer) = grown().await;
    let (journal, newest) = (world.path("data/journal"), fs::read_to_string(newer.join("checkpoint")).expect("read"));
    copy(&older, &journal);
    world.forget_log();
    // All of yesterday's: nothing of today is left here to tell. Witnesses do.
    world.start().await.stop().await;
    copy(&older, &journal);
    fs::copy(newer.join("checkpoints"), journal.join("checkpoints")).expect("writable");
    world.forget_log();
    let gateway = world.start().await;
    assert_halted(&gateway, &newest, "it was truncated or an old copy was put back").await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_checkpoint_that_comes_into_the_file_halts_a_running_gateway() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let (mut world, older, newer) = grown().await;
    let journal = world.path("data/journal");
    let newest = fs::read_to_string(newer.join("checkpoint")).expect("read");
    copy(&older, &journal);
    world.forget_log();
    let gateway = world.start().await;
    let channel = gateway.channel(AUDITOR).await;
    assert_eq!(health(&channel).await, SERVING);
    fs::write(journal.join("checkpoint"), &newest).expect("writable");
    until_health(&channel, NOT_SERVING).await;
    assert_halted(&gateway, &newest, "a second copy of it runs elsewhere").await;
    gateway.stop().await;
    assert_eq!(fs::read_to_string(journal.join("checkpoint")).expect("read"), newest, "it is left there");
    let found = evidence(&world);
    assert!(found.contains(&newest) && found.len() == 2, "both: {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_has_stopped_shows_its_last_checkpoint_on() {
    let world = World::new();
    let gateway = world.start().await;
    let before = checkpoint(&gateway, AUDITOR).await.expect("served");
    world.fail_appends(0, Persist::No);
    submit(&mut gateway.ingest(SYSTEM).await, "lost", &documents::profile()).await.expect_err("the disk is gone");
    for _ in 0..2 {
        let shown = checkpoint(&gateway, AUDITOR).await.expect("served on");
        assert_eq!((shown.checkpoint.as_str(), shown.halted.as_str()), (before.checkpoint.as_str(), ""));
    }
    let status = checkpoint(&gateway, SYSTEM).await.expect_err("not its role");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "journal-unavailable"));
    let mut curious = v1::audit_service_client::AuditServiceClient::with_interceptor(
        gateway.channel(AUDITOR).await,
        causeway_gateway::client::Statement::new("investigation", "test.operator").expect("well formed"),
    );
    let refused = curious.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect_err("not for that");
    assert_eq!(refused.code(), Code::Unavailable);
    gateway.stop().await;
}
