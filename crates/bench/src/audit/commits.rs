//! Committing drafts with many in flight.

use std::collections::VecDeque;
use std::time::Instant;

use causeway_store::Journal;

use super::Failed;
use super::mix::Mix;
use crate::waiting::wait_for;

/// Drafts that are made before the clock runs, and then appended: making them is not what is measured.
const MADE_AT_ONCE: u64 = 32_768;

/// Appends so many entries; gives how many a second became durable. The drafts' own making is not in it, their encryption is.
pub(crate) fn rate(journal: &Journal, mix: &mut Mix, entries: u64, in_flight: usize) -> Result<f64, Failed> {
    let (mut left, mut seconds) = (entries, 0.0);
    while left > 0 {
        let now = left.min(MADE_AT_ONCE);
        let drafts: Vec<_> = (0..now).map(|_| mix.draft()).collect();
        let begun = Instant::now();
        let mut waiting = VecDeque::with_capacity(in_flight);
        for draft in drafts {
            if waiting.len() >= in_flight
                && let Some(first) = waiting.pop_front()
            {
                wait_for(first)?;
            }
            waiting.push_back(wait_for(journal.enqueue(draft))?);
        }
        for appending in waiting {
            wait_for(appending)?;
        }
        seconds += begun.elapsed().as_secs_f64();
        left -= now;
    }
    Ok(entries as f64 / seconds.max(1e-9))
}
