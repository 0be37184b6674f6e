//! What releases rest on: the agreement version, the clause, and the recoding of their batch. Few differ, so each is kept once.

use causeway_model::{ClauseId, FieldPath, Step};

use crate::saved::saved_fields;
use crate::state::Chunks;

/// What a release rests on. The content of its position is what this says, for as long as the position is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseTerms {
    /// The version of the agreement that it was decided under; 0 where an early log does not say.
    pub agreement_version: u32,
    /// The clause that granted it.
    pub clause: ClauseId,
    /// What it shows coarser than the clause says: fields in ascending order, each with its step; none where it does not leave.
    pub recoding: Vec<(FieldPath, Option<Step>)>,
}

saved_fields!(ReleaseTerms { agreement_version, clause, recoding });

/// A place in [`TermsList`].
pub(super) type TermsNumber = u32;

#[derive(Debug, Clone, Default)]
pub(super) struct TermsList {
    all: Chunks<ReleaseTerms>,
}

saved_fields!(TermsList { all });

impl TermsList {
    /// The number of these terms. Batches follow each other, so the newest are looked at first.
    pub(super) fn number(&mut self, terms: &ReleaseTerms) -> TermsNumber {
        let newest_first = self.all.iter().rev().position(|known| known == terms);
        let place = newest_first.map_or(self.all.len(), |behind| self.all.len() - 1 - behind);
        if newest_first.is_none() {
            self.all.push(terms.clone());
        }
        TermsNumber::try_from(place).expect("a feed has fewer terms than items, and those are counted in 32 bits")
    }

    pub(super) fn get(&self, number: TermsNumber) -> &ReleaseTerms {
        &self.all[number as usize]
    }
}
