//! Reading records' bodies: the one place that asks the journal for them, and never for those of an erased record.

use causeway_journal::{Erasure, State};
use causeway_model::{LeafIndex, RecordId};
use causeway_store::OpenedBody;

use crate::{Error, Exchange};

impl Exchange {
    /// The bodies beside these entries, each with the record that it is of, in their order; none where there is none, or where the
    /// record's erasure has been ordered, be it while this was being read.
    pub(crate) async fn bodies_of(&self, wanted: &[(RecordId, LeafIndex)]) -> Result<Vec<Option<OpenedBody>>, Error> {
        let is_there =
            |state: &State, id: &RecordId| state.record(id).is_some_and(|record| record.erasure == Erasure::None);
        let look = |state: &State| wanted.iter().map(|(id, _)| is_there(state, id)).collect::<Vec<bool>>();
        let before = self.journal().read(look);
        let leaves = wanted.iter().zip(&before).filter(|(_, is_there)| **is_there).map(|((_, leaf), _)| *leaf);
        let mut read = self.journal().bodies(leaves.collect()).await.map_err(Error::corrupt)?.into_iter();
        let after = self.journal().read(look);
        let bodies = before.into_iter().zip(after).map(|(before, after)| {
            let body = if before { read.next().flatten() } else { None };
            body.filter(|_| after)
        });
        Ok(bodies.collect())
    }
}
