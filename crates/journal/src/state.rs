//! The state that a log's frames make: what `apply` writes and everybody else reads.
//!
//! It is built for 10^6 to 10^7 entries in memory: numbers instead of ids between its parts, and what can be computed in
//! a few hashes or one scan is not kept. All its maps are ordered, so that equal frames make equal states.

mod accepted;
mod arrivals;
mod chunks;
mod documents;
mod feeds;
mod id_table;
mod identities;
mod keys;
mod nodes;
mod places;
mod records;
mod snapshot;
mod subjects;
mod submissions;
mod tables;
mod term;

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_agreement::{AgencyFile, Agreement, TableId};
use causeway_crypto::{Digest, PublicKey};
use causeway_model::{AgencyId, AgreementId, EntryId, FrameSeq, LeafIndex, RecordId, SchemaId, SystemId, Timestamp};

use crate::{Outcome, PassedOver, Tree, v1};

pub use documents::{APPROVALS, Document, approvers};
pub use feeds::{CellId, Feed, FeedEpoch, FeedItem, FeedItemKind, Noted, ReleaseTerms, chain_link};
pub use identities::Identity;
pub use keys::KeyState;
pub use places::Place;
pub use records::{Erasure, RecordState};
pub use snapshot::{SNAPSHOT_VERSION, Snapshot};
pub use submissions::Submission;
pub use tables::Published;
pub use term::Term;

pub(crate) use accepted::Accepted;
pub(crate) use arrivals::Arrivals;
pub(crate) use chunks::Chunks;
pub(crate) use documents::{Documents, Known};
pub(crate) use feeds::{ItemList, Made, item_id};
pub(crate) use identities::Identities;
pub(crate) use keys::KeyStates;
pub(crate) use nodes::{Attested, Nodes};
pub(crate) use places::Places;
pub(crate) use records::{RecordNumber, Records};
pub(crate) use snapshot::newest_places;
pub(crate) use subjects::Subjects;
pub(crate) use submissions::Submissions;
pub(crate) use tables::Tables;

/// Everything that a log's frames say, up to the newest that was applied.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(crate) genesis: Genesis,
    pub(crate) log_id: Option<[u8; 16]>,
    /// The rules version of the newest frame; 0 before the first.
    pub(crate) rules: u32,
    pub(crate) last_time: Timestamp,
    pub(crate) tree: Tree,
    pub(crate) places: Places,
    pub(crate) documents: Documents,
    pub(crate) submissions: Submissions,
    pub(crate) records: Records,
    pub(crate) feeds: BTreeMap<AgreementId, ItemList>,
    pub(crate) subjects: Subjects,
    pub(crate) identities: Identities,
    pub(crate) keys: KeyStates,
    pub(crate) tables: Tables,
    /// Of a log with several writers alone.
    pub(crate) arrivals: Arrivals,
    /// Likewise.
    pub(crate) nodes: Nodes,
    /// Likewise.
    pub(crate) term: Option<Term>,
    /// Likewise.
    pub(crate) accepted: Accepted,
}

/// How far the log's beginning has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Genesis {
    /// No entry yet.
    #[default]
    Missing,
    /// Documents come into force; nothing else happens.
    Open {
        /// The agency that operates the gateway.
        operator: AgencyId,
    },
    /// Closed.
    Complete {
        /// The agency that operates the gateway.
        operator: AgencyId,
    },
}

impl State {
    /// The state before the first frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// The log's id, from its first frame.
    pub fn log_id(&self) -> Option<[u8; 16]> {
        self.log_id
    }

    /// The agency that operates the gateway, from the first entry.
    pub fn operator(&self) -> Option<&AgencyId> {
        match &self.genesis {
            Genesis::Missing => None,
            Genesis::Open { operator } | Genesis::Complete { operator } => Some(operator),
        }
    }

    /// Whether the closing entry of genesis has been applied.
    pub fn genesis_complete(&self) -> bool {
        matches!(self.genesis, Genesis::Complete { .. })
    }

    /// The Merkle tree of all entries.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The newest frame: its sequence number, 0 before the first, and its id.
    pub fn head(&self) -> (FrameSeq, Option<Digest>) {
        self.places.head()
    }

    /// The time of the newest entry, the latest of all; 0 before the first.
    pub fn last_time(&self) -> Timestamp {
        self.last_time
    }

    /// The version of the rules that the newest frame was applied under; 0 before the first.
    pub fn rules(&self) -> u32 {
        self.rules
    }

    /// Why a frame left no entry; none where it was applied, or is not there yet.
    pub fn passed_over(&self, seq: FrameSeq) -> Option<PassedOver> {
        self.arrivals.passed_over(seq)
    }

    /// All frames that left no entry, in their order.
    pub fn all_passed_over(&self) -> impl Iterator<Item = (FrameSeq, PassedOver)> {
        self.arrivals.all_passed_over()
    }

    /// An agency's file in force.
    pub fn agency(&self, id: &AgencyId) -> Option<&Arc<AgencyFile>> {
        self.documents.agency(id)
    }

    /// All agency files in force, by id.
    pub fn agencies(&self) -> impl Iterator<Item = &Arc<AgencyFile>> {
        self.documents.agencies()
    }

    /// An agreement's version in force. Whether its days have come or gone is not looked at.
    pub fn agreement(&self, id: &AgreementId) -> Option<&Arc<Agreement>> {
        self.documents.agreement(id)
    }

    /// All agreements in force, by id.
    pub fn agreements(&self) -> impl Iterator<Item = &Arc<Agreement>> {
        self.documents.agreements()
    }

    /// All schemas in force, by id.
    pub fn schemas(&self) -> impl Iterator<Item = (SchemaId, &Document)> {
        self.documents.schemas()
    }

    /// A document in force.
    pub fn document(&self, kind: v1::DocumentKind, id: &str) -> Option<&Document> {
        self.documents.get(kind, id)
    }

    /// The documents of a kind that were in force before an entry, by id: what was released by that entry goes on being shown by them.
    pub fn documents_before(&self, kind: v1::DocumentKind, leaf: LeafIndex) -> impl Iterator<Item = (&str, &Document)> {
        self.documents.before(kind, leaf)
    }

    /// A later version of an agreement that has been brought in and whose first day has not come: until then the earlier one is in force.
    pub fn pending_agreement(&self, id: &AgreementId) -> Option<&Arc<Agreement>> {
        self.documents.pending_agreement(id)
    }

    /// A version of an agreement that is or was in force.
    pub fn agreement_version(&self, id: &AgreementId, version: u32) -> Option<&Arc<Agreement>> {
        self.documents.agreement_version(id, version)
    }

    /// Whether an agency is suspended, and by which entry.
    pub fn agency_suspended(&self, id: &AgencyId) -> Option<LeafIndex> {
        self.documents.suspended(v1::DocumentKind::Agency, id.as_str())
    }

    /// Whether an agreement is suspended, itself or because one of its parties is, and by which entry.
    pub fn agreement_suspended(&self, agreement: &Agreement) -> Option<LeafIndex> {
        let itself = self.documents.suspended(v1::DocumentKind::Agreement, agreement.id.as_str());
        itself
            .or_else(|| self.agency_suspended(&agreement.recipient))
            .or_else(|| self.agency_suspended(&agreement.granting))
    }

    /// A published table.
    pub fn table(&self, agreement: &AgreementId, table: &TableId, period: &str) -> Option<&Published> {
        self.tables.get(agreement, table, period)
    }

    /// All tables published under an agreement: each table's id and period.
    pub fn tables(&self, agreement: &AgreementId) -> impl Iterator<Item = (&TableId, &str, &Published)> {
        self.tables.of(agreement)
    }

    /// The submission that took effect under this HMAC of agency and submission id.
    pub fn submission(&self, mac: &[u8; 32]) -> Option<&Submission> {
        self.submissions.get(mac)
    }

    /// A record.
    pub fn record(&self, id: &RecordId) -> Option<RecordState<'_>> {
        self.records.get(id)
    }

    /// All records, in the order of their first submission.
    pub fn records(&self) -> impl Iterator<Item = RecordId> {
        self.records.ids()
    }

    /// The records whose erasure has been ordered and is not complete, each with the entry that ordered it.
    pub fn erasures_due(&self) -> impl Iterator<Item = (RecordId, LeafIndex)> {
        self.records.erasures_due()
    }

    /// How often the roster of nodes has been stated; 0 where it never was, as in the log of a gateway that is alone.
    pub fn roster_version(&self) -> u32 {
        self.nodes.version()
    }

    /// The nodes that share the log, by their numbers, as it was stated last.
    pub fn roster(&self) -> impl Iterator<Item = (u32, &str)> {
        self.nodes.roster()
    }

    /// The names of the nodes that have not said yet that they have destroyed the keys of what an entry ordered to be erased, in order. An
    /// erasure is not complete before there are none.
    pub fn erasure_waits_for(&self, ordered: LeafIndex) -> impl Iterator<Item = &str> {
        self.nodes.waited_for(ordered).into_iter()
    }

    /// The newest term of the releaser among nodes that share the log; none before the first, as in the log of a gateway that is alone.
    pub fn term(&self) -> Option<&Term> {
        self.term.as_ref()
    }

    /// How many versions of records the log accepted on a day (since 1970-01-01) from an agency and from one of its systems, where several
    /// nodes share it. It is known of the newest day that had one; of a day before that, the newest one's are given.
    pub fn accepted_on(&self, day: u64, system: &SystemId) -> (u64, u64) {
        self.accepted.on(day, system.agency.as_str(), system.system.as_str())
    }

    /// A request for re-identification, by the id of its entry.
    pub fn identity(&self, request: &EntryId) -> Option<&Identity> {
        self.identities.all.get(request)
    }

    /// All requests for re-identification, by id.
    pub fn identities(&self) -> impl Iterator<Item = (&EntryId, &Identity)> {
        self.identities.all.iter()
    }

    /// How many requests for re-identification an agency has made in the calendar month (UTC) of a moment.
    pub fn identities_in_month(&self, requester: &AgencyId, moment: Timestamp) -> usize {
        self.identities.in_month(requester, moment)
    }

    /// What the newest key entry says of a key; none while it is in its first epoch.
    pub fn key(&self, name: &str) -> Option<&KeyState> {
        self.keys.get(name)
    }

    /// The keys that have signed checkpoints since the newest rotation after a compromise, the oldest first; empty where there has
    /// been none. What another key has signed proves nothing since then: whoever knows it may have made it up.
    pub fn sound_signing_keys(&self) -> &[PublicKey] {
        self.keys.sound_signing()
    }

    /// The key that signs checkpoints, where one has been rotated in; none while it is the first.
    pub fn checkpoint_key(&self) -> Option<PublicKey> {
        self.key(crate::KEY_CHECKPOINT_SIGNING)?.public_key
    }

    /// The feed of an agreement that is or was in force.
    pub fn feed(&self, id: &AgreementId) -> Option<Feed<'_>> {
        self.feeds.get(id).map(|list| Feed::new(list, &self.records))
    }

    /// Where an entry is.
    pub fn place(&self, leaf: LeafIndex) -> Option<Place> {
        self.places.place(leaf, self.tree.size())
    }

    /// The first entry of a frame.
    pub fn first_leaf(&self, seq: FrameSeq) -> Option<LeafIndex> {
        self.places.first_leaf(seq)
    }

    /// What became of an entry.
    pub fn outcome(&self, leaf: LeafIndex) -> Outcome {
        self.places.outcome(leaf)
    }

    /// All entries that concern a record, oldest first: its versions, changes, consultations and denials, its releases
    /// and withdrawals in every feed, and the disclosures whose pages held one of those.
    pub fn subject(&self, id: &RecordId) -> Vec<LeafIndex> {
        let number = self.records.number(id);
        let mut leaves = self.subjects.of(number, id);
        if let Some(number) = number {
            leaves.extend(self.records.at(number).versions);
            for list in self.feeds.values() {
                let positions = list.positions(number);
                if !positions.is_empty() {
                    leaves.extend(positions.iter().filter_map(|position| list.leaf_at(*position)));
                    leaves.extend(list.pages_over(&positions));
                }
            }
        }
        leaves.sort_unstable();
        leaves.dedup();
        leaves
    }
}
