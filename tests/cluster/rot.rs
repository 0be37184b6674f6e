//! A bit that flips on the disk of one server: from there on it gives nothing of that file, and calls itself well (Jepsen's finding 7549 of
//! NATS). Found, gone round, and repaired as docs/cluster.md says.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use causeway_journal::{document_digest, v1};
use causeway_model::FrameSeq;
use causeway_rig::nats::SERVERS;
use causeway_store::{Committed, Draft, JetStreamLog, JetStreamSettings, Journal, ReadError, SharedLog};

use crate::frames::all;
use crate::node_setting::{Pair, append, are_one, connect, draft, stream, wait_for};
use crate::servers::{Cluster, cluster};

const STREAM: &str = "ROT";

/// Documents that fill the first file of messages (8 MB), and begin the second: the end of the newest file would come from the other servers
/// again.
const DOCUMENTS: usize = 200;

/// A document that nobody has approved: an entry that changes nothing, and as much text as a frame may hold.
fn bulky() -> Draft {
    let text = "x".repeat(120 << 10);
    let digest = document_digest(v1::DocumentKind::CodeList, "bulky", 1, text.as_bytes());
    let mut draft = draft(v1::Operation::Document, "activated");
    draft.entry.document = Some(v1::Document {
        kind: v1::DocumentKind::CodeList.into(),
        id: "bulky".into(),
        version: 1,
        digest: digest.0.to_vec(),
        action: v1::DocumentAction::Activate.into(),
    });
    Draft { document_text: Some(text.into()), ..draft }
}

fn flip_a_bit(block: &Path) {
    let mut bytes = fs::read(block).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(block, bytes).expect("written");
}

/// Reads from one server alone, with the others killed meanwhile: it may have another answer for it.
fn with_the_others_killed<R>(
    cluster: &mut Cluster,
    server: usize,
    settings: &JetStreamSettings,
    work: impl FnOnce(&JetStreamLog) -> R,
) -> R {
    let servers = vec![cluster.addresses()[server].clone()];
    // It is opened while there is a leader who says that there is such a stream.
    let log = JetStreamLog::open(JetStreamSettings { servers, ..settings.clone() }).expect("opened");
    let others = (0..SERVERS).filter(|other| *other != server);
    others.for_each(|other| cluster.servers().kill(other).expect("killed"));
    let done = work(&log);
    cluster.servers().heal().expect("well");
    done
}

/// Reads the log up to its head from one server alone; where it has a hole instead, that is the error. One that has just started and has not
/// heard from the others answers nobody.
fn given_by(
    cluster: &mut Cluster,
    server: usize,
    settings: &JetStreamSettings,
    head: FrameSeq,
) -> Result<(), FrameSeq> {
    let settings = JetStreamSettings { patience: Duration::from_secs(3), ..settings.clone() };
    for _ in 0..10 {
        match with_the_others_killed(cluster, server, &settings, |log| read_to(log, head)) {
            Ok(()) => return Ok(()),
            Err(ReadError::Hole { at, .. }) => return Err(at),
            Err(_) => sleep(Duration::from_secs(2)),
        }
    }
    panic!("server n{} never answers by itself", server + 1);
}

fn read_to(log: &JetStreamLog, head: FrameSeq) -> Result<(), ReadError> {
    let mut next = FrameSeq(1);
    while next <= head {
        next = log.read(next, usize::MAX)?.last().expect("no end is told before it").0.next();
    }
    Ok(())
}

/// The repair of docs/cluster.md.
fn repair(cluster: &mut Cluster, bad: usize, log: &JetStreamLog) {
    let messages = cluster.servers().messages(bad, STREAM);
    cluster.servers().stop(bad).expect("stopped");
    fs::remove_dir_all(messages).expect("removed");
    cluster.servers().heal().expect("well");
    for _ in 0..300 {
        let has_all = cluster.copy(bad, STREAM)["state"]["messages"] == log.head().expect("a head").last.0;
        if has_all && log.assure().is_ok_and(|assurance| assurance.checked.len() == SERVERS) {
            return;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("it does not get what it lacks: {:?}", log.assure());
}

#[test]
fn a_flipped_bit_is_found_gone_round_and_repaired() {
    let Some(mut cluster) = cluster() else { return };
    let pair = Pair::over(stream(&cluster, STREAM));
    let append_some = |acknowledged: &mut Vec<Committed>| {
        for _ in 0..10 {
            acknowledged.extend(pair.both().map(|node| append(node).expect("appended")));
        }
    };
    let mut acknowledged: Vec<_> =
        (0..DOCUMENTS).map(|_| wait_for(pair.nodes[0].append(bulky())).expect("appended")).collect();
    append_some(&mut acknowledged);
    let bad = cluster.follower(STREAM);
    let block = cluster.servers().messages(bad, STREAM).join("1.blk");
    cluster.servers().stop(bad).expect("stopped");
    flip_a_bit(&block);
    cluster.servers().heal().expect("it calls itself well");

    let log = connect(&pair.settings);
    let head = log.head().expect("a head").last;
    let hole = given_by(&mut cluster, bad, &pair.settings, head).expect_err("it lacks some");
    assert!(hole < head, "{hole} of {head}");

    // All that is read is read in full, and who appends goes on.
    assert_eq!(all(log.as_ref(), head).len() as u64, head.0);
    append_some(&mut acknowledged);
    assert!(pair.both().into_iter().all(|node| node.halted().is_none()));

    repair(&mut cluster, bad, &log);
    let head = log.head().expect("a head").last;
    given_by(&mut cluster, bad, &pair.settings, head).expect("the repaired copy lacks nothing");
    let third = pair.places[2].start(3, connect(&pair.settings));
    let [first, second] = pair.both();
    are_one(&[first, second, &third], log.as_ref(), &acknowledged);
    [first, second, &third].into_iter().for_each(Journal::close);
}
