//! How much room there is on the volumes that the journal writes to, and what is still written of it.
//!
//! A full disk stops the journal for good, and what has to be said then could not be recorded any more. So the last of the
//! room is kept back: under the headroom only what narrows, takes back, erases or refuses is appended, and under a quarter
//! of it nothing is, so that the next start finds what it needs. Under half of it nobody can use up what is left (`reserve`).

mod reserve;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use causeway_journal::{
    REASON_AT_RISK, REASON_DISCLOSURES_STOPPED, REASON_OVERDUE, REASON_RESTRICTED, REASON_RETENTION_EXPIRED,
    REASON_WITHDRAWN, REASON_WITNESSES_AWAY, REASON_WITNESSES_BACK, REASON_WITNESSES_EXPECTED, v1,
};

use crate::error::StoreError;
use crate::folder;
use crate::log::FrameLog;
use reserve::Reserve;

/// The volumes are asked at most so often, as long as little is written.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Of the headroom, a sixteenth may be written between two looks.
const LOOK_SHARE: u64 = 16;

/// Of the headroom, a quarter is never written: sled writes a snapshot when it is opened, and must find room for it.
const FLOOR_SHARE: u64 = 4;

/// Of the headroom, under a half what anyone can cause at will is written no more, or seldom.
const SCARCE_SHARE: u64 = 2;

/// There is room again where there is an eighth more than the headroom, so that nobody hears of it twice a second.
const RETURN_SHARE: u64 = 8;

/// Of the headroom, a sixteenth is kept on the volumes of keys, where little is written: 64 slots for 8,192 keys.
const KEYS_SHARE: u64 = 16;

/// What a trial writes where the journal is to be opened again.
const TRIAL_BYTES: usize = 64 * 1024;

/// How much room there is, by what may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// For everything.
    Ample,
    /// Only what is worth the room that is kept back: refusals, withdrawals, erasures, and that there is so little.
    Low,
    /// For nothing.
    None,
}

/// Free bytes of the volumes, as far as they could be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FreeBytes {
    /// Of the journal's volume.
    pub journal: Option<u64>,
    /// Of the volume of the keys folder.
    pub keys: Option<u64>,
    /// Of the volume of its mirror; none where there is no mirror.
    pub mirror: Option<u64>,
}

/// Watches the volumes.
#[derive(Debug)]
pub(crate) struct Gauge {
    /// 0 where nothing is kept back.
    headroom: u64,
    data_dir: PathBuf,
    keys_dir: PathBuf,
    mirror_dir: Option<PathBuf>,
    reserve: Reserve,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    at: Option<Instant>,
    /// Bytes that have been written since.
    written: u64,
    free: FreeBytes,
    room: Room,
}

impl Gauge {
    pub(crate) fn of(headroom: u64, data_dir: &Path, keys_dir: &Path, mirror_dir: Option<&Path>) -> Self {
        let seen = Seen { at: None, written: 0, free: FreeBytes::default(), room: Room::Ample };
        Self {
            headroom,
            data_dir: data_dir.to_owned(),
            keys_dir: keys_dir.to_owned(),
            mirror_dir: mirror_dir.map(Path::to_owned),
            reserve: Reserve::default(),
            seen: Mutex::new(seen),
        }
    }

    /// The room as of a moment ago, and what it was made of.
    pub(crate) fn look(&self, log: &dyn FrameLog) -> (Room, FreeBytes) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = seen.at.is_some_and(|at| at.elapsed() < LOOK_PERIOD);
        if !is_fresh || seen.written >= self.headroom / LOOK_SHARE {
            let free = self.ask(log);
            let room = self.room(free, seen.room);
            *seen = Seen { at: Some(Instant::now()), written: 0, free, room };
        }
        (seen.room, seen.free)
    }

    /// Whether an entry may be written while there is so much room.
    pub(crate) fn admits(&self, (room, free): (Room, FreeBytes), entry: &v1::Entry) -> bool {
        match room {
            Room::Ample => true,
            Room::Low => {
                is_worth_the_reserve(entry) && (!self.is_scarce(free) || self.reserve.takes(entry, Instant::now()))
            }
            Room::None => false,
        }
    }

    /// Counts what has been written since somebody looked.
    pub(crate) fn wrote(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.written = seen.written.saturating_add(bytes);
    }

    /// Writes a little to each volume and syncs it: whether what has stopped the journal may have passed.
    ///
    /// # Errors
    /// Where one of them takes nothing.
    pub(crate) fn try_out(&self) -> Result<(), StoreError> {
        let folders = [Some(&self.data_dir), Some(&self.keys_dir), self.mirror_dir.as_ref()];
        for folder in folders.into_iter().flatten() {
            let file = folder.join("trial");
            let written = folder::write_private(&file, &[0x5a; TRIAL_BYTES]);
            // Also what was written in part.
            let removed = std::fs::remove_file(&file);
            let tried = written.and(removed).and_then(|()| folder::sync(folder));
            tried.map_err(|source| StoreError::io("write to", folder, source))?;
        }
        Ok(())
    }

    fn ask(&self, log: &dyn FrameLog) -> FreeBytes {
        // An engine that keeps its frames elsewhere knows that volume; the rest of the data directory is on its own.
        let own = folder::free_bytes(&self.data_dir).ok();
        FreeBytes {
            journal: log.free_bytes().map_or(own, |engine| own.map(|own| own.min(engine))),
            keys: folder::free_bytes(&self.keys_dir).ok(),
            mirror: self.mirror_dir.as_deref().and_then(|mirror| folder::free_bytes(mirror).ok()),
        }
    }

    /// Whether half of what is kept back is gone on some volume. One that cannot be asked says nothing of it.
    fn is_scarce(&self, free: FreeBytes) -> bool {
        let of_keys = self.headroom / KEYS_SHARE;
        let under = |free: Option<u64>, headroom: u64| free.is_some_and(|free| free < headroom / SCARCE_SHARE);
        under(free.journal, self.headroom) || under(free.keys, of_keys) || under(free.mirror, of_keys)
    }

    /// The least of what the volumes allow. One that cannot be asked is not relied on.
    fn room(&self, free: FreeBytes, before: Room) -> Room {
        if self.headroom == 0 {
            return Room::Ample;
        }
        let of_keys = self.headroom / KEYS_SHARE;
        let mirror = self.mirror_dir.as_ref().map(|_| level(free.mirror, of_keys, before));
        level(free.journal, self.headroom, before)
            .max(level(free.keys, of_keys, before))
            .max(mirror.unwrap_or(Room::Ample))
    }
}

fn level(free: Option<u64>, headroom: u64, before: Room) -> Room {
    let enough = if before == Room::Ample { headroom } else { headroom + headroom / RETURN_SHARE };
    match free {
        Some(free) if free >= enough => Room::Ample,
        Some(free) if free < headroom / FLOOR_SHARE => Room::None,
        Some(_) | None => Room::Low,
    }
}

/// The reason codes of entries that the gateway writes of itself, and that are worth the room that is kept back.
const OWN: [&str; 11] = [
    "disk-low",
    "disk-room",
    "left-scope",
    "acknowledged",
    "revocation-stale",
    "reload-refused",
    REASON_OVERDUE,
    REASON_WITNESSES_EXPECTED,
    REASON_WITNESSES_AWAY,
    REASON_DISCLOSURES_STOPPED,
    REASON_WITNESSES_BACK,
];

/// Whether an entry is worth the room that is kept back: a refusal, what narrows or takes back, an erasure, a page that
/// shows withdrawals alone, and what the gateway has to say of itself. Never one with a record's body or a document's text.
fn is_worth_the_reserve(entry: &v1::Entry) -> bool {
    let reason = entry.reason.as_str();
    if entry.decision() == v1::Decision::Denied {
        return true;
    }
    match entry.operation() {
        v1::Operation::Erasure => true,
        v1::Operation::Retention => reason == REASON_RETENTION_EXPIRED,
        v1::Operation::Alteration => [REASON_WITHDRAWN, REASON_RESTRICTED, REASON_AT_RISK].contains(&reason),
        v1::Operation::Document => {
            entry.document.as_ref().is_some_and(|document| document.action() == v1::DocumentAction::Suspend)
        }
        v1::Operation::Disclosure => reason == "disclosed" && entry.count == 0,
        v1::Operation::Administration => OWN.contains(&reason),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn gauge(headroom: u64) -> Gauge {
        Gauge::of(headroom, Path::new("/"), Path::new("/"), Some(Path::new("/")))
    }

    fn free(journal: u64, keys: u64) -> FreeBytes {
        FreeBytes { journal: Some(journal), keys: Some(keys), mirror: Some(keys) }
    }

    #[test]
    fn the_scarcest_volume_says_what_may_be_written_and_a_little_more_room_ends_it() {
        let gauge = gauge(256 * MIB);
        let room = |free, before| gauge.room(free, before);
        assert_eq!(room(free(256 * MIB, 16 * MIB), Room::Ample), Room::Ample);
        assert_eq!(room(free(256 * MIB - 1, 16 * MIB), Room::Ample), Room::Low);
        assert_eq!(room(free(256 * MIB, 16 * MIB - 1), Room::Ample), Room::Low, "the keys' volume counts too");
        assert_eq!(room(free(64 * MIB - 1, 16 * MIB), Room::Low), Room::None);
        assert_eq!(room(free(900 * MIB, 4 * MIB - 1), Room::Low), Room::None);
        assert_eq!(room(free(257 * MIB, 16 * MIB), Room::Low), Room::Low, "not at the first byte that is free again");
        assert_eq!(room(free(288 * MIB, 18 * MIB), Room::None), Room::Ample);
        assert_eq!(
            room(FreeBytes { journal: None, ..free(0, 16 * MIB) }, Room::Ample),
            Room::Low,
            "unknown is not enough"
        );
        assert_eq!(super::tests::gauge(0).room(free(0, 0), Room::Ample), Room::Ample, "nothing is kept back");
    }

    #[test]
    fn under_half_of_the_headroom_refusals_are_written_no_more() {
        let gauge = gauge(256 * MIB);
        let denied = v1::Entry {
            actor: Some(v1::Actor { agency: "al-police".into(), system: "feed".into(), ..v1::Actor::default() }),
            decision: v1::Decision::Denied.into(),
            ..v1::Entry::default()
        };
        for (free, admits) in [
            (free(128 * MIB, 8 * MIB), true),
            (free(128 * MIB - 1, 8 * MIB), false),
            (free(128 * MIB, 8 * MIB - 1), false),
            (FreeBytes::default(), true),
        ] {
            assert_eq!(gauge.admits((Room::Low, free), &denied), admits, "{free:?}");
            assert!(gauge.admits((Room::Ample, free), &denied) && !gauge.admits((Room::None, free), &denied));
        }
    }

    #[test]
    fn only_what_narrows_or_refuses_is_worth_the_reserve() {
        let entry = |operation: v1::Operation, reason: &str| v1::Entry {
            operation: operation.into(),
            decision: v1::Decision::Allowed.into(),
            reason: reason.into(),
            ..v1::Entry::default()
        };
        use v1::Operation::{Administration, Alteration, Collection, Consultation, Disclosure, Document, Erasure};
        for (operation, reason) in [
            (Erasure, "erasure-ordered"),
            (Alteration, REASON_WITHDRAWN),
            (Alteration, REASON_RESTRICTED),
            (Alteration, REASON_AT_RISK),
            (Disclosure, "disclosed"),
            (Administration, "disk-low"),
            (Administration, "left-scope"),
        ] {
            assert!(is_worth_the_reserve(&entry(operation, reason)), "{reason}");
        }
        for (operation, reason) in [
            (Collection, "accepted"),
            (Alteration, "corrected"),
            (Alteration, "unrestricted"),
            (Administration, "released"),
            (Consultation, "audit-query"),
            (Disclosure, "identity-delivered"),
            (Document, "activated"),
        ] {
            assert!(!is_worth_the_reserve(&entry(operation, reason)), "{reason}");
            let refused = v1::Entry { decision: v1::Decision::Denied.into(), ..entry(operation, reason) };
            assert!(is_worth_the_reserve(&refused), "the refusal of {reason}");
        }
        assert!(
            !is_worth_the_reserve(&v1::Entry { count: 1, ..entry(Disclosure, "disclosed") }),
            "a page with a record"
        );
    }
}
