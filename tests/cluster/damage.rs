//! A copy whose files are gone, a stream that was made anew or holds another log, and one that is full.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use causeway_store::{AppendError, AssureError, JetStreamLog, ReadError, SharedLog, StoreError, create_stream};
use serde_json::{Value, json};

use crate::frames::{LOG, frame, frame_in, holds};
use crate::servers::{ROOM, cluster};

const FRAMES: usize = 200;

fn faults(log: &JetStreamLog) -> String {
    match log.assure() {
        Err(AssureError::Faults(faults)) => faults.join("\n"),
        other => panic!("it should have been refused: {other:?}"),
    }
}

/// The repair of docs/cluster.md.
#[test]
fn a_copy_whose_messages_were_removed_gets_them_from_the_others() {
    let Some(mut cluster) = cluster() else { return };
    let log = cluster.made("ROTTEN");
    let append = |number| {
        let frame = frame("r", number);
        (log.append(&frame.id, &frame.bytes, None).expect("appended"), frame.id)
    };
    let acknowledged: Vec<_> = (0..FRAMES).map(append).collect();
    let (bad, folder) = (2, cluster.servers().messages(2, "ROTTEN"));
    cluster.servers().kill(bad).expect("stopped");
    fs::remove_dir_all(&folder).expect("removed");
    holds(&log, &acknowledged);
    cluster.servers().heal().expect("well");
    for _ in 0..300 {
        if cluster.copy(bad, "ROTTEN")["state"]["messages"] == FRAMES && log.assure().is_ok() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert_eq!(cluster.copy(bad, "ROTTEN")["state"]["messages"], FRAMES, "all of it");
    assert_eq!(log.assure().expect("mended").checked.len(), 3);
    let mut alone = cluster.settings("ROTTEN", "gateway");
    alone.servers = vec![cluster.addresses()[bad].clone()];
    holds(&JetStreamLog::open(alone).expect("opened"), &acknowledged);
}

#[test]
fn a_stream_that_was_made_anew_is_not_gone_on_with() {
    let Some(cluster) = cluster() else { return };
    let log = cluster.made("ANEW");
    let append = |number| {
        let frame = frame("n", number);
        log.append(&frame.id, &frame.bytes, None)
    };
    for number in 0..3 {
        append(number).expect("appended");
    }
    let deleted = cluster.administer("STREAM.DELETE.ANEW", &Value::Null);
    assert_eq!(deleted["success"], true, "{deleted}");
    create_stream(&cluster.settings("ANEW", "admin"), ROOM).expect("created");
    let refused = append(3);
    assert!(matches!(&refused, Err(AppendError::Unknown(_))), "{refused:?}");
    let refused = append(4);
    assert!(matches!(&refused, Err(AppendError::Refused(_))), "nothing more: {refused:?}");
    assert!(matches!(log.head(), Err(ReadError::Damaged(_))));
    assert!(faults(&log).contains("cut back"), "in words");

    // Somebody who has only waited and read finds it out by the clock of the servers.
    let reader = cluster.open("ANEW").expect("opened");
    let deleted = cluster.administer("STREAM.DELETE.ANEW", &Value::Null);
    assert_eq!(deleted["success"], true, "{deleted}");
    create_stream(&cluster.settings("ANEW", "admin"), ROOM).expect("created");
    let head = reader.head().expect_err("another one").to_string();
    assert!(head.contains("created again"), "{head}");
    assert!(reader.assure().is_err());
}

#[test]
fn a_stream_with_another_log_is_not_opened() {
    let Some(cluster) = cluster() else { return };
    let log = cluster.made("FOREIGN");
    let other = frame_in([7; 16], "f", 1, 10);
    log.append(&other.id, &other.bytes, None).expect("appended");
    assert!(log.head().is_err(), "it is not the log that was asked for");
    let opened = cluster.open("FOREIGN").expect_err("another log");
    let StoreError::Read(ReadError::Damaged(why)) = &opened else { panic!("{opened:?}") };
    assert!(why.contains("another journal"), "{why}");
    let mut settings = cluster.settings("FOREIGN", "gateway");
    settings.log_id = None;
    let head = JetStreamLog::open(settings).expect("any log").head().expect("a head");
    assert_eq!((head.log, LOG), (Some([7; 16]), [9; 16]));
}

#[test]
fn a_full_stream_refuses_and_takes_the_frame_once_there_is_room() {
    let Some(cluster) = cluster() else { return };
    create_stream(&cluster.settings("FULL", "admin"), 64 << 10).expect("created");
    let log = cluster.open("FULL").expect("opened");
    let mut acknowledged = Vec::new();
    let refused = loop {
        let frame = frame_in(LOG, "f", acknowledged.len(), 8 << 10);
        match log.append(&frame.id, &frame.bytes, None) {
            Ok(seq) => acknowledged.push((seq, frame.id)),
            Err(error) => break (frame, error),
        }
        assert!(acknowledged.len() < 10, "64 KiB hold fewer");
    };
    let (frame, error) = refused;
    let AppendError::Refused(why) = &error else { panic!("{error:?}") };
    assert!(why.to_string().contains("10077"), "{why}");
    let mut config = cluster.config("FULL");
    config["max_bytes"] = json!(ROOM);
    let changed = cluster.administer("STREAM.UPDATE.FULL", &config);
    assert!(changed["error"].is_null(), "{changed}");
    acknowledged.push((log.append(&frame.id, &frame.bytes, None).expect("there is room"), frame.id));
    holds(&log, &acknowledged);
    assert_eq!(log.head().expect("a head").last.0, acknowledged.len() as u64);
}
