//! Servers that are killed, stopped, or too few, while frames are appended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;
use causeway_rig::nats::SERVERS;
use causeway_store::{AppendError, JetStreamLog, SharedLog};

use crate::frames::{frame, holds};
use crate::servers::{Cluster, cluster};

/// Four writers append while something is done to the servers, until it is done and each has appended after it.
fn appending(log: &JetStreamLog, act: impl FnOnce()) -> Vec<(FrameSeq, Digest)> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let is_over = &is_over;
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                scope.spawn(move || {
                    let mut written = Vec::new();
                    let mut after = 0;
                    for number in 0.. {
                        let frame = frame(&format!("w{writer}"), number);
                        written
                            .push((log.append(&frame.id, &frame.bytes, None).expect("appended in the end"), frame.id));
                        after += usize::from(is_over.load(Ordering::SeqCst));
                        if after == 10 {
                            break;
                        }
                    }
                    written
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(500));
        act();
        is_over.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().expect("wrote")).collect()
    })
}

fn whole(cluster: &mut Cluster, log: &JetStreamLog, stream: &str, acknowledged: &[(FrameSeq, Digest)]) {
    cluster.servers().heal().expect("well");
    assert!(acknowledged.len() > 40, "{} acknowledged", acknowledged.len());
    holds(log, acknowledged);
    holds(&cluster.open(stream).expect("opened anew"), acknowledged);
}

#[test]
fn nothing_is_lost_where_the_leader_is_killed() {
    let Some(mut cluster) = cluster() else { return };
    let log = cluster.made("KILLED");
    let acknowledged = appending(&log, || {
        let leader = cluster.leader("KILLED");
        cluster.servers().kill(leader).expect("killed");
        thread::sleep(Duration::from_secs(2));
        cluster.servers().run(leader).expect("started again");
    });
    whole(&mut cluster, &log, "KILLED", &acknowledged);
}

#[test]
fn nothing_is_lost_where_all_servers_are_killed() {
    let Some(mut cluster) = cluster() else { return };
    let log = cluster.made("ALL");
    let acknowledged = appending(&log, || {
        (0..SERVERS).for_each(|index| cluster.servers().kill(index).expect("killed"));
        cluster.servers().heal().expect("started again");
    });
    whole(&mut cluster, &log, "ALL", &acknowledged);
}

#[test]
fn nothing_is_lost_where_the_leader_stops_for_a_while_and_comes_back() {
    let Some(mut cluster) = cluster() else { return };
    let log = cluster.made("HALTED");
    let acknowledged = appending(&log, || {
        let leader = cluster.leader("HALTED");
        cluster.servers().tell(leader, "STOP").expect("stopped");
        thread::sleep(Duration::from_secs(6));
        cluster.servers().tell(leader, "CONT").expect("goes on");
    });
    whole(&mut cluster, &log, "HALTED", &acknowledged);
}

#[test]
fn a_minority_refuses_in_time_and_what_it_left_open_is_appended_once() {
    let Some(mut cluster) = cluster() else { return };
    drop(cluster.made("QUORUM"));
    let mut settings = cluster.settings("QUORUM", "gateway");
    settings.patience = Duration::from_secs(4);
    let log = JetStreamLog::open(settings).expect("opened");
    let append = |number| {
        let frame = frame("q", number);
        (log.append(&frame.id, &frame.bytes, None), frame.id)
    };
    let (first, first_id) = append(1);
    let mut acknowledged = vec![(first.expect("appended"), first_id)];
    let leader = cluster.leader("QUORUM");
    let others: Vec<_> = (0..SERVERS).filter(|index| *index != leader).collect();
    others.iter().for_each(|index| cluster.servers().tell(*index, "STOP").expect("stopped"));
    let (refused, _) = append(2);
    assert!(matches!(refused, Err(AppendError::Unknown(_))), "{refused:?}");
    assert!(log.assure().is_err(), "no majority says how it keeps the log");
    // The one that is left took it, and the others may get it from there: or not, and then it is sent again.
    cluster.servers().heal().expect("well");
    for number in [2, 3] {
        let (appended, id) = append(number);
        acknowledged.push((appended.expect("appended"), id));
    }
    holds(&log, &acknowledged);
    assert_eq!(log.head().expect("a head").last, FrameSeq(3), "once");
}
