//! Erase: two persons of the owner approve a list of records; from the order on nothing of them is read, and when it is complete
//! nothing can be.
//!
//! What is true at each step, should it be the last: before the order, nothing has happened; after it, the records are unreadable
//! and in no feed, and the next start (or the keeper, within a minute) goes on; once it is registered, a log that is restored from
//! before learns of it; once the keys are destroyed, no copy of the bodies can be read; then the entry says so.

mod finish;
mod plan;
mod restore;

use std::fmt;

use causeway_journal::{APPROVALS, Erasure, MAX_ERASED_RECORDS, Outcome, REASON_ERASURE_ORDERED, erasure_digest, v1};
use causeway_model::{LeafIndex, RecordId};

use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange, PersonSignature};

pub(crate) use finish::{Finished, Swept, WAITS};

pub use plan::{Erasing, ErasurePlan};

/// Ticks, which are seconds, for which a call waits for other nodes to do their part.
const TICKS_FOR_OTHERS: u32 = 15;

/// Longest reference to a person, in bytes: four times the characters that the schema allows.
const MAX_REFERENCE_BYTES: usize = 512;

/// An owner's stable reference for a person. It is never printed.
pub struct SubjectReference(String);

impl SubjectReference {
    /// The reference, where it can be one: neither blank nor longer than 512 bytes.
    pub fn new(text: String) -> Option<Self> {
        (!text.trim().is_empty() && text.len() <= MAX_REFERENCE_BYTES).then_some(Self(text))
    }
}

impl fmt::Debug for SubjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectReference(..)")
    }
}

/// What is to be erased, as it was planned, and who approves.
#[derive(Debug)]
pub struct ErasureOrder {
    /// The records of the plan.
    pub records: Vec<RecordId>,
    /// The person, where the plan was made by one.
    pub person: Option<SubjectReference>,
    /// Two persons' signatures over the plan's digest.
    pub approvals: Vec<PersonSignature>,
}

/// An erasure that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// The order.
    pub ordered: LeafIndex,
    /// The entry that says that the keys are destroyed.
    pub complete: LeafIndex,
}

impl Exchange {
    /// Orders an erasure and answers when it is complete. Where whoever asked goes meanwhile, the keeper completes it.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own; `Conflict` where one has been erased, is under a legal hold, or the
    /// person has other records by now; `Denied` without the approvals of two rostered persons; `Invalid` for too many records;
    /// `Unavailable`: where the order is in the journal then, it is completed later.
    pub async fn erase(&self, caller: &Caller, order: ErasureOrder) -> Result<Erased, Error> {
        let ErasureOrder { mut records, person, approvals } = order;
        records.sort_unstable();
        records.dedup();
        let approvals = match self.check_order(caller, &records, person.as_ref(), &approvals).await {
            Ok(approvals) => approvals,
            Err(refusal) => {
                return Err(self.refuse_protection(caller, v1::Operation::Erasure, &records, refusal).await);
            }
        };
        let mut draft = Said::allowed(v1::Operation::Erasure, REASON_ERASURE_ORDERED).by(caller);
        draft.entry.subject_digest = erasure_digest(&caller.system.agency, &records).0.to_vec();
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        draft.entry.approvals = approvals;
        draft.entry.count = records.len() as u64;
        draft.entry.records = named(&records);
        let committed = self.record_or_refuse(caller, draft).await?;
        if !committed.outcome.is_effective() {
            return Err(lost(&committed.outcome));
        }
        self.finish_with_others(committed.leaf).await?;
        let complete = self.journal().read(|state| {
            let leaf = |id| match state.record(id)?.erasure {
                Erasure::Complete(leaf) => Some(leaf),
                Erasure::None | Erasure::Ordered(_) => None,
            };
            // Of several, the last: another order may have come first for one of them.
            records.iter().filter_map(leaf).max()
        });
        let complete = complete.ok_or_else(|| Error::internal("an erasure that was finished is not complete"))?;
        Ok(Erased { ordered: committed.leaf, complete })
    }

    /// Finishes an erasure, waiting a little for the other nodes: each looks once a second what it has to do.
    pub(crate) async fn finish_with_others(&self, ordered: LeafIndex) -> Result<(), Error> {
        let mut ticks = 0;
        loop {
            let ticked = self.ticked();
            match self.finish(ordered).await {
                Err(error) if error.reason == WAITS && ticks < TICKS_FOR_OTHERS => {}
                finished => return finished,
            }
            ticked.await;
            ticks += 1;
        }
    }

    /// Whether the order may be given as it stands; the approvals as its entry holds them.
    async fn check_order(
        &self,
        caller: &Caller,
        records: &[RecordId],
        person: Option<&SubjectReference>,
        approvals: &[PersonSignature],
    ) -> Result<Vec<v1::Approval>, Error> {
        self.owned(caller, records, lost(&Outcome::Erased))?;
        if let Some(person) = person
            && self.of_person(caller, person).await?.records() != records
        {
            let message = "these are not the person's records as they are now; plan the erasure again";
            return Err(Error::new(Class::Conflict, "plan-outdated", message));
        }
        if !self.held_among(records).is_empty() {
            return Err(lost(&Outcome::OnHold));
        }
        self.approved(caller, records, approvals)
    }

    /// The approvals, if they are those of two persons on the roster in force.
    fn approved(
        &self,
        caller: &Caller,
        records: &[RecordId],
        approvals: &[PersonSignature],
    ) -> Result<Vec<v1::Approval>, Error> {
        let owner = &caller.system.agency;
        let digest = erasure_digest(owner, records);
        let mut made: Vec<v1::Approval> = Vec::new();
        for signature in approvals {
            let approval = self.approval(owner, &digest, signature).ok_or_else(|| lost(&Outcome::Unapproved))?;
            if made.iter().all(|earlier| earlier.public_key != approval.public_key) {
                made.push(approval);
            }
        }
        if made.len() < APPROVALS {
            return Err(lost(&Outcome::Unapproved));
        }
        made.truncate(APPROVALS);
        Ok(made)
    }

    /// Records that an act of protection was refused, with the records that it named, and gives the refusal back. What the gateway
    /// could not do is no refusal.
    pub(crate) async fn refuse_protection(
        &self,
        caller: &Caller,
        operation: v1::Operation,
        records: &[RecordId],
        refusal: Error,
    ) -> Error {
        if matches!(refusal.class, Class::Busy | Class::Unavailable | Class::Corrupt | Class::Internal) {
            return refusal;
        }
        let mut draft = Said::denied(operation, refusal.reason).by(caller);
        draft.entry.records = named(&records[..records.len().min(MAX_ERASED_RECORDS)]);
        match self.record_or_refuse(caller, draft).await {
            Ok(_) => refusal,
            Err(unavailable) => unavailable,
        }
    }
}

/// Records as an entry names them that is about all of their versions.
pub(crate) fn named(records: &[RecordId]) -> Vec<v1::RecordRef> {
    let named = |id: &RecordId| v1::RecordRef { record_id: id.as_bytes().to_vec(), ..v1::RecordRef::default() };
    records.iter().map(named).collect()
}

/// The refusal of an act of protection that cannot be, or that apply let lose to what came before it in the log.
pub(crate) fn lost(outcome: &Outcome) -> Error {
    let conflict = |reason, message| Error::new(Class::Conflict, reason, message);
    match outcome {
        Outcome::NotFound => Error::unknown_record(),
        Outcome::Erased => conflict("already-erased", "the erasure of one of these records has been ordered before"),
        Outcome::OnHold => conflict("legal-hold", "one of these records is under a legal hold; lift it first"),
        Outcome::Unapproved => Error::new(
            Class::Denied,
            "unapproved",
            "an erasure needs the signatures of two persons on this agency's roster over the plan's digest",
        ),
        _ => Error::internal("apply gave an outcome that no act of protection can have"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_neither_blank_nor_endless_and_is_not_printed() {
        assert!(SubjectReference::new(" \t".into()).is_none());
        assert!(SubjectReference::new("x".repeat(MAX_REFERENCE_BYTES + 1)).is_none());
        let reference = SubjectReference::new("GB-000123".into()).expect("a reference");
        assert_eq!(format!("{reference:?}"), "SubjectReference(..)");
    }
}
