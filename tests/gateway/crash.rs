//! The gateway as a process of its own, `causeway serve`, killed in the middle of a streamed submit and told to stop in the
//! middle of one; and told to look at its files, which ends nothing.
//!
//! Invariants: every record whose receipt arrived is there after the restart, at the same place with the same bytes; the
//! tree extends the last checkpoint that arrived; after SIGTERM, exactly what was acknowledged is there, and the exit code
//! is 0. Not a failure: after a kill, records that were stored and not acknowledged.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use causeway_cli::sample;
use causeway_journal::{Checkpoint, Tree, VerifierKey, leaf_hash, verify_checkpoint};
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use causeway_rig::{Launch, Process};
use causeway_store::Clock;
use serde_json::json;
use tonic::Status;

use crate::harness::calls::{reason, submit, within};
use crate::harness::{World, documents, own_log_only};
use crate::ingest::verifier_key;

const SYSTEM: &str = "gb-nca/case-management";

/// A gateway in a process of its own; killed when the test lets go of it.
pub(crate) fn start(settings: &Path) -> Process {
    let words = [OsStr::new("serve"), OsStr::new("--config"), settings.as_os_str()];
    Process::running(&words, "serving on https://", &Launch::default()).expect("the gateway starts")
}

/// What came back of a stream that was cut: receipts by submission id, in the stream's order, and how it ended.
struct Cut {
    receipts: Vec<(String, v1::Receipt)>,
    end: Option<Status>,
}

/// Streams records until the gateway ends it; calls `cut` once after `enough` receipts.
async fn stream_until_cut(world: &World, process: &Process, seed: u64, enough: usize, cut: impl FnOnce()) -> Cut {
    let mut ingest = world.reach(process.address()).ingest(SYSTEM).await;
    let ids: Vec<String> = sample::clean(seed, 20_000).map(|record| record.submission_id).collect();
    let messages = sample::clean(seed, 20_000).map(|record| {
        let document = v1::Record {
            kind: record.schema.kind.to_string(),
            schema_version: record.schema.version.to_string(),
            document: record.document,
        };
        let submission_id = record.submission_id;
        let submission = v1::SubmitRequest { submission_id, record: Some(document), ..v1::SubmitRequest::default() };
        v1::SubmitStreamRequest { submission: Some(submission) }
    });
    let mut verdicts = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("it opens").into_inner();
    let (mut receipts, mut cut) = (Vec::new(), Some(cut));
    loop {
        match within("a verdict or the end", verdicts.message()).await {
            Ok(Some(v1::SubmitStreamResponse { index, verdict: Some(Verdict::Receipt(receipt)) })) => {
                assert_eq!(index, receipts.len() as u64);
                receipts.push((ids[receipts.len()].clone(), receipt));
            }
            Ok(Some(other)) => panic!("a good record was refused: {other:?}"),
            Ok(None) => return Cut { receipts, end: None },
            Err(status) => return Cut { receipts, end: Some(status) },
        }
        if receipts.len() >= enough
            && let Some(cut) = cut.take()
        {
            cut();
        }
    }
}

/// A world whose clock is the machine's, as that of the process will be.
fn world() -> World {
    World::with(|setup| {
        setup.now = Clock::system().now();
        setup.edit("config/gateway.toml", |text| text.replace("127.0.0.1:8443", "127.0.0.1:0"));
    })
}

/// The newest checkpoint that a client has seen.
fn newest(receipts: &BTreeMap<String, v1::Receipt>, key: &VerifierKey) -> Checkpoint {
    let checkpoint = |receipt: &v1::Receipt| {
        verify_checkpoint(&receipt.checkpoint, key, key.name()).expect("every checkpoint was signed by the journal")
    };
    receipts.values().map(checkpoint).max_by_key(|checkpoint| checkpoint.size).expect("there are receipts")
}

/// The root of the first `size` entries of the log as it is now.
fn root_at(world: &World, size: u64) -> causeway_crypto::Digest {
    let mut tree = Tree::new();
    let entries = world.journal().entries();
    assert!(entries.len() as u64 >= size, "the log is shorter than what was signed");
    for seen in entries.iter().take_while(|seen| seen.leaf < size) {
        tree.push(leaf_hash(&seen.bytes));
    }
    tree.root()
}

/// Starts on the data that the process left, and finds every acknowledged record where its receipt says.
async fn all_are_there(world: &World, acknowledged: &BTreeMap<String, v1::Receipt>) {
    world.clock().set(Clock::system().now());
    let gateway = world.start().await;
    let key = verifier_key(&gateway).await;
    let checkpoint = newest(acknowledged, &key);
    assert_eq!(root_at(world, checkpoint.size), checkpoint.root, "the tree extends the last checkpoint that was seen");
    let mut ingest = gateway.ingest(SYSTEM).await;
    for (id, receipt) in acknowledged {
        let wanted = v1::GetReceiptRequest { submission_id: id.clone() };
        let found = ingest.get_receipt(wanted).await.expect("an acknowledged record is there").into_inner().receipt;
        let found = found.expect("a receipt");
        assert_eq!(
            (found.leaf_index, &found.entry, &found.record_id),
            (receipt.leaf_index, &receipt.entry, &receipt.record_id)
        );
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    if !own_log_only("the gateway in a process of its own reads settings that name no cluster") {
        return;
    }
    let world = world();
    let settings = world.path("config/gateway.toml");
    let mut acknowledged = BTreeMap::new();
    for (round, enough) in [(1, 1), (2, 60), (3, 250)] {
        let process = start(&settings);
        // While the stream is being read.
        let killed = || process.tell("KILL").expect("it is ours");
        let cut = stream_until_cut(&world, &process, round, enough, killed).await;
        process.kill().expect("it has ended");
        assert!(cut.end.is_some(), "the stream was cut, not finished");
        assert!(cut.receipts.len() >= enough);
        acknowledged.extend(cut.receipts);
        all_are_there(&world, &acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_thing_acknowledged_before_a_kill_is_there() {
    if !own_log_only("the gateway in a process of its own reads settings that name no cluster") {
        return;
    }
    let world = world();
    let settings = world.path("config/gateway.toml");
    // Nobody may be told of these, so that no release comes after them and takes them to the disk with it.
    let quiet = documents::with(documents::profile(), json!({"releasable_to": []}));
    let mut acknowledged = BTreeMap::new();
    for round in 0..3 {
        let process = start(&settings);
        let mut ingest = world.reach(process.address()).ingest(SYSTEM).await;
        let id = format!("quiet {round}");
        let receipt = within("a receipt", submit(&mut ingest, &id, &quiet)).await.expect("accepted");
        process.kill().expect("it is ours");
        acknowledged.insert(id, receipt);
        all_are_there(&world, &acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_finished_when_the_process_is_told_to_stop() {
    if !own_log_only("the gateway in a process of its own reads settings that name no cluster") {
        return;
    }
    let world = world();
    let process = start(&world.path("config/gateway.toml"));
    let cut = stream_until_cut(&world, &process, 9, 50, || process.tell("TERM").expect("it is ours")).await;
    let end = cut.end.expect("the stream was told why it ended");
    assert_eq!((end.code(), reason(&end).as_str()), (tonic::Code::Unavailable, "stopping"));
    let address = process.address();
    assert!(process.wait().expect("it has ended").success(), "exit code 0");
    tokio::net::TcpStream::connect(address).await.expect_err("nobody listens any more");

    let acknowledged: BTreeMap<_, _> = cut.receipts.into_iter().collect();
    assert!(acknowledged.len() < 20_000);
    all_are_there(&world, &acknowledged).await;
    let stored = world.journal().read(|state| state.records().count());
    assert_eq!(stored, acknowledged.len(), "what was begun was finished and acknowledged, and nothing else was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_ends_nothing() {
    let world = world();
    let process = start(&world.path("config/gateway.toml"));
    let mut ingest = world.reach(process.address()).ingest(SYSTEM).await;
    for round in 0..3 {
        process.tell("HUP").expect("it is ours");
        let id = format!("after {round}");
        within("a receipt", submit(&mut ingest, &id, &documents::profile())).await.expect("accepted");
    }
    assert!(process.stop().expect("it is ours").success(), "exit code 0");
}
