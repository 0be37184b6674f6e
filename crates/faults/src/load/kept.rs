//! Reading again what was acknowledged: receipts by their ids, bodies through what is decided from them, pages by their cursors.

use std::collections::BTreeSet;

use causeway_gateway::client::{Ingest, Refusal};
use causeway_proto::v1;
use causeway_proto::v1::item::Content;

use super::check::Checked;
use super::log::Log;
use super::{Kept, PARTNERS, Partner};
use crate::Failed;
use causeway_rig::Reach;

/// Of the receipts, one in so many is asked for again by its id: all of them are held to the log anyway.
const RECEIPTS_ONE_IN: usize = 8;

/// Whoever reads again.
#[derive(Debug)]
pub(super) struct Reads {
    ingest: Ingest,
}

impl Reads {
    pub(super) async fn open(reach: &Reach) -> Result<Self, Failed> {
        Ok(Self { ingest: reach.clients("gb-nca/case-management", "investigation").await?.ingest() })
    }

    /// Receipts are given again, and every record that is not erased can still be read.
    pub(super) async fn submissions(&mut self, log: &Log, kept: &[Kept], checked: &mut Checked) -> Result<(), Failed> {
        let mut records = BTreeSet::new();
        for (number, one) in kept.iter().enumerate() {
            let Kept::Submitted { submission_id, receipt } = one else { continue };
            if number.is_multiple_of(RECEIPTS_ONE_IN) {
                checked.look(self.receipt(submission_id, receipt).await?);
            }
            let id = receipt.record_id.parse().map_err(|_| "a record's id")?;
            if log.state.record(&id).is_some_and(|record| record.may_leave()) {
                records.insert(receipt.record_id.as_str());
            }
        }
        for record_id in records {
            checked.look(self.body(record_id).await?);
        }
        Ok(())
    }

    async fn receipt(&mut self, submission_id: &str, receipt: &v1::Receipt) -> Result<Result<(), String>, Failed> {
        let wanted = v1::GetReceiptRequest { submission_id: submission_id.into() };
        let found = match self.ingest.get_receipt(wanted).await {
            Ok(answer) => answer.into_inner().receipt.unwrap_or_default(),
            Err(status) => return Ok(Err(format!("the receipt of {submission_id}: {}", said(status)?))),
        };
        let same = (found.leaf_index, &found.entry, &found.record_id, found.version)
            == (receipt.leaf_index, &receipt.entry, &receipt.record_id, receipt.version);
        Ok(same.then_some(()).ok_or_else(|| format!("the receipt of {submission_id} is another")))
    }

    /// A decision is explained from the body, so the body must open.
    async fn body(&mut self, record_id: &str) -> Result<Result<(), String>, Failed> {
        let question = v1::ExplainRequest {
            record_id: record_id.into(),
            agreement: PARTNERS[0].agreement.into(),
            ..v1::ExplainRequest::default()
        };
        Ok(match self.ingest.explain(question).await {
            Ok(_) => Ok(()),
            Err(status) => Err(format!("the body of a record: {}", said(status)?)),
        })
    }

    /// Every page can be pulled again: the same positions and items, with what they held, or a withdrawal in its place.
    pub(super) async fn pages(
        &mut self,
        reach: &Reach,
        who: Partner,
        kept: &[Kept],
        checked: &mut Checked,
    ) -> Result<(), Failed> {
        let mut feed = reach.clients(who.system, "investigation").await?.feed();
        for one in kept {
            let Kept::Disclosed { partner, cursor, limit, page } = one else { continue };
            if *partner != who {
                continue;
            }
            let request = v1::PullRequest { agreement: who.agreement.into(), cursor: cursor.clone(), limit: *limit };
            checked.look(match feed.pull(request).await {
                Ok(answer) => same_items(page, &answer.into_inner().page.unwrap_or_default()),
                Err(status) => Err(format!("a page of {}: {}", who.agreement, said(status)?)),
            });
        }
        Ok(())
    }
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
