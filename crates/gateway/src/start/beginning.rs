//! The first documents of a journal: taken from the start folder by whoever begins it. Of several nodes that begin one log at once, each
//! step is done by one, and the others go on behind it.

use std::time::Duration;

use causeway_exchange::{Error, LOG_NOT_REACHED, ProposedDocument};
use causeway_model::AgencyId;
use causeway_store::Journal;
use tokio::time::sleep;

/// How long to wait for what another node has written.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks without anything new after which it was not another node that was faster.
const IDLE_LOOKS: u32 = 100;

/// Brings the first documents into force, or finds them so.
///
/// # Errors
/// As [`causeway_exchange::genesis`].
pub(super) async fn genesis(
    journal: &Journal,
    operator: &AgencyId,
    documents: Vec<ProposedDocument>,
) -> Result<(), Error> {
    let head = || journal.read(|state| state.head().0);
    let (mut seen, mut idle) = (head(), 0);
    loop {
        let error = match causeway_exchange::genesis(journal, operator, documents.clone()).await {
            Err(error) if error.reason == LOG_NOT_REACHED => error,
            ended => return ended,
        };
        let now = head();
        idle = if now == seen { idle + 1 } else { 0 };
        seen = now;
        if idle >= IDLE_LOOKS || journal.stopped().is_some() {
            return Err(error);
        }
        sleep(PAUSE).await;
    }
}
