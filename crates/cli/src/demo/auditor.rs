//! The auditor: asks who saw one record, and checks the journal offline: an inclusion proof, the checkpoint, and the whole
//! tree from the entries themselves.

use causeway_journal::v1::Operation;
use causeway_journal::{Checkpoint, Tree, VerifierKey, leaf_hash};
use causeway_proto::v1::{GetInclusionProofRequest, QueryRequest};

use crate::audit::answer::Answer;
use crate::audit::asking::PAGE_ROWS;
use crate::audit::checks::{Checks, Row, Told};
use crate::command::audit::checkpoint::checkpoint_of;
use crate::session::Session;
use crate::{Failure, entry_text, evidence, proof_file};

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
    let request = QueryRequest { record_id: record.to_owned(), ..QueryRequest::default() };
    let mut history = Vec::new();
    let mut disclosure = None;
    for row in rows(session, request, key).await? {
        let text = entry_text::summary(&row.entry);
        history.push(format!("{:>6}  {text}{}", row.leaf(), row.outcome_remark()));
        if row.entry.operation() == Operation::Disclosure && row.wire.record_left {
            disclosure = disclosure.or_else(|| Some(row.leaf()));
        }
    }
    let disclosure =
        disclosure.ok_or_else(|| Failure::does_not_hold("the journal does not say that the record was disclosed"))?;
    prove(session, disclosure, key).await?;
    let checkpoint = newest(session, key).await?;
    let entries = rebuild(session, &checkpoint, key).await?;
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

/// The newest checkpoint, verified.
pub(super) async fn newest(session: &Session, key: &VerifierKey) -> Result<Checkpoint, Failure> {
    let (note, _) = checkpoint_of(session).await?;
    causeway_verify::checkpoint(&note, key).map_err(Failure::NotProven)
}

/// Every row of an answer, each checked.
async fn rows(session: &Session, request: QueryRequest, key: &VerifierKey) -> Result<Vec<Row>, Failure> {
    let request = QueryRequest { limit: PAGE_ROWS, ..request };
    let checks = Checks::new(request.clone(), Some(key.clone().into()));
    let mut answer = Answer::new(session, request, checks, true);
    let mut rows = Vec::new();
    while let Some(told) = answer.next().await? {
        if let Told::Row(row) = told {
            rows.push(*row);
        }
    }
    Ok(rows)
}

/// Reads every entry below the checkpoint, builds the tree from them and compares the root.
async fn rebuild(session: &Session, checkpoint: &Checkpoint, key: &VerifierKey) -> Result<u64, Failure> {
    let tree = tree_of(session, checkpoint.size, key).await?;
    match tree.root() == checkpoint.root {
        true => Ok(tree.size()),
        false => Err(Failure::does_not_hold("the entries do not lead to the checkpoint's root")),
    }
}

/// The tree of the first so many entries, built from the entries as a gateway gives them.
pub(super) async fn tree_of(session: &Session, size: u64, key: &VerifierKey) -> Result<Tree, Failure> {
    let mut tree = Tree::new();
    while tree.size() < size {
        let (from_leaf_index, end) = (tree.size(), size.min(tree.size() + u64::from(PAGE_ROWS)));
        let range = QueryRequest { from_leaf_index, to_leaf_index: end, ..QueryRequest::default() };
        for row in rows(session, range, key).await? {
            if row.leaf() != tree.size() {
                return Err(Failure::does_not_hold(format!("entry {} is missing from the journal", tree.size())));
            }
            tree.push(leaf_hash(&row.wire.entry));
        }
        if tree.size() < end {
            return Err(Failure::does_not_hold("the journal has fewer entries than its checkpoint says"));
        }
    }
    Ok(tree)
}
