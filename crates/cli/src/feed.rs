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

/// Where a partner stands in a feed: what to keep between pulls so that nothing can be left out unnoticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Standing {
    /// The agreement; empty before the first page.
    pub(crate) agreement: String,
    /// The cursor to pull from; empty for the start.
    pub(crate) cursor: String,
    /// The last position received.
    pub(crate) position: u64,
    /// The chain's value after it, in hexadecimal.
    pub(crate) chain: String,
}

impl Standing {
    /// The start of a feed.
    pub(crate) fn start() -> Self {
        let chain = Digest([0; 32]).to_string();
        Self { agreement: String::new(), cursor: String::new(), position: 0, chain }
    }

    /// Checks a page that was pulled from here and moves past it. One of `keys` verifies the checkpoint's signature; without
    /// them the proof is checked against the checkpoint's root alone.
    pub(crate) fn take(&mut self, page: &Page, keys: Option<&VerifierKeys>) -> Result<(), Failure> {
        if !self.agreement.is_empty() && page.agreement != self.agreement {
            return Err(broken("it is of another agreement"));
        }
        let chain = Digest::try_from(page.chain_before.as_slice()).map_err(|_| broken("its chain is not a digest"))?;
        if chain.to_string() != self.chain {
            return Err(broken("it does not continue the chain of the page before"));
        }
        let items = page.items.iter().map(item_of).collect::<Result<Vec<_>, _>>()?;
        let after = follow(chain, self.position, &items)?;
        if after.0.as_slice() != page.chain_after {
            return Err(broken("its items do not lead to its chain value"));
        }
        if let Some(last) = items.last() {
            check_evidence(page, &items, keys)?;
            self.position = last.position.0;
        }
        self.chain = after.to_string();
        self.agreement.clone_from(&page.agreement);
        self.cursor.clone_from(&page.next_cursor);
        Ok(())
    }
}

/// The chain over items at the positions after `position`.
fn follow(mut chain: Digest, mut position: u64, items: &[PageItem]) -> Result<Digest, Failure> {
    for item in items {
        position += 1;
        if item.position.0 != position {
            return Err(broken("its positions are not dense"));
        }
        chain = chain_link(&chain, item.position, item.kind, &item.item_id);
    }
    Ok(chain)
}

/// The disclosure entry must name exactly this page, and be in the journal.
fn check_evidence(page: &Page, items: &[PageItem], keys: Option<&VerifierKeys>) -> Result<(), Failure> {
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
