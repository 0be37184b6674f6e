//! The shared log on three real NATS servers, by mutual TLS: its contract, what it refuses to run on, and what faults do to it; and the
//! migration of a real gateway's journal into it and back.
//!
//! After every fault: nothing that was acknowledged is lost or elsewhere, nothing is there twice, there is no hole, and all readers
//! read the same. Without the server (`.ci/nats-server` installs it) each test prints that it is skipped. They share two sets
//! of servers, one after the other, each on a stream of its own.

mod assurance;
mod contract;
mod damage;
mod frames;
mod loss;
mod migration;
mod node_faults;
mod node_races;
mod node_setting;
mod nodes;
mod partition;
mod rot;
mod servers;

#[test]
#[ignore = "the gateway and the commands of other tests, in a process of their own"]
fn causeway() {
    let Some(code) = causeway_rig::run_causeway() else { return };
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
}
