//! Retention (DPA 2018 s.39(2)): what is due, and the erasure of what is over.

mod keeper;
mod trust;

use causeway_journal::{Erasure, MAX_ERASED_RECORDS, REASON_RETENTION_EXPIRED, RecordState, v1};
use causeway_model::{AgencyId, RecordId, Timestamp};

use crate::draft::{Said, own_request};
use crate::erase::named;
use crate::{Caller, Error, Exchange};

pub(crate) use trust::ClockTrust;

/// Most rows of a list.
const MAX_ROWS: usize = 10_000;

/// Reviews are listed at most so many days ahead.
const MAX_REVIEW_DAYS: u32 = 366;

/// Records looked at in one reading of the state, so that nobody waits long for it.
const SLICE_RECORDS: usize = 1_024;

/// How often a run looks again where something came between.
const ATTEMPTS: usize = 3;

/// Why a record is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionReason {
    /// Its last day is over: the next run erases it.
    Expired,
    /// Its last day is over, and a legal hold or a restriction keeps it.
    Held,
    /// Somebody has to look whether it is still needed.
    ReviewDue,
}

/// One record that retention makes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionRow {
    /// The record.
    pub record: RecordId,
    /// Why.
    pub reason: RetentionReason,
    /// The day that makes it so, in days since 1970-01-01.
    pub day: u32,
}

/// What is due, in the order of the days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionList {
    /// The rows; at most 10,000.
    pub rows: Vec<RetentionRow>,
    /// Whether there are more.
    pub more: bool,
    /// Records that state no last day.
    pub without_date: u64,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionRun {
    /// The records that it erased.
    pub erased: Vec<RecordId>,
    /// Records whose last day is over and that a legal hold or a restriction keeps.
    pub held: u64,
}

impl Exchange {
    /// What retention makes due among the caller's agency's records, now or, for reviews, within so many days. Changes nothing.
    ///
    /// # Errors
    /// `Invalid` for more than 366 days; `Unavailable` where the question cannot be recorded.
    pub async fn retention(&self, caller: &Caller, review_within_days: u32) -> Result<RetentionList, Error> {
        if review_within_days > MAX_REVIEW_DAYS {
            let refusal =
                Error::invalid("review-too-far", format!("reviews are listed at most {MAX_REVIEW_DAYS} days ahead"));
            return Err(self.refuse(caller, v1::Operation::Consultation, refusal).await);
        }
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Consultation, "retention-listed").by(caller))
            .await?;
        let today = day_of(self.now());
        let horizon = today.saturating_add(review_within_days);
        let mut list = RetentionList::default();
        self.each_record(Some(&caller.system.agency), |record, known| {
            list.without_date += u64::from(known.retain_until_day.is_none());
            list.rows.extend(row(record, known, today, horizon));
        });
        list.rows.sort_unstable_by_key(|row| (row.day, *row.record.as_bytes()));
        list.more = list.rows.len() > MAX_ROWS;
        list.rows.truncate(MAX_ROWS);
        Ok(list)
    }

    /// Erases, now, what is over among the caller's agency's records.
    ///
    /// # Errors
    /// `Unavailable`: what had been ordered by then is completed by the keeper; or nothing was, since the clock cannot be believed.
    pub async fn run_retention(&self, caller: &Caller) -> Result<RetentionRun, Error> {
        if self.clock_trust().time().is_none() {
            return Err(self.refuse(caller, v1::Operation::Retention, trust::distrust()).await);
        }
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Retention, "retention-run").by(caller)).await?;
        self.expire(Some(&caller.system.agency)).await
    }

    /// Erases the records, of one owner or of all, whose last day is over and that neither a hold nor a restriction keeps.
    async fn expire(&self, owner: Option<&AgencyId>) -> Result<RetentionRun, Error> {
        let mut run = RetentionRun::default();
        for _ in 0..ATTEMPTS {
            if self.expire_once(owner, &mut run).await? {
                break;
            }
        }
        Ok(run)
    }

    /// One pass; whether nothing came between what was seen and what was ordered. An erasure that cannot be finished keeps none of the
    /// others; the first such failure is what is answered.
    async fn expire_once(&self, owner: Option<&AgencyId>, run: &mut RetentionRun) -> Result<bool, Error> {
        let today = self.clock_trust().time().map(day_of).ok_or_else(trust::distrust)?;
        let (mut due, mut is_whole, mut finished) = (Vec::new(), true, Ok(()));
        run.held = 0;
        self.each_record(owner, |record, known| match row(record, known, today, 0).map(|row| row.reason) {
            Some(RetentionReason::Expired) => due.push(record),
            Some(RetentionReason::Held) => run.held += 1,
            Some(RetentionReason::ReviewDue) | None => {}
        });
        due.sort_unstable();
        for records in due.chunks(MAX_ERASED_RECORDS) {
            let operator = self.operator();
            let mut draft = Said::allowed(v1::Operation::Retention, REASON_RETENTION_EXPIRED).by_operator(&operator);
            draft.entry.records = named(records);
            draft.entry.count = records.len() as u64;
            draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
            draft.entry.request_id = own_request().as_bytes().to_vec();
            let committed = match owner {
                Some(_) => self.record(draft).await?,
                // Nobody has asked for it: it is the releaser's to do.
                None => self.record_in_term(self.in_term(draft)).await?,
            };
            if committed.outcome.is_effective() {
                finished = finished.and(self.finish_with_others(committed.leaf).await);
                run.erased.extend_from_slice(records);
            } else {
                // A hold, a restriction, a correction or an erasure of one of them came in between.
                is_whole = false;
            }
        }
        finished.map(|()| is_whole)
    }

    /// Looks at every record of one owner, or of all, that is not erased.
    fn each_record(&self, owner: Option<&AgencyId>, mut look: impl FnMut(RecordId, RecordState<'_>)) {
        let all: Vec<RecordId> = self.journal().read(|state| state.records().collect());
        for slice in all.chunks(SLICE_RECORDS) {
            self.journal().read(|state| {
                for id in slice {
                    let known = state.record(id).filter(|known| known.erasure == Erasure::None);
                    if let Some(known) = known.filter(|known| owner.is_none_or(|owner| known.owner == owner)) {
                        look(*id, known);
                    }
                }
            });
        }
    }
}

/// The day of a moment (UTC), in days since 1970-01-01.
fn day_of(now: Timestamp) -> u32 {
    u32::try_from(now.day()).unwrap_or(u32::MAX)
}

/// What retention says of a record today; its last day goes before its review.
fn row(record: RecordId, known: RecordState<'_>, today: u32, horizon: u32) -> Option<RetentionRow> {
    if let Some(day) = known.retain_until_day.filter(|last| *last < today) {
        let reason = if known.held || known.restricted { RetentionReason::Held } else { RetentionReason::Expired };
        return Some(RetentionRow { record, reason, day });
    }
    let day = known.review_due_day.filter(|due| *due <= horizon)?;
    Some(RetentionRow { record, reason: RetentionReason::ReviewDue, day })
}
