//! Answers under way: each takes memory and turns of the threads that read for auditors, so an agency has a few at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_model::AgencyId;

use crate::{Caller, Class, Error, Exchange, Tallied};

/// Answers that one agency may have under way.
const MOST_OF_ONE: u32 = 4;

/// When to try again.
const RETRY: Duration = Duration::from_secs(2);

/// How many answers each agency has under way.
#[derive(Debug, Default)]
pub(crate) struct Answering {
    under_way: Arc<Mutex<BTreeMap<AgencyId, u32>>>,
}

impl Answering {
    /// # Errors
    /// `Busy` where the agency has as many as it may.
    fn begin(&self, agency: &AgencyId) -> Result<AnswerPlace, Error> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = under_way.entry(agency.clone()).or_default();
        if *count >= MOST_OF_ONE {
            let message = "this agency has 4 answers under way; read one to its end, or try again after the delay";
            let busy = Error::new(Class::Busy, "answers-under-way", message);
            return Err(Error { retry_after: Some(RETRY), ..busy });
        }
        *count += 1;
        Ok(AnswerPlace { under_way: Arc::clone(&self.under_way), agency: agency.clone() })
    }
}

/// The place of an answer, until it is dropped.
#[derive(Debug)]
pub(crate) struct AnswerPlace {
    under_way: Arc<Mutex<BTreeMap<AgencyId, u32>>>,
    agency: AgencyId,
}

impl Drop for AnswerPlace {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.agency) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.remove(&self.agency);
            }
        }
    }
}

impl Exchange {
    /// A place for an answer to this caller's agency; that there is none is summed up.
    ///
    /// # Errors
    /// `Busy` where the agency has as many under way as it may.
    pub(crate) fn answer_place(&self, caller: &Caller) -> Result<AnswerPlace, Error> {
        let place = self.answering().begin(&caller.system.agency);
        place.inspect_err(|_| self.tally("", Some(&caller.system), Tallied::Overload, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agency_has_a_few_at_a_time_and_takes_none_of_anothers() {
        let answering = Answering::default();
        let (one, other) = ("al-police".parse().expect("an id"), "vn-police".parse().expect("an id"));
        let mut places: Vec<_> = (0..MOST_OF_ONE).map(|_| answering.begin(&one).expect("a place")).collect();
        let refused = answering.begin(&one).expect_err("no more");
        assert_eq!((refused.class, refused.retry_after), (Class::Busy, Some(RETRY)));
        answering.begin(&other).expect("its own");
        places.pop();
        answering.begin(&one).expect("the place of the one that ended");
        drop(places);
        assert!(answering.under_way.lock().expect("held by nobody").is_empty());
    }
}
