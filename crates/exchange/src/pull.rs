//! Pull: a page of one feed. The decision is made again, the disclosure is durable, then the page leaves.
//!
//! What a position holds is in `slot`, and what a partner sees of a record in `serve`: the one way out.

use std::sync::Arc;

use causeway_agreement::Agreement;
use causeway_journal::{FeedItemKind, v1};
use causeway_model::{AgreementId, Position};
use causeway_store::Committed;

use crate::draft::Said;
use crate::page::{Content, Evidence, Page, PageItem, page_digest};
use crate::slot::{Stretch, live, stretch};
use crate::{Caller, Class, Error, Exchange, Pressure, Tallied, cursor};

/// Items of a page where the caller states no limit.
pub const DEFAULT_PAGE_ITEMS: u32 = 100;

/// Most items of a page.
pub const MAX_PAGE_ITEMS: u32 = 1_000;

/// A page ends with the item that takes its documents past this size: with the largest item it stays under 4 MiB.
const PAGE_BYTES: usize = 3 << 20;

/// Bodies that are open at a time: a page may end long before its last position is looked at.
pub(crate) const SLICE_BODIES: usize = 32;

/// How often a page is built anew because something in it was withdrawn while its disclosure was being recorded.
const ATTEMPTS: usize = 4;

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct PullRequest {
    /// The agreement; none where the agency has one agreement only.
    pub agreement: Option<AgreementId>,
    /// The cursor of the page before; none for the start of the feed.
    pub cursor: Option<String>,
    /// At most so many items; 0 for the default.
    pub limit: u32,
    /// What to do where the disclosure finds the journal's queue full.
    pub pressure: Pressure,
}

impl Exchange {
    /// A page of the caller's feed, after its disclosure entry has become durable.
    ///
    /// # Errors
    /// `NotFound` for another's agreement as for none; `Denied` for a purpose that the agreement does not name; `Invalid` for
    /// a cursor that is not of this feed; `Unavailable` where the disclosure cannot be recorded: then nothing leaves.
    pub async fn pull(&self, caller: &Caller, request: PullRequest) -> Result<Page, Error> {
        let agreement = match self.feed_of(caller, request.agreement.as_ref()) {
            Ok(agreement) => agreement,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
        };
        let after = match &request.cursor {
            None => Position(0),
            Some(text) => match cursor::decode(&self.keys().ring().cursor_mac(), &agreement.id, text) {
                Ok(position) => position,
                Err(refusal) => return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
            },
        };
        let limit = if request.limit == 0 { DEFAULT_PAGE_ITEMS } else { request.limit.min(MAX_PAGE_ITEMS) };
        for _ in 0..ATTEMPTS {
            let stretch = match self.journal().read(|state| stretch(state, &agreement.id, after, limit)) {
                Ok(stretch) => stretch,
                Err(refusal) => return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
            };
            if stretch.slots.is_empty() {
                self.tally("", Some(&caller.system), Tallied::EmptyPull, 1);
                return Ok(self.page(&agreement, after, &stretch, Vec::new()));
            }
            let items = self.build(&agreement, &stretch).await?;
            let mut page = self.page(&agreement, after, &stretch, items);
            let committed = self.disclose(caller, &agreement, &mut page, request.pressure).await?;
            if self.still_holds(&agreement, &stretch, &page) {
                page.evidence = Some(self.evidence(committed).await?);
                return Ok(page);
            }
        }
        Err(Error::new(Class::Unavailable, "feed-changing", "the feed changed while it was read; pull again"))
    }

    /// Whether the agreement that a call of this agency is about is in force.
    pub fn feed_in_force(&self, caller: &Caller, named: Option<&AgreementId>) -> bool {
        self.feed_of(caller, named).is_ok_and(|agreement| agreement.is_in_force(self.now()))
    }

    /// The agreement that a call of this agency is about, and whether it names the caller's purpose.
    pub(crate) fn feed_of(&self, caller: &Caller, named: Option<&AgreementId>) -> Result<Arc<Agreement>, Error> {
        let agreement = self.journal().read(|state| {
            let mut own = state.agreements().filter(|known| known.recipient == caller.system.agency);
            match named {
                Some(id) => own.find(|known| known.id == *id).cloned().ok_or_else(Error::unknown_feed),
                None => match (own.next(), own.next()) {
                    (Some(only), None) => Ok(Arc::clone(only)),
                    (None, _) => Err(Error::unknown_feed()),
                    (Some(_), Some(_)) => {
                        let message = "this agency has more than one agreement; name the one that is meant";
                        Err(Error::invalid("agreement-ambiguous", message))
                    }
                },
            }
        })?;
        if agreement.purposes.contains(&caller.purpose.code) {
            Ok(agreement)
        } else {
            let message = format!("{} does not name the purpose {}", agreement.id, caller.purpose.code);
            Err(Error::new(Class::Denied, "purpose-not-agreed", message))
        }
    }

    /// What each position holds for this partner, decided now.
    async fn build(&self, agreement: &Agreement, stretch: &Stretch) -> Result<Vec<PageItem>, Error> {
        let (mut items, mut bytes) = (Vec::with_capacity(stretch.slots.len()), 0);
        for slice in stretch.slots.chunks(SLICE_BODIES) {
            let live: Vec<_> = slice.iter().filter_map(|slot| Some((slot.record_id, slot.live?))).collect();
            let mut bodies = self.bodies_of(&live).await?.into_iter();
            for slot in slice {
                let body = slot.live.and_then(|_| bodies.next().flatten());
                let served = body.map(|body| self.serve(agreement, slot, &body)).transpose()?.flatten();
                let content = served.unwrap_or_else(|| Content::Withdrawn(slot.withdrawn()));
                bytes += if let Content::Released { document, .. } = &content { document.len() } else { 0 };
                items.push(PageItem { position: slot.position, item_id: slot.item_id, kind: slot.kind, content });
                if bytes > PAGE_BYTES {
                    return Ok(items);
                }
            }
        }
        Ok(items)
    }

    fn page(&self, agreement: &Agreement, after: Position, stretch: &Stretch, items: Vec<PageItem>) -> Page {
        let last = items.last().map_or(after, |item| item.position);
        let chain_after = self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.chain_at(last)));
        Page {
            agreement: agreement.id.clone(),
            agreement_version: agreement.version,
            next_cursor: cursor::encode(&self.keys().ring().cursor_mac(), &agreement.id, last),
            ahead_cursor: None,
            quota_renewed: None,
            more: last < stretch.newest,
            newest: stretch.newest,
            chain_before: stretch.chain_before,
            chain_after: chain_after.unwrap_or(stretch.chain_before),
            salt: None,
            evidence: None,
            onward_transfer: agreement.onward_transfer.as_str(),
            items,
        }
    }

    /// Makes the disclosure of a page durable. Nothing of the page has left when this returns an error.
    async fn disclose(
        &self,
        caller: &Caller,
        agreement: &Agreement,
        page: &mut Page,
        pressure: Pressure,
    ) -> Result<Committed, Error> {
        let salt = causeway_crypto::random::<32>();
        page.salt = Some(salt);
        let mut draft = Said::allowed(v1::Operation::Disclosure, "disclosed").by(caller);
        draft.entry.recipient = Some(v1::Recipient {
            agency: agreement.recipient.to_string(),
            agreement: agreement.id.to_string(),
            agreement_version: agreement.version,
            clause: String::new(),
        });
        let (mut count, mut bytes, mut withheld) = (0, 0, vec![0u8; page.items.len().div_ceil(8)]);
        for (index, item) in page.items.iter().enumerate() {
            match &item.content {
                Content::Released { document, .. } => {
                    count += 1;
                    bytes += document.len() as u64;
                }
                Content::Withdrawn(_) | Content::Deferred if item.kind == FeedItemKind::Release => {
                    withheld[index / 8] |= 1 << (index % 8);
                }
                Content::Withdrawn(_) | Content::Deferred => {}
            }
        }
        while withheld.last() == Some(&0) {
            withheld.pop();
        }
        draft.entry.count = count;
        draft.entry.byte_count = bytes;
        draft.entry.page = Some(v1::Page {
            feed: agreement.id.to_string(),
            from_position: page.items.first().map_or(0, |item| item.position.0),
            to_position: page.items.last().map_or(0, |item| item.position.0),
            digest: page_digest(&salt, page.terms(), &page.items).0.to_vec(),
            withheld,
        });
        self.record_under(pressure, caller, draft).await
    }

    /// Whether everything that the page shows is still to be shown, now that its disclosure has its place in the log.
    fn still_holds(&self, agreement: &Agreement, stretch: &Stretch, page: &Page) -> bool {
        let shows_records = page.items.iter().any(|item| matches!(item.content, Content::Released { .. }));
        if shows_records && !agreement.is_in_force(self.now()) {
            return false;
        }
        self.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id) else { return false };
            stretch.slots.iter().zip(&page.items).all(|(slot, item)| match item.content {
                Content::Withdrawn(_) | Content::Deferred => true,
                Content::Released { .. } => live(state, feed, slot).is_some(),
            })
        })
    }

    async fn evidence(&self, committed: Committed) -> Result<Evidence, Error> {
        let proof = self.inclusion_proof(committed.leaf, committed.tree_size).await?;
        Ok(Evidence {
            entry: committed.entry,
            leaf: committed.leaf,
            proof,
            tree_size: committed.tree_size,
            checkpoint: committed.checkpoint,
        })
    }
}
