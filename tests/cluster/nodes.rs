//! Nodes over the shared log on real servers: two that append at once, while the servers' leader is killed, and a third that comes later.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use causeway_journal::{decode_entry, v1};
use causeway_model::LeafIndex;
use causeway_store::{
    AppendFailure, Clock, Committed, Draft, JetStreamLog, JetStreamSettings, Journal, Keys, NodeKeySettings, NodeKeys,
    NodeNumber, Options, SharedLog, SledLog, Upstream, create_stream,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::servers::{Cluster, ROOM, cluster};

const LONG: Duration = Duration::from_secs(60);

/// A node's folders. Ring and root key are the same with all of them.
struct Place(TempDir);

impl Place {
    fn new(like: Option<&Place>) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        if let Some(like) = like {
            std::fs::create_dir_all(place.keys_dir()).expect("made");
            for name in ["root.key", "ring"] {
                std::fs::copy(like.keys_dir().join(name), place.keys_dir().join(name)).expect("copied");
            }
        }
        place
    }

    fn keys_dir(&self) -> std::path::PathBuf {
        self.0.path().join("keys")
    }

    fn start(&self, number: u16, log: Arc<dyn SharedLog>) -> Journal {
        let (data_dir, keys_dir) = (self.0.path().join("data"), self.keys_dir());
        let keys = Arc::new(Keys::load_or_create(&keys_dir).expect("keys").0);
        let node_keys = NodeKeys::open(NodeKeySettings {
            data_dir: data_dir.clone(),
            keys_dir: keys_dir.clone(),
            mirror_dir: None,
            keys: Arc::clone(&keys),
            own: NodeNumber(number),
            peers: Vec::new(),
            shared_within: Duration::from_secs(1),
        });
        let options = Options {
            data_dir: data_dir.clone(),
            keys_dir,
            mirror_dir: None,
            keys,
            clock: Clock::system(),
            node: format!("node-{number}"),
            origin: "gateway.causeway.example/journal".into(),
            software: "causeway/0.1.0".into(),
            queue_depth: 1_024,
            signing_overlap: Duration::ZERO,
            headroom_bytes: 0,
            node_keys: Some(node_keys.expect("page keys")),
            index: true,
        };
        let upstream = Upstream { log, in_flight: 4, checkpoint_frames: 50 };
        let own = SledLog::open(Path::new(&data_dir)).expect("the own log opens");
        Journal::start_as_node(Box::new(own), options, upstream).expect("the node starts")
    }
}

fn draft(operation: v1::Operation, reason: &str) -> Draft {
    let entry = v1::Entry {
        entry_id: causeway_crypto::random::<16>().to_vec(),
        operation: operation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: reason.into(),
        actor: Some(v1::Actor { agency: "gb-nca".into(), ..v1::Actor::default() }),
        ..v1::Entry::default()
    };
    Draft { entry, openings: None, body: None, document_text: None }
}

fn append(journal: &Journal) -> Result<Committed, AppendFailure> {
    wait_for(journal.append(draft(v1::Operation::Consultation, "accepted")))
}

fn wait_for<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// A stream without a frame; gives what a node connects to it by.
fn stream(cluster: &Cluster, name: &str) -> JetStreamSettings {
    let settings = |user: &str| JetStreamSettings {
        log_id: None,
        patience: Duration::from_secs(5),
        ..cluster.settings(name, user)
    };
    create_stream(&settings("admin"), ROOM).expect("created");
    settings("gateway")
}

fn connect(settings: &JetStreamSettings) -> Arc<JetStreamLog> {
    Arc::new(JetStreamLog::open(settings.clone()).expect("opened"))
}

/// That every node has what was acknowledged, once, and that all are one.
fn are_one(nodes: &[&Journal], log: &dyn SharedLog, acknowledged: &[Committed]) {
    let head = log.head().expect("a head").last;
    assert!(nodes.iter().all(|node| node.wait_for(head, LONG)), "a node does not come to frame {head}");
    let [first, others @ ..] = nodes else { return };
    // Somebody may have said how far the log goes meanwhile: what they have in common is compared.
    let size = nodes.iter().map(|node| node.read(|state| state.tree().size())).min().expect("some");
    let mut leaves: Vec<_> = acknowledged.iter().map(|committed| committed.leaf).collect();
    leaves.sort();
    leaves.dedup();
    assert_eq!(leaves.len(), acknowledged.len());
    let mut ids = std::collections::BTreeSet::new();
    for leaf in (0..size).map(LeafIndex) {
        let entry = wait_for(first.entry(leaf)).expect("read");
        for other in others {
            assert_eq!(wait_for(other.entry(leaf)).expect("read"), entry);
        }
        assert!(ids.insert(decode_entry(&entry).expect("an entry").entry_id), "there twice");
    }
    for committed in acknowledged {
        assert_eq!(wait_for(first.entry(committed.leaf)).expect("read"), committed.entry);
    }
    assert!(nodes.iter().all(|node| node.halted().is_none() && node.stopped().is_none()));
}

/// Of three nodes.
fn places() -> [Place; 3] {
    let first = Place::new(None);
    drop(Keys::load_or_create(&first.keys_dir()).expect("keys are made"));
    let others = [Place::new(Some(&first)), Place::new(Some(&first))];
    let [second, third] = others;
    [first, second, third]
}

fn begin(node: &Journal) {
    for reason in ["genesis", "genesis-complete"] {
        wait_for(node.append(draft(v1::Operation::Administration, reason))).expect("begun");
    }
}

#[test]
fn nodes_halt_where_the_stream_is_made_anew_and_keep_what_they_have() {
    let Some(cluster) = cluster() else { return };
    let settings = stream(&cluster, "REMADE");
    let places = places();
    let first = places[0].start(1, connect(&settings));
    begin(&first);
    let second = places[1].start(2, connect(&settings));
    let acknowledged: Vec<_> = (0..10).map(|_| append(&first).expect("appended")).collect();
    assert!(second.wait_for(acknowledged[9].frame, LONG));
    let deleted = cluster.administer("STREAM.DELETE.REMADE", &Value::Null);
    assert_eq!(deleted["success"], true, "{deleted}");
    let administrator = JetStreamSettings { log_id: None, ..cluster.settings("REMADE", "admin") };
    create_stream(&administrator, ROOM).expect("created");
    let refused = append(&first);
    assert!(matches!(&refused, Err(AppendFailure::Halted(_))), "{refused:?}");
    assert!(first.halted().is_some());
    for committed in &acknowledged {
        for node in [&first, &second] {
            assert_eq!(wait_for(node.entry(committed.leaf)).expect("read"), committed.entry);
        }
    }
    // The other one finds it out when it looks, or at its next start.
    second.close();
    drop(second);
    let again = places[1].start(2, connect(&settings));
    assert!(again.halted().is_some());
    [first, again].iter().for_each(Journal::close);
}

#[test]
fn two_nodes_lose_and_double_nothing_where_the_leader_is_killed() {
    let Some(mut cluster) = cluster() else { return };
    let settings = stream(&cluster, "NODES");
    let places = places();
    let log = connect(&settings);
    let first = places[0].start(1, log.clone());
    begin(&first);
    let second = places[1].start(2, connect(&settings));
    let is_over = AtomicBool::new(false);
    let acknowledged: Vec<Committed> = thread::scope(|scope| {
        let is_over = &is_over;
        let write = |node: Journal| {
            scope.spawn(move || {
                let (mut done, mut after) = (Vec::new(), 0);
                while after < 5 {
                    // A node whose frame came too late, or that is cut off, says so: the same is tried again.
                    match append(&node) {
                        Ok(committed) => done.push(committed),
                        Err(AppendFailure::NotTaken(_)) => thread::sleep(Duration::from_millis(100)),
                        Err(failure) => panic!("{failure}"),
                    }
                    after += usize::from(is_over.load(Ordering::SeqCst));
                }
                done
            })
        };
        let writers: Vec<_> = [&first, &first, &second, &second].map(|node| write(node.clone())).into();
        thread::sleep(Duration::from_millis(500));
        let leader = cluster.leader("NODES");
        cluster.servers().kill(leader).expect("killed");
        thread::sleep(Duration::from_secs(2));
        cluster.servers().run(leader).expect("started again");
        is_over.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().expect("wrote")).collect()
    });
    cluster.servers().heal().expect("well");
    assert!(acknowledged.len() > 40, "{} acknowledged", acknowledged.len());
    // One that was not there reads all of it before it serves.
    let third = places[2].start(3, connect(&settings));
    are_one(&[&first, &second, &third], log.as_ref(), &acknowledged);
    let more = append(&third).expect("appended");
    assert!(first.wait_for(more.frame, LONG));
    assert_eq!(wait_for(first.entry(more.leaf)).expect("read"), more.entry);
    [first, second, third].iter().for_each(Journal::close);
}
