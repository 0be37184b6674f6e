//! The settings of the disk: what is kept back of it, when a journal that it has stopped is opened again, and how long it is waited for.

use std::time::Duration;

use causeway_agreement::section::Section;

use super::read::number;

const MIB: u64 = 1 << 20;

/// What is kept back of the journal's volumes, and when a journal that has stopped is opened again.
#[derive(Debug, Clone, Copy)]
pub struct DiskOptions {
    /// Bytes of the journal's volume that are kept for refusals, withdrawals and erasures; of the keys' volumes, a sixteenth.
    pub headroom_bytes: u64,
    /// How long after the journal has stopped at an error it is opened again, where its volumes take what is written to them.
    pub reopen: Duration,
    /// How long a disk that does not answer is waited for.
    pub give_up: Duration,
}

pub(super) fn disk(section: &mut Section<'_>) -> Option<DiskOptions> {
    let headroom: Option<u64> = number(section, "headroom_mib", 16..=1024 * 1024, 256);
    let reopen = number(section, "reopen_seconds", 1..=24 * 3600, 10).map(Duration::from_secs);
    let give_up = number(section, "give_up_seconds", 15..=24 * 3600, 120).map(Duration::from_secs);
    Some(DiskOptions { headroom_bytes: headroom? * MIB, reopen: reopen?, give_up: give_up? })
}
