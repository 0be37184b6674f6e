//! Reading records' bodies: the one place that asks the journal for them, and never for those of an erased record.

use causeway_journal::Erasure;
use causeway_model::{LeafIndex, RecordId};
use causeway_store::{ClassifiedHalf, MadeAhead, OpenedBody};

use crate::{Error, Exchange};

/// What is being made of bodies that are being read, while the caller goes on.
#[derive(Debug)]
pub(crate) struct Ahead<T> {
    wanted: Vec<(RecordId, LeafIndex)>,
    /// Of which of them the record was there when the reading began.
    before: Vec<bool>,
    /// None where no body is to be read.
    made: Option<MadeAhead<T>>,
}

impl Exchange {
    /// The bodies beside these entries, each with the record that it is of, in their order; none where there is none, or where the
    /// record's erasure has been ordered, be it while this was being read.
    pub(crate) async fn bodies_of(&self, wanted: &[(RecordId, LeafIndex)]) -> Result<Vec<Option<OpenedBody>>, Error> {
        let before = self.are_there(wanted);
        let read = self.journal().bodies(leaves_of(wanted, &before)).await.map_err(Error::corrupt)?;
        Ok(still_there(read, &before, &self.are_there(wanted)))
    }

    /// Begins to read the bodies beside these entries, as [`Exchange::bodies_of`] does, and to have something made of the classified half
    /// of each where it is read. `make` is given the place of each among those that are wanted, in their order.
    pub(crate) async fn begin_each<T, F>(
        &self,
        wanted: Vec<(RecordId, LeafIndex)>,
        mut make: F,
    ) -> Result<Ahead<T>, Error>
    where
        T: Send + 'static,
        F: FnMut(usize, &ClassifiedHalf) -> T + Send + 'static,
    {
        let before = self.are_there(&wanted);
        let leaves = leaves_of(&wanted, &before);
        let there: Vec<usize> = (0..wanted.len()).filter(|at| before[*at]).collect();
        let made = match leaves.is_empty() {
            true => None,
            false => {
                let make = move |at: usize, half: &ClassifiedHalf| make(there[at], half);
                Some(self.journal().begin_each(leaves, make).await.map_err(Error::corrupt)?)
            }
        };
        Ok(Ahead { wanted, before, made })
    }

    /// What was made: none where there is no body, or where the record's erasure has been ordered by now.
    pub(crate) async fn made_ahead<T>(&self, ahead: Ahead<T>) -> Result<Vec<Option<T>>, Error> {
        let Ahead { wanted, before, made } = ahead;
        let made = match made {
            Some(made) => made.answer().await.map_err(Error::corrupt)?,
            None => return Ok(wanted.iter().map(|_| None).collect()),
        };
        Ok(still_there(made, &before, &self.are_there(&wanted)))
    }

    /// Of which of these the record's erasure has not been ordered.
    fn are_there(&self, wanted: &[(RecordId, LeafIndex)]) -> Vec<bool> {
        self.journal().read(|state| {
            let is_there = |id| state.record(id).is_some_and(|record| record.erasure == Erasure::None);
            wanted.iter().map(|(id, _)| is_there(id)).collect()
        })
    }
}

fn leaves_of(wanted: &[(RecordId, LeafIndex)], are_there: &[bool]) -> Vec<LeafIndex> {
    wanted.iter().zip(are_there).filter(|(_, is_there)| **is_there).map(|((_, leaf), _)| *leaf).collect()
}

/// What was read of those that were there before, for as far as they are there after.
fn still_there<B>(read: Vec<Option<B>>, before: &[bool], after: &[bool]) -> Vec<Option<B>> {
    let mut read = read.into_iter();
    let bodies = before.iter().zip(after).map(|(before, after)| {
        let body = if *before { read.next().flatten() } else { None };
        body.filter(|_| *after)
    });
    bodies.collect()
}
