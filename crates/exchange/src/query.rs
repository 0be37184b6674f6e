//! Query: who saw what, when, why and under which agreement; every question is itself an entry, made first.

use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::{State, decode_entry, leaf_hash, note, v1};
use causeway_model::{AgencyId, AgreementId, LeafIndex, Position, RecordId, Timestamp};

use crate::draft::Said;
use crate::exchange::stopped;
use crate::{Caller, Class, Error, Exchange};

/// Rows of an answer where the caller states no limit.
const DEFAULT_ROWS: u32 = 1_000;

/// Most rows of an answer.
const MAX_ROWS: u32 = 10_000;

/// An answer ends with the row that takes it past this size; the next page goes on from there.
const ANSWER_BYTES: usize = 4 << 20;

/// Entries read at a time.
const READ_ENTRIES: usize = 256;

/// Which entries: those that satisfy every filter that is set.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Entries that concern this record, the disclosures that covered it included.
    pub record_id: Option<RecordId>,
    /// Entries of what this agency did.
    pub agency: Option<AgencyId>,
    /// Disclosures to this agency.
    pub recipient: Option<AgencyId>,
    /// Entries under this agreement.
    pub agreement: Option<AgreementId>,
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// At most so many rows; 0 for the default.
    pub limit: u32,
    /// From this leaf on.
    pub from_leaf: LeafIndex,
}

/// One entry of an answer.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Its place.
    pub leaf: LeafIndex,
    /// Its leaf hash.
    pub leaf_hash: Digest,
    /// Its exact bytes.
    pub entry: Vec<u8>,
    /// What apply made of it.
    pub outcome: &'static str,
    /// In an answer about one record: whether its content left with this disclosure, rather than a withdrawal in its place.
    pub record_left: bool,
}

/// Rows in log order, and the checkpoint under which they were given.
#[derive(Debug, Clone)]
pub struct QueryAnswer {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// Where to go on, where there is more.
    pub next: Option<LeafIndex>,
    /// The signed checkpoint.
    pub checkpoint: Arc<str>,
}

/// An entry with the proof that it is in the journal.
#[derive(Debug, Clone)]
pub struct ProvedEntry {
    /// The entry's exact bytes.
    pub entry: Vec<u8>,
    /// Its place.
    pub leaf: LeafIndex,
    /// Its audit path.
    pub proof: Vec<Digest>,
    /// The tree's size under the checkpoint.
    pub tree_size: u64,
    /// The signed checkpoint.
    pub checkpoint: Arc<str>,
}

impl Exchange {
    /// Entries by their subject. The answer covers everything that was acknowledged before the call.
    ///
    /// # Errors
    /// `Denied` for a purpose for which the law lets no log be used; `Unavailable`; `Corrupt`.
    pub async fn query(&self, caller: &Caller, query: Query) -> Result<QueryAnswer, Error> {
        let mut asked = Said::allowed(v1::Operation::Consultation, "audit-query").by(caller);
        if let Some(record) = &query.record_id {
            asked
                .entry
                .records
                .push(v1::RecordRef { record_id: record.as_bytes().to_vec(), ..v1::RecordRef::default() });
        }
        let asked = self.audit(caller, asked).await?;
        let limit = match query.limit {
            0 => DEFAULT_ROWS,
            stated => stated.min(MAX_ROWS),
        };
        let reach = Reach::of(caller, &self.operator());
        let mut leaves = self.candidates(&query, asked);
        let (mut rows, mut bytes, mut next) = (Vec::new(), 0, None);
        while let Some(batch) = leaves.next_batch() {
            for (leaf, entry_bytes) in self.read_entries(batch).await? {
                let entry = decode_entry(&entry_bytes).map_err(Error::corrupt)?;
                if !(query.matches(&entry) && reach.covers(&entry)) {
                    continue;
                }
                if rows.len() == limit as usize || bytes > ANSWER_BYTES {
                    next = Some(leaf);
                    break;
                }
                bytes += entry_bytes.len();
                rows.push(self.row(leaf, entry_bytes, &entry, query.record_id.as_ref()));
            }
            if next.is_some() {
                break;
            }
        }
        let (checkpoint, _) = self.head()?;
        Ok(QueryAnswer { rows, next, checkpoint })
    }

    /// The newest signed checkpoint, which covers the entry of this question, and the key that verifies it.
    ///
    /// # Errors
    /// `Denied` for a purpose for which the law lets no log be used; `Unavailable`.
    pub async fn checkpoint(&self, caller: &Caller) -> Result<(Arc<str>, String), Error> {
        self.audit(caller, Said::allowed(v1::Operation::Consultation, "checkpoint").by(caller)).await?;
        loop {
            // The two are read one after the other, and the key may have been rotated in between.
            let (changed, key) = (self.changed(), self.journal().verifier_key());
            let (checkpoint, _) = self.head()?;
            if note::verify(&checkpoint, &key).is_ok() {
                return Ok((checkpoint, key.to_string()));
            }
            if !self.is_healthy() {
                return Err(stopped());
            }
            changed.await;
        }
    }

    /// An entry with its inclusion proof. A partner's auditor finds only that partner's entries.
    ///
    /// # Errors
    /// `NotFound` for a leaf that is not there as for one that is not the caller's to see; `Denied`; `Unavailable`.
    pub async fn prove(&self, caller: &Caller, leaf: LeafIndex) -> Result<ProvedEntry, Error> {
        let found = self.visible(caller, leaf).await?;
        let Some(entry) = found else {
            let refusal = Error::new(Class::NotFound, "unknown-entry", "there is no such entry for this auditor");
            return Err(self.refuse(caller, v1::Operation::Consultation, refusal).await);
        };
        self.audit(caller, Said::allowed(v1::Operation::Consultation, "inclusion-proof").by(caller)).await?;
        let (checkpoint, tree_size) = self.head_over(leaf).await?;
        let proof = self.inclusion_proof(leaf, tree_size).await?;
        Ok(ProvedEntry { entry, leaf, proof, tree_size, checkpoint })
    }

    /// The entry at `leaf`, where there is one and this auditor may see it.
    async fn visible(&self, caller: &Caller, leaf: LeafIndex) -> Result<Option<Vec<u8>>, Error> {
        if leaf.0 >= self.journal().read(|state| state.tree().size()) {
            return Ok(None);
        }
        let entry = self.journal().entry(leaf).await.map_err(Error::corrupt)?;
        let decoded = decode_entry(&entry).map_err(Error::corrupt)?;
        Ok(Reach::of(caller, &self.operator()).covers(&decoded).then_some(entry))
    }

    /// Records the question and gives its place; refuses a purpose that DPA 2018 s.62(4) does not name.
    async fn audit(&self, caller: &Caller, asked: causeway_store::Draft) -> Result<LeafIndex, Error> {
        if caller.purpose.code.permits_audit() {
            return self.record_or_refuse(caller, asked).await.map(|committed| committed.leaf);
        }
        let message = "the journal may be read for lawfulness, self-monitoring, integrity or criminal-proceedings only";
        let refusal = Error::new(Class::Denied, "purpose-not-for-audit", message);
        Err(self.refuse(caller, v1::Operation::Consultation, refusal).await)
    }

    fn candidates(&self, query: &Query, before: LeafIndex) -> Leaves {
        match &query.record_id {
            Some(record) => {
                let named = self.journal().read(|state| state.subject(record).to_vec());
                let within = |leaf: &LeafIndex| *leaf >= query.from_leaf && *leaf < before;
                Leaves::Named(named.into_iter().filter(within).collect::<Vec<_>>().into_iter())
            }
            None => Leaves::All { next: query.from_leaf, before },
        }
    }

    async fn read_entries(&self, batch: Batch) -> Result<Vec<(LeafIndex, Vec<u8>)>, Error> {
        match batch {
            Batch::Range(first, count) => {
                let entries = self.journal().entries(first, count).await.map_err(Error::corrupt)?;
                Ok((first.0..).map(LeafIndex).zip(entries).collect())
            }
            Batch::Named(leaves) => {
                let mut found = Vec::with_capacity(leaves.len());
                for leaf in leaves {
                    found.push((leaf, self.journal().entry(leaf).await.map_err(Error::corrupt)?));
                }
                Ok(found)
            }
        }
    }

    fn row(&self, leaf: LeafIndex, bytes: Vec<u8>, entry: &v1::Entry, record: Option<&RecordId>) -> AuditRow {
        let outcome = self.journal().read(|state| state.outcome(leaf).as_str());
        let record_left = match (record, &entry.page) {
            (Some(record), Some(page)) => self.journal().read(|state| left(state, page, record)),
            _ => false,
        };
        AuditRow { leaf, leaf_hash: leaf_hash(&bytes), entry: bytes, outcome, record_left }
    }
}

/// Whether a page held the record's content, rather than a withdrawal in its place.
fn left(state: &State, page: &v1::Page, record: &RecordId) -> bool {
    let Some(feed) = page.feed.parse().ok().and_then(|id: AgreementId| state.feed(&id)) else { return false };
    (page.from_position..=page.to_position).enumerate().any(|(index, position)| {
        let is_release = feed
            .item(Position(position))
            .is_some_and(|item| item.record_id == *record && item.kind == causeway_journal::FeedItemKind::Release);
        let has_bit = |bits: &[u8]| bits.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
        is_release && !has_bit(&page.withheld) && !has_bit(&page.deferred)
    })
}

/// Which entries an auditor may see.
enum Reach {
    All,
    Own(String),
}

impl Reach {
    /// The operator's auditors see everything, a partner's that partner's entries only.
    fn of(caller: &Caller, operator: &AgencyId) -> Self {
        if caller.system.agency == *operator { Self::All } else { Self::Own(caller.system.agency.to_string()) }
    }

    fn covers(&self, entry: &v1::Entry) -> bool {
        match self {
            Self::All => true,
            Self::Own(agency) => {
                let acted = entry.actor.as_ref().is_some_and(|actor| actor.agency == *agency);
                (acted && !asks_of_anothers(entry, agency)) || (received(entry, agency) && !names_records(entry))
            }
        }
    }
}

/// Whether an agency asks, under an agreement, for an identity of another's record: the entry names that record by its id, though
/// the agency knows a pseudonym only. Its later steps on the request name none, and are its auditors' to see.
fn asks_of_anothers(entry: &v1::Entry, agency: &str) -> bool {
    let under_agreement = entry.recipient.as_ref().is_some_and(|recipient| !recipient.agreement.is_empty());
    received(entry, agency) && under_agreement && names_records(entry)
}

fn received(entry: &v1::Entry, agency: &str) -> bool {
    entry.recipient.as_ref().is_some_and(|recipient| recipient.agency == agency)
}

/// Whether an entry names records by their ids, as the releaser's do: those ids are the same for every partner, so an entry that
/// holds one would join two partners' feeds.
fn names_records(entry: &v1::Entry) -> bool {
    entry.releases.is_some() || !entry.withdrawals.is_empty() || !entry.records.is_empty()
}

impl Query {
    fn matches(&self, entry: &v1::Entry) -> bool {
        let is = |wanted: Option<&str>, found: Option<&str>| wanted.is_none_or(|wanted| found == Some(wanted));
        let recipient = entry.recipient.as_ref();
        is(self.agency.as_ref().map(AgencyId::as_str), entry.actor.as_ref().map(|actor| actor.agency.as_str()))
            && is(self.recipient.as_ref().map(AgencyId::as_str), recipient.map(|party| party.agency.as_str()))
            && is(self.agreement.as_ref().map(AgreementId::as_str), recipient.map(|party| party.agreement.as_str()))
            && entry.time_micros >= self.from.0
            && self.to.is_none_or(|to| entry.time_micros < to.0)
    }
}

enum Leaves {
    Named(std::vec::IntoIter<LeafIndex>),
    All { next: LeafIndex, before: LeafIndex },
}

enum Batch {
    Named(Vec<LeafIndex>),
    Range(LeafIndex, usize),
}

impl Leaves {
    fn next_batch(&mut self) -> Option<Batch> {
        match self {
            Self::Named(leaves) => {
                let batch: Vec<_> = leaves.by_ref().take(READ_ENTRIES).collect();
                (!batch.is_empty()).then_some(Batch::Named(batch))
            }
            Self::All { next, before } => {
                let first = *next;
                let count = usize::try_from(before.0.saturating_sub(first.0)).unwrap_or(usize::MAX).min(READ_ENTRIES);
                *next = LeafIndex(first.0 + count as u64);
                (count > 0).then_some(Batch::Range(first, count))
            }
        }
    }
}
