//! What a gateway does not run on: streams and servers that promise too little, certificates with too few rights or too many.

use causeway_store::{AppendError, AssureError, JetStreamLog, SharedLog, StoreError};
use serde_json::{Value, json};

use crate::frames::frame;
use crate::servers::cluster;

fn faults(log: &JetStreamLog) -> Vec<String> {
    match log.assure() {
        Ok(assurance) => panic!("it should have been refused: {assurance:?}"),
        Err(AssureError::Faults(faults)) => faults,
        Err(other) => vec![other.to_string()],
    }
}

#[test]
fn each_bad_setting_of_a_stream_is_refused_in_words() {
    let Some(cluster) = cluster() else { return };
    let good = {
        drop(cluster.made("GOOD"));
        cluster.config("GOOD")
    };
    let bad: &[(&str, Value)] = &[
        ("num_replicas", json!(1)),
        ("storage", json!("memory")),
        ("deny_delete", json!(false)),
        ("deny_purge", json!(false)),
        ("max_age", json!(3_600_000_000_000_u64)),
        ("discard", json!("old")),
        ("max_msgs", json!(1000)),
        ("max_bytes", json!(-1)),
        ("allow_msg_ttl", json!(true)),
        ("allow_direct", json!(false)),
        ("duplicate_window", json!(1_000_000_000)),
    ];
    for (key, value) in bad {
        let mut config = good.clone();
        config["name"] = json!("BAD");
        config["subjects"] = json!(["bad.>"]);
        config["republish"] = Value::Null;
        config[*key] = value.clone();
        let created = cluster.administer("STREAM.CREATE.BAD", &config);
        assert!(created["error"].is_null(), "{key}: {created}");
        let log = cluster.open("BAD").expect("opened");
        let told = faults(&log);
        assert!(told.iter().any(|fault| fault.contains(key)), "{key}: {told:?}");
        let deleted = cluster.administer("STREAM.DELETE.BAD", &Value::Null);
        assert_eq!(deleted["success"], true, "{deleted}");
    }
}

#[test]
fn a_server_that_does_not_sync_always_is_named() {
    let Some(mut cluster) = cluster() else { return };
    let log = cluster.made("GOOD");
    log.assure().expect("all three sync always");
    let change = |cluster: &mut crate::servers::Cluster, from: &str, to: &str| {
        let servers = cluster.servers();
        servers.edit(1, |text| text.replace(from, to)).expect("changed");
        servers.kill(1).expect("stopped");
        servers.heal().expect("well");
    };
    change(&mut cluster, "sync_interval: always", "sync_interval: \"2m\"");
    let told = faults(&log);
    change(&mut cluster, "sync_interval: \"2m\"", "sync_interval: always");
    assert!(told.iter().any(|fault| fault.contains("n2") && fault.contains("sync_interval")), "{told:?}");
    assert!(!told.iter().any(|fault| fault.contains("server n1: sync")), "only that one: {told:?}");
}

#[test]
fn a_server_that_is_away_is_told_apart_from_one_that_says_nothing() {
    let Some(mut cluster) = cluster() else { return };
    let log = cluster.made("GOOD");
    let away = (cluster.leader("GOOD") + 1) % 3;
    cluster.servers().kill(away).expect("killed");
    let name = format!("n{}", away + 1);
    for _ in 0..300 {
        match log.assure() {
            Ok(assurance) => {
                assert_eq!((assurance.away, assurance.checked.len()), (vec![name], 2));
                return;
            }
            // For a moment the others do not know it yet.
            Err(AssureError::Faults(told)) => assert!(told.iter().any(|fault| fault.contains(&name)), "{told:?}"),
            Err(other) => panic!("{other}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("it was never told to be away");
}

#[test]
fn rights_that_are_missing_or_too_many_are_named() {
    let Some(cluster) = cluster() else { return };
    cluster.made("DENIED").assure().expect("the gateway's rights are right");
    let as_user = |user: &str| JetStreamLog::open(cluster.settings("DENIED", user));
    let first = frame("d", 1);
    for (user, subject) in [
        ("mute", "denied.0"),
        ("blind", "deniedservers"),
        ("deaf", "deniedtail.>"),
        ("unread", "DIRECT.GET.DENIED"),
        ("strong", "STREAM.UPDATE.DENIED"),
    ] {
        let log = as_user(user).expect("opened: it may ask for the stream");
        let told = faults(&log).join("\n");
        assert!(told.contains(subject), "{user}: {told}");
        if user == "mute" {
            // And not a silence that is taken for a slow server.
            let refused = log.append(&first.id, &first.bytes, None);
            let Err(AppendError::Refused(why)) = &refused else { panic!("{refused:?}") };
            assert!(why.to_string().contains("no permission for denied.0"), "{why}");
        }
    }
    let stranger = as_user("stranger").expect_err("no account names it");
    assert!(matches!(stranger, StoreError::Engine(_)), "{stranger:?}");
    let absent = cluster.open("BROKEN").expect_err("there is none");
    let StoreError::Engine(why) = &absent else { panic!("{absent:?}") };
    assert!(why.to_string().contains("causeway cluster create"), "{why}");
}
