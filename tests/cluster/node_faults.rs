//! What is done to the servers while two nodes append: after each, both have what was acknowledged, once, and one state.

use std::thread;
use std::time::{Duration, Instant};

use causeway_rig::nats::SERVERS;
use causeway_store::AppendFailure;
use serde_json::json;

use crate::node_setting::{Pair, append, stream, stream_of, writing};
use crate::servers::{ROOM, cluster};

#[test]
fn nodes_lose_and_double_nothing_where_the_leader_stops_for_twelve_seconds() {
    let Some(mut cluster) = cluster() else { return };
    let pair = Pair::over(stream(&cluster, "STOPPED"));
    let acknowledged = writing(&pair.both(), || {
        let leader = cluster.leader("STOPPED");
        cluster.servers().tell(leader, "STOP").expect("stopped");
        thread::sleep(Duration::from_secs(12));
        cluster.servers().tell(leader, "CONT").expect("goes on");
        cluster.servers().heal().expect("well");
    });
    assert!(acknowledged.len() > 40, "{} acknowledged", acknowledged.len());
    pair.are_one(&acknowledged);
}

#[test]
fn nodes_lose_and_double_nothing_where_all_servers_are_killed() {
    let Some(mut cluster) = cluster() else { return };
    let pair = Pair::over(stream(&cluster, "ENDED"));
    let acknowledged = writing(&pair.both(), || {
        (0..SERVERS).for_each(|index| cluster.servers().kill(index).expect("killed"));
        cluster.servers().heal().expect("started again");
    });
    assert!(acknowledged.len() > 40, "{} acknowledged", acknowledged.len());
    pair.are_one(&acknowledged);
}

/// A server that is given a fifth of the time, and that the second node asks before the others.
#[test]
fn a_slow_follower_holds_up_nobody_and_gives_no_reader_anything_else() {
    let Some(mut cluster) = cluster() else { return };
    let mut settings = stream(&cluster, "SLOW");
    let slow = cluster.follower("SLOW");
    settings.servers.rotate_left(slow);
    let pair = Pair::over(settings);
    let slowed = writing(&pair.both(), || {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            cluster.servers().tell(slow, "STOP").expect("stopped");
            thread::sleep(Duration::from_millis(400));
            cluster.servers().tell(slow, "CONT").expect("goes on");
            thread::sleep(Duration::from_millis(100));
        }
    });
    assert_ne!(cluster.leader("SLOW"), slow, "it has been the follower all the while");
    assert!(slowed.len() > 100, "{} acknowledged", slowed.len());
    pair.are_one(&slowed);
}

#[test]
fn nodes_refuse_where_the_stream_is_full_and_go_on_once_there_is_room() {
    let Some(cluster) = cluster() else { return };
    let pair = Pair::over(stream_of(&cluster, "FILLED", 64 << 10));
    let mut acknowledged = Vec::new();
    for node in pair.both() {
        let refused = loop {
            match append(node) {
                Ok(committed) => acknowledged.push(committed),
                Err(refused) => break refused,
            }
            assert!(acknowledged.len() < 1_000, "64 KiB hold fewer");
        };
        let AppendFailure::NotTaken(why) = &refused else { panic!("{refused:?}") };
        assert!(why.contains("10077"), "{why}");
        assert!(!node.is_cut_off(), "the log answers, and says no");
    }
    let mut config = cluster.config("FILLED");
    config["max_bytes"] = json!(ROOM);
    let changed = cluster.administer("STREAM.UPDATE.FILLED", &config);
    assert!(changed["error"].is_null(), "{changed}");
    acknowledged.extend(pair.both().map(|node| append(node).expect("there is room")));
    pair.are_one(&acknowledged);
}
