//! One binary for every test of the gateway: the real server on port 0, real TLS with CAs made at run time, real storage,
//! and clients that speak to it over the wire. What a test needs to set up is in `harness`; the rest is by subject.

mod adversary;
mod alike;
mod at_risk;
mod audit;
mod audit_commands;
mod audit_findings;
mod authentication;
mod backlog;
mod backup;
mod bad_input;
mod canary;
mod clock;
mod cluster;
mod corrections;
mod counted_twice;
mod crash;
mod cursors;
mod cut;
mod deadlines;
mod disk;
mod durability;
mod effective;
mod evaluation;
mod explain;
mod feed;
mod frozen;
mod governance;
mod harness;
mod holders;
mod idempotency;
mod identity;
mod import;
mod ingest;
mod life;
mod limits;
mod metrics;
mod minimum_cell;
mod mirrored;
mod numbers;
mod overdue;
mod overlap;
mod proofs;
mod protection;
mod query;
mod quota;
mod releases;
mod reload;
mod reloading;
mod request_id;
mod roles;
mod rollback;
mod rotation;
mod shuffle;
mod standing;
mod suspension;
mod tables;
mod threat_model;
mod tiles;
mod watch;
mod withdrawal;
mod witnesses;
mod year;

#[test]
#[ignore = "the gateway of other tests, in a process of its own"]
fn causeway() {
    let Some(code) = causeway_rig::run_causeway() else { return };
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
}
