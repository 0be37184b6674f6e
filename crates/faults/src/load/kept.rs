//! Reading again what was acknowledged: receipts by their ids, bodies through what is decided from them, pages by their cursors.

use std::collections::BTreeSet;

use causeway_gateway::client::{Feed, Ingest, Refusal};
use causeway_proto::v1;
use causeway_proto::v1::item::Content;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::check::Checked;
use super::log::Log;
use super::{Kept, PARTNERS, Partner};
use crate::Failed;
use causeway_rig::Reach;

/// Of the receipts, one in so many is asked for again by its id: all of them are held to the log anyway.
const RECEIPTS_ONE_IN: usize = 8;

/// Of the records, no more are read again, of the whole load alike: each is an entry, and a minute of overload leaves a million.
const MOST_RECORDS: usize = 100_000;

/// Questions in flight: each is an entry, and those that come together share a sync.
const AT_ONCE: usize = 32;

/// What a question has found: in words, where something is lost.
type Found = Result<(), String>;

/// Receipts are given again, and the records that are not erased can still be read.
pub(super) async fn submissions(reach: &Reach, log: &Log, kept: &[Kept], checked: &mut Checked) -> Result<(), Failed> {
    let clients = reach.clients("gb-nca/case-management", "investigation").await?;
    let (mut receipts, mut records) = (Vec::new(), BTreeSet::new());
    for (number, one) in kept.iter().enumerate() {
        let Kept::Submitted { submission_id, receipt } = one else { continue };
        if number.is_multiple_of(RECEIPTS_ONE_IN) {
            receipts.push((submission_id, receipt));
        }
        let id = receipt.record_id.parse().map_err(|_| "a record's id")?;
        if log.state.record(&id).is_some_and(|record| record.may_leave()) {
            records.insert(receipt.record_id.as_str());
        }
    }
    let mut asked = Asked::of(checked);
    for (submission_id, receipt) in receipts {
        asked.ask(same_receipt(clients.ingest(), submission_id, receipt)).await?;
    }
    asked.wait_for_all_but(0).await?;
    let mut asked = Asked::of(checked);
    let one_in = records.len().div_ceil(MOST_RECORDS).max(1);
    for record_id in records.into_iter().step_by(one_in) {
        asked.ask(body(clients.ingest(), record_id)).await?;
    }
    asked.wait_for_all_but(0).await
}

/// Every page can be pulled again: the same positions and items, with what they held, or a withdrawal in its place.
pub(super) async fn pages(reach: &Reach, who: Partner, kept: &[Kept], checked: &mut Checked) -> Result<(), Failed> {
    let clients = reach.clients(who.system, "investigation").await?;
    let mut asked = Asked::of(checked);
    for one in kept {
        let Kept::Disclosed { partner, cursor, limit, page } = one else { continue };
        if *partner == who {
            let agreement = who.agreement.to_string();
            let request = v1::PullRequest { agreement, cursor: cursor.clone(), limit: *limit };
            asked.ask(same_page(clients.feed(), request, page)).await?;
        }
    }
    asked.wait_for_all_but(0).await
}

/// Questions on their way, a bounded number of them, and what they have found.
struct Asked<'a, F> {
    running: FuturesUnordered<F>,
    checked: &'a mut Checked,
}

impl<'a, F: Future<Output = Result<Found, Failed>>> Asked<'a, F> {
    fn of(checked: &'a mut Checked) -> Self {
        Self { running: FuturesUnordered::new(), checked }
    }

    async fn ask(&mut self, question: F) -> Result<(), Failed> {
        self.wait_for_all_but(AT_ONCE - 1).await?;
        self.running.push(question);
        Ok(())
    }

    async fn wait_for_all_but(&mut self, most: usize) -> Result<(), Failed> {
        while self.running.len() > most
            && let Some(found) = self.running.next().await
        {
            self.checked.look(found?);
        }
        Ok(())
    }
}

async fn same_receipt(mut ingest: Ingest, submission_id: &str, receipt: &v1::Receipt) -> Result<Found, Failed> {
    let wanted = v1::GetReceiptRequest { submission_id: submission_id.into() };
    let found = match ingest.get_receipt(wanted).await {
        Ok(answer) => answer.into_inner().receipt.unwrap_or_default(),
        Err(status) => return Ok(Err(format!("the receipt of {submission_id}: {}", said(status)?))),
    };
    let same = (found.leaf_index, &found.entry, &found.record_id, found.version)
        == (receipt.leaf_index, &receipt.entry, &receipt.record_id, receipt.version);
    Ok(same.then_some(()).ok_or_else(|| format!("the receipt of {submission_id} is another")))
}

/// A decision is explained from the body, so the body must open.
async fn body(mut ingest: Ingest, record_id: &str) -> Result<Found, Failed> {
    let question = v1::ExplainRequest {
        record_id: record_id.into(),
        agreement: PARTNERS[0].agreement.into(),
        ..v1::ExplainRequest::default()
    };
    Ok(match ingest.explain(question).await {
        Ok(_) => Ok(()),
        Err(status) => Err(format!("the body of a record: {}", said(status)?)),
    })
}

async fn same_page(mut feed: Feed, request: v1::PullRequest, page: &v1::Page) -> Result<Found, Failed> {
    Ok(match feed.pull(request).await {
        Ok(answer) => same_items(page, &answer.into_inner().page.unwrap_or_default()),
        Err(status) => Err(format!("a page of {}: {}", page.agreement, said(status)?)),
    })
}

/// What the gateway said; an error where it was not the gateway, but the connection.
fn said(status: impl Into<Refusal>) -> Result<String, Failed> {
    let refusal = status.into();
    refusal.reason.ok_or_else(|| format!("the connection broke: {}", refusal.message).into())
}

fn same_items(then: &v1::Page, now: &v1::Page) -> Result<(), String> {
    if now.items.len() < then.items.len() || now.chain_before != then.chain_before {
        return Err(format!("a page of {} is shorter, or its chain another", then.agreement));
    }
    let same = |(then, now): (&v1::Item, &v1::Item)| {
        let place = (then.position, &then.item_id, then.kind) == (now.position, &now.item_id, now.kind);
        place && (then.content == now.content || matches!(now.content, Some(Content::Withdrawn(_))))
    };
    match then.items.iter().zip(&now.items).find(|pair| !same(*pair)) {
        None => Ok(()),
        Some((item, _)) => Err(format!("position {} of {} is another", item.position, then.agreement)),
    }
}

/// Whether a page's disclosure is in the log as the page showed it.
pub(super) fn disclosure(log: &Log, page: &v1::Page) -> Option<()> {
    let evidence = page.evidence.as_ref()?;
    let leaf = evidence.inclusion_proof.as_ref()?.leaf_index;
    (log.entry(leaf)? == evidence.entry.as_slice()).then_some(())
}
