//! The journal's end: its checkpoint by the ring's keys, and whether the gateway over it is halted.

use std::io::ErrorKind;

use causeway_store::{RootSource, StoreError, kept_checkpoint};

use super::monitoring::Told;
use super::{Findings, Ground};

pub(super) fn look(ground: &Ground<'_>, findings: &mut Findings) {
    running(ground, findings);
    let config = ground.config;
    if std::fs::read_dir(&config.data_dir).map_or(true, |mut entries| entries.next().is_none()) {
        findings.ok("journal", format!("{} holds no journal yet", config.data_dir.display()));
        return;
    }
    let roots: Vec<&RootSource> = std::iter::once(&config.keys.root).chain(&config.keys.previous_root).collect();
    match kept_checkpoint(&config.data_dir, &config.keys_dir, &roots, &config.origin) {
        Ok(kept) => {
            let running = ground.told.as_ref().and_then(|told| told.number("causeway_journal_entries"));
            let beside = running.map_or_else(String::new, |entries| format!(", the gateway has {entries:.0}"));
            findings.ok("journal", format!("its checkpoint verifies: {} entries{beside}", kept.size));
        }
        Err(StoreError::Io { path, source, .. }) => {
            let seen = format!("{}: {source}", path.display());
            match source.kind() {
                ErrorKind::PermissionDenied => findings.warning(
                    "journal",
                    seen,
                    "run as the user that the gateway runs as, to have the checkpoint verified",
                ),
                _ => findings.failure(
                    "journal",
                    seen,
                    "restore the file with the journal it belongs to; without it, a journal that was cut back looks like any other",
                ),
            }
        }
        Err(StoreError::Keys { path, what }) => {
            let todo = "run where the root key can be read, or restore the keys from their bundle (docs/keys.md)";
            findings.warning("journal", format!("{}: {what}; the checkpoint was not verified", path.display()), todo);
        }
        Err(error) => findings.failure(
            "journal",
            format!("{error}"),
            "do not start the gateway; compare with the witnesses and the newest backup (docs/operating.md, \"Halted\")",
        ),
    }
    let evidence = config.data_dir.join("evidence");
    if std::fs::read_dir(&evidence).is_ok_and(|mut entries| entries.next().is_some()) {
        findings.warning(
            "journal",
            format!("there is evidence of two histories in {}", evidence.display()),
            "read docs/operating.md, \"Halted\", before anything else",
        );
    }
}

/// What a node says of the log that it shares.
fn shared(told: &Told, findings: &mut Findings) {
    let Some(frames) = told.number("causeway_log_frames") else { return };
    let number = told.number("causeway_node_number").unwrap_or_default();
    if told.number("causeway_shared_log_faulty") == Some(1.0) {
        findings.failure(
            "node",
            "the shared log's servers do not enforce what they have to, or could not be asked",
            "run causeway cluster check, which says what; mend it (docs/cluster.md)",
        );
    } else {
        findings.ok("node", format!("node {number:.0} has applied {frames:.0} frames of the shared log"));
    }
}

fn running(ground: &Ground<'_>, findings: &mut Findings) {
    let Some(told) = &ground.told else { return };
    shared(told, findings);
    match told.unready() {
        None => findings.ok("gateway", "ready: it takes what is written to it"),
        Some("recovering") => {
            findings.warning("gateway", "it recovers its journal", "wait; it says so itself when it serves");
        }
        Some("halted") => findings.failure(
            "gateway",
            "halted: its journal is not what it has signed",
            "read docs/operating.md, \"Halted\"; health and the last checkpoint are all that is served",
        ),
        Some(why @ ("stopped" | "stalled" | "disk-low")) => findings.failure(
            "gateway",
            format!("{why}: nothing is accepted, nothing disclosed"),
            "see why in its log lines; make room or replace the disk (docs/operating.md, \"Disk full, or failing\")",
        ),
        Some("cut-off") => findings.failure(
            "gateway",
            "cut-off: the log that the nodes share does not answer; nothing is accepted, nothing disclosed",
            "see to the log's servers and the way to them: causeway cluster check; this node goes on by itself (docs/cluster.md)",
        ),
        Some(why @ ("clock-behind" | "clock-ahead")) => findings.failure(
            "gateway",
            format!("{why}: nothing is accepted, nothing disclosed"),
            "set the clock right (docs/operating.md, \"The clock is wrong\")",
        ),
        Some(other) => findings.failure("gateway", format!("not ready: {other}"), "see its log lines"),
    }
}
