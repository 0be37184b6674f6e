//! The auditor: asks who saw one record, and checks the journal offline: an inclusion proof, the checkpoint, and the whole
//! tree from the entries themselves.

use causeway_journal::v1::Operation;
use causeway_journal::{Checkpoint, Tree, VerifierKey, decode_entry, leaf_hash};
use causeway_proto::v1::{AuditRow, GetInclusionProofRequest, QueryRequest};

use crate::command::audit::checkpoint::checkpoint_of;
use crate::command::audit::query::rows;
use crate::session::Session;
use crate::{Failure, entry_text, evidence, proof_file};

/// Rows of one answer, the most there are.
const ROWS: u32 = 10_000;

/// What the auditor found.
#[derive(Debug)]
pub(super) struct Audit {
    /// The record that was asked about.
    pub(super) record: String,
    /// The entries that concern it, in words.
    pub(super) history: Vec<String>,
    /// The disclosure whose proof was checked.
    pub(super) disclosure: u64,
    /// The checkpoint that everything was checked against.
    pub(super) checkpoint: Checkpoint,
    /// The entries that were read and hashed.
    pub(super) entries: u64,
    /// Inclusion proofs that were checked.
    pub(super) proofs: u64,
}

/// The journal's key as this client is told it, after a checkpoint has been checked with it.
pub(super) async fn pin_key(session: &Session) -> Result<VerifierKey, Failure> {
    let (note, key) = checkpoint_of(session).await?;
    causeway_verify::checkpoint(&note, &key).map_err(Failure::NotProven)?;
    Ok(key)
}

pub(super) async fn audit(session: &Session, record: &str, key: &VerifierKey) -> Result<Audit, Failure> {
    let request = QueryRequest { record_id: record.to_owned(), limit: ROWS, ..QueryRequest::default() };
    let (about, _) = rows(session, request).await?;
    let mut history = Vec::new();
    let mut disclosure = None;
    for row in &about {
        let entry = decode_entry(&row.entry).map_err(|e| Failure::NotProven(e.into()))?;
        history.push(format!("{:>6}  {}", row.leaf_index, entry_text::summary(&entry)));
        if entry.operation() == Operation::Disclosure && row.record_left {
            disclosure = disclosure.or(Some(row.leaf_index));
        }
    }
    let disclosure =
        disclosure.ok_or_else(|| Failure::does_not_hold("the journal does not say that the record was disclosed"))?;
    prove(session, disclosure, key).await?;
    let checkpoint = newest(session, key).await?;
    let entries = rebuild(session, &checkpoint).await?;
    Ok(Audit { record: record.to_owned(), history, disclosure, checkpoint, entries, proofs: 1 })
}

/// Fetches a proof as a file's text, and checks that text as `causeway verify` would.
async fn prove(session: &Session, leaf: u64, key: &VerifierKey) -> Result<(), Failure> {
    let request = GetInclusionProofRequest { leaf_index: leaf, tree_size: 0 };
    let response = session.audit().get_inclusion_proof(request).await.map_err(|status| session.failure(status))?;
    let response = response.into_inner();
    let proof = proof_file::from_wire(&response.entry, response.inclusion_proof.as_ref(), &response.checkpoint)?;
    let verified = causeway_verify::proof_file(&proof.to_string(), key, None).map_err(Failure::NotProven)?;
    if verified.index.0 != leaf {
        return Err(Failure::does_not_hold("the proof is of another entry than was asked for"));
    }
    evidence::check(&proof, Some(key)).map(drop)
}

async fn newest(session: &Session, key: &VerifierKey) -> Result<Checkpoint, Failure> {
    let (note, _) = checkpoint_of(session).await?;
    causeway_verify::checkpoint(&note, key).map_err(Failure::NotProven)
}

/// Reads every entry below the checkpoint, builds the tree from them and compares the root.
async fn rebuild(session: &Session, checkpoint: &Checkpoint) -> Result<u64, Failure> {
    let mut tree = Tree::new();
    while tree.size() < checkpoint.size {
        let request = QueryRequest { from_leaf_index: tree.size(), limit: ROWS, ..QueryRequest::default() };
        let (answer, _) = rows(session, request).await?;
        let before = tree.size();
        for AuditRow { leaf_index, entry, .. } in answer.into_iter().take_while(|row| row.leaf_index < checkpoint.size)
        {
            if leaf_index != tree.size() {
                return Err(Failure::does_not_hold(format!("entry {} is missing from the journal", tree.size())));
            }
            tree.push(leaf_hash(&entry));
        }
        if tree.size() == before {
            return Err(Failure::does_not_hold("the journal has fewer entries than its checkpoint says"));
        }
    }
    match tree.root() == checkpoint.root {
        true => Ok(tree.size()),
        false => Err(Failure::does_not_hold("the entries do not lead to the checkpoint's root")),
    }
}
