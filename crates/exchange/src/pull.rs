//! Pull: a page of one feed. The decision is made again, the disclosure is durable, then the page leaves.
//!
//! What a position holds is in `slot`, and what a partner sees of a record in `serve`: the one way out.

mod items;

use std::sync::Arc;

use causeway_agreement::Agreement;
use causeway_crypto::Digest;
use causeway_journal::{FeedItemKind, chain_link, v1};
use causeway_model::{AgreementId, Position, Timestamp};
use causeway_store::Committed;
use items::{Built, Room, Scene};

use crate::draft::Said;
use crate::page::{Content, Evidence, Page, PageItem, page_digest_of};
use crate::quota::{left_today, quota_exceeded, renewed};
use crate::serve::is_near;
use crate::slot::{Stretch, still_live, stretch};
use crate::standing::standing;
use crate::unavailable::{disk_low, stopped};
use crate::verdict::Ground;
use crate::witnessed::RETRY;
use crate::{Caller, Class, Error, Exchange, Pressure, Tallied, cursor};

/// Items of a page where the caller states no limit.
pub const DEFAULT_PAGE_ITEMS: u32 = 100;

/// Most items of a page, beside what is left of an entry that released into groups: that leaves whole, and an entry makes no more than
/// 200 items.
pub const MAX_PAGE_ITEMS: u32 = 1_000;

/// Positions whose bodies are read together: a page may end long before its last position is looked at.
pub(crate) const SLICE_BODIES: usize = 32;

/// Items whose chain is computed from the one before them: the journal computes about so many to look one up.
const LINKS: usize = 32;

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
    /// What the page is a part of.
    pub reading: Reading,
}

/// What a page is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// A call of its own. It is refused with a delay where the journal's queue is full, where the agreement's requests of this second are
    /// used up, and where the day's quota puts off all that the page would hold and no withdrawal is further on.
    #[default]
    Call,
    /// A watch: it waits for the journal, and is told of what is put off.
    Watch,
}

impl Reading {
    const fn pressure(self) -> Pressure {
        match self {
            Self::Call => Pressure::Refuse,
            Self::Watch => Pressure::Wait,
        }
    }
}

/// From where on a page puts something off, and until when.
#[derive(Debug, Clone, Copy)]
struct PutOff {
    from: Position,
    until: Timestamp,
}

/// Where a page begins.
struct From {
    agreement: Arc<Agreement>,
    after: Position,
    limit: u32,
}

impl Exchange {
    /// A page of the caller's feed, after its disclosure entry has become durable.
    ///
    /// # Errors
    /// `NotFound` for another's agreement as for none; `Denied` for a purpose that the agreement does not name; `Invalid` for
    /// a cursor that is not of this feed; `Busy` where a quota is used up; `Unavailable` where the disclosure cannot be recorded: then
    /// nothing leaves.
    pub async fn pull(&self, caller: &Caller, request: PullRequest) -> Result<Page, Error> {
        let mut from = match self.asked(caller, &request) {
            Ok(from) => from,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
        };
        if request.reading == Reading::Call {
            self.within_rate(caller, &from.agreement)?;
        }
        let meter = self.meters().of(&from.agreement.id);
        let _alone = match from.agreement.quota.records_per_day {
            Some(_) => Some(meter.page.lock().await),
            None => None,
        };
        for _ in 0..ATTEMPTS {
            if let Some(page) = self.page_now(caller, &from, request.reading).await? {
                return Ok(page);
            }
            // Another version may have come into force meanwhile.
            from.agreement = match self.feed_of(caller, Some(&from.agreement.id)) {
                Ok(agreement) => agreement,
                Err(refusal) => return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
            };
        }
        Err(Error::new(Class::Unavailable, "feed-changing", "the feed changed while it was read; pull again"))
    }

    fn asked(&self, caller: &Caller, request: &PullRequest) -> Result<From, Error> {
        let agreement = self.feed_of(caller, request.agreement.as_ref())?;
        let after = match &request.cursor {
            None => Position(0),
            Some(text) => cursor::decode(&self.keys().ring().cursor_mac(), &agreement.id, text)?,
        };
        let limit = if request.limit == 0 { DEFAULT_PAGE_ITEMS } else { request.limit.min(MAX_PAGE_ITEMS) };
        Ok(From { agreement, after, limit })
    }

    /// The page as it is at this moment; none where something in it changed while its disclosure was being recorded.
    async fn page_now(&self, caller: &Caller, from: &From, reading: Reading) -> Result<Option<Page>, Error> {
        let From { agreement, after, limit } = from;
        let now = self.now();
        let read = |state: &causeway_journal::State| {
            Ok((stretch(state, agreement, *after, *limit)?, left_today(state, agreement, now)))
        };
        let (stretch, left) = match self.journal().read(read) {
            Ok(read) => read,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await),
        };
        if !self.is_running() {
            // No page says then that there is nothing new: what has happened since is not known.
            return Err(stopped());
        }
        if stretch.slots.is_empty() {
            self.tally("", Some(&caller.system), Tallied::EmptyPull, 1);
            return Ok(Some(self.page(agreement, *after, &stretch, Vec::new(), None)));
        }
        let ground = Ground { agreement, standing: stretch.standing, now };
        let closed = self.may_disclose_to(&agreement.recipient).err();
        let room = match ground.may_grant() {
            true if closed.is_some() => Room::Closed,
            true => Room::Records(left.unwrap_or(u64::MAX)),
            // What grants nothing puts nothing off: all of it is served as withdrawn.
            false => Room::Records(u64::MAX),
        };
        let is_shared = reading == Reading::Watch && is_near(*after, stretch.newest);
        let shared = is_shared.then(|| (self.watches().lately.turn(&agreement.id), self.watches().lately.before()));
        let scene = Scene { agreement, stretch: &stretch, now, shared: shared.as_ref().map(|(_, before)| *before) };
        let turn = match &shared {
            Some((turn, _)) => Some(turn.lock().await),
            None => None,
        };
        let Built { items, digests, put_off } = self.build(&scene, room).await?;
        drop(turn);
        let is_put_off = |item: &PageItem| item.content == Content::Deferred;
        let last = items.last().map_or(*after, |item| item.position);
        if reading == Reading::Call && items.iter().all(is_put_off) && !self.tells_behind(agreement, last).await {
            if room == Room::Closed && self.is_disk_low() {
                // An entry each time would be written of the room that is kept back, for whoever asks often enough.
                self.tally("", Some(&caller.system), Tallied::Overload, 1);
                return Err(disk_low());
            }
            let refusal = closed.filter(|_| room == Room::Closed).unwrap_or_else(|| quota_exceeded(now));
            return Err(self.refuse(caller, v1::Operation::Disclosure, refusal).await);
        }
        let put_off = put_off.map(|from| PutOff {
            from,
            until: if room == Room::Closed { now.plus_seconds(RETRY.as_secs()) } else { renewed(now) },
        });
        let mut page = self.page(agreement, *after, &stretch, items, put_off);
        let committed = self.disclose(caller, agreement, &mut page, &digests, reading.pressure()).await?;
        // Another node's page may have taken what was left of the day.
        if !committed.outcome.is_effective() || !self.still_holds(agreement, &stretch, &page) {
            return Ok(None);
        }
        page.evidence = Some(self.evidence(committed).await?);
        Ok(Some(page))
    }

    /// Whether the agreement that a call of this agency is about can grant anything at this moment: it is in force, what makes the
    /// transfer lawful holds, and it is not suspended.
    pub fn feed_in_force(&self, caller: &Caller, named: Option<&AgreementId>) -> bool {
        self.feed_of(caller, named).is_ok_and(|agreement| self.in_force(&agreement))
    }

    /// Whether an agreement can grant anything at this moment.
    pub(crate) fn in_force(&self, agreement: &Agreement) -> bool {
        let standing = self.journal().read(|state| standing(state, agreement));
        Ground { agreement, standing, now: self.now() }.may_grant()
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

    fn page(
        &self,
        agreement: &Agreement,
        after: Position,
        stretch: &Stretch,
        items: Vec<PageItem>,
        put_off: Option<PutOff>,
    ) -> Page {
        let last = items.last().map_or(after, |item| item.position);
        let link = |chain: Digest, item: &PageItem| chain_link(&chain, item.position, item.kind, &item.item_id);
        let chain_after = match items.len() {
            0..LINKS => Some(items.iter().fold(stretch.chain_before, link)),
            _ => self.journal().read(|state| state.feed(&agreement.id).map(|feed| feed.chain_at(last))),
        };
        let cursor = |position| cursor::encode(&self.keys().ring().cursor_mac(), &agreement.id, position);
        let before_put_off = put_off.map(|put_off| Position(put_off.from.0 - 1));
        Page {
            agreement: agreement.id.clone(),
            agreement_version: agreement.version,
            next_cursor: cursor(before_put_off.unwrap_or(last)),
            ahead_cursor: before_put_off.map(|_| cursor(last)),
            in_force: self.in_force(agreement),
            quota_renewed: put_off.map(|put_off| put_off.until),
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

    /// Makes the disclosure of a page durable, given the digests of its items. Nothing of the page has left when this returns an error.
    async fn disclose(
        &self,
        caller: &Caller,
        agreement: &Agreement,
        page: &mut Page,
        digests: &[Digest],
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
        let (mut count, mut bytes) = (0, 0);
        for item in &page.items {
            if let Content::Released { document, .. } = &item.content {
                count += 1;
                bytes += document.len() as u64;
            }
        }
        let of_releases = |of: fn(&Content) -> bool| {
            bits(page.items.iter().map(|item| item.kind == FeedItemKind::Release && of(&item.content)))
        };
        draft.entry.count = count;
        draft.entry.byte_count = bytes;
        draft.entry.page = Some(v1::Page {
            feed: agreement.id.to_string(),
            from_position: page.items.first().map_or(0, |item| item.position.0),
            to_position: page.items.last().map_or(0, |item| item.position.0),
            digest: page_digest_of(&salt, page.terms(), digests).0.to_vec(),
            withheld: of_releases(|content| matches!(content, Content::Withdrawn(_))),
            deferred: of_releases(|content| *content == Content::Deferred),
        });
        self.record_under(pressure, caller, draft).await
    }

    /// Whether everything that the page shows is still to be shown, now that its disclosure has its place in the log.
    fn still_holds(&self, agreement: &Arc<Agreement>, stretch: &Stretch, page: &Page) -> bool {
        let mut shown = stretch.slots.iter().zip(&page.items).filter_map(|(slot, item)| match item.content {
            Content::Withdrawn(_) | Content::Deferred => None,
            Content::Released { .. } => Some(slot),
        });
        let (now, closed) = (self.now(), !self.discloses_to(&agreement.recipient));
        self.journal().read(|state| {
            let Some(first) = shown.next() else { return true };
            let standing = standing(state, agreement);
            let is_present = state.agreement(&agreement.id).is_some_and(|known| known.version == agreement.version);
            let may = is_present && Ground { agreement, standing, now }.may_grant() && !closed;
            may && still_live(state, agreement, std::iter::once(first).chain(shown))
        })
    }

    async fn evidence(&self, committed: Committed) -> Result<Evidence, Error> {
        let Committed { leaf, tree_size, .. } = committed;
        let proof = match self.journal().inclusion_proof_at_hand(leaf, tree_size) {
            Some(proof) => proof,
            None => self.inclusion_proof(leaf, tree_size).await?,
        };
        Ok(Evidence {
            entry: committed.entry,
            leaf: committed.leaf,
            proof,
            tree_size: committed.tree_size,
            checkpoint: committed.checkpoint,
        })
    }
}

/// One bit each, the first in the lowest bit of the first byte, without trailing zero bytes.
fn bits(set: impl ExactSizeIterator<Item = bool>) -> Vec<u8> {
    let mut bits = vec![0u8; set.len().div_ceil(8)];
    for (index, _) in set.enumerate().filter(|(_, is_set)| *is_set) {
        bits[index / 8] |= 1 << (index % 8);
    }
    while bits.last() == Some(&0) {
        bits.pop();
    }
    bits
}
