//! An erasure among three nodes of one log, whose page keys get from node to node over real TLS: ordered on one, complete on none before
//! each has destroyed its keys and said so.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causeway_crypto::{Digest, RootKey};
use causeway_exchange::{Caller, ErasureOrder, Exchange, OwnIdentities, PersonSignature, Purpose, Roster};
use causeway_gateway::nodes::{NodeCredentials, NodeServer, NodeSettings, RosteredNode, peers};
use causeway_journal::{Erasure, decode_entry, v1};
use causeway_model::{LeafIndex, RecordId, RequestId};
use causeway_store::{Journal, Keys, NodeKeySettings, NodeKeys, NodeNumber, Options, SledLog, Upstream};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use super::SYSTEM;
use super::key_search::{Search, bodies};
use super::office::Office;
use crate::harness::calls::submit;
use crate::harness::{World, copy, documents};

const LONG: Duration = Duration::from_secs(60);

/// What all nodes are made of.
struct Cluster {
    world: World,
    origin: String,
    own_identities: OwnIdentities,
    issuer: Issuer<'static, KeyPair>,
    roster: Vec<RosteredNode>,
    log: Arc<SledLog>,
}

/// One node, without the port for agencies.
struct Node {
    exchange: Exchange,
    journal: Journal,
}

impl Cluster {
    /// Copies of a world that was written by one gateway, one for each node, and one that all follow.
    async fn of(world: World, origin: String, own_identities: OwnIdentities) -> (Self, Vec<TcpListener>) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(world.path("nodes-ca.pem"), params.self_signed(&key).expect("signed").pem()).expect("written");
        let issuer = Issuer::new(params, key);
        let (mut roster, mut listeners) = (Vec::new(), Vec::new());
        for number in 1..=3_u16 {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("bound").to_string();
            roster.push(RosteredNode { number: NodeNumber(number), name: format!("node-{number}"), address });
            listeners.push(listener);
            copy(&world.path("data/journal"), &world.path(&format!("node-{number}/journal")));
            copy(&world.path("data/keys"), &world.path(&format!("node-{number}/keys")));
        }
        copy(&world.path("data/journal"), &world.path("shared"));
        let log = Arc::new(SledLog::open(&world.path("shared")).expect("opens"));
        (Self { world, origin, own_identities, issuer, roster, log }, listeners)
    }

    fn at(&self, node: u16, name: &str) -> PathBuf {
        self.world.path(&format!("node-{node}/{name}"))
    }

    fn settings(&self, node: u16) -> NodeSettings {
        let mut params = CertificateParams::default();
        let uri = format!("causeway-node:{node}");
        params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("ASCII"))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        std::fs::write(self.at(node, "node.pem"), certificate.pem()).expect("written");
        std::fs::write(self.at(node, "node.key"), key.serialize_pem()).expect("written");
        NodeSettings {
            own: NodeNumber(node),
            listen: "127.0.0.1:0".parse().expect("an address"),
            ca: self.world.path("nodes-ca.pem"),
            certificate: self.at(node, "node.pem"),
            key: self.at(node, "node.key"),
            version: 1,
            roster: self.roster.clone(),
        }
    }

    /// Opens a node's page keys, and answers the others.
    fn open(&self, node: u16, listener: TcpListener) -> (NodeKeys, Arc<Keys>) {
        let (settings, clock) = (self.settings(node), self.world.time());
        let NodeSettings { own, ca, certificate, key, .. } = &settings;
        let credentials = NodeCredentials::load(*own, certificate, key, ca).expect("read");
        let keys = Arc::new(Keys::load_or_create(&self.at(node, "keys")).expect("read").0);
        let node_keys = NodeKeys::open(NodeKeySettings {
            data_dir: self.at(node, "journal"),
            keys_dir: self.at(node, "keys"),
            mirror_dir: Some(self.at(node, "mirror")),
            keys: Arc::clone(&keys),
            own: *own,
            peers: peers(&settings, &credentials, &clock).expect("made"),
            shared_within: Duration::from_secs(10),
        });
        let node_keys = node_keys.expect("opened");
        let others: BTreeSet<NodeNumber> = settings.others().map(|other| other.number).collect();
        let server = NodeServer::new(listener, &credentials, others, node_keys.clone(), clock).expect("made");
        tokio::spawn(server.serve(std::future::pending()));
        (node_keys, keys)
    }

    async fn start(&self, node: u16, node_keys: NodeKeys, keys: Arc<Keys>) -> Node {
        let caught = node_keys.clone();
        spawn_blocking(move || assert!(caught.catch_up().expect("asked").away.is_empty())).await.expect("no panic");
        let options = Options {
            data_dir: self.at(node, "journal"),
            keys_dir: self.at(node, "keys"),
            mirror_dir: Some(self.at(node, "mirror")),
            keys: Arc::clone(&keys),
            clock: self.world.time(),
            node: format!("node-{node}"),
            origin: self.origin.clone(),
            software: "causeway/test".into(),
            queue_depth: 64,
            signing_overlap: Duration::ZERO,
            headroom_bytes: 0,
            node_keys: Some(node_keys),
            index: true,
        };
        let upstream = Upstream { log: self.log.clone(), in_flight: 2, checkpoint_frames: 1_000_000 };
        let started = spawn_blocking(move || {
            let log = SledLog::open(&options.data_dir).expect("opens");
            Journal::start_as_node(Box::new(log), options, upstream).expect("the node starts")
        });
        let journal = started.await.expect("no panic");
        let exchange = Exchange::start(journal.clone(), keys, self.world.time(), self.own_identities);
        Node { exchange: exchange.expect("starts"), journal }
    }

    fn roster(&self) -> Roster {
        let nodes = self.roster.iter().map(|node| (u32::from(node.number.0), node.name.clone())).collect();
        Roster { version: 1, nodes }
    }

    /// How many bodies of a node's log open under any key that these folders of it, and its log, give.
    fn opened_by(&self, node: u16, folders: &[&str]) -> usize {
        let root = std::fs::read(self.at(node, "keys/root.key")).expect("read");
        let root = RootKey::try_from(root.as_slice()).expect("32 bytes");
        let mut search = Search::default();
        for name in folders {
            search.keys_folder(&self.at(node, name), std::slice::from_ref(&root));
        }
        search.data_dir(&self.at(node, "journal"));
        let keys = search.keys();
        bodies(&self.at(node, "journal")).iter().filter(|body| body.opens_under(&keys)).count()
    }
}

impl Node {
    /// Lets the node do by itself what it does every second, and faster than that.
    fn keep(&self) {
        let (ticking, keeping) = (self.exchange.clone(), self.exchange.clone());
        tokio::spawn(async move {
            loop {
                ticking.tick().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        tokio::spawn(async move { keeping.run_keeper().await });
    }

    fn erasure(&self, record: &RecordId) -> Erasure {
        self.journal.read(|state| state.record(record).expect("known").erasure)
    }

    async fn comes_to(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let coming = async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONG, coming).await.unwrap_or_else(|_| panic!("it does not come to this: {what}"));
    }
}

fn caller() -> Caller {
    Caller {
        system: "gb-nca/protection".parse().expect("a system"),
        certificate_digest: Digest([7; 32]),
        purpose: Purpose { code: "safeguarding".parse().expect("a code"), text: None },
        operator: "operator-1".parse().expect("an operator"),
        source: None,
        request_id: RequestId::from_bytes([7; 16]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_complete_once_each_node_has_destroyed_its_keys_and_said_so() {
    let mut world = World::alone(|_| {});
    let (origin, own_identities) = (world.config().origin.clone(), world.config().own_identities);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let erased = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted").record_id;
    submit(&mut ingest, "two", &documents::profile()).await.expect("accepted");
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    let digest = office.plan(&[&erased]).await.expect("planned").digest;
    let approvals: Vec<PersonSignature> = office
        .both(&digest)
        .into_iter()
        .map(|signed| PersonSignature {
            person: signed.person.parse().expect("a person"),
            signature: signed.signature.try_into().expect("64 bytes"),
        })
        .collect();
    gateway.stop().await;

    let (cluster, listeners) = Cluster::of(world, origin, own_identities).await;
    assert_eq!(cluster.opened_by(1, &["keys"]), 2, "the control: before, both open");
    let opened: Vec<_> = (1..).zip(listeners).map(|(node, listener)| cluster.open(node, listener)).collect();
    let mut nodes = Vec::new();
    for (number, (node_keys, keys)) in (1..).zip(opened) {
        nodes.push(cluster.start(number, node_keys, keys).await);
    }
    let [one, two, three] = &nodes[..] else { panic!("three nodes") };
    one.exchange.state_roster(&cluster.roster()).await.expect("stated");
    two.comes_to("the roster", |node| node.exchange.roster() == cluster.roster()).await;
    two.exchange.state_roster(&cluster.roster()).await.expect("it is the same");
    for version in [1, 3] {
        let other = Roster { version, nodes: vec![(1, "node-1".into())] };
        assert_eq!(two.exchange.state_roster(&other).await.expect_err("another").reason, "roster-differs");
    }

    // The third node answers, and does nothing by itself: it is not complete.
    one.keep();
    two.keep();
    let record: RecordId = erased.parse().expect("an id");
    let order = ErasureOrder { records: vec![record], person: None, approvals };
    let waits = one.exchange.erase(&caller(), order).await.expect_err("the third has not attested");
    assert_eq!(waits.reason, "erasure-waits-for-nodes", "{waits}");
    let Erasure::Ordered(ordered) = one.erasure(&record) else { panic!("ordered, and not complete") };
    let waited_for = |node: &Node| {
        node.journal.read(|state| state.erasure_waits_for(ordered).map(str::to_owned).collect::<Vec<_>>())
    };
    two.comes_to("two of three have attested", |node| waited_for(node) == ["node-3"]).await;
    let measures = two.exchange.measures();
    assert_eq!((measures.erasures_due, measures.erasures_wait_for), (1, 1));
    assert!(nodes.iter().all(|node| !matches!(node.erasure(&record), Erasure::Complete(_))));

    three.keep();
    for node in &nodes {
        node.comes_to("complete", |node| matches!(node.erasure(&record), Erasure::Complete(_))).await;
    }
    let mut attested = BTreeSet::new();
    for leaf in ordered.0..three.journal.read(|state| state.tree().size()) {
        let leaf = LeafIndex(leaf);
        let entry = decode_entry(&three.journal.entry(leaf).await.expect("read")).expect("an entry");
        let is_effective = three.journal.read(|state| state.outcome(leaf).is_effective());
        if entry.operation() == v1::Operation::Erasure && entry.reason == "erasure-attested" && is_effective {
            assert!(attested.insert(entry.node), "each once");
        }
        if entry.reason == "erasure-complete" && is_effective {
            assert_eq!(attested.len(), 3, "before all had");
        }
    }
    assert_eq!(attested.len(), 3);

    // Every file of every node is searched: of the two bodies one opens.
    for node in &nodes {
        node.exchange.close().await;
    }
    for number in 1..=3 {
        assert_eq!(cluster.opened_by(number, &["keys", "mirror"]), 1, "node {number}");
    }
}
