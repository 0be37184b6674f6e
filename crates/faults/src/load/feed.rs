//! What a partner does: pull from where it stopped, and acknowledge what it has.

use std::time::Duration;

use causeway_proto::v1;

use super::{Kept, Ledger, Partner, Unanswered};
use crate::Failed;
use causeway_rig::Reach;

/// Items of a page. Small, so that there are many pages.
const ITEMS: u32 = 20;

/// How long a partner waits that found nothing new.
const PAUSE: Duration = Duration::from_millis(15);

/// Pulls page after page, and acknowledges each.
pub(super) async fn partner(reach: Reach, partner: Partner, turns: usize, ledger: Ledger) -> Result<(), Failed> {
    let Ok(clients) = reach.clients(partner.system, "investigation").await else { return Ok(()) };
    let mut feed = clients.feed();
    let mut cursor = last_cursor(&ledger, partner);
    for _ in 0..turns {
        let request = v1::PullRequest { agreement: partner.agreement.into(), cursor: cursor.clone(), limit: ITEMS };
        let page = match feed.pull(request).await.map_err(Unanswered::from) {
            Ok(answer) => answer.into_inner().page.ok_or("an answer without its page")?,
            Err(unanswered) if unanswered.is_final() => return Ok(()),
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(last) = page.items.last().map(|item| item.position) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let next = page.next_cursor.clone();
        ledger.keep(Kept::Disclosed { partner, cursor: cursor.clone(), limit: ITEMS, page: Box::new(page) });
        let taken = v1::AcknowledgeRequest {
            agreement: partner.agreement.into(),
            up_to_position: last,
            ..v1::AcknowledgeRequest::default()
        };
        match feed.acknowledge(taken).await.map_err(Unanswered::from) {
            Ok(answer) => {
                let position = answer.into_inner().acknowledged_position;
                ledger.keep(Kept::Acknowledged { partner, position });
            }
            Err(unanswered) if unanswered.is_final() => return Ok(()),
            Err(_) => {}
        }
        cursor = next;
    }
    Ok(())
}

/// Where a partner stopped.
fn last_cursor(ledger: &Ledger, who: Partner) -> String {
    let cursor = ledger.newest(|kept| match kept {
        Kept::Disclosed { partner, page, .. } if *partner == who => Some(page.next_cursor.clone()),
        _ => None,
    });
    cursor.unwrap_or_default()
}
