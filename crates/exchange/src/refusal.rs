//! Refusals: every deny leaves one entry, whichever way the code returned.

use causeway_journal::v1;
use causeway_model::RequestId;

use crate::draft::{Said, actor};
use crate::{Caller, Error, Exchange, Peer};

impl Exchange {
    /// Records that a caller was refused and gives the refusal back; where it cannot be recorded, the caller is told why
    /// not instead, so that no refusal goes unrecorded.
    pub(crate) async fn refuse(&self, caller: &Caller, operation: v1::Operation, refusal: Error) -> Error {
        match self.record_or_refuse(caller, Said::denied(operation, refusal.reason).by(caller)).await {
            Ok(_) => refusal,
            Err(unavailable) => unavailable,
        }
    }

    /// Records that a system was refused before it could be heard: its role does not permit the method, or it stated
    /// neither purpose nor operator.
    ///
    /// # Errors
    /// `Unavailable` where the journal cannot be written.
    pub async fn deny(&self, peer: &Peer, reason: &'static str, request_id: RequestId) -> Result<(), Error> {
        let mut draft = Said::denied(v1::Operation::Authentication, reason).by_nobody(None);
        draft.entry.actor = Some(actor(&peer.system, Some(&peer.certificate_digest)));
        draft.entry.request_id = request_id.as_bytes().to_vec();
        let recorded = self.journal().append(draft).await;
        recorded.map(|_| ()).map_err(|failure| self.not_taken(&peer.system, failure))
    }
}
