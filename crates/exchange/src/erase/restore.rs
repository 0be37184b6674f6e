//! At the start, before anything is served: orders that were registered and that the log does not know (it was restored from before
//! them) are given again, and what was ordered and not completed is completed.

use causeway_journal::{
    Erasure, Outcome, REASON_ERASURE_ORDERED, REASON_HOLD_LIFTED, REASON_RETENTION_EXPIRED, decode_entry, v1,
};
use causeway_model::{AgencyId, EntryId, RecordId};
use causeway_store::Draft;

use super::{Finished, named};
use crate::draft::{Said, own_request};
use crate::{Class, Error, Exchange};

impl Exchange {
    /// Brings the journal to where the register of erasures says that it had been, and finishes every erasure that is due. To be
    /// called once, before anything is served. What cannot be finished is unreadable all the same; it is logged, and left to the keeper.
    ///
    /// # Errors
    /// Where the register or the log cannot be read, or the journal has stopped: then nothing may be served.
    pub async fn resume_erasures(&self) -> Result<(), Error> {
        self.ask_the_log_of_the_clock().await?;
        let registered = self.journal().registered_erasures().map_err(Error::corrupt)?;
        for bytes in registered {
            self.order_again(&decode_entry(&bytes).map_err(Error::corrupt)?).await?;
        }
        let all = self.finish_all().await;
        let lost = self.shred_lost().await;
        if !self.is_running() {
            let message = "the journal stopped while erasures were finished";
            return Err(Error::new(Class::Unavailable, "journal-unavailable", message));
        }
        if all != Finished::All || lost.is_err() {
            tracing::error!(
                "an erasure is not complete; nothing of it can be read, and it is tried again every minute"
            );
        }
        Ok(())
    }

    /// Gives a registered order again, for those of its records that this log knows and does not know to be erased.
    async fn order_again(&self, registered: &v1::Entry) -> Result<(), Error> {
        let ids = registered.records.iter().filter_map(|record| RecordId::try_from(record.record_id.as_slice()).ok());
        let (mut open, mut unknown) = (Vec::new(), 0usize);
        for id in ids {
            let standing = self.journal().read(|state| state.record(&id).map(|record| record.erasure));
            match standing {
                Some(Erasure::None) => open.push(id),
                Some(Erasure::Ordered(_) | Erasure::Complete(_)) => {}
                None => unknown += 1,
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            records = open.len(),
            unknown,
            "the journal does not know of an erasure that took place; it is ordered again"
        );
        self.lift_holds(&open).await?;
        match registered.reason.as_str() {
            REASON_ERASURE_ORDERED => {
                let outcome = self.record(self.same_order(registered)?).await?.outcome;
                self.destroy_unless_taken(registered, &open, &outcome).await;
            }
            REASON_RETENTION_EXPIRED => {
                // One by one: the version by which one of them expired may not be in this log, and that keeps none of the others.
                for id in open {
                    let mut draft = self.own(v1::Operation::Retention, REASON_RETENTION_EXPIRED, &self.operator());
                    draft.entry.records = named(&[id]);
                    let outcome = self.record(draft).await?.outcome;
                    self.destroy_unless_taken(registered, &[id], &outcome).await;
                }
            }
            _ => return Err(Error::internal("the register of erasures holds something that is no order")),
        }
        Ok(())
    }

    /// An order that this log does not take was given, and the records are gone: their keys are destroyed here too, and the gateway
    /// starts. Their entries stay, what feeds had of them is served as withdrawn, and they take no part in anything that needs a body.
    async fn destroy_unless_taken(&self, registered: &v1::Entry, records: &[RecordId], outcome: &Outcome) {
        if outcome.is_effective() {
            return;
        }
        let order = EntryId::try_from(registered.entry_id.as_slice()).map(|id| id.to_string()).unwrap_or_default();
        let destroyed = self.shred_bodies(records).await;
        let failed = destroyed.as_ref().err().map(tracing::field::display);
        tracing::error!(
            order,
            %outcome,
            records = records.len(),
            destroyed = destroyed.is_ok(),
            failed,
            "an erasure that took place before this journal was restored is not taken again: no body of its records can be read, and \
             the log does not say that they are erased; restore a newer copy of the data directory, or let the owner order their \
             erasure again"
        );
    }

    /// The order with its whole list, since that is what the persons' signatures are over.
    fn same_order(&self, registered: &v1::Entry) -> Result<Draft, Error> {
        let owner = registered.actor.as_ref().and_then(|actor| actor.agency.parse::<AgencyId>().ok());
        let owner = owner.ok_or_else(|| Error::internal("a registered order names no agency"))?;
        let mut draft = self.own(v1::Operation::Erasure, REASON_ERASURE_ORDERED, &owner);
        draft.entry.purpose_code.clone_from(&registered.purpose_code);
        draft.entry.subject_digest.clone_from(&registered.subject_digest);
        draft.entry.approvals.clone_from(&registered.approvals);
        draft.entry.records.clone_from(&registered.records);
        draft.entry.count = registered.count;
        Ok(draft)
    }

    /// The order took effect, so no hold was left by then: what lifted it is not in this log.
    async fn lift_holds(&self, records: &[RecordId]) -> Result<(), Error> {
        for id in self.held_among(records) {
            let owner = self.journal().read(|state| state.record(&id).map(|record| record.owner.clone()));
            let owner = owner.ok_or_else(Error::unknown_record)?;
            let mut draft = self.own(v1::Operation::Retention, REASON_HOLD_LIFTED, &owner);
            draft.entry.records = named(&[id]);
            self.record(draft).await?;
        }
        Ok(())
    }

    /// An entry of the gateway's own doing in an agency's name, without any of its systems.
    fn own(&self, operation: v1::Operation, reason: &'static str, agency: &AgencyId) -> Draft {
        let mut draft = Said::allowed(operation, reason).by_operator(agency);
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        draft.entry.request_id = own_request().as_bytes().to_vec();
        draft
    }
}
