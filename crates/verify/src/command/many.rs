//! Evidence of many entries, each with its own checkpoint: who vouches for all of them, and whether all can be of one journal.

use super::judgement::{Court, Link, worse};
use super::report::Report;
use crate::histories::{Histories, Unlike};
use crate::receipt::Included;
use crate::trust::Vouched;
use crate::{VerifyError, trust::Trust};

/// What was found so far.
pub(super) struct Many<'a> {
    trust: &'a Trust,
    histories: Histories,
    /// The first two signed checkpoints that contradict each other, and up to which size.
    split: Option<(u64, String, String)>,
    standing: Result<(), VerifyError>,
    pub(super) newest: Option<Vouched>,
}

impl<'a> Many<'a> {
    pub(super) fn new(trust: &'a Trust) -> Self {
        Self { trust, histories: Histories::default(), split: None, standing: Ok(()), newest: None }
    }

    /// Takes an entry that was proven. An error where it cannot be of the journal that the others are of.
    pub(super) fn take(&mut self, included: &Included) -> Result<(), VerifyError> {
        let Included { index, leaf_hash, vouched, note, .. } = included;
        match self.histories.take(*index, *leaf_hash, &vouched.checkpoint, note) {
            Ok(()) => {}
            Err(Unlike::Journal { first, other }) => {
                return Err(VerifyError::at(
                    format_args!("entry {index}"),
                    format_args!("it is of the journal {other}, not of {first} as what came before"),
                ));
            }
            Err(Unlike::History { size, known, found }) => {
                self.split.get_or_insert((size, known, found));
                return Err(VerifyError::at(format_args!("entry {index}"), VerifyError::SplitView { size }));
            }
        }
        let vouches = self.trust.vouch(vouched, Some(included.entry.time_micros));
        self.standing = worse(std::mem::replace(&mut self.standing, Ok(())), vouches);
        let size = vouched.checkpoint.size;
        if self.newest.as_ref().is_none_or(|known| known.checkpoint.size < size) {
            self.newest = Some(vouched.clone());
        }
        Ok(())
    }

    /// Convicts a signer who has shown two histories. Without a key nobody has.
    pub(super) fn judge_histories(&self, court: &Court, report: &mut Report) -> Result<(), VerifyError> {
        match &self.split {
            Some((size, known, found)) if self.trust.is_somebody() => {
                Err(court.convict(VerifyError::SplitView { size: *size }, known, found, report))
            }
            _ => Ok(()),
        }
    }

    /// Compares all of it with what was seen before. Gives the worst standing of any.
    pub(super) fn conclude(self, court: &Court, report: &mut Report) -> Result<(), VerifyError> {
        let known = self.newest.as_ref().map(|newest| court.recall(&newest.checkpoint.origin)).transpose()?.flatten();
        let same = known.and_then(|known| self.histories.note(known.checkpoint.size));
        if let Some(note) = same.or_else(|| self.histories.newest()) {
            court.compare(note, &self.trust.check(note)?, &Link::AnyTime, report)?;
        }
        self.standing
    }
}
