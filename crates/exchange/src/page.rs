//! Pages of a feed, as they leave. What their digest covers is the journal's, which verifies it without a gateway.

use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_model::{AgreementId, LeafIndex, Position, Timestamp};

pub use causeway_journal::{Content, PageItem, PageTerms, PseudonymChange, page_digest};
pub(crate) use causeway_journal::{item_digest, page_digest_of};

use crate::slot::Slot;

/// What a position of a page holds.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) item: PageItem,
    /// Of that item, and no other: what is decided otherwise is made anew.
    pub(crate) digest: Digest,
    /// How many persons have to share it where it shows a record.
    pub(crate) least: u64,
}

impl Decided {
    pub(crate) fn new(slot: &Slot, content: Content, least: u64) -> Self {
        let item = PageItem { position: slot.position, item_id: slot.item_id, kind: slot.kind, content };
        Self { digest: item_digest(&item), item, least }
    }

    pub(crate) fn withdrawn(slot: &Slot) -> Self {
        Self::new(slot, Content::Withdrawn(slot.withdrawn()), 0)
    }

    /// Whether it shows a record.
    pub(crate) const fn is_shown(&self) -> bool {
        matches!(self.item.content, Content::Released { .. })
    }

    /// How long the document is that it shows.
    pub(crate) fn bytes(&self) -> usize {
        match &self.item.content {
            Content::Released { document, .. } => document.len(),
            Content::Withdrawn(_) | Content::Deferred => 0,
        }
    }
}

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
