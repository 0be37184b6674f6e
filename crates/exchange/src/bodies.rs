//! Reading records' bodies: the one place that asks the journal for them, and never for those of an erased record.

use causeway_journal::{Erasure, v1};
use causeway_model::{LeafIndex, RecordId};
use causeway_store::{BodiesAhead, OpenedBody};

use crate::{Error, Exchange};

/// Bodies that are being read, while the caller goes on.
#[derive(Debug)]
pub(crate) struct Ahead {
    wanted: Vec<(RecordId, LeafIndex)>,
    /// Of which of them the record was there when the reading began.
    before: Vec<bool>,
    /// None where no body is to be read.
    read: Option<BodiesAhead>,
}

impl Ahead {
    /// Whether these are what it reads.
    pub(crate) fn is_of(&self, wanted: &[(RecordId, LeafIndex)]) -> bool {
        self.wanted == wanted
    }
}

impl Exchange {
    /// The bodies beside these entries, each with the record that it is of, in their order; none where there is none, or where the
    /// record's erasure has been ordered, be it while this was being read.
    pub(crate) async fn bodies_of(&self, wanted: &[(RecordId, LeafIndex)]) -> Result<Vec<Option<OpenedBody>>, Error> {
        let before = self.are_there(wanted);
        let read = self.journal().bodies(leaves_of(wanted, &before)).await.map_err(Error::corrupt)?;
        Ok(still_there(read, &before, &self.are_there(wanted)))
    }

    /// Begins to read the bodies beside these entries, as [`Exchange::bodies_of`] does, without the encapsulations of their sealed
    /// halves.
    pub(crate) async fn begin_bodies(&self, wanted: Vec<(RecordId, LeafIndex)>) -> Result<Ahead, Error> {
        let before = self.are_there(&wanted);
        let leaves = leaves_of(&wanted, &before);
        let read = match leaves.is_empty() {
            true => None,
            false => Some(self.journal().begin_bodies(leaves).await.map_err(Error::corrupt)?),
        };
        Ok(Ahead { wanted, before, read })
    }

    /// The bodies that are being read, as [`Exchange::bodies_of`] gives them: none where the record's erasure has been ordered by now.
    pub(crate) async fn bodies_ahead(&self, ahead: Ahead) -> Result<Vec<Option<v1::Body>>, Error> {
        let Ahead { wanted, before, read } = ahead;
        let read = match read {
            Some(read) => read.answer().await.map_err(Error::corrupt)?,
            None => return Ok(wanted.iter().map(|_| None).collect()),
        };
        Ok(still_there(read, &before, &self.are_there(&wanted)))
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
