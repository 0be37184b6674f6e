//! Pages of a feed as a gateway makes them, for the tests of what checks pages.

use causeway_crypto::{Digest, SigningKey};
use causeway_exchange::{PageTerms, page_digest};
use causeway_journal::{Checkpoint, Tree, VerifierKey, encode_entry, inclusion_proof, leaf_hash, v1 as journal};
use causeway_model::LeafIndex;
use causeway_proto::v1::{
    DeferredItem, DisclosureEvidence, InclusionProof, Item, ItemKind, Page, ReleasedRecord, WithdrawnItem, item,
};

use crate::feed::links;
use crate::verifier_keys::VerifierKeys;

pub(crate) const AGREEMENT: &str = "ISA-AL-2026-014";
const ORIGIN: &str = "test.example/journal";
/// The newest position, where a test says nothing else.
const NEWEST: u64 = 9;

pub(crate) fn released(position: u64) -> Item {
    Item {
        position,
        item_id: format!("{position:032x}"),
        kind: ItemKind::Release.into(),
        content: Some(item::Content::Released(ReleasedRecord {
            kind: "victim-profile".into(),
            schema_version: "1.0".into(),
            document: br#"{"gender":"female"}"#.to_vec(),
            clause: format!("{AGREEMENT}/c3.1"),
            replaces_item_id: String::new(),
            pseudonym_changes: Vec::new(),
            onward_transfer: "forbidden".into(),
        })),
    }
}

pub(crate) fn withdrawn(position: u64, target: u64) -> Item {
    Item {
        kind: ItemKind::Withdrawal.into(),
        content: Some(item::Content::Withdrawn(WithdrawnItem { item_id: format!("{target:032x}") })),
        ..released(position)
    }
}

pub(crate) fn deferred(position: u64) -> Item {
    Item { content: Some(item::Content::Deferred(DeferredItem {})), ..released(position) }
}

/// The key that signs, and the one that verifies.
pub(crate) fn keys() -> (SigningKey, VerifierKeys) {
    let key = SigningKey::from_seed(&[3; 32]);
    let verifier = VerifierKey::new(ORIGIN, key.public_key()).expect("a good name");
    (key, verifier.into())
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::try_from(bytes).expect("a digest")
}

/// A page after the chain value `before`, whose disclosure is the leaf of this index in a journal that `key` signs.
pub(crate) fn page_at(leaf: u8, before: Digest, items: Vec<Item>, key: &SigningKey) -> Page {
    let start = items.first().map_or(0, |item| item.position - 1);
    let mut page = Page {
        agreement: AGREEMENT.into(),
        agreement_version: 1,
        items,
        next_cursor: "c".into(),
        chain_before: before.0.to_vec(),
        digest_salt: vec![7; 32],
        onward_transfer: "forbidden".into(),
        ..Page::default()
    };
    let last = page.items.last().map_or(0, |item| item.position);
    page.newest_position = last.max(NEWEST);
    page.more = last < page.newest_position;
    if page.items.iter().any(|item| matches!(item.content, Some(item::Content::Deferred(_)))) {
        page.ahead_cursor = "a".into();
    }
    page.chain_after = chain_after(&page, start).0.to_vec();
    disclose(&mut page, start, leaf, key);
    page
}

/// As [`page_at`], at leaf 4.
pub(crate) fn page(before: Digest, items: Vec<Item>, key: &SigningKey) -> Page {
    page_at(4, before, items, key)
}

/// Where the items of a page lead, whatever the page says itself.
fn chain_after(page: &Page, start: u64) -> Digest {
    let kind = |item: &Item| match item.kind() {
        ItemKind::Withdrawal => causeway_journal::FeedItemKind::Withdrawal,
        _ => causeway_journal::FeedItemKind::Release,
    };
    let link = |chain, item: &Item| {
        let id = item.item_id.parse().expect("an item id");
        causeway_journal::chain_link(&chain, causeway_model::Position(item.position), kind(item), &id)
    };
    assert!(page.items.first().is_none_or(|item| item.position == start + 1));
    page.items.iter().fold(digest(&page.chain_before), link)
}

/// Records a page as a gateway does, and gives it the evidence.
fn disclose(page: &mut Page, start: u64, leaf: u8, key: &SigningKey) {
    let items = links(page, start).expect("well formed").items;
    let (agreement, salt) = (AGREEMENT.parse().expect("an agreement id"), [7; 32]);
    let (before, after) = (digest(&page.chain_before), digest(&page.chain_after));
    let terms = PageTerms {
        agreement: &agreement,
        agreement_version: 1,
        onward_transfer: "forbidden",
        chain_before: &before,
        chain_after: &after,
    };
    let entry = journal::Entry {
        entry_id: vec![1; 16],
        operation: journal::Operation::Disclosure.into(),
        decision: journal::Decision::Allowed.into(),
        page: Some(journal::Page {
            feed: AGREEMENT.into(),
            from_position: items.first().map_or(0, |item| item.position.0),
            to_position: items.last().map_or(0, |item| item.position.0),
            digest: page_digest(&salt, terms, &items).0.to_vec(),
            withheld: Vec::new(),
            deferred: Vec::new(),
        }),
        ..journal::Entry::default()
    };
    let entry = encode_entry(&entry).expect("small");
    let mut tree = Tree::new();
    for other in 0..leaf {
        tree.push(leaf_hash(&[other]));
    }
    tree.push(leaf_hash(&entry));
    let (index, size) = (u64::from(leaf), u64::from(leaf) + 1);
    let proof = inclusion_proof(&tree, LeafIndex(index), size, &|_, _| unreachable!()).expect("no full tile is needed");
    page.evidence = Some(DisclosureEvidence {
        entry,
        inclusion_proof: Some(InclusionProof {
            leaf_index: index,
            tree_size: size,
            hashes: proof.iter().map(|hash| hash.0.to_vec()).collect(),
        }),
        checkpoint: Checkpoint { origin: ORIGIN.into(), size, root: tree.root() }.sign(key),
    });
}
