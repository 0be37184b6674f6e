//! Three nodes' page keys over real TLS, each on a port of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causeway_model::Timestamp;
use causeway_store::{Clock, Keys, NodeKeySettings, NodeKeys, NodeNumber, PageKey, PageKeyPeer, PeerFailure};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType, date_time_ymd};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use super::*;
use crate::shutdown::{self, Stop};
use crate::tls::issue::Ca;

/// 2026-11-01.
const NOW: Timestamp = Timestamp(1_793_500_000_000_000);

struct Cluster {
    folder: tempfile::TempDir,
    ca: Ca,
    roster: Vec<RosteredNode>,
    listeners: Vec<Option<TcpListener>>,
    clock: Clock,
}

/// A node that answers.
struct Running {
    keys: NodeKeys,
    stop: Stop,
}

impl Cluster {
    async fn new() -> Self {
        let (mut roster, mut listeners) = (Vec::new(), Vec::new());
        for number in 1..=3 {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("bound").to_string();
            roster.push(RosteredNode { number: NodeNumber(number), name: format!("node-{number}"), address });
            listeners.push(Some(listener));
        }
        let (clock, _) = Clock::manual(NOW);
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, ca: Ca::new("cluster"), roster, listeners, clock }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a certificate with this identity, by this CA, and its key; gives both paths.
    fn issue(&self, ca: &Ca, name: &str, uri: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("ASCII"))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &ca.issuer).expect("signed");
        let (certificate_path, key_path) = (self.at(&format!("{name}.pem")), self.at(&format!("{name}.key")));
        fs::write(&certificate_path, certificate.pem()).expect("written");
        fs::write(&key_path, key.serialize_pem()).expect("written");
        (certificate_path, key_path)
    }

    fn credentials_by(&self, ca: &Ca, node: u16) -> NodeCredentials {
        let (certificate, key) = self.issue(ca, &format!("node-{node}"), &format!("causeway-node:{node}"));
        fs::write(self.at("ca.pem"), &self.ca.pem).expect("written");
        NodeCredentials::load(NodeNumber(node), &certificate, &key, &self.at("ca.pem")).expect("read")
    }

    fn settings(&self, node: u16) -> NodeSettings {
        NodeSettings {
            own: NodeNumber(node),
            listen: "127.0.0.1:0".parse().expect("an address"),
            ca: PathBuf::new(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            version: 1,
            roster: self.roster.clone(),
        }
    }

    /// The others as a node calls them, with a certificate by this CA.
    fn peers_by(&self, ca: &Ca, node: u16) -> Vec<Arc<dyn PageKeyPeer>> {
        peers(&self.settings(node), &self.credentials_by(ca, node), &self.clock).expect("made")
    }

    fn keys(&self, node: u16) -> NodeKeys {
        let dir = self.at(&format!("files-{node}"));
        // All nodes have one key ring.
        drop(Keys::load_or_create(&self.at("keys")).expect("made"));
        fs::create_dir_all(dir.join("keys")).expect("made");
        for name in ["root.key", "ring"] {
            fs::copy(self.at("keys").join(name), dir.join("keys").join(name)).expect("copied");
        }
        let settings = NodeKeySettings {
            data_dir: dir.join("data"),
            keys_dir: dir.join("keys"),
            mirror_dir: Some(dir.join("mirror")),
            keys: Arc::new(Keys::load_or_create(&dir.join("keys")).expect("made").0),
            own: NodeNumber(node),
            peers: self.peers_by(&self.ca, node),
            shared_within: Duration::from_millis(500),
        };
        NodeKeys::open(settings).expect("opened")
    }

    fn run(&mut self, node: u16) -> Running {
        let (keys, credentials) = (self.keys(node), self.credentials_by(&self.ca, node));
        let listener = self.listeners[usize::from(node) - 1].take().expect("it runs once");
        let others: BTreeSet<NodeNumber> = self.settings(node).others().map(|node| node.number).collect();
        let server = NodeServer::new(listener, &credentials, others, keys.clone(), self.clock.clone()).expect("made");
        let (stop, stopping) = shutdown::channel();
        tokio::spawn(server.serve(async move { stopping.wait().await }));
        Running { keys, stop }
    }
}

async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    spawn_blocking(work).await.expect("no panic")
}

/// Every way in which a peer is asked, in words that can be compared.
async fn tried(peer: &Arc<dyn PageKeyPeer>) -> [Result<(), PeerFailure>; 4] {
    let peer = Arc::clone(peer);
    blocking(move || {
        [
            peer.put(&[PageKey::new(1 << 48, [7; 32])]),
            peer.standings(NodeNumber(1), 0).map(drop),
            peer.keys_of(&[1 << 48]).map(drop),
            peer.pages_written_anew(&[1 << 48]).map(drop),
        ]
    })
    .await
}

fn holds(folder: &Path, key: &[u8; 32]) -> bool {
    let mut entries = fs::read_dir(folder).expect("listed").map(|entry| entry.expect("listed").path());
    entries.any(|path| match path.is_dir() {
        true => holds(&path, key),
        false => fs::read(&path).expect("read").windows(32).any(|window| window == key),
    })
}

#[tokio::test]
async fn page_keys_reach_the_nodes_that_are_there_and_the_other_when_it_is_back() {
    let mut cluster = Cluster::new().await;
    let (one, two) = (cluster.run(1), cluster.run(2));
    let away = blocking({
        let keys = one.keys.clone();
        move || keys.catch_up().expect("asked").away
    });
    assert_eq!(away.await, [NodeNumber(3)]);
    // What a frame does that uses a new page.
    let made = PageKey::new(1 << 48 | 5, [0x5c; 32]);
    let put = cluster.peers_by(&cluster.ca, 1);
    blocking({
        let made = made.clone();
        move || put[0].put(&[made.clone(), made]).expect("taken")
    })
    .await;
    assert_eq!(two.keys.keys_of(&[1 << 48 | 5]).expect("read")[0].expose(), made.expose(), "before it answers");

    let three = cluster.run(3);
    let caught = blocking({
        let keys = three.keys.clone();
        move || keys.catch_up().expect("asked")
    })
    .await;
    assert_eq!((caught.answered.len(), caught.away.len()), (2, 0));
    assert_eq!(three.keys.keys_of(&[1 << 48 | 5]).expect("read")[0].expose(), made.expose());
    assert!((1..=3).all(|node| !holds(&cluster.at(&format!("files-{node}")), made.expose())), "wrapped on every disk");
    assert!(!format!("{made:?}").contains("92"), "and printed nowhere");
    one.stop.now();
    two.stop.now();
    three.stop.now();
}

#[tokio::test]
async fn a_number_of_another_writer_another_key_and_what_is_destroyed_are_refused_in_words() {
    let mut cluster = Cluster::new().await;
    let two = cluster.run(2);
    let peers = cluster.peers_by(&cluster.ca, 1);
    let put = |slot: u64, byte: u8| {
        let peer = Arc::clone(&peers[0]);
        blocking(move || peer.put(&[PageKey::new(slot, [byte; 32])]))
    };
    let refused = |why: &str| Err(PeerFailure::Refused(why.into()));
    assert_eq!(put(1 << 48, 1).await, Ok(()));
    assert_eq!(put(1 << 48, 1).await, Ok(()), "the same again");
    assert_eq!(put(1 << 48, 2).await, refused("another-page-key"));
    for other in [0, 2 << 48, 3 << 48, 9 << 48] {
        assert_eq!(put(other, 1).await, refused("page-key-of-another-node"), "{other}");
    }
    for folder in ["keys", "mirror"] {
        let path = cluster.at("files-2").join(folder).join("page-keys.1");
        let mut slots = fs::read(&path).expect("read");
        slots[..4].copy_from_slice(b"CPKX");
        fs::write(path, slots).expect("written");
    }
    assert_eq!(put(1 << 48, 1).await, refused("page-key-destroyed"));
    two.stop.now();
}

#[tokio::test]
async fn nobody_gets_in_but_a_node_of_the_roster_with_a_certificate_of_the_cluster() {
    let mut cluster = Cluster::new().await;
    let two = cluster.run(2);
    let to_two = |cluster: &Cluster, ca: &Ca, node| {
        let mut peers = cluster.peers_by(ca, node);
        peers.retain(|peer| peer.node() == NodeNumber(2));
        peers.remove(0)
    };
    assert!(tried(&to_two(&cluster, &cluster.ca, 1)).await.iter().all(Result::is_ok), "the control");
    // Another CA's certificate, with the right number.
    let other = Ca::new("other");
    assert!(tried(&to_two(&cluster, &other, 1)).await.iter().all(Result::is_err));
    // The cluster's CA, and a number that is not on the roster.
    assert!(tried(&to_two(&cluster, &cluster.ca, 4)).await.iter().all(Result::is_err));
    // An agency's system, even by that CA, is no node, neither to whoever loads it nor at the port.
    let (certificate, key) = cluster.issue(&cluster.ca, "agency", "spiffe://gb-nca.causeway.example/case-management");
    let ca = cluster.at("ca.pem");
    assert!(NodeCredentials::load(NodeNumber(1), &certificate, &key, &ca).is_err());
    let (certificate, key) = cluster.issue(&cluster.ca, "second", "causeway-node:2");
    assert!(NodeCredentials::load(NodeNumber(1), &certificate, &key, &ca).is_err(), "another node's");
    // Whoever answers where node 3 should be, and is node 2, is told no key.
    let address = cluster.roster[1].address.clone();
    cluster.roster[2].address = address;
    let peers = cluster.peers_by(&cluster.ca, 1);
    let third = peers.iter().find(|peer| peer.node() == NodeNumber(3)).expect("on the roster");
    assert!(tried(third).await.iter().all(Result::is_err));
    assert_eq!(two.keys.standings(NodeNumber(1), 0).expect("read").slots.len(), 1, "the control's");
    two.stop.now();
}

/// Its port is bound, and nobody answers there.
#[tokio::test]
async fn a_node_that_hangs_is_given_up_in_time() {
    let cluster = Cluster::new().await;
    let peers = cluster.peers_by(&cluster.ca, 1);
    let put = Arc::clone(&peers[0]);
    let given_up = blocking(move || put.put(&[PageKey::new(1 << 48, [7; 32])])).await;
    assert!(matches!(given_up, Err(PeerFailure::Away(_))), "{given_up:?}");
}
