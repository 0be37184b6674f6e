//! The journal: entries, frames, Merkle tree, tiles, proofs, signed checkpoints, and `apply`, which makes the state of
//! the gateway from the frames of its log.
//!
//! In scope: everything about the log that is a pure function of its bytes. Out of scope: files, networks, clocks and
//! randomness; what is decided (it is in the entries); bodies, which travel beside entries and are never opened here.

mod apply;
mod codec;
mod cosignature;
mod document;
mod error;
mod hash;
mod outcome;
mod page;
mod policy;
mod proof;
mod proof_file;
mod protection;
mod prove;
mod reason;
mod saved;
mod shape;
mod state;
mod subtree;
mod tile_nodes;
mod tree;
mod verifier_key;

pub mod checkpoint;
pub mod note;
pub mod tlog_path;
pub mod v1;
pub mod witness;

pub use apply::{
    Applied, Checked, Judged, MOST_LATE, MirroredEntry, PassedOver, Passing, RULES_SHARED, RULES_VERSION, activated,
    apply, apply_checked, apply_judged, apply_mirrored, check, check_made, judge,
};
pub use checkpoint::{Checkpoint, verify as verify_checkpoint};
pub use codec::{
    MAX_DOCUMENT_BYTES, MAX_ENTRY_BYTES, MAX_FRAME_BYTES, decode_entry, decode_frame, encode_entry, encode_frame,
    frame_id,
};
pub use cosignature::{cosign, verify_cosignature};
pub use document::{APPROVAL_DOMAIN, approval_message, document_digest, suspension_digest, table_digest};
pub use error::JournalError;
pub use hash::{empty_root, leaf_hash, node_hash};
pub use note::VerifierKey;
pub use outcome::Outcome;
pub use page::{Content, PageItem, PageTerms, PseudonymChange, item_digest, page_digest, page_digest_of};
pub use policy::{LogKey, MAX_POLICY_BYTES, MAX_POLICY_ITEMS, Policy, PolicyFault, PolicyVerdict, WitnessKey};
pub use proof::{MAX_PROOF_HASHES, ProofError, verify_consistency, verify_inclusion};
pub use proof_file::{MAX_PROOF_FILE_BYTES, ProofFile};
pub use protection::{MAX_ERASED_RECORDS, erasure_digest, identity_digest, sealed_body_digest};
pub use prove::{TileSource, consistency_proof, inclusion_proof, inclusion_tiles, root_at};
pub use reason::*;
pub use shape::RECODING_DROPPED;
pub use state::{
    APPROVALS, CellId, Document, Erasure, Feed, FeedEpoch, FeedItem, FeedItemKind, Identity, KeyState, Noted, Place,
    Published, RecordState, ReleaseTerms, SNAPSHOT_VERSION, Snapshot, State, Submission, Term, approvers, chain_link,
};
pub use subtree::{verify_subtree_consistency, verify_subtree_inclusion};
pub use tile_nodes::TileNodes;
pub use tlog_path::TilePath;
pub use tree::{MAX_TREE_SIZE, TILE_HEIGHT, TILE_WIDTH, Tile, Tree};

/// A number as the formats of C2SP spell it: ASCII digits without a leading zero.
fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || (!text.starts_with(['0', '+']) && !text.is_empty());
    if plain { text.parse().ok() } else { None }
}
