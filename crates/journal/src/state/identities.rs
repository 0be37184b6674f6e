//! The requests for re-identification: who asked for which record, who approved, and how far the release has come.

use std::collections::BTreeMap;

use causeway_crypto::Digest;
use causeway_model::{AgencyId, AgreementId, EntryId, LeafIndex, PersonId, RecordId, RecordVersion, Timestamp};

use crate::saved::saved_fields;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The entry that asked; its entry id is the request's.
    pub leaf: LeafIndex,
    /// When it was asked.
    pub asked: Timestamp,
    /// The agency that asks.
    pub requester: AgencyId,
    /// The agreement under which a partner asks; none where the owner itself does.
    pub agreement: Option<AgreementId>,
    /// The record.
    pub record_id: RecordId,
    /// The version whose sealed body is asked for.
    pub version: RecordVersion,
    /// The digest of that sealed body.
    pub sealed_body: Digest,
    /// For how long an approved release stands, in microseconds.
    pub stands_micros: u64,
    /// The persons of the owner who have approved, with their entries.
    pub approvals: Vec<(PersonId, LeafIndex)>,
    /// When the second approval came.
    pub approved: Option<Timestamp>,
    /// The entry by which the owner refused.
    pub refused: Option<LeafIndex>,
    /// The entry by which the sealed body left to its owner.
    pub released: Option<LeafIndex>,
    /// The entry with what the owner sealed again, for the partner.
    pub delivered: Option<LeafIndex>,
    /// The entry by which the partner fetched that.
    pub collected: Option<LeafIndex>,
}

saved_fields!(Identity {
    leaf,
    asked,
    requester,
    agreement,
    record_id,
    version,
    sealed_body,
    stands_micros,
    approvals,
    approved,
    refused,
    released,
    delivered,
    collected,
});

impl Identity {
    /// When an approved release ends; none before it is approved.
    pub fn ends(&self) -> Option<Timestamp> {
        self.approved.map(|approved| Timestamp(approved.0.saturating_add(self.stands_micros)))
    }

    /// Whether it is approved, and at this moment not over.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.refused.is_none() && self.ends().is_some_and(|end| now < end)
    }
}

/// All requests, by their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identities {
    pub(crate) all: BTreeMap<EntryId, Identity>,
}

saved_fields!(Identities { all });

impl Identities {
    /// The requests of an agency in the calendar month (UTC) of a moment.
    pub(crate) fn in_month(&self, requester: &AgencyId, moment: Timestamp) -> usize {
        let month = |time: Timestamp| {
            let (year, month, _) = time.date().parts();
            (year, month)
        };
        let same = |known: &&Identity| known.requester == *requester && month(known.asked) == month(moment);
        self.all.values().filter(same).count()
    }
}
