//! Whose key pages a frame may hold. A page is stored as the newest frame has it, so that a frame with another node's page would put
//! that one's keys out of everybody's reach.

use super::RULES_SHARED;
use crate::{JournalError, State, v1};

/// Bits of a page's number that say where it is among those of the node that gave it; that node's number is above them.
const PLACE_BITS: u32 = 48;

/// A frame is one node's, and once the log states who its nodes are, it holds pages of that node's numbers alone.
pub(super) fn check_writer(state: &State, frame: &v1::Frame, entries: &[v1::Entry]) -> Result<(), JournalError> {
    if frame.rules_version < RULES_SHARED || frame.key_pages.is_empty() || state.roster_version() == 0 {
        return Ok(());
    }
    let node = entries.first().map_or("", |entry| entry.node.as_str());
    let number = state.roster().find(|(_, name)| *name == node).map(|(number, _)| u64::from(number));
    let is_its_own = |page: &v1::KeyPage| Some(page.number >> PLACE_BITS) == number;
    let is_one_nodes = entries.iter().all(|entry| entry.node == node);
    if is_one_nodes && frame.key_pages.iter().all(is_its_own) { Ok(()) } else { Err(JournalError::OtherNode) }
}
