//! The log as a log on the wire: checkpoints, and parts of ranges.

use causeway_exchange::{PublishedCheckpoint, Which};
use causeway_proto::v1;
use causeway_store::Bundle;
use prost::Message;

use crate::status::Fault;

/// Which checkpoint is asked for: one of a size, or the newest that was witnessed, or the newest.
pub(crate) fn which_checkpoint(request: &v1::GetCheckpointRequest) -> Result<Which, Fault> {
    match (request.witnessed, request.size) {
        (false, 0) => Ok(Which::Newest),
        (true, 0) => Ok(Which::Witnessed),
        (false, size) => Ok(Which::OfSize(size)),
        (true, _) => Err(Fault::Field("size")),
    }
}

/// A checkpoint with what belongs to it.
pub(crate) fn published_checkpoint(found: PublishedCheckpoint) -> v1::GetCheckpointResponse {
    let text = |text: Option<std::sync::Arc<str>>| text.map(|text| text.to_string()).unwrap_or_default();
    v1::GetCheckpointResponse {
        checkpoint: found.checkpoint.to_string(),
        verifier_key: found.verifier_key,
        witnessed_checkpoint: text(found.witnessed),
        halted: text(found.halted),
    }
}

/// A part of a range.
pub(crate) fn entries_part(bundle: Bundle) -> v1::StreamEntriesResponse {
    let Bundle { entries, notes } = bundle;
    v1::StreamEntriesResponse { from_leaf_index: notes.from_leaf_index, entries, notes: notes.encode_to_vec() }
}
