//! The log as auditors and witnesses read it: proofs between all sizes, raw ranges, tiles and checkpoints of the past; who gets what
//! of it, and which entry each call leaves.

use causeway_crypto::Digest;
use causeway_journal::v1::{BundleNotes, Decision};
use causeway_journal::{
    Checkpoint, TILE_WIDTH, Tree, VerifierKey, leaf_hash, tlog_path, verify_checkpoint, verify_consistency,
    verify_inclusion,
};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use prost::Message;
use tonic::{Code, Status};

use crate::audit::Auditor;
use crate::feed::{submit_all, verifier_key};
use crate::harness::calls::{reason, request, submit, within};
use crate::harness::{Gateway, Setup, World, documents, rules_version};

const AUDITOR: &str = "gb-nca/audit";

/// A system that is a witness and nothing else.
const WITNESS: &str = "gb-nca/observer";

pub(crate) fn with_witness(setup: &mut Setup) {
    setup.edit("config/agencies/gb-nca.toml", |text| {
        format!("{text}\n[[systems]]\nname = \"observer\"\nroles = [\"witness\"]\n")
    });
}

/// The root of every size that the log has had.
fn roots(world: &World) -> Vec<Digest> {
    let mut tree = Tree::new();
    let mut roots = vec![tree.root()];
    for seen in world.journal().entries() {
        tree.push(leaf_hash(&seen.bytes));
        roots.push(tree.root());
    }
    roots
}

fn at(roots: &[Digest], size: u64) -> Digest {
    roots[usize::try_from(size).expect("small")]
}

fn digests(hashes: &[Vec<u8>]) -> Vec<Digest> {
    hashes.iter().map(|hash| Digest::try_from(hash.as_slice()).expect("32 bytes")).collect()
}

async fn consistency(auditor: &mut Auditor, first_size: u64, second_size: u64) -> Result<Vec<Digest>, Status> {
    let request = v1::GetConsistencyProofRequest { first_size, second_size };
    auditor.get_consistency_proof(request).await.map(|answer| digests(&answer.into_inner().hashes))
}

async fn tile(auditor: &mut Auditor, level: u32, index: u64, width: u32) -> Result<Vec<u8>, Status> {
    auditor.get_tile(v1::GetTileRequest { level, index, width }).await.map(|answer| answer.into_inner().hashes)
}

async fn range(auditor: &mut Auditor, from: u64, to: u64) -> Result<Vec<v1::StreamEntriesResponse>, Status> {
    let request = v1::StreamEntriesRequest { from_leaf_index: from, to_leaf_index: to };
    let mut answer = auditor.stream_entries(request).await?.into_inner();
    let mut parts = Vec::new();
    while let Some(part) = answer.message().await? {
        parts.push(part);
    }
    Ok(parts)
}

async fn checkpoint(auditor: &mut Auditor, size: u64) -> Result<v1::GetCheckpointResponse, Status> {
    let request = v1::GetCheckpointRequest { size, ..v1::GetCheckpointRequest::default() };
    auditor.get_checkpoint(request).await.map(tonic::Response::into_inner)
}

fn told(refused: Result<impl std::fmt::Debug, Status>) -> (Code, String) {
    let status = refused.expect_err("refused");
    assert!(status.message().len() > 20, "refused in words: {status:?}");
    (status.code(), reason(&status))
}

async fn key(gateway: &Gateway) -> VerifierKey {
    verifier_key(gateway).await.parse().expect("a verifier key")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_size_is_proved_to_begin_every_later_one() {
    let world = World::new();
    let gateway = world.start().await;
    let mut auditor = gateway.audit(AUDITOR).await;
    let size = world.journal().size();
    let mut proofs = Vec::new();
    for second in 1..=size {
        for first in 1..=second {
            proofs.push((first, second, consistency(&mut auditor, first, second).await.expect("proved")));
        }
    }
    let key = key(&gateway).await;
    let newest = checkpoint(&mut auditor, 0).await.expect("the newest").checkpoint;
    let newest = verify_checkpoint(&newest, &key, key.name()).expect("signed");
    let of_size = roots(&world);
    assert!(proofs.len() > 100 && newest.size > size, "{}", proofs.len());
    for (first, second, proof) in &proofs {
        let (old, new) = (at(&of_size, *first), at(&of_size, *second));
        verify_consistency(*first, *second, proof, old, new).expect("it holds");
        assert!(verify_consistency(*first, *second, proof, old, leaf_hash(b"another")).is_err());
    }
    // And to what is signed now, across the first full tile.
    submit_all(
        &mut gateway.ingest("gb-nca/case-management").await,
        (0..300).map(|n| request(&format!("r{n}"), &documents::profile())).collect(),
    )
    .await;
    let signed = checkpoint(&mut auditor, 0).await.expect("the newest").checkpoint;
    let signed = verify_checkpoint(&signed, &key, key.name()).expect("signed");
    for first in [1, 2, 255, 256, 257, size, newest.size] {
        let proof = consistency(&mut auditor, first, signed.size).await.expect("proved");
        verify_consistency(first, signed.size, &proof, at(&roots(&world), first), signed.root).expect("it holds");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_proved_in_every_tree_that_holds_it() {
    let world = World::new();
    let gateway = world.start().await;
    let mut auditor = gateway.audit(AUDITOR).await;
    let (size, leaf) = (world.journal().size(), 3);
    for tree_size in leaf + 1..=size {
        let asked = v1::GetInclusionProofRequest { leaf_index: leaf, tree_size };
        let answer = auditor.get_inclusion_proof(asked).await.expect("proved").into_inner();
        let proof = answer.inclusion_proof.expect("a proof");
        assert_eq!((proof.leaf_index, proof.tree_size), (leaf, tree_size));
        let root = at(&roots(&world), tree_size);
        let hash = leaf_hash(&answer.entry);
        verify_inclusion(hash, LeafIndex(leaf), tree_size, &digests(&proof.hashes), root).expect("it holds");
        if !answer.checkpoint.is_empty() {
            assert_eq!(answer.checkpoint.lines().nth(1), Some(tree_size.to_string().as_str()));
        }
    }
    for (tree_size, code, why) in [
        (leaf, Code::InvalidArgument, "not-in-tree"),
        (u64::MAX, Code::InvalidArgument, "beyond-the-journal"),
        (1 << 62, Code::InvalidArgument, "beyond-the-journal"),
    ] {
        let asked = v1::GetInclusionProofRequest { leaf_index: leaf, tree_size };
        assert_eq!(told(auditor.get_inclusion_proof(asked).await), (code, why.to_owned()), "{tree_size}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_comes_whole_with_what_applies_it_again() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit_all(&mut ingest, (0..600).map(|n| request(&format!("r{n}"), &documents::profile())).collect()).await;
    let mut auditor = gateway.audit(AUDITOR).await;
    let (size, before) = (world.journal().size(), world.journal().size());
    let all = world.journal().entries();
    for (from, to) in [(0, size), (255, 257), (256, 512), (300, 301), (7, 511)] {
        let parts = range(&mut auditor, from, to).await.expect("the range");
        let (mut leaf, mut outcomes, mut texts) = (from, Vec::new(), 0);
        for part in parts {
            assert_eq!(part.from_leaf_index, leaf);
            let last = leaf + part.entries.len() as u64 - 1;
            assert_eq!(leaf / 256, last / 256, "never across a multiple of 256");
            for (entry, leaf) in part.entries.iter().zip(leaf..) {
                assert_eq!(*entry, all[usize::try_from(leaf).expect("small")].bytes);
            }
            let notes = BundleNotes::decode(part.notes.as_slice()).expect("notes");
            assert_eq!(notes.from_leaf_index, leaf);
            assert!(notes.rules.iter().all(|run| run.version == rules_version()));
            assert_eq!(notes.rules.iter().map(|run| u64::from(run.count)).sum::<u64>(), last + 1 - leaf);
            for run in notes.outcomes {
                outcomes.extend((0..run.count).map(|_| run.outcome.clone()));
            }
            for text in &notes.texts {
                let entry = &all[usize::try_from(text.leaf_index).expect("small")].entry;
                assert!(entry.document.is_some() && !text.text.is_empty());
            }
            texts += notes.texts.len();
            leaf = last + 1;
        }
        assert_eq!(leaf, to, "all of it");
        let wanted = &all[usize::try_from(from).expect("small")..usize::try_from(to).expect("small")];
        assert!(outcomes.iter().zip(wanted).all(|(stated, seen)| stated == seen.outcome.as_str()));
        assert_eq!(texts, wanted.iter().filter(|seen| seen.entry.document.is_some()).count());
    }
    let reads = world.journal().entries_from(before);
    let reads: Vec<_> = reads.iter().filter(|seen| seen.entry.reason == "raw-entries").collect();
    assert_eq!(reads.len(), 5, "one entry each");
    assert_eq!(reads.iter().map(|seen| seen.entry.count).collect::<Vec<_>>(), [size, 2, 256, 1, 504]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_of_every_width_make_the_tree() {
    let world = World::new();
    let gateway = world.start().await;
    let mut auditor = gateway.audit(AUDITOR).await;
    submit_all(
        &mut gateway.ingest("gb-nca/case-management").await,
        (0..260).map(|n| request(&format!("r{n}"), &documents::profile())).collect(),
    )
    .await;
    let entries = world.journal().entries();
    let hashes: Vec<Digest> = entries.iter().map(|seen| leaf_hash(&seen.bytes)).collect();
    for width in [1, 2, 100, 255, 256] {
        let got = tile(&mut auditor, 0, 0, width).await.expect("there");
        assert_eq!(got, tlog_path::encode_tile(&hashes[..usize::try_from(width).expect("small")]));
    }
    let upper = tile(&mut auditor, 1, 0, 1).await.expect("one full tile");
    let mut tree = Tree::new();
    hashes[..TILE_WIDTH].iter().for_each(|hash| drop(tree.push(*hash)));
    assert_eq!(upper, tree.root().0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_absurd_is_refused_in_words_and_recorded() {
    let world = World::new();
    let gateway = world.start().await;
    let mut auditor = gateway.audit(AUDITOR).await;
    let before = world.journal().size();
    let mut refused = 0;
    let mut is = |found: (Code, String), code: Code, why: &str| {
        refused += 1;
        assert_eq!(found, (code, why.to_owned()));
    };
    let bad = Code::InvalidArgument;
    for (level, index, width) in [(0, 0, 0), (0, 0, 257), (9, 0, 1), (8, 0, 1), (u32::MAX, 0, 1), (0, 0, u32::MAX)] {
        is(told(tile(&mut auditor, level, index, width).await), bad, "no-such-tile");
    }
    for (level, index, width) in [(0, 1, 1), (0, u64::MAX, 256), (0, 0, 256), (7, 0, 1), (1, 0, 1)] {
        is(told(tile(&mut auditor, level, index, width).await), Code::NotFound, "not-published");
    }
    for (first, second) in [(0, 5), (5, 4), (u64::MAX, 1), (0, 0)] {
        is(told(consistency(&mut auditor, first, second).await), bad, "sizes-out-of-order");
    }
    for (first, second) in [(1, u64::MAX), (u64::MAX, u64::MAX), (1, 1 << 62)] {
        is(told(consistency(&mut auditor, first, second).await), bad, "beyond-the-journal");
    }
    for (from, to, why) in [
        (0, 0, "range-empty"),
        (5, 4, "range-empty"),
        (0, 1_000_001, "range-too-long"),
        (0, u64::MAX, "range-too-long"),
        (u64::MAX - 1, u64::MAX, "beyond-the-journal"),
        (0, 1_000_000, "beyond-the-journal"),
    ] {
        is(told(range(&mut auditor, from, to).await), bad, why);
    }
    is(told(checkpoint(&mut auditor, u64::MAX).await), Code::NotFound, "unknown-checkpoint");
    let witnessed = v1::GetCheckpointRequest { witnessed: true, size: 0 };
    is(told(auditor.get_checkpoint(witnessed).await), Code::NotFound, "unknown-checkpoint");
    let list = v1::ListCheckpointsRequest { from_size: 0, limit: 1_001 };
    is(told(auditor.list_checkpoints(list).await), bad, "too-many-checkpoints");
    let denied = world.journal().entries_from(before);
    assert_eq!(denied.iter().filter(|seen| seen.entry.decision() == Decision::Denied).count(), refused);
    let both = v1::GetCheckpointRequest { witnessed: true, size: 7 };
    assert_eq!(told(auditor.get_checkpoint(both).await), (bad, "field-malformed".to_owned()));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_are_for_auditors_and_witnesses_and_raw_entries_for_the_operators_unlimited_auditors() {
    let world = World::with(with_witness);
    let gateway = world.start().await;
    for (system, hashes, raw) in [
        (AUDITOR, Ok(()), Ok(())),
        ("al-police/audit", Ok(()), Err("raw-for-unrestricted")),
        (WITNESS, Ok(()), Err("role-missing")),
        ("al-police/feed", Err("role-missing"), Err("role-missing")),
        ("gb-nca/operations", Err("role-missing"), Err("role-missing")),
    ] {
        let mut auditor = gateway.audit(system).await;
        let list = auditor.list_checkpoints(v1::ListCheckpointsRequest::default()).await.map(drop);
        for found in [
            tile(&mut auditor, 0, 0, 1).await.map(drop),
            consistency(&mut auditor, 1, 2).await.map(drop),
            checkpoint(&mut auditor, 0).await.map(drop),
            list,
        ] {
            assert_eq!(found.map_err(|status| reason(&status)), hashes.map_err(str::to_owned), "{system}");
        }
        let before = world.journal().size();
        let found = range(&mut auditor, 0, 1).await.map(drop).map_err(|status| reason(&status));
        assert_eq!(found, raw.map_err(str::to_owned), "{system}");
        let left = world.journal().entries_from(before);
        assert_eq!(left.len(), 1, "{system}: one entry");
        let wanted = if raw.is_ok() { Decision::Allowed } else { Decision::Denied };
        assert_eq!(left[0].entry.decision(), wanted, "{system}");
    }
    // The rest of an auditor's methods are no witness's.
    let mut observer = gateway.audit(WITNESS).await;
    let asked = v1::GetInclusionProofRequest { leaf_index: 0, tree_size: 0 };
    assert_eq!(told(observer.get_inclusion_proof(asked).await), (Code::PermissionDenied, "role-missing".to_owned()));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_kept_while_the_log_grows_and_when_the_gateway_stops() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    let at_stop = world.journal().size();
    let gateway = world.start().await;
    let key = key(&gateway).await;
    let mut auditor = gateway.audit(AUDITOR).await;
    let kept = checkpoint(&mut auditor, at_stop).await.expect("kept at the stop").checkpoint;
    assert_eq!(verify_checkpoint(&kept, &key, key.name()).expect("signed").root, at(&roots(&world), at_stop));
    // Ten minutes pass, in which the log grows.
    let list = async |auditor: &mut Auditor, from_size, limit| {
        let asked = v1::ListCheckpointsRequest { from_size, limit };
        auditor.list_checkpoints(asked).await.expect("a list").into_inner()
    };
    let before = list(&mut auditor, 0, 0).await.checkpoints.len();
    world.clock().advance(601);
    let all = within("another is kept", async {
        loop {
            let all = list(&mut auditor, 0, 0).await;
            if all.checkpoints.len() > before {
                return all;
            }
        }
    })
    .await;
    assert_eq!(all.next_from_size, 0);
    let mut sizes = Vec::new();
    for note in &all.checkpoints {
        let Checkpoint { size, root, .. } = verify_checkpoint(note, &key, key.name()).expect("signed");
        assert_eq!(root, at(&roots(&world), size));
        sizes.push(size);
    }
    assert!(sizes.is_sorted() && sizes.contains(&at_stop), "{sizes:?}");
    // One by one.
    let (mut next, mut paged) = (0, Vec::new());
    loop {
        let page = list(&mut auditor, next, 1).await;
        paged.extend(page.checkpoints);
        next = page.next_from_size;
        if next == 0 {
            break;
        }
    }
    assert_eq!(paged[..all.checkpoints.len()], all.checkpoints);
    gateway.stop().await;
}
