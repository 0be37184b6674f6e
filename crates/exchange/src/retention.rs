//! Retention (DPA 2018 s.39(2)): what is due, and the erasure of what is over.

use causeway_journal::{Erasure, MAX_ERASED_RECORDS, REASON_RETENTION_EXPIRED, State, v1};
use causeway_model::{AgencyId, RecordId, Timestamp};

use crate::draft::{Said, own_request};
use crate::erase::named;
use crate::{Caller, Error, Exchange};

/// Most rows of a list.
const MAX_ROWS: usize = 10_000;

/// Reviews are listed at most so many days ahead.
const MAX_REVIEW_DAYS: u32 = 366;

/// Why a record is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionReason {
    /// Its last day is over: the next run erases it.
    Expired,
    /// Its last day is over, and a legal hold keeps it.
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Records whose last day is over and that a legal hold keeps.
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
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Consultation, "retention-listed").by(caller)).await?;
        let today = day_of(self.now());
        let horizon = today.saturating_add(review_within_days);
        Ok(self.journal().read(|state| list(state, &caller.system.agency, today, horizon)))
    }

    /// Erases, now, what is over among the caller's agency's records.
    ///
    /// # Errors
    /// `Unavailable`: what had been ordered by then is completed by the keeper.
    pub async fn run_retention(&self, caller: &Caller) -> Result<RetentionRun, Error> {
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Retention, "retention-run").by(caller)).await?;
        self.expire(Some(&caller.system.agency)).await
    }

    /// Erases what is over, once a day (UTC), and ends every second what an error has left, until the journal stops. To be run once,
    /// beside the calls.
    pub async fn run_keeper(&self) {
        let mut expired_on = None;
        while self.is_healthy() {
            let ticked = self.ticked();
            let today = day_of(self.now());
            if expired_on != Some(today) {
                match self.expire(None).await {
                    Ok(_) => expired_on = Some(today),
                    Err(error) => tracing::error!(reason = error.reason, error = %error, "retention could not be run"),
                }
            }
            if let Err(error) = self.finish_all().await {
                tracing::error!(reason = error.reason, error = %error, "an erasure could not be completed");
            }
            ticked.await;
        }
    }

    /// Erases the records, of one owner or of all, whose last day is over and that no hold keeps.
    async fn expire(&self, owner: Option<&AgencyId>) -> Result<RetentionRun, Error> {
        let today = day_of(self.now());
        let (mut due, held) = self.journal().read(|state| over(state, owner, today));
        due.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
        let mut run = RetentionRun { erased: Vec::new(), held };
        for records in due.chunks(MAX_ERASED_RECORDS) {
            let operator = self.operator();
            let mut draft = Said::allowed(v1::Operation::Retention, REASON_RETENTION_EXPIRED).by_operator(&operator);
            draft.entry.records = named(records);
            draft.entry.count = records.len() as u64;
            draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
            draft.entry.request_id = own_request().as_bytes().to_vec();
            let committed = self.record(draft).await?;
            if committed.outcome.is_effective() {
                self.finish(committed.leaf).await?;
                run.erased.extend_from_slice(records);
            } else {
                // A hold, a correction or an erasure came in between: the next run looks again.
                tracing::info!(outcome = %committed.outcome, "an expiry lost to what came before it");
            }
        }
        Ok(run)
    }
}

/// The day of a moment (UTC), in days since 1970-01-01.
fn day_of(now: Timestamp) -> u32 {
    u32::try_from(now.day()).unwrap_or(u32::MAX)
}

/// The records whose last day is over, but for those that a hold keeps, and how many those are.
fn over(state: &State, owner: Option<&AgencyId>, today: u32) -> (Vec<RecordId>, u64) {
    let (mut due, mut held) = (Vec::new(), 0);
    for id in state.records() {
        let Some(record) = state.record(&id).filter(|record| record.erasure == Erasure::None) else { continue };
        let is_over = record.retain_until_day.is_some_and(|last| last < today);
        if !is_over || owner.is_some_and(|owner| owner != record.owner) {
            continue;
        }
        if record.held {
            held += 1;
        } else {
            due.push(id);
        }
    }
    (due, held)
}

fn list(state: &State, owner: &AgencyId, today: u32, horizon: u32) -> RetentionList {
    let (mut rows, mut without_date) = (Vec::new(), 0);
    for record in state.records() {
        let known = state.record(&record).filter(|known| known.owner == owner && known.erasure == Erasure::None);
        let Some(known) = known else { continue };
        let until = known.retain_until_day;
        without_date += u64::from(until.is_none());
        let (reason, day) = match (until.filter(|last| *last < today), known.review_due_day) {
            (Some(last), _) if known.held => (RetentionReason::Held, last),
            (Some(last), _) => (RetentionReason::Expired, last),
            (None, Some(review)) if review <= horizon => (RetentionReason::ReviewDue, review),
            (None, _) => continue,
        };
        rows.push(RetentionRow { record, reason, day });
    }
    rows.sort_unstable_by_key(|row| (row.day, *row.record.as_bytes()));
    let more = rows.len() > MAX_ROWS;
    rows.truncate(MAX_ROWS);
    RetentionList { rows, more, without_date }
}
