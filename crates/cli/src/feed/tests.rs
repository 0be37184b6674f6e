//! A page that holds, and every way in which one may not.

use causeway_crypto::SigningKey;
use causeway_journal::{Checkpoint, Tree, VerifierKey, encode_entry, inclusion_proof, leaf_hash};
use causeway_model::LeafIndex;
use causeway_proto::v1::{DisclosureEvidence, InclusionProof, PseudonymChange, WithdrawnItem};

use super::*;

const AGREEMENT: &str = "ISA-AL-2026-014";
const ORIGIN: &str = "test.example/journal";

fn released(position: u64) -> Item {
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

fn withdrawn(position: u64, target: u64) -> Item {
    Item {
        position,
        item_id: format!("{position:032x}"),
        kind: ItemKind::Withdrawal.into(),
        content: Some(item::Content::Withdrawn(WithdrawnItem { item_id: format!("{target:032x}") })),
    }
}

/// A page after `before`, with its disclosure in a journal of five entries that `key` signs.
fn page(before: Digest, items: Vec<Item>, key: &SigningKey) -> Page {
    let parsed: Vec<PageItem> = items.iter().map(|item| item_of(item).expect("well formed")).collect();
    let start = parsed.first().map_or(0, |item| item.position.0 - 1);
    let after = follow(before, start, &parsed).expect("dense");
    let salt = [7; 32];
    let agreement = AGREEMENT.parse().expect("well formed");
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
            from_position: parsed.first().map_or(0, |item| item.position.0),
            to_position: parsed.last().map_or(0, |item| item.position.0),
            digest: page_digest(&salt, terms, &parsed).0.to_vec(),
            withheld: Vec::new(),
        }),
        ..journal::Entry::default()
    };
    let entry = encode_entry(&entry).expect("small");
    let mut tree = Tree::new();
    for other in 0..4u8 {
        tree.push(leaf_hash(&[other]));
    }
    tree.push(leaf_hash(&entry));
    let proof = inclusion_proof(&tree, LeafIndex(4), 5, &|_, _| Ok(Vec::new())).expect("no full tile is needed");
    Page {
        agreement: AGREEMENT.into(),
        agreement_version: 1,
        items,
        next_cursor: "c".into(),
        more: false,
        newest_position: 9,
        chain_before: before.0.to_vec(),
        chain_after: after.0.to_vec(),
        digest_salt: salt.to_vec(),
        evidence: Some(DisclosureEvidence {
            entry,
            inclusion_proof: Some(InclusionProof {
                leaf_index: 4,
                tree_size: 5,
                hashes: proof.iter().map(|hash| hash.0.to_vec()).collect(),
            }),
            checkpoint: Checkpoint { origin: ORIGIN.into(), size: 5, root: tree.root() }.sign(key),
        }),
        onward_transfer: "forbidden".into(),
        ahead_cursor: String::new(),
        quota_renewed_at_micros: 0,
    }
}

/// Something done to a page that should hold.
type Change<'a> = &'a dyn Fn(&mut Page);

fn keys() -> (SigningKey, VerifierKey) {
    let key = SigningKey::from_seed(&[3; 32]);
    let verifier = VerifierKey::new(ORIGIN, key.public_key()).expect("a good name");
    (key, verifier)
}

#[test]
fn pages_that_follow_one_another_are_taken() {
    let (key, verifier) = keys();
    let mut standing = Standing::start();
    let first = page(Digest([0; 32]), vec![released(1), released(2)], &key);
    standing.take(&first, Some(&verifier.clone().into())).expect("holds");
    let after = Digest::try_from(first.chain_after.as_slice()).expect("a digest");
    let second = page(after, vec![withdrawn(3, 1)], &key);
    standing.take(&second, Some(&verifier.clone().into())).expect("holds");
    assert_eq!((standing.position, standing.agreement.as_str()), (3, AGREEMENT));
    let before = standing.clone();
    standing.take(&first, Some(&verifier.clone().into())).expect_err("a page again is not the next page");
    assert_eq!(standing, before, "what does not hold moves nothing");
}

#[test]
fn an_empty_page_changes_the_cursor_only() {
    let (key, verifier) = keys();
    let start = vec![0; 32];
    let full = page(Digest([0; 32]), vec![released(1)], &key);
    let empty = Page { items: Vec::new(), evidence: None, chain_after: start, ..full };
    let mut standing = Standing::start();
    standing.take(&empty, Some(&verifier.clone().into())).expect("nothing was disclosed, so nothing has to be proven");
    assert_eq!((standing.position, standing.cursor.as_str()), (0, "c"));
}

#[test]
fn whatever_is_changed_is_found() {
    let (key, verifier) = keys();
    let change = |current: &str| PseudonymChange { previous: "p1-a".into(), current: current.into() };
    let renamed = |item: &mut Item, changes: Vec<PseudonymChange>| match &mut item.content {
        Some(item::Content::Released(record)) => record.pseudonym_changes = changes,
        _ => unreachable!("the item is a release"),
    };
    let good = || {
        let mut second = released(2);
        renamed(&mut second, vec![change("p2-a")]);
        page(Digest([0; 32]), vec![released(1), second], &key)
    };
    let document = |page: &mut Page, text: &[u8]| match &mut page.items[1].content {
        Some(item::Content::Released(record)) => record.document = text.to_vec(),
        _ => unreachable!("the second item is a release"),
    };
    let changes: [(&str, Change<'_>); 15] = [
        ("another new pseudonym", &|page| renamed(&mut page.items[1], vec![change("p2-b")])),
        ("a pseudonym's change left out", &|page| renamed(&mut page.items[1], Vec::new())),
        ("a pseudonym's change added", &|page| renamed(&mut page.items[0], vec![change("p2-a")])),
        ("a document", &|page| document(page, br#"{"gender":"male"}"#)),
        ("an item left out", &|page| drop(page.items.remove(0))),
        ("an item at the end left out", &|page| drop(page.items.pop())),
        ("two items swapped", &|page| page.items.swap(0, 1)),
        ("another item id", &|page| page.items[1].item_id = format!("{:032x}", 77)),
        ("another kind", &|page| page.items[1].kind = ItemKind::Withdrawal.into()),
        ("a release served as a withdrawal", &|page| page.items[1].content = withdrawn(2, 2).content),
        ("the chain before", &|page| page.chain_before = vec![9; 32]),
        ("the chain after", &|page| page.chain_after = vec![9; 32]),
        ("the salt", &|page| page.digest_salt = vec![8; 32]),
        ("no evidence", &|page| page.evidence = None),
        ("another agreement", &|page| page.agreement = "ISA-VN-2026-021".into()),
    ];
    for (what, change) in changes {
        let mut page = good();
        change(&mut page);
        Standing::start().take(&page, Some(&verifier.clone().into())).expect_err(what);
    }
    Standing::start().take(&good(), Some(&verifier.clone().into())).expect("unchanged, it holds");
}

#[test]
fn evidence_must_be_signed_and_proven() {
    let (key, verifier) = keys();
    let good = page(Digest([0; 32]), vec![released(1)], &key);
    let with = |change: &dyn Fn(&mut DisclosureEvidence)| {
        let mut page = good.clone();
        change(page.evidence.as_mut().expect("it has some"));
        page
    };
    let flipped = with(&|evidence| {
        let proof = evidence.inclusion_proof.as_mut().expect("it has one");
        proof.hashes[0][0] ^= 1;
    });
    Standing::start().take(&flipped, None).expect_err("the proof leads elsewhere");
    let forged = page(Digest([0; 32]), vec![released(1)], &SigningKey::from_seed(&[4; 32]));
    Standing::start().take(&forged, Some(&verifier.clone().into())).expect_err("signed by another key");
    Standing::start()
        .take(&forged, None)
        .expect("without a key the signature is not looked at, and the caller says so");
}
