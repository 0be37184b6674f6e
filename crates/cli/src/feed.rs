//! What a partner checks of each page it receives: dense positions, the chain, the page's digest in the disclosure
//! entry, and that entry's inclusion proof under a signed checkpoint.

use causeway_crypto::Digest;
use causeway_exchange::{Content, PageItem, PageTerms, PseudonymChange, page_digest};
use causeway_journal::{FeedItemKind, ProofFile, chain_link, decode_entry, v1 as journal};
use causeway_model::{AgreementId, ItemId, Position, SchemaId};
use causeway_proto::v1::{Item, ItemKind, Page, ReleasedRecord, item};
use serde::{Deserialize, Serialize};

use crate::verifier_keys::VerifierKeys;
use crate::{Failure, evidence};
use causeway_verify::hex::hex;

/// Where a partner stands in a feed: what to keep between pulls so that nothing can be left out unnoticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Standing {
    /// The agreement; empty before the first page.
    pub(crate) agreement: String,
    /// The cursor to pull from; empty for the start.
    pub(crate) cursor: String,
    /// The last position received: everything up to it was served, nothing of it put off.
    pub(crate) position: u64,
    /// The chain's value after it, in hexadecimal.
    pub(crate) chain: String,
    /// The newest position that the gateway has told of.
    #[serde(default)]
    pub(crate) newest: u64,
    /// Where withdrawals are read on while the day's quota puts releases off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ahead: Option<Ahead>,
    /// The end of the page that was taken last, where it is not the cursor's: a watch may go on from there as well.
    #[serde(skip)]
    last: Option<Ahead>,
}

/// A point further on in a feed, past releases that are put off: they are pulled again from the standing's own cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ahead {
    /// The cursor to pull from.
    pub(crate) cursor: String,
    /// The last position looked at.
    pub(crate) position: u64,
    /// The chain's value after it, in hexadecimal.
    chain: String,
}

/// From which of its points a standing goes on with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Cursor,
    Ahead,
}

impl Standing {
    /// The start of a feed.
    pub(crate) fn start() -> Self {
        let chain = Digest([0; 32]).to_string();
        Self { agreement: String::new(), cursor: String::new(), position: 0, chain, newest: 0, ahead: None, last: None }
    }

    /// Checks a page that was pulled from here, or from a point ahead, and moves past it: past what is put off only ahead. One of
    /// `keys` verifies the checkpoint's signature; without them the proof is checked against the checkpoint's root alone.
    pub(crate) fn take(&mut self, page: &Page, keys: Option<&VerifierKeys>) -> Result<(), Failure> {
        if !self.agreement.is_empty() && page.agreement != self.agreement {
            return Err(broken("it is of another agreement"));
        }
        let (from, start) = self.begins(page)?;
        let Links { items, after } = links(page, start)?;
        let end = start + items.len() as u64;
        self.check_known(start, &after)?;
        self.check_newest(page, end)?;
        if !items.is_empty() {
            check_evidence(page, &items, keys)?;
        }
        let put_off = items.iter().position(|item| matches!(item.content, Content::Deferred));
        if put_off.is_some() && page.ahead_cursor.is_empty() {
            return Err(broken("it puts items off and gives no cursor after them"));
        }
        let further = if put_off.is_some() { &page.ahead_cursor } else { &page.next_cursor };
        let point = Ahead { cursor: further.clone(), position: end, chain: hex(&page.chain_after) };
        if from == From::Cursor {
            let served = put_off.unwrap_or(items.len());
            if let Some(last) = served.checked_sub(1) {
                self.chain = after[last].to_string();
            }
            self.position = start + served as u64;
            self.cursor.clone_from(&page.next_cursor);
        }
        self.last = Some(point).filter(|point| point.position > self.position);
        let known = self.ahead.take().into_iter().chain(self.last.clone());
        self.ahead = known.filter(|known| known.position > self.position).max_by_key(|known| known.position);
        self.newest = page.newest_position;
        self.agreement.clone_from(&page.agreement);
        Ok(())
    }

    /// Which of the points a page goes on from, and the position there.
    fn begins(&self, page: &Page) -> Result<(From, u64), Failure> {
        let before = hex(&page.chain_before);
        if before == self.chain {
            return Ok((From::Cursor, self.position));
        }
        let ahead = self.ahead.iter().chain(&self.last).find(|point| point.chain == before);
        let ahead = ahead.ok_or_else(|| broken("it does not continue the chain of the page before"))?;
        Ok((From::Ahead, ahead.position))
    }

    /// What is read again of the positions that were looked at ahead must be what was there.
    fn check_known(&self, start: u64, after: &[Digest]) -> Result<(), Failure> {
        let Some(ahead) = &self.ahead else { return Ok(()) };
        let again = ahead.position.checked_sub(start + 1).and_then(|index| after.get(usize::try_from(index).ok()?));
        match again {
            Some(chain) if chain.to_string() != ahead.chain => Err(broken("it is not what was there before")),
            _ => Ok(()),
        }
    }

    /// A feed never becomes shorter, and a page that ends before the newest position says that there is more.
    fn check_newest(&self, page: &Page, end: u64) -> Result<(), Failure> {
        if page.newest_position < self.newest.max(end) {
            return Err(broken("it tells of fewer positions than there were"));
        }
        match page.more == (end < page.newest_position) {
            true => Ok(()),
            false => Err(broken("whether there is more is not what its newest position says")),
        }
    }
}

/// The items of a page, and the chain's value after each of them.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) items: Vec<PageItem>,
    pub(crate) after: Vec<Digest>,
}

/// Follows a page's chain from its own beginning, after the position `start`, to its own end.
///
/// # Errors
/// Items that do not lead there, or that are malformed.
pub(crate) fn links(page: &Page, start: u64) -> Result<Links, Failure> {
    let before = Digest::try_from(page.chain_before.as_slice()).map_err(|_| broken("its chain is not a digest"))?;
    let items = page.items.iter().map(item_of).collect::<Result<Vec<_>, _>>()?;
    let after = follow(before, start, &items)?;
    if after.last().unwrap_or(&before).0.as_slice() != page.chain_after {
        return Err(broken("its items do not lead to its chain value"));
    }
    Ok(Links { items, after })
}

/// The chain's values after each of the items, which stand at the positions after `position`.
fn follow(mut chain: Digest, mut position: u64, items: &[PageItem]) -> Result<Vec<Digest>, Failure> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        position += 1;
        if item.position.0 != position {
            return Err(broken("its positions are not dense"));
        }
        chain = chain_link(&chain, item.position, item.kind, &item.item_id);
        values.push(chain);
    }
    Ok(values)
}

/// The disclosure entry must name exactly this page, and be in the journal.
pub(crate) fn check_evidence(page: &Page, items: &[PageItem], keys: Option<&VerifierKeys>) -> Result<(), Failure> {
    let sent = page.evidence.as_ref().ok_or_else(|| broken("it came without its disclosure entry"))?;
    let entry = decode_entry(&sent.entry).map_err(|_| broken("its disclosure entry is malformed"))?;
    let named = entry.page.as_ref().ok_or_else(|| broken("its disclosure entry names no page"))?;
    let salt: [u8; 32] = page.digest_salt.as_slice().try_into().map_err(|_| broken("its salt is not of 32 bytes"))?;
    let agreement: AgreementId = page.agreement.parse().map_err(|_| broken("its agreement is malformed"))?;
    let (first, last) = (items.first().map(|item| item.position), items.last().map(|item| item.position));
    let digest = |text: &[u8]| Digest::try_from(text).map_err(|_| broken("a chain value is not of 32 bytes"));
    let terms = PageTerms {
        agreement: &agreement,
        agreement_version: page.agreement_version,
        onward_transfer: &page.onward_transfer,
        chain_before: &digest(&page.chain_before)?,
        chain_after: &digest(&page.chain_after)?,
    };
    let names_this = entry.operation() == journal::Operation::Disclosure
        && entry.decision() == journal::Decision::Allowed
        && named.feed == page.agreement
        && Some(Position(named.from_position)) == first
        && Some(Position(named.to_position)) == last
        && named.digest == page_digest(&salt, terms, items).0;
    if !names_this {
        return Err(broken("its disclosure entry is of another page"));
    }
    let proof: ProofFile = crate::proof_file::from_wire(&sent.entry, sent.inclusion_proof.as_ref(), &sent.checkpoint)?;
    let key = keys.map(|keys| keys.signer(&proof.checkpoint)).transpose()?;
    evidence::check(&proof, key).map(drop)
}

fn item_of(item: &Item) -> Result<PageItem, Failure> {
    let id = |text: &str| text.parse::<ItemId>().map_err(|_| broken("an item id is malformed"));
    let kind = match item.kind() {
        ItemKind::Release => FeedItemKind::Release,
        ItemKind::Withdrawal => FeedItemKind::Withdrawal,
        ItemKind::Unspecified => return Err(broken("an item has no kind")),
    };
    let content = match &item.content {
        Some(item::Content::Released(record)) => Content::Released {
            schema: schema_of(record)?,
            document: record.document.clone(),
            clause: record.clause.clone(),
            replaces: match record.replaces_item_id.as_str() {
                "" => None,
                text => Some(id(text)?),
            },
            changes: record.pseudonym_changes.iter().map(change_of).collect(),
            onward_transfer: record.onward_transfer.clone(),
        },
        Some(item::Content::Withdrawn(withdrawn)) => Content::Withdrawn(id(&withdrawn.item_id)?),
        Some(item::Content::Deferred(_)) => Content::Deferred,
        None => return Err(broken("an item is empty")),
    };
    Ok(PageItem { position: Position(item.position), item_id: id(&item.item_id)?, kind, content })
}

fn change_of(change: &causeway_proto::v1::PseudonymChange) -> PseudonymChange {
    PseudonymChange { previous: change.previous.clone(), current: change.current.clone() }
}

fn schema_of(record: &ReleasedRecord) -> Result<SchemaId, Failure> {
    let malformed = |_| broken("a schema id is malformed");
    Ok(SchemaId {
        kind: record.kind.parse().map_err(malformed)?,
        version: record.schema_version.parse().map_err(malformed)?,
    })
}

fn broken(what: &str) -> Failure {
    Failure::does_not_hold(format!("a page of the feed: {what}; keep the page and tell the gateway's operator"))
}

#[cfg(test)]
mod tests;
