//! Disks: what is free on the volumes that the gateway writes to, against what is kept back of them.

use std::path::Path;

use super::{Findings, Ground};

const MIB: u64 = 1 << 20;

/// Of the headroom, so much is kept on the volumes of keys: little is written there.
const KEYS_SHARE: u64 = 16;

pub(super) fn look(ground: &Ground<'_>, findings: &mut Findings) {
    let (config, headroom) = (ground.config, ground.config.disk.headroom_bytes);
    volume("journal", &config.data_dir, headroom, findings);
    volume("keys", &config.keys_dir, headroom / KEYS_SHARE, findings);
    if let Some(mirror) = &config.keys.mirror_dir {
        volume("mirror", mirror, headroom / KEYS_SHARE, findings);
    }
}

fn volume(name: &str, folder: &Path, headroom: u64, findings: &mut Findings) {
    // Before the first start the folder itself is not there yet.
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let Ok(about) = rustix::fs::statvfs(there) else {
        let todo = "mount it, or run as a user who may look at it";
        findings.failure("disk", format!("the volume of {} cannot be asked", folder.display()), todo);
        return;
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let seen = format!("{name}: {} MiB free, {} MiB kept back (headroom_mib)", free / MIB, headroom / MIB);
    if free < headroom {
        let todo = "make room or extend the volume: until then nothing is accepted and nothing disclosed";
        findings.failure("disk", seen, todo);
    } else if free < headroom.saturating_mul(4) {
        findings.warning("disk", seen, "make room or extend the volume before it comes to that");
    } else if about.f_favail < 1_000 && about.f_files > 0 {
        findings.warning("disk", format!("{name}: {} inodes free", about.f_favail), "make room for more files");
    } else {
        findings.ok("disk", seen);
    }
}
