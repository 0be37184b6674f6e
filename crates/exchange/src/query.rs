//! Query: who saw what, when, why and under which agreement; every question is itself an entry, made first.

mod answer;
mod candidates;
mod filter;
mod place;
mod pseudonym;
mod row;

use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::{decode_entry, v1};
use causeway_model::LeafIndex;

use crate::draft::Said;
use crate::erase::named;
use crate::scope::Scope;
use crate::{Caller, Class, Error, Exchange};

pub use answer::{Answer, AnswerBegin, AnswerEnd};
use candidates::Candidates;
pub use filter::{Acting, Filter, Pseudonym, ReasonCode, SaidFilter, Span, UnderAgreement};
use place::{Bound, Place};
use pseudonym::Sought;
pub use row::{AuditRow, DisclosedItem};

/// Rows of an answer where the caller states no limit.
const DEFAULT_ROWS: u32 = 1_000;

/// Most rows of an answer.
const MAX_ROWS: u32 = 10_000;

/// A question.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Which entries.
    pub filter: Filter,
    /// Newest first instead of oldest first.
    pub newest_first: bool,
    /// At most so many rows; 0 for the default.
    pub limit: u32,
    /// Where an earlier page of the same answer stopped.
    pub cursor: Option<String>,
    /// What to give beside each entry.
    pub beside: Beside,
}

/// What to give beside each entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// Its inclusion proof.
    pub proofs: bool,
    /// The texts that it commits to, where this auditor may see them and they have not been erased.
    pub openings: bool,
    /// What its page held.
    pub items: bool,
    /// The text of the governed document or published table that it names.
    pub texts: bool,
}

impl Query {
    const fn rows(&self) -> u32 {
        if self.limit == 0 { DEFAULT_ROWS } else { self.limit }
    }
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

/// A question that may be asked.
struct Understood<'a> {
    /// Where it goes on.
    place: Option<Place>,
    /// The pseudonym whose records are to be found first.
    sought: Option<Sought<'a>>,
}

/// The text that a question's cursor of the system `gb-nca/audit` reads as again.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_again(key: &causeway_crypto::MacKey, question: &Query, text: &str) -> Option<String> {
    let system = "gb-nca/audit".parse().expect("a system id");
    let bound = Bound { key, system: &system, filter: &question.filter, newest_first: question.newest_first };
    bound.decode(text).ok().map(|place| bound.encode(place))
}

impl Exchange {
    /// Entries by what they say. The answer covers everything that was acknowledged before the call; the question is an entry first.
    ///
    /// # Errors
    /// `Denied` for a purpose for which the law lets no log be used, and for what only the operator's auditors are given; `Invalid` for
    /// a question without bounds, too many rows, or a cursor of another question or auditor; `NotFound` for a pseudonym that this
    /// auditor does not know; `Busy` while the agency's last search for one is under way, or as many answers as it may have;
    /// `Unavailable`; `Corrupt`.
    pub async fn query(&self, caller: &Caller, query: Query) -> Result<Answer, Error> {
        let under_way = self.answer_place(caller)?;
        let Understood { place, sought } = match self.understood(caller, &query) {
            Ok(understood) => understood,
            Err(refusal) if refusal.class == Class::Busy => return Err(refusal),
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Consultation, refusal).await),
        };
        let mut asked = Said::allowed(v1::Operation::Consultation, "audit-query").by(caller);
        asked.entry.records = named(query.filter.record.as_slice());
        let asked = self.record_or_refuse(caller, asked).await?;
        let subject = match sought {
            Some(sought) => Some(self.resolved(caller, sought, query.filter.record).await?),
            None => query.filter.record.map(|record| self.about(caller, record)),
        };
        let begin = AnswerBegin { checkpoint: asked.checkpoint, tree_size: asked.tree_size, asked: asked.leaf };
        let before = place.map_or(asked.leaf, |place| place.before);
        let scope = self.scope(caller);
        let range = self.range(&query, &scope, place, before).await?;
        let candidates = self.journal().read(|state| Candidates::of(state, &query, subject.as_deref(), &scope, range));
        let progress = answer::Progress::default();
        let (exchange, caller) = (self.clone(), caller.clone());
        Ok(Answer { exchange, caller, query, subject, begin, before, candidates, progress, _place: under_way })
    }

    /// What a question asks, where it may be asked. Nothing is read or searched for it before it is recorded.
    fn understood(&self, caller: &Caller, query: &Query) -> Result<Understood<'_>, Error> {
        permitted(caller)?;
        if query.limit > MAX_ROWS {
            let message = "an answer has at most 10,000 rows: go on with its cursor";
            return Err(Error::invalid("too-many-rows", message));
        }
        if query.filter.is_unbounded() {
            let message = "state a record, a filter, a time or a range of leaves: a question about everything is asked range by range";
            return Err(Error::invalid("unbounded-query", message));
        }
        if query.beside.items {
            let message = "what each page held is given to auditors of the operator's agency that no limit is set for";
            self.unrestricted(caller, "items-for-operator", message)?;
        }
        let key = self.keys().ring().cursor_mac();
        let Query { filter, newest_first, .. } = query;
        let bound = Bound { key: &key, system: &caller.system, filter, newest_first: *newest_first };
        let place = query.cursor.as_ref().map(|cursor| bound.decode(cursor)).transpose()?;
        Ok(Understood { place, sought: self.sought(caller, filter)? })
    }

    /// The leaves from the first to look at to the one to stay below.
    async fn range(
        &self,
        query: &Query,
        scope: &Scope,
        place: Option<Place>,
        before: LeafIndex,
    ) -> Result<(LeafIndex, LeafIndex), Error> {
        let Span { from, to, from_leaf, to_leaf } = query.filter.span;
        let (first, end) = scope.period();
        let from = from.max(first.unwrap_or_default());
        let to = to.into_iter().chain(end).min();
        let mut range = (from_leaf, to_leaf.map_or(before, |to| to.min(before)));
        if from.0 > 0 {
            range.0 = range.0.max(self.for_auditors().leaf_at(from).await.map_err(Error::corrupt)?);
        }
        if let Some(to) = to {
            range.1 = range.1.min(self.for_auditors().leaf_behind(to).await.map_err(Error::corrupt)?);
        }
        match place {
            Some(place) if query.newest_first => range.1 = range.1.min(place.next),
            Some(place) => range.0 = range.0.max(place.next),
            None => {}
        }
        Ok(range)
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
        let proof = self.for_auditors().inclusion_proof(leaf, tree_size).await.map_err(Error::corrupt)?;
        Ok(ProvedEntry { entry, leaf, proof, tree_size, checkpoint })
    }

    /// The entry at `leaf`, where there is one and this auditor may see it.
    pub(crate) async fn visible(&self, caller: &Caller, leaf: LeafIndex) -> Result<Option<Vec<u8>>, Error> {
        if leaf.0 >= self.journal().read(|state| state.tree().size()) {
            return Ok(None);
        }
        let entry = self.for_auditors().entry(leaf).await.map_err(Error::corrupt)?;
        let decoded = decode_entry(&entry).map_err(Error::corrupt)?;
        Ok(self.scope(caller).covers(&decoded).then_some(entry))
    }

    /// Records the question; refuses a purpose that DPA 2018 s.62(4) does not name.
    pub(crate) async fn audit(&self, caller: &Caller, asked: causeway_store::Draft) -> Result<LeafIndex, Error> {
        match permitted(caller) {
            Ok(()) => self.record_or_refuse(caller, asked).await.map(|committed| committed.leaf),
            Err(refusal) => Err(self.refuse(caller, v1::Operation::Consultation, refusal).await),
        }
    }
}

/// Whether the law lets the journal be used for what the caller states.
pub(crate) fn permitted(caller: &Caller) -> Result<(), Error> {
    if caller.purpose.code.permits_audit() {
        return Ok(());
    }
    let message = "the journal may be read for lawfulness, self-monitoring, integrity or criminal-proceedings only";
    Err(Error::new(Class::Denied, "purpose-not-for-audit", message))
}
