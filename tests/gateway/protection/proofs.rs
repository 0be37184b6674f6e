//! Erased is gone, and still provable: every proof, checkpoint and mirror from before an erasure verifies after it.

use causeway_crypto::Digest;
use causeway_journal::ProofFile;
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_verify::{Trust, extends, included_in_file};

use super::SYSTEM;
use super::office::Office;
use crate::audit::Auditor;
use crate::feed::{ALBANIA, released_in, verifier_key};
use crate::harness::calls::{items, submit};
use crate::harness::{World, copy, documents};
use crate::mirrored::mirror;

/// The proof file of an entry in the tree of a size; 0 for the newest.
async fn proof(auditor: &mut Auditor, leaf_index: u64, tree_size: u64) -> ProofFile {
    let request = v1::GetInclusionProofRequest { leaf_index, tree_size };
    let answer = auditor.get_inclusion_proof(request).await.expect("proven").into_inner();
    let proof = answer.inclusion_proof.expect("with its proof");
    let hash = |hash: Vec<u8>| Digest(hash.try_into().expect("32 bytes"));
    ProofFile {
        entry: Some(answer.entry),
        index: LeafIndex(proof.leaf_index),
        hashes: proof.hashes.into_iter().map(hash).collect(),
        checkpoint: answer.checkpoint,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_proof_from_before_an_erasure_verifies_after_it() {
    let world = World::new();
    let gateway = world.start().await;
    let key = verifier_key(&gateway).await.parse().expect("a verifier key");
    let trust = Trust::new(None, std::slice::from_ref(&key), None);
    let mut ingest = gateway.ingest(SYSTEM).await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let other = submit(&mut ingest, "other", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &record).await;
    released_in(&world, ALBANIA, &other).await;
    items(&mut gateway.feed("al-police/feed").await).await;
    let folder = world.path("copy");
    let before = mirror(&gateway, &key, &folder).await;
    copy(&folder, &world.path("copy-before"));
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let mut kept = Vec::new();
    for leaf in 0..before.vouched.checkpoint.size {
        kept.push(proof(&mut auditor, leaf, 0).await);
    }
    let erased = Office::of(&world, &gateway, "gb-nca").await.erase_all(&[&record.record_id]).await.expect("erased");
    for file in &kept {
        let included = included_in_file(&file.to_string(), &trust).expect("what was kept still verifies");
        let again = proof(&mut auditor, file.index.0, included.vouched.checkpoint.size).await;
        assert_eq!((&again.entry, &again.hashes), (&file.entry, &file.hashes), "and is served again as it was");
    }
    let early = causeway_verify::mirror(&world.path("copy-before"), &trust, None).expect("the old mirror holds");
    assert_eq!(early, before);
    let after = mirror(&gateway, &key, &folder).await;
    assert!(after.vouched.checkpoint.size > erased.complete_leaf_index);
    assert_eq!(after.approvals.good, before.approvals.good + 2, "the erasure's own approvals");
    let fresh = mirror(&gateway, &key, &world.path("fresh")).await;
    assert_eq!(fresh.approvals, after.approvals, "who mirrors it only now sees the same");
    let sizes = (before.vouched.checkpoint.size, after.vouched.checkpoint.size);
    let request = v1::GetConsistencyProofRequest { first_size: sizes.0, second_size: sizes.1 };
    let hashes = auditor.get_consistency_proof(request).await.expect("proven").into_inner().hashes;
    let hashes: Vec<_> = hashes.into_iter().map(|hash| Digest(hash.try_into().expect("32 bytes"))).collect();
    extends(&before.vouched.checkpoint, &after.vouched.checkpoint, &hashes).expect("it only grew");
    gateway.stop().await;
}
