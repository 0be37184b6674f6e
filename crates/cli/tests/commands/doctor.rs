//! `causeway doctor` beside a running gateway: what is in order, and what is not once it has been put out of order.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::party::{self, Gateway, Ran};

const OPERATOR: &str = "--as gb-nca/operations";

/// What was found of one check, as `state: seen`.
fn found(ran: &Ran, check: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let findings = answer["findings"].as_array().expect("a list").iter();
    let of = findings.filter(|finding| finding["check"] == check);
    of.map(|finding| format!("{}: {}", finding["state"].as_str().unwrap_or(""), finding["seen"].as_str().unwrap_or("")))
        .collect()
}

#[track_caller]
fn has(ran: &Ran, check: &str, start: &str, part: &str) {
    let found = found(ran, check);
    assert!(found.iter().any(|line| line.starts_with(start) && line.contains(part)), "{check} {part}: {found:#?}");
}

fn settle(folder: &Path, file: &str, mode: u32) {
    fs::set_permissions(folder.join(file), Permissions::from_mode(mode)).expect("its owner may");
}

#[test]
fn an_installation_in_order_has_warnings_at_most_and_each_fault_is_found_with_what_to_do() {
    let folder = party::folder();
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    party::edit(&folder, "[metrics]\n", &format!("[metrics]\nlisten = \"{free}\"\n"));
    let gateway = Gateway::serve(&Arc::clone(&folder), None).expect("it starts");
    let doctor = format!("doctor --config config/gateway.toml --json {OPERATOR}");
    let ran = gateway.run(&doctor).done();
    has(&ran, "configuration", "ok", "no fault");
    has(&ran, "gateway", "ok", "ready");
    has(&ran, "keys", "ok", "mode 0700");
    has(&ran, "keys", "warning", "one volume");
    has(&ran, "certificates", "ok", "days left");
    has(&ran, "journal", "ok", "its checkpoint verifies");
    has(&ran, "witnesses", "warning", "none");
    has(&ran, "live-call", "ok", "TLSv1_3");
    has(&ran, "live-call", "ok", "SERVING");
    has(&ran, "clock", "ok", "not before the newest entry");
    assert_eq!(gateway.run(&format!("{doctor} --strict")).code, 1, "warnings fail where they are asked to");
    let said = gateway.run(&format!("doctor --config config/gateway.toml {OPERATOR}")).done().out;
    assert!(said.contains("  -> ") && said.contains(" 0 failures"), "{said}");

    has(&ran, "revocation", "ok", "the lists of al-police");
    fs::remove_file(folder.path().join("certs-dev/crls/al-police.pem")).expect("issued");
    settle(folder.path(), "data/keys", 0o755);
    settle(folder.path(), "certs-dev/gb-nca/gateway.key", 0o644);
    fs::write(folder.path().join("data/journal/checkpoint"), "something else\n").expect("writable");
    let ran = gateway.run(&doctor);
    assert_eq!(ran.code, 1, "{ran:?}");
    has(&ran, "keys", "failure", "data/keys has mode 0755");
    has(&ran, "keys", "failure", "anybody here can read it");
    has(&ran, "revocation", "failure", "al-police");
    has(&ran, "journal", "failure", "checkpoint");
    settle(folder.path(), "data/keys", 0o700);
    settle(folder.path(), "certs-dev/gb-nca/gateway.key", 0o600);

    party::edit(&folder, "node = \"node-1\"", "node = \"\"");
    party::edit(&folder, "origin = \"gateway.", "surprise = 1\norigin = \"gateway.");
    let ran = gateway.run(&doctor);
    assert_eq!(ran.code, 1, "{ran:?}");
    has(&ran, "configuration", "failure", "node");
    has(&ran, "configuration", "failure", "surprise");
}

#[test]
fn a_partner_is_told_of_its_certificate_its_role_and_where_it_stands() {
    let gateway = Gateway::start();
    let ran = gateway.run("doctor --peer --json --as al-police/feed").done();
    has(&ran, "identity", "ok", "al-police/feed");
    has(&ran, "certificates", "ok", "this system's certificate");
    has(&ran, "live-call", "ok", "accepted");
    has(&ran, "role", "ok", "reader");
    has(&ran, "agreement", "ok", "in force");
    has(&ran, "clock", "ok", "0 s between");
    gateway.run("pull --all --cursor al.cursor --as al-police/feed").done();
    let ran = gateway.run("doctor --peer --json --cursor al.cursor --as al-police/feed").done();
    assert_eq!(found(&ran, "feed").len(), 1, "{ran:?}");
    let ran = gateway.run("doctor --peer --json --as gb-nca/case-management").done();
    has(&ran, "role", "ok", "submitter");
    // Issued by another agency's CA than the one that it names.
    let ca = "certs-dev/al-police/ca.pem";
    let files = "--cert certs-dev/al-police/feed.pem --key certs-dev/vn-police/feed.key";
    let ran = gateway.run(&format!("doctor --peer --json {files} --ca {ca} --purpose integrity --operator d"));
    assert_eq!(ran.code, 1, "{ran:?}");
    has(&ran, "live-call", "failure", "not the private key");
}

#[test]
fn approvals_of_persons_become_what_a_first_start_reads() {
    let gateway = Gateway::start();
    let agreement = "config/agreements/ISA-AL-2026-014.toml";
    let sign = |person: &str| gateway.run(&format!("document approve {agreement} --person gb-nca/{person}")).done().out;
    gateway.write("dpo.jsonl", &sign("dpo"));
    gateway.write("director.jsonl", &sign("director"));
    fs::create_dir(gateway.path("approvals")).expect("made");
    let prepare = format!("document prepare {agreement} --into approvals --approval");
    gateway.run(&format!("{prepare} director.jsonl dpo.jsonl")).done();
    let name = fs::read_dir(gateway.path("approvals")).expect("there").next().expect("a file").expect("readable");
    let name = name.file_name().into_string().expect("text");
    let signatures = |folder: &str| {
        let text = gateway.read(&format!("{folder}/{name}"));
        let lines = text.lines().filter(|line| line.starts_with("signature") || line.starts_with("person"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(signatures("approvals"), signatures("certs-dev/approvals"), "as `certs dev` writes them");
    let other =
        gateway.run("document prepare config/agreements/ISA-VN-2026-021.toml --into approvals --approval dpo.jsonl");
    assert!(other.code != 0 && other.err.contains("no approval here"), "{other:?}");
}
