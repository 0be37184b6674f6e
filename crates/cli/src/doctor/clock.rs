//! The clock: against the newest entry, and whether something keeps it right.

use std::path::Path;

use super::{Findings, Ground};

/// What systemd's own client leaves once the clock has been set by the network.
const TIMESYNC: &str = "/run/systemd/timesync/synchronized";

/// A clock that is further behind the newest entry keeps the journal from taking any (store's own limit).
const MAX_BEHIND_SECONDS: f64 = 5.0;

pub(super) fn look(ground: &Ground<'_>, findings: &mut Findings) {
    let now = ground.now;
    let seconds = std::time::Duration::from_micros(now.0).as_secs_f64();
    let newest = ground.told.as_ref().and_then(|told| told.number("causeway_checkpoint_timestamp_seconds"));
    match newest {
        Some(newest) if newest - seconds > MAX_BEHIND_SECONDS => findings.failure(
            "clock",
            format!("{now} is {:.0} s before the newest entry", newest - seconds),
            "set the clock right; no entry is taken before it has reached the newest one (docs/operating.md, \"The clock is wrong\")",
        ),
        Some(_) => findings.ok("clock", format!("{now}, not before the newest entry")),
        None => findings.ok("clock", format!("{now}; no running gateway says when its newest entry was")),
    }
    match is_synchronised() {
        Some(true) => findings.ok("clock", "synchronised over the network"),
        Some(false) => {
            findings.warning(
                "clock",
                "the network has not set it yet",
                "see what keeps it from it: timedatectl timesync-status",
            );
        }
        None => findings.warning(
            "clock",
            "unknown whether anything keeps it right: systemd-timesyncd does not run here",
            "check by hand what does (chronyc tracking, ntpq -p); days, deadlines and certificates go by it",
        ),
    }
}

/// Whether the network has set the clock, as far as systemd's client says; none where that does not run.
fn is_synchronised() -> Option<bool> {
    let flag = Path::new(TIMESYNC);
    if flag.exists() { Some(true) } else { flag.parent().is_some_and(Path::is_dir).then_some(false) }
}
