//! Whether the journal can be written at this moment, and if not, why: what health, metrics and the operator are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_store::{AppendFailure, FreeBytes, Room, StoreError};

use crate::{Exchange, Notice};

/// How the journal stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It takes everything.
    Writable,
    /// A volume has less room than is kept back: refusals, withdrawals and erasures are written, and nothing else.
    DiskLow,
    /// The machine's clock is behind the newest entry: nothing is written until it has caught up.
    ClockBehind,
    /// The machine's clock has jumped ahead: nothing is written until it is put back, or has run on for ten minutes.
    ClockAhead,
    /// What is being written does not come to the disk, which neither takes it nor fails: nothing more is taken until it has.
    Stalled,
    /// The log that several gateways share does not answer: nothing more is taken until it does.
    CutOff,
    /// It has stopped at an error, for this reason: it goes on once it is opened again.
    Stopped(Arc<str>),
    /// Its history is not what it has signed, for this reason.
    Halted(Arc<str>),
}

impl Condition {
    /// All of them, in one word each.
    pub const WORDS: [&str; 8] =
        ["writable", "disk-low", "clock-behind", "clock-ahead", "stalled", "cut-off", "stopped", "halted"];

    /// It in one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Writable => "writable",
            Self::DiskLow => "disk-low",
            Self::ClockBehind => "clock-behind",
            Self::ClockAhead => "clock-ahead",
            Self::Stalled => "stalled",
            Self::CutOff => "cut-off",
            Self::Stopped(_) => "stopped",
            Self::Halted(_) => "halted",
        }
    }
}

/// What has been said of how the journal stands.
#[derive(Debug, Default)]
pub(crate) struct Said {
    is_disk_low: AtomicBool,
    is_clock_wrong: AtomicBool,
    is_stalled: AtomicBool,
    is_cut_off: AtomicBool,
    /// Whether an entry says that there is little room.
    is_noted: AtomicBool,
}

impl Exchange {
    /// How the journal stands at this moment.
    pub fn condition(&self) -> Condition {
        if let Some(reason) = self.halted() {
            return Condition::Halted(reason);
        }
        if !self.is_running() {
            let reason = self.journal().stopped().unwrap_or_else(|| Arc::from("it has been closed"));
            return Condition::Stopped(reason);
        }
        if self.journal().is_stalled() {
            return Condition::Stalled;
        }
        if self.is_cut_off() {
            return Condition::CutOff;
        }
        match self.journal().entry_time() {
            Err(AppendFailure::ClockAhead { .. }) => return Condition::ClockAhead,
            Err(_) => return Condition::ClockBehind,
            Ok(_) => {}
        }
        if self.is_disk_low() { Condition::DiskLow } else { Condition::Writable }
    }

    /// Whether the journal takes everything. If not, nothing is accepted and no record is disclosed.
    pub fn is_healthy(&self) -> bool {
        self.condition() == Condition::Writable
    }

    /// Whether the journal has neither stopped nor been closed.
    pub(crate) fn is_running(&self) -> bool {
        self.journal().is_healthy()
    }

    /// This gateway's number among the nodes that share its log; none where it is alone.
    pub fn node_number(&self) -> Option<u16> {
        self.journal().node_number().map(|number| number.0)
    }

    /// Whether the log that several gateways share has not answered for so long that nothing more is taken until it does.
    pub fn is_cut_off(&self) -> bool {
        self.journal().is_cut_off()
    }

    /// Whether only what is worth the room that is kept back is written.
    pub(crate) fn is_disk_low(&self) -> bool {
        self.journal().room().0 != Room::Ample
    }

    /// Free bytes of the journal's volumes, as of a second ago at most.
    pub fn free_bytes(&self) -> FreeBytes {
        self.journal().room().1
    }

    /// Whether a journal that has stopped may be opened again with some hope. Blocks for a few syncs.
    ///
    /// # Errors
    /// Why not.
    pub fn try_out_volumes(&self) -> Result<(), StoreError> {
        self.journal().try_out_volumes()
    }

    /// Says in the log lines, once each time, that there is little room, that the clock is wrong, that the disk does not answer, and that
    /// it is over. To be called about once a second; it waits for nothing.
    pub fn say_condition(&self) {
        self.say_how_the_clock_is();
        self.say_whether_the_disk_answers();
        self.say_whether_the_shared_log_answers();
        let (room, free) = self.journal().room();
        let is_low = room != Room::Ample;
        if self.said().is_disk_low.swap(is_low, Ordering::Relaxed) != is_low {
            if is_low {
                tracing::error!(
                    journal = free.journal,
                    keys = free.keys,
                    mirror = free.mirror,
                    "a volume has less free bytes than disk.headroom_mib keeps back: nothing is accepted and no record is disclosed until \
                     there is room; refusals, withdrawals and erasures are written of what is kept"
                );
            } else {
                tracing::warn!(journal = free.journal, "there is room again, and everything is taken again");
            }
        }
    }

    /// Says of the room by an entry too, as soon as one can be written.
    pub(crate) async fn note_room(&self) {
        let (said, room) = (self.said(), self.journal().room().0);
        let is_low = room != Room::Ample;
        if room == Room::None || said.is_noted.load(Ordering::Relaxed) == is_low {
            return;
        }
        let notice = if is_low { Notice::DiskLow } else { Notice::DiskRoom };
        if self.note(&notice).await {
            said.is_noted.store(is_low, Ordering::Relaxed);
        }
    }

    fn say_whether_the_disk_answers(&self) {
        let is_stalled = self.journal().is_stalled();
        if self.said().is_stalled.swap(is_stalled, Ordering::Relaxed) == is_stalled {
            return;
        }
        if is_stalled {
            tracing::error!(
                "the disk does not answer: nothing is accepted or disclosed until it does; see to the volume"
            );
        } else {
            tracing::warn!("the disk answers again, and everything is taken again");
        }
    }

    fn say_whether_the_shared_log_answers(&self) {
        let is_cut_off = self.is_cut_off();
        if self.said().is_cut_off.swap(is_cut_off, Ordering::Relaxed) == is_cut_off {
            return;
        }
        if is_cut_off {
            tracing::error!(
                "the log that the nodes share does not answer: nothing is accepted or disclosed here until it does; see to its servers \
                 and to the way to them"
            );
        } else {
            tracing::warn!("the log that the nodes share answers again, and everything is taken again");
        }
    }

    fn say_how_the_clock_is(&self) {
        let clock = self.journal().entry_time();
        if self.said().is_clock_wrong.swap(clock.is_err(), Ordering::Relaxed) == clock.is_err() {
            return;
        }
        match clock {
            Err(failure) => tracing::error!(
                error = &failure as &dyn std::error::Error,
                "the clock is wrong: nothing is accepted or disclosed until it is right; set it right"
            ),
            Ok(_) => tracing::warn!("the clock is relied on again, and everything is taken again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_a_word_of_its_own() {
        let reason: Arc<str> = Arc::from("why");
        let all = [
            Condition::Writable,
            Condition::DiskLow,
            Condition::ClockBehind,
            Condition::ClockAhead,
            Condition::Stalled,
            Condition::CutOff,
            Condition::Stopped(Arc::clone(&reason)),
            Condition::Halted(reason),
        ];
        assert_eq!(all.map(|condition| condition.word()), Condition::WORDS);
    }
}
