//! What is done to a cluster while clients are at work on all of its nodes.

use std::ffi::OsStr;
use std::fs;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use causeway_rig::nats::SERVERS;
use causeway_rig::{Lab, STREAM, administer};
use causeway_store::create_stream;
use serde_json::{Value, json};

use super::check::{look, run};
use super::racing::race;
use super::refusing::{refused_within, refuses};
use super::stand::{NODES, Stand};
use super::table::Row;
use crate::Failed;

/// How long a killed server or gateway is away.
const AWAY: Duration = Duration::from_secs(2);

/// How long the leader is stopped, and a host cut off.
const STOPPED: Duration = Duration::from_secs(12);

/// How long a follower is slow: stopped for four fifths of the time.
const SLOW: Duration = Duration::from_secs(8);

/// How long the stream is full.
const FULL: Duration = Duration::from_secs(5);

/// What it still takes, from when it is told how much it may hold.
const LEFT_BYTES: u64 = 32 << 10;

/// How often two nodes race for the same.
const RACES: usize = 100;

/// How long anything may take to be seen, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A fault that can be injected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut Row) -> Result<(), Failed>,
}

/// All of them, in the order in which they are run.
pub(crate) const ALL: &[Fault] = &[
    Fault { name: "leader-killed", run: leader_killed },
    Fault { name: "gateways-killed", run: gateways_killed },
    Fault { name: "servers-killed", run: servers_killed },
    Fault { name: "leader-stopped", run: leader_stopped },
    Fault { name: "partition", run: partition },
    Fault { name: "flipped-bit", run: flipped_bit },
    Fault { name: "slow-follower", run: slow_follower },
    Fault { name: "max-bytes", run: max_bytes },
    Fault { name: "stream-anew", run: stream_anew },
    Fault { name: "racing-nodes", run: racing_nodes },
];

fn injected(row: &mut Row, waited: Duration) -> Result<(), Failed> {
    row.injected += 1;
    row.longest_refusal_ms = row.longest_refusal_ms.max(u64::try_from(waited.as_millis())?);
    Ok(())
}

/// kill -9 of the server that leads the log.
fn leader_killed(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    for _ in 0..2 {
        let waited = stand.while_at_work(0, |stand| {
            let leader = stand.leader()?;
            stand.cluster.servers().kill(leader)?;
            sleep(AWAY);
            stand.cluster.servers().heal()
        })?;
        injected(row, waited)?;
    }
    look(&stand, 0, row)
}

/// kill -9 of each gateway, one after the other.
fn gateways_killed(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    for node in 0..NODES {
        let waited = stand.while_at_work(0, |stand| {
            stand.kill(node)?;
            sleep(AWAY);
            stand.start(node)
        })?;
        injected(row, waited)?;
    }
    look(&stand, 0, row)
}

/// kill -9 of all servers at once.
fn servers_killed(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    let waited = stand.while_at_work(0, |stand| {
        (0..SERVERS).try_for_each(|server| stand.cluster.servers().kill(server))?;
        stand.cluster.servers().heal()
    })?;
    injected(row, waited)?;
    look(&stand, 0, row)
}

/// SIGSTOP of the server that leads the log, for twelve seconds.
fn leader_stopped(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    let waited = stand.while_at_work(0, |stand| {
        let leader = stand.leader()?;
        stand.cluster.servers().tell(leader, "STOP")?;
        sleep(STOPPED);
        stand.cluster.servers().heal()
    })?;
    injected(row, waited)?;
    look(&stand, 0, row)
}

/// The host of the log's leader, with the gateway on it, cut off from the two others: that gateway has to refuse, in time.
fn partition(row: &mut Row) -> Result<(), Failed> {
    if let Some(why) = Lab::missing() {
        row.skipped = Some(format!("no network namespaces can be made here: {why}"));
        return Ok(());
    }
    let lab = Arc::new(Lab::new(NODES)?);
    let mut stand = Stand::on_hosts(Arc::clone(&lab))?;
    let cut = stand.leader()?;
    let home = (cut + 1) % NODES;
    let waited = stand.while_at_work(home, |stand| {
        lab.pull(cut)?;
        let refused = refused_within(stand, cut, PATIENCE);
        sleep(STOPPED);
        lab.plug_in(cut)?;
        stand.cluster.servers().heal()?;
        crate::complain_of(format_args!("{}: the node that was cut off refused {}", row.name, refused?));
        Ok(())
    })?;
    injected(row, waited)?;
    look(&stand, home, row)
}

/// A bit that flips in one server's copy, while that server is away; then a node that reads all of the log.
fn flipped_bit(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    let bad = (stand.leader()? + 1) % SERVERS;
    let messages = stand.cluster.servers().messages(bad, STREAM);
    let waited = stand.while_at_work(0, |stand| {
        let begun = Instant::now();
        // The end of the newest file would come from the other servers again.
        while !messages.join("2.blk").exists() {
            if begun.elapsed() > PATIENCE {
                return Err("the log does not come to fill a file".into());
            }
            sleep(Duration::from_millis(200));
        }
        stand.cluster.servers().stop(bad)?;
        let block = messages.join("1.blk");
        let mut bytes = fs::read(&block)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(block, bytes)?;
        stand.cluster.servers().heal()
    })?;
    injected(row, waited)?;
    // A node that has nothing but its keys reads everything, past the copy that lacks some.
    stand.kill(NODES - 1)?;
    fs::remove_dir_all(stand.cluster.path(u16::try_from(NODES)?, "journal"))?;
    if let Err(refused) = stand.start(NODES - 1) {
        // Where the server has noticed by itself that it lacks something, the start says so: mended first, as docs/cluster.md has it.
        if !refused.to_string().contains("missing in the copy") {
            return Err(refused);
        }
        repair(&mut stand, bad, &messages)?;
        stand.start(NODES - 1)?;
    } else {
        repair(&mut stand, bad, &messages)?;
    }
    look(&stand, 0, row)
}

/// The repair of docs/cluster.md.
fn repair(stand: &mut Stand, bad: usize, messages: &std::path::Path) -> Result<(), Failed> {
    stand.cluster.servers().stop(bad)?;
    fs::remove_dir_all(messages)?;
    stand.cluster.servers().heal()
}

/// A follower that runs for a fifth of the time.
fn slow_follower(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    let slow = (stand.leader()? + 1) % SERVERS;
    let waited = stand.while_at_work(0, |stand| {
        let begun = Instant::now();
        while begun.elapsed() < SLOW {
            stand.cluster.servers().tell(slow, "STOP")?;
            sleep(Duration::from_millis(400));
            stand.cluster.servers().tell(slow, "CONT")?;
            sleep(Duration::from_millis(100));
        }
        Ok(())
    })?;
    injected(row, waited)?;
    look(&stand, 0, row)
}

/// The stream is full, and has room again.
fn max_bytes(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    let waited = stand.while_at_work(0, |stand| {
        let told = call(stand, "STREAM.INFO", &Value::Null)?;
        let room = told["config"]["max_bytes"].clone();
        let bytes = told["state"]["bytes"].as_u64().ok_or("no size is told")?;
        let mut config = told["config"].clone();
        config["max_bytes"] = json!(bytes + LEFT_BYTES);
        call(stand, "STREAM.UPDATE", &config)?;
        sleep(FULL);
        config["max_bytes"] = room;
        call(stand, "STREAM.UPDATE", &config).map(drop)
    })?;
    if waited < FULL / 2 {
        return Err("the stream was never full".into());
    }
    injected(row, waited)?;
    look(&stand, 0, row)
}

/// The stream is deleted and made anew under its name: every node refuses, and the log is migrated again from one node's own copy.
fn stream_anew(row: &mut Row) -> Result<(), Failed> {
    let mut stand = Stand::new()?;
    let waited = stand.while_at_work(0, |_| Ok(()))?;
    // All nodes have all, as they have to before one's own copy can be the others' too.
    look(&stand, 0, &mut Row::new(row.name))?;
    let admin = stand.cluster.log_settings("admin")?;
    let room =
        call(&mut stand, "STREAM.INFO", &Value::Null)?["config"]["max_bytes"].as_u64().ok_or("no limit is told")?;
    let anew = |stand: &mut Stand| {
        call(stand, "STREAM.DELETE", &Value::Null)?;
        create_stream(&admin, room)
    };
    anew(&mut stand)?;
    for node in 0..NODES {
        refuses(&stand, node)?;
    }
    injected(row, waited)?;
    stand.stop_all()?;
    anew(&mut stand)?;
    let (config, cluster) = (stand.cluster.settings(1), stand.cluster.settings(1).with_file_name("cluster.toml"));
    let words = ["migrate", "--from", "sled", "--to", "nats", "--config"].map(OsStr::new);
    let files = [config.as_os_str(), OsStr::new("--cluster"), cluster.as_os_str()];
    run(&words.into_iter().chain(files).collect::<Vec<_>>())?;
    stand.start_all()?;
    let waited = stand.while_at_work(0, |_| Ok(()))?;
    injected(row, waited)?;
    look(&stand, 0, row)
}

/// Two nodes are asked for the same at once.
fn racing_nodes(row: &mut Row) -> Result<(), Failed> {
    let stand = Stand::new()?;
    let nodes = [stand.reach(0)?, stand.reach(1)?];
    row.doubled += stand.ask(0, race(nodes, RACES, &stand.ledger))??;
    injected(row, Duration::ZERO)?;
    look(&stand, 0, row)
}

/// An administrator's call about the stream.
fn call(stand: &mut Stand, call: &str, payload: &Value) -> Result<Value, Failed> {
    let settings = stand.cluster.log_settings("admin")?;
    let answer = administer(&settings, &format!("{call}.{STREAM}"), payload)?;
    match answer["error"]["description"].as_str() {
        Some(error) => Err(format!("{call}: {error}").into()),
        None => Ok(answer),
    }
}
