//! The network between three machines, cut: each has a server and a node, on hosts of their own. Needs the right to make network
//! namespaces, which root has; skipped, in words, without it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use causeway_model::LeafIndex;
use causeway_rig::Lab;
use causeway_rig::nats::{self, NatsServers, SERVERS, gateway_user};
use causeway_store::{AppendFailure, JetStreamLog, JetStreamSettings, Journal, create_stream};

use crate::node_setting::{LONG, append, are_one, begin, connect, places, wait_for, writing};
use crate::servers::{ROOM, settings_at, skip};

const STREAM: &str = "CUT";

/// The machines, and the servers on them.
struct Site {
    servers: NatsServers,
    lab: Arc<Lab>,
}

impl Site {
    fn new() -> Option<Self> {
        let Some(program) = nats::program().expect("what was stated is there") else {
            return skip("there is no nats-server; .ci/nats-server installs it");
        };
        if let Some(why) = Lab::missing() {
            return skip(&format!("no network namespaces can be made here: {why}"));
        }
        let lab = Arc::new(Lab::new(SERVERS).expect("hosts"));
        let users = [gateway_user("gateway", &[STREAM])];
        let servers = NatsServers::start_on(lab.clone(), &program, &users).expect("started");
        let site = Self { servers, lab };
        let made = site.lab.on(0, || create_stream(&site.settings(0, "admin"), ROOM));
        made.expect("created");
        Some(site)
    }

    /// From a host, its own server first.
    fn settings(&self, host: usize, user: &str) -> JetStreamSettings {
        let mut settings = settings_at(&self.servers, STREAM, user);
        settings.servers.rotate_left(host);
        JetStreamSettings { log_id: None, patience: Duration::from_secs(5), ..settings }
    }

    fn connect(&self, host: usize) -> Arc<JetStreamLog> {
        self.lab.on(host, || connect(&self.settings(host, "gateway")))
    }

    fn leader(&self) -> usize {
        let begun = Instant::now();
        while begun.elapsed() < LONG {
            if let Some(host) = self.servers.leader(STREAM) {
                return host;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("the stream has no leader");
    }
}

fn comes_to(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "it does not come to this: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_node_that_is_cut_off_with_the_leader_refuses_in_time_and_nothing_is_lost_or_doubled() {
    let Some(mut site) = Site::new() else { return };
    let places = places();
    let first = places[0].start(1, site.connect(0));
    begin(&first);
    let nodes = [first, places[1].start(2, site.connect(1)), places[2].start(3, site.connect(2))];
    let cut = site.leader();
    let minority = &nodes[cut];
    let majority: Vec<_> = (0..SERVERS).filter(|host| *host != cut).map(|host| &nodes[host]).collect();

    let (mut waited, mut during) = (None, None);
    let mut acknowledged = writing(&majority, || {
        site.lab.pull(cut).expect("pulled");
        thread::scope(|scope| {
            // Whose frame is on its way waits until somebody knows what became of it.
            let waiting = scope.spawn(|| append(minority));
            comes_to("the node says that it is cut off", || minority.is_cut_off());
            let refused = append(minority);
            assert!(matches!(&refused, Err(AppendFailure::NotTaken(_))), "{refused:?}");
            assert!(!waiting.is_finished(), "nobody can have told it");
            assert!(minority.halted().is_none() && minority.stopped().is_none());
            wait_for(minority.entry(LeafIndex(0))).expect("what it has it gives");
            let committed = append(majority[0]).expect("the others go on");
            assert!(!minority.wait_for(committed.frame, Duration::ZERO), "it cannot know");
            during = Some(committed);
            site.lab.plug_in(cut).expect("plugged in");
            waited = Some(waiting.join().expect("no panic"));
        });
        site.servers.heal().expect("well");
        comes_to("the node is back", || !minority.is_cut_off());
    });
    match waited.expect("it was waited for") {
        Ok(committed) => acknowledged.push(committed),
        // So late that the log takes it no more: then nobody has it.
        Err(AppendFailure::NotTaken(_)) => {}
        Err(failure) => panic!("{failure}"),
    }
    acknowledged.extend(during);
    acknowledged.push(append(minority).expect("it takes what comes"));
    assert!(acknowledged.len() > 40, "{} acknowledged", acknowledged.len());
    are_one(&nodes.each_ref(), site.connect(0).as_ref(), &acknowledged);
    nodes.iter().for_each(Journal::close);
}
