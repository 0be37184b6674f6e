//! What is served at the positions of a feed, and the digest by which the disclosure entry names a page of it.

use causeway_crypto::{Digest, digest};
use causeway_model::{AgreementId, ItemId, Position, SchemaId};

use crate::FeedItemKind;

/// Domain of a page's digest.
const PAGE_DOMAIN: &str = "causeway/v1/page";

/// Domain of one item within a page's digest.
const ITEM_DOMAIN: &str = "causeway/v1/page-item";

/// What one position of a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageItem {
    /// The position.
    pub position: Position,
    /// The item's id in this feed.
    pub item_id: ItemId,
    /// What the journal says it is.
    pub kind: FeedItemKind,
    /// What is served.
    pub content: Content,
}

/// What is served at a position.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// The record as this partner may see it.
    Released {
        /// The schema that the document is written in.
        schema: SchemaId,
        /// The JSON document, of the listed fields only.
        document: Vec<u8>,
        /// The clause that grants, in full.
        clause: String,
        /// The earlier item of the same record that this one replaces.
        replaces: Option<ItemId>,
        /// After a planned rotation of the feed's key: what the replaced item called the identifiers that this one shows.
        changes: Vec<PseudonymChange>,
        /// The condition on onward transfer, of the agreement's version that the item was released under.
        onward_transfer: String,
    },
    /// Delete what is held under this item.
    Withdrawn(ItemId),
    /// A release that the day's quota puts off.
    Deferred,
}

/// One identifier under a feed's earlier key and under its present one.
#[derive(Clone, PartialEq, Eq)]
pub struct PseudonymChange {
    /// As in the item that is replaced.
    pub previous: String,
    /// As in this item.
    pub current: String,
}

impl std::fmt::Debug for PseudonymChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymChange(..)")
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Released { .. } => "Released(..)",
            Self::Withdrawn(_) => "Withdrawn(..)",
            Self::Deferred => "Deferred",
        })
    }
}

/// What a page's digest covers beside its items.
#[derive(Debug, Clone, Copy)]
pub struct PageTerms<'a> {
    /// The agreement.
    pub agreement: &'a AgreementId,
    /// Its version that was applied.
    pub agreement_version: u32,
    /// The condition on onward transfer.
    pub onward_transfer: &'a str,
    /// The chain's value before the first item.
    pub chain_before: &'a Digest,
    /// The chain's value after the last item.
    pub chain_after: &'a Digest,
}

/// The digest of a page: over the salt, its terms, and each item with all that is served of it. A partner computes it from
/// what it received and compares it with the disclosure entry. What only helps to navigate (cursor, newest position) is not
/// in it.
pub fn page_digest(salt: &[u8; 32], terms: PageTerms<'_>, items: &[PageItem]) -> Digest {
    page_digest_of(salt, terms, &items.iter().map(item_digest).collect::<Vec<_>>())
}

/// As [`page_digest`], of items whose digests are there already.
pub fn page_digest_of(salt: &[u8; 32], terms: PageTerms<'_>, items: &[Digest]) -> Digest {
    let version = terms.agreement_version.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![
        salt,
        terms.agreement.as_str().as_bytes(),
        &version,
        terms.onward_transfer.as_bytes(),
        &terms.chain_before.0,
        &terms.chain_after.0,
    ];
    parts.extend(items.iter().map(|item| item.0.as_slice()));
    digest(PAGE_DOMAIN, &parts)
}

/// The digest of an item within its page's digest: over all that is served of it.
pub fn item_digest(item: &PageItem) -> Digest {
    let position = item.position.0.to_be_bytes();
    let kind = match item.kind {
        FeedItemKind::Release => [1],
        FeedItemKind::Withdrawal => [2],
    };
    match &item.content {
        Content::Released { schema, document, clause, replaces, changes, onward_transfer } => {
            let schema = schema.to_string();
            let replaces = replaces.as_ref().map_or(&[][..], |id| id.as_bytes());
            let mut parts: Vec<&[u8]> = vec![
                &position,
                item.item_id.as_bytes(),
                &kind,
                &[1],
                schema.as_bytes(),
                document,
                clause.as_bytes(),
                replaces,
                onward_transfer.as_bytes(),
            ];
            parts.extend(changes.iter().flat_map(|change| [change.previous.as_bytes(), change.current.as_bytes()]));
            digest(ITEM_DOMAIN, &parts)
        }
        Content::Withdrawn(target) => {
            digest(ITEM_DOMAIN, &[&position, item.item_id.as_bytes(), &kind, &[2], target.as_bytes()])
        }
        Content::Deferred => digest(ITEM_DOMAIN, &[&position, item.item_id.as_bytes(), &kind, &[3]]),
    }
}
