//! Nodes over the shared log on real servers: two that append at once, while the servers' leader is killed, and a third that comes later.

use std::thread;
use std::time::Duration;

use causeway_store::{AppendFailure, JetStreamSettings, Journal, create_stream};
use serde_json::Value;

use crate::node_setting::{LONG, append, are_one, begin, connect, places, stream, wait_for, writing};
use crate::servers::{ROOM, cluster};

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
    let acknowledged = writing(&[&first, &second], || {
        let leader = cluster.leader("NODES");
        cluster.servers().kill(leader).expect("killed");
        thread::sleep(Duration::from_secs(2));
        cluster.servers().run(leader).expect("started again");
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
