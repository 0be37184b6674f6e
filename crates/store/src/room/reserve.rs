//! Who may write of the room that is kept back once half of it is gone: what anyone can cause at will must not use up what
//! withdrawals, erasures and the entries that tell of it are kept room for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use causeway_journal::v1;

/// Entries that one agency may write at once.
const AGENCY_ENTRIES: u32 = 256;

/// One more for each of these that pass. At about 2 KiB that an entry takes, an agency that goes on and on needs days for what is left
/// of the default headroom.
const AGENCY_PAUSE: Duration = Duration::from_secs(4);

/// What each agency has left. There are never more of them than agencies.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    shares: Mutex<BTreeMap<String, Share>>,
}

#[derive(Debug)]
struct Share {
    left: u32,
    /// Up to when what has passed is counted in `left`.
    counted: Instant,
}

impl Reserve {
    /// Whether an entry that is worth the reserve may still be written, and counts it for its agency. Summaries may, and what the
    /// gateway writes of itself. A refusal may not: whoever is refused is told that there is no room, and it is summed up.
    pub(super) fn takes(&self, entry: &v1::Entry, now: Instant) -> bool {
        let of_a_system = entry.actor.as_ref().filter(|actor| !actor.system.is_empty());
        let Some(actor) = of_a_system.filter(|_| entry.period.is_none()) else { return true };
        if entry.decision() == v1::Decision::Denied {
            return false;
        }
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Share { left: AGENCY_ENTRIES, counted: now };
        shares.entry(actor.agency.clone()).or_insert(full).take(now)
    }
}

impl Share {
    fn take(&mut self, now: Instant) -> bool {
        while self.left < AGENCY_ENTRIES && now.duration_since(self.counted) >= AGENCY_PAUSE {
            self.left += 1;
            self.counted += AGENCY_PAUSE;
        }
        if self.left == AGENCY_ENTRIES {
            self.counted = now;
        }
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(agency: &str, system: &str, decision: v1::Decision) -> v1::Entry {
        let actor = v1::Actor { agency: agency.into(), system: system.into(), ..v1::Actor::default() };
        v1::Entry { actor: Some(actor), decision: decision.into(), ..v1::Entry::default() }
    }

    #[test]
    fn one_who_goes_on_and_on_leaves_the_others_their_share() {
        let (reserve, begun) = (Reserve::default(), Instant::now());
        let page = entry("al-police", "feed", v1::Decision::Allowed);
        let taken = |now| (0..10_000).filter(|_| reserve.takes(&page, now)).count();
        assert_eq!(taken(begun), 256);
        assert_eq!(taken(begun + Duration::from_secs(41)), 10);
        assert_eq!(taken(begun + Duration::from_secs(44)), 1, "what had passed is not forgotten");
        assert_eq!(taken(begun + Duration::from_secs(86_400)), 256, "a day's pause is worth no more than that");
        assert!(reserve.takes(&entry("vn-police", "feed", v1::Decision::Allowed), begun));
        assert!(reserve.takes(&entry("al-police", "", v1::Decision::Allowed), begun), "the gateway's own");
    }

    #[test]
    fn refusals_are_summed_up_and_the_sums_are_written() {
        let (reserve, now) = (Reserve::default(), Instant::now());
        let refused = entry("al-police", "feed", v1::Decision::Denied);
        assert!(!reserve.takes(&refused, now));
        assert!(reserve.takes(&v1::Entry { period: Some(v1::Period::default()), ..refused }, now));
        assert!(reserve.takes(&entry("", "", v1::Decision::Denied), now), "handshakes, which are summed up always");
    }
}
