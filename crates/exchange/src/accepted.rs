//! How many records the journal took today: for limits of a day that outlive a restart.

use std::collections::BTreeMap;

use causeway_model::AgencyId;

use crate::{Error, Exchange};

impl Exchange {
    /// How many versions of its records the journal has taken from each agency since this day (UTC) began, erased ones among them.
    /// Goes through all records: to be asked once, at the start.
    ///
    /// # Errors
    /// `Corrupt` where an entry does not read.
    pub async fn accepted_today(&self) -> Result<BTreeMap<AgencyId, u64>, Error> {
        let first = self.first_leaf_at(self.now().date().start()).await?;
        Ok(self.journal().read(|state| {
            let mut counts = BTreeMap::new();
            if state.tree().size() <= first.0 {
                return counts;
            }
            for record in state.records().filter_map(|id| state.record(&id)) {
                let of_today = record.versions.iter().rev().take_while(|leaf| **leaf >= first).count() as u64;
                if of_today > 0 {
                    *counts.entry(record.owner.clone()).or_default() += of_today;
                }
            }
            counts
        }))
    }
}
