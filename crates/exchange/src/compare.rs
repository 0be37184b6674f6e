//! The what-if before an activation: what a partner would gain and lose if an agreement's text came into force, over the records that
//! are there now. It changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_agreement::{Agreement, Change, Decision, DenyReason, Fault, Lines, Standing, decide, difference};
use causeway_journal::{State, document_digest, v1};
use causeway_model::{AgencyId, AgreementId, RecordFacts, RecordId, Timestamp};

use crate::document_faults;
use crate::draft::Said;
use crate::release::Due;
use crate::standing::standing;
use crate::submit::leaf_of;
use crate::{Caller, Class, Error, Exchange};

/// Records whose facts are read at a time.
const SLICE: usize = 256;

/// What would change.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The agreement.
    pub agreement: AgreementId,
    /// The partner.
    pub recipient: AgencyId,
    /// Records looked at: those of the granting agency that may leave at all.
    pub records: u64,
    /// How many of them are granted by the earlier version.
    pub granted_before: u64,
    /// How many by the later one.
    pub granted_after: u64,
    /// The changes, summed up.
    pub changes: Vec<Changed>,
}

/// Records that fare alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// How they fare.
    pub what: Fare,
    /// The clause that grants under the earlier version; empty where none does.
    pub old_clause: String,
    /// The clause that grants under the later version; empty where none does.
    pub new_clause: String,
    /// Why the version that does not grant them does not.
    pub reason: Option<DenyReason>,
    /// How many records.
    pub count: u64,
    /// How many of them are in the feed now.
    pub in_feed: u64,
}

/// How a record fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fare {
    /// It leaves, and did not before.
    Gained,
    /// It does not leave, and did before.
    Lost,
    /// It leaves in another form.
    Changed,
}

impl Fare {
    /// The stable code, as answers show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Changed => "changed",
        }
    }
}

/// The two versions, each as it would decide, at one moment: the later one's first day where that is to come.
struct Versions {
    old: Option<(Arc<Agreement>, Standing)>,
    new: Agreement,
    now: Timestamp,
}

/// The clauses and the reason by which records fare alike, and how many they are.
type Sums = BTreeMap<(Fare, String, String, Option<DenyReason>), (u64, u64)>;

impl Exchange {
    /// Compares an agreement's text with an earlier one, or with what would be in force without it, record by record. Where its first day
    /// is to come, both are looked at as of that day: until then the earlier one goes on, and on that day it may have ended.
    ///
    /// # Errors
    /// `Invalid` with every fault of the texts, each with its line; `Denied` for an agency that does not operate the gateway;
    /// `Conflict` while another comparison runs; `Unavailable`.
    pub async fn compare(&self, caller: &Caller, old: Option<&str>, new: &str) -> Result<Comparison, Error> {
        let Some(_alone) = self.comparing().try_lock() else {
            let message = "another comparison goes over the records at this moment; try again";
            let refusal = Error::new(Class::Conflict, "comparison-under-way", message);
            return Err(self.refuse(caller, v1::Operation::Combination, refusal).await);
        };
        let versions = match self.only_operator(caller).and_then(|()| self.versions(old, new)) {
            Ok(versions) => versions,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Combination, refusal).await),
        };
        let comparison = self.go_over(&versions).await?;
        let agreement = &versions.new;
        let mut draft = Said::allowed(v1::Operation::Combination, "agreement-compared").by(caller);
        draft.entry.count = comparison.records;
        // The agreement is in the digest alone: an entry that names the partner is its auditors' to see, and this is none of its business.
        let digest =
            document_digest(v1::DocumentKind::Agreement, agreement.id.as_str(), agreement.version, new.as_bytes());
        draft.entry.subject_digest = digest.0.to_vec();
        self.record(draft).await?;
        Ok(comparison)
    }

    fn versions(&self, old: Option<&str>, new: &str) -> Result<Versions, Error> {
        let new = self.read_agreement("the new text", new)?;
        let day = self.now().max(new.valid_from.start());
        let old = match old {
            Some(text) => Some((Arc::new(self.read_agreement("the old text", text)?), Standing::InForce)),
            None => self.journal().read(|state| {
                let begun = state.pending_agreement(&new.id).filter(|known| known.valid_from <= day.date());
                let known = begun.or_else(|| state.agreement(&new.id))?;
                Some((Arc::clone(known), standing(state, known)))
            }),
        };
        let same = |old: &Agreement| old.id == new.id && old.granting == new.granting && old.recipient == new.recipient;
        if old.as_ref().is_some_and(|(old, _)| !same(old)) {
            let message = "the two are not of one agreement: its id and its parties are the same in all its versions";
            return Err(Error::invalid("documents-faulty", message));
        }
        Ok(Versions { old, new, now: day })
    }

    /// An agreement that reads, lists fields that there are, and is between agencies in force.
    fn read_agreement(&self, name: &str, text: &str) -> Result<Agreement, Error> {
        let invalid = |faults: Vec<Fault>| {
            let lines = faults.iter().map(|fault| match fault.line {
                Some(line) if !fault.place.is_empty() => format!("{name}: line {line}: {fault}"),
                _ => format!("{name}: {fault}"),
            });
            document_faults::refusal(&lines.collect::<Vec<_>>())
        };
        let agreement = Agreement::parse(text).map_err(invalid)?;
        let governed = self.governed();
        let mut faults = agreement.check_fields(&|kind| governed.schemas.tables(kind));
        faults.extend(agreement.check_codes(&|kind, path, code| governed.schemas.knows_code(kind, path, code)));
        if !faults.is_empty() {
            return Err(invalid(Lines::of(text).locate(faults)));
        }
        let unknown = self.journal().read(|state| {
            let mut parties = [&agreement.granting, &agreement.recipient].into_iter();
            parties.find(|party| state.agency(party).is_none()).cloned()
        });
        match unknown {
            Some(party) => {
                Err(Error::invalid("documents-faulty", format!("{name}: {party} has no agency file in force")))
            }
            None => Ok(agreement),
        }
    }

    async fn go_over(&self, versions: &Versions) -> Result<Comparison, Error> {
        let Versions { new, .. } = versions;
        let mut comparison = Comparison {
            agreement: new.id.clone(),
            recipient: new.recipient.clone(),
            records: 0,
            granted_before: 0,
            granted_after: 0,
            changes: Vec::new(),
        };
        let mut sums = Sums::new();
        let all = self.journal().read(|state| state.records().count());
        for first in (0..all).step_by(SLICE) {
            let slice = self.journal().read(|state| due(state, &new.granting, first));
            for candidate in self.with_facts(slice).await? {
                let (before, after) = versions.decide(&candidate.facts);
                comparison.records += 1;
                comparison.granted_before += u64::from(before.is_ok());
                comparison.granted_after += u64::from(after.is_ok());
                if let Some(key) = versions.fare(&candidate.facts, &before, &after) {
                    let in_feed = self.journal().read(|state| is_in_feed(state, &new.id, &candidate.record));
                    let (count, live) = sums.entry(key).or_default();
                    *count += 1;
                    *live += u64::from(in_feed);
                }
            }
        }
        comparison.changes = sums
            .into_iter()
            .map(|((what, old_clause, new_clause, reason), (count, in_feed))| Changed {
                what,
                old_clause,
                new_clause,
                reason,
                count,
                in_feed,
            })
            .collect();
        Ok(comparison)
    }
}

/// The clause that grants, or why none does.
type Verdict = Result<String, DenyReason>;

impl Versions {
    fn decide(&self, facts: &RecordFacts) -> (Verdict, Verdict) {
        let owner = &self.new.granting;
        let verdict = |agreement: &Agreement, standing| match decide(agreement, standing, owner, facts, self.now) {
            Decision::Grant(clause) => Ok(clause.id.to_string()),
            Decision::Deny(reason) => Err(reason),
        };
        let before = match &self.old {
            Some((agreement, standing)) => verdict(agreement, *standing),
            None => Err(DenyReason::AgreementNotInForce),
        };
        // A later version ends a suspension of the earlier one.
        (before, verdict(&self.new, Standing::InForce))
    }

    fn fare(
        &self,
        facts: &RecordFacts,
        before: &Verdict,
        after: &Verdict,
    ) -> Option<(Fare, String, String, Option<DenyReason>)> {
        let old = self.old.as_ref().map(|(agreement, standing)| (agreement.as_ref(), *standing));
        let new = Some((&self.new, Standing::InForce));
        let what = match difference(old, new, &self.new.granting, facts, self.now) {
            Change::Same => return None,
            Change::Gained { .. } => Fare::Gained,
            Change::Lost { .. } => Fare::Lost,
            Change::Changed { .. } => Fare::Changed,
        };
        let reason = before.as_ref().err().or_else(|| after.as_ref().err()).copied();
        Some((what, before.clone().unwrap_or_default(), after.clone().unwrap_or_default(), reason))
    }
}

/// The current versions of an agency's records that may leave at all, of a slice of all records.
fn due(state: &State, owner: &AgencyId, first: usize) -> Vec<Due> {
    let slice = state.records().skip(first).take(SLICE);
    let due = slice.filter_map(|id| {
        let record = state.record(&id).filter(|record| record.owner == owner && record.may_leave())?;
        Some((id, record.current, leaf_of(record, record.current)?, Timestamp(0)))
    });
    due.collect()
}

fn is_in_feed(state: &State, feed: &AgreementId, record: &RecordId) -> bool {
    state.feed(feed).is_some_and(|feed| feed.live(record).is_some())
}
