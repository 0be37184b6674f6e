//! Witnesses: the policy, whether each can be reached, and when a quorum of them last cosigned.

use std::time::Duration;

use tokio::net::TcpStream;

use super::{Findings, Ground};

/// The longest wait for a witness to take a connection.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn look(ground: &Ground<'_>, findings: &mut Findings) {
    let Some(options) = &ground.config.witnesses else {
        findings.warning(
            "witnesses",
            "none: nobody outside would notice if this journal were shown as two, or cut back",
            "agree with other organisations on witnesses (docs/witnesses.md)",
        );
        return;
    };
    let sockets = options.sockets();
    findings.ok("witnesses", format!("the policy names {}", sockets.len()));
    for (name, host, port) in sockets {
        let connected = tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await;
        match connected {
            Ok(Ok(_)) => findings.ok("witnesses", format!("{name} takes connections at {host}:{port}")),
            Ok(Err(error)) => {
                let todo = "ask whoever runs it; a quorum of the others is enough meanwhile";
                findings.warning("witnesses", format!("{name} at {host}:{port}: {error}"), todo);
            }
            Err(_elapsed) => {
                let todo = "see that a firewall lets this machine through, and ask whoever runs it";
                findings.warning("witnesses", format!("{name} at {host}:{port} does not answer"), todo);
            }
        }
    }
    let Some(told) = &ground.told else { return };
    for (name, up) in told.family("causeway_witness_up") {
        if up < 1.0 {
            let todo = "see the gateway's log lines for what it answered";
            findings.warning("witnesses", format!("{name}'s last answer was no cosignature"), todo);
        }
    }
    let Some(age) = told.number("causeway_witness_quorum_age_seconds") else { return };
    let (alarm, stop) = (options.terms.alarm.as_secs_f64(), options.terms.stop.as_secs_f64());
    let seen = format!("a quorum cosigned {age:.0} s ago");
    if age >= stop {
        findings.failure(
            "witnesses",
            seen,
            "disclosures have stopped (stop_hours): bring witnesses back, or change the policy",
        );
    } else if age >= alarm {
        findings.warning("witnesses", seen, "find out which are away; after stop_hours disclosures stop");
    } else {
        findings.ok("witnesses", seen);
    }
}
