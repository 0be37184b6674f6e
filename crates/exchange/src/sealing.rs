//! Sealing windows: one HPKE encapsulation an owner, for at most a second or a thousand records.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_crypto::{SealingPublicKey, SealingWindow};
use causeway_model::{AgencyId, Timestamp};

use crate::Error;

/// Longest life of a window (DESIGN.md section 7: at most 1 s).
const WINDOW_MICROS: u64 = 1_000_000;

/// Most records of a window (DESIGN.md section 7: at most 1,000).
const WINDOW_RECORDS: u32 = 1_000;

/// The open windows, by owner. A window's exporter is zeroised when the last record that uses it has been sealed.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    open: Mutex<HashMap<AgencyId, Open>>,
}

#[derive(Debug)]
struct Open {
    window: Arc<SealingWindow>,
    since: Timestamp,
    records: u32,
}

impl Windows {
    /// A window to seal one record to `owner`; `public_key` is asked for only where a new one has to be opened.
    pub(crate) fn for_record(
        &self,
        owner: &AgencyId,
        now: Timestamp,
        public_key: impl FnOnce() -> Result<SealingPublicKey, Error>,
    ) -> Result<Arc<SealingWindow>, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = open.get_mut(owner)
            && current.records < WINDOW_RECORDS
            && !current.is_over(now)
        {
            current.records += 1;
            return Ok(Arc::clone(&current.window));
        }
        let window = Arc::new(SealingWindow::new(&public_key()?, owner));
        open.insert(owner.clone(), Open { window: Arc::clone(&window), since: now, records: 1 });
        Ok(window)
    }

    /// Ends an owner's window, so that what is sealed from here on is sealed to the key that is in force now.
    pub(crate) fn end(&self, owner: &AgencyId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(owner);
    }

    /// Lets go of windows whose time is over, so that an idle gateway keeps no exporter.
    pub(crate) fn close_before(&self, now: Timestamp) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, open| !open.is_over(now));
    }
}

impl Open {
    fn is_over(&self, now: Timestamp) -> bool {
        now.0.abs_diff(self.since.0) >= WINDOW_MICROS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_crypto::SealingPrivateKey;

    #[test]
    fn a_window_ends_with_its_second_and_with_its_thousandth_record() {
        let (windows, owner) = (Windows::default(), "gb-nca".parse().expect("well formed"));
        let public = SealingPrivateKey::generate().public_key();
        let key = || Ok(SealingPublicKey::from_bytes(&public.to_bytes()).expect("just made"));
        let first = windows.for_record(&owner, Timestamp(5), key).expect("key is good").encapsulation_id();
        for _ in 1..WINDOW_RECORDS {
            let again = windows.for_record(&owner, Timestamp(5), key).expect("key is good");
            assert_eq!(again.encapsulation_id(), first);
        }
        let second = windows.for_record(&owner, Timestamp(5), key).expect("key is good").encapsulation_id();
        assert_ne!(second, first, "a thousand records");
        let third = windows.for_record(&owner, Timestamp(5 + WINDOW_MICROS), key).expect("key is good");
        assert_ne!(third.encapsulation_id(), second, "a second");
        windows.end(&owner);
        let fourth = windows.for_record(&owner, Timestamp(5 + WINDOW_MICROS), key).expect("key is good");
        assert_ne!(fourth.encapsulation_id(), third.encapsulation_id(), "another key");
        windows.close_before(Timestamp(5 + 2 * WINDOW_MICROS));
        assert!(windows.open.lock().expect("not poisoned").is_empty());
    }
}
