//! Pages of a feed, as they leave, and the digest by which the disclosure entry names one.

use std::sync::Arc;

use causeway_crypto::{Digest, digest};
use causeway_journal::FeedItemKind;
use causeway_model::{AgreementId, ItemId, LeafIndex, Position, SchemaId, Timestamp};

/// Domain of a page's digest.
const PAGE_DOMAIN: &str = "causeway/v1/page";

/// Domain of one item within a page's digest.
const ITEM_DOMAIN: &str = "causeway/v1/page-item";

/// A page: items at dense positions, and the evidence that their disclosure was recorded before they left.
#[derive(Debug, Clone)]
pub struct Page {
    /// The agreement.
    pub agreement: AgreementId,
    /// Its version that was applied.
    pub agreement_version: u32,
    /// The items.
    pub items: Vec<PageItem>,
    /// The cursor to go on from: after the last item or, where items are put off, before the first that is.
    pub next_cursor: String,
    /// Where items are put off: the cursor after the last item.
    pub ahead_cursor: Option<String>,
    /// Whether the agreement can grant anything at this moment: if not, nothing but withdrawals is served.
    pub in_force: bool,
    /// Where items are put off: when the quota is that of a new day.
    pub quota_renewed: Option<Timestamp>,
    /// Whether the feed has more than this page.
    pub more: bool,
    /// The newest position of the feed.
    pub newest: Position,
    /// The chain's value before the first item.
    pub chain_before: Digest,
    /// The chain's value after the last item.
    pub chain_after: Digest,
    /// The salt of the page's digest; none for an empty page.
    pub salt: Option<[u8; 32]>,
    /// The disclosure entry with its proof; none for an empty page.
    pub evidence: Option<Evidence>,
    /// The condition on onward transfer.
    pub onward_transfer: &'static str,
}

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

/// Proof that a page's disclosure is in the journal.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The entry's exact bytes.
    pub entry: Vec<u8>,
    /// Its place.
    pub leaf: LeafIndex,
    /// Its audit path.
    pub proof: Vec<Digest>,
    /// The tree's size under the checkpoint.
    pub tree_size: u64,
    /// The signed checkpoint.
    pub checkpoint: Arc<str>,
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

impl Page {
    /// What its digest covers beside its items.
    pub fn terms(&self) -> PageTerms<'_> {
        PageTerms {
            agreement: &self.agreement,
            agreement_version: self.agreement_version,
            onward_transfer: self.onward_transfer,
            chain_before: &self.chain_before,
            chain_after: &self.chain_after,
        }
    }
}

/// The digest of a page: over the salt, its terms, and each item with all that is served of it. A partner computes it from
/// what it received and compares it with the disclosure entry. What only helps to navigate (cursor, newest position) is not
/// in it.
pub fn page_digest(salt: &[u8; 32], terms: PageTerms<'_>, items: &[PageItem]) -> Digest {
    let items: Vec<Digest> = items.iter().map(item_digest).collect();
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

fn item_digest(item: &PageItem) -> Digest {
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
