//! The releaser's entries: batches of releases and of withdrawals of one feed.

use causeway_agreement::Agreement;
use causeway_journal::v1;
use causeway_model::{LeafIndex, RecordId};

use super::candidates::Candidate;
use super::shuffle;
use crate::draft::{Said, own_request};
use crate::{Error, Exchange};

/// Releases of one entry: each takes about 40 bytes of its 16 KiB.
pub(crate) const BATCH: usize = 200;

/// After so many leaves without a release, a feed's progress is recorded by a batch without releases.
const PROGRESS_LEAVES: u64 = 10_000;

impl Exchange {
    pub(crate) fn release_of(&self, candidate: &Candidate, clause: &str) -> v1::Release {
        v1::Release {
            record_id: candidate.record.as_bytes().to_vec(),
            version: candidate.version.0,
            clause: clause.to_owned(),
            ..v1::Release::default()
        }
    }

    pub(crate) async fn append_releases(
        &self,
        agreement: &Agreement,
        releases: Vec<v1::Release>,
        considered: LeafIndex,
    ) -> Result<(), Error> {
        let releases: Vec<_> = self.journal().read(|state| {
            let feed = state.feed(&agreement.id);
            releases.into_iter().filter(|release| !is_in(state, feed, release)).collect()
        });
        let progress = considered.0.saturating_sub(self.considered(&agreement.id).0);
        if releases.is_empty() && progress < PROGRESS_LEAVES {
            return Ok(());
        }
        let mut batches: Vec<_> = releases.chunks(BATCH).map(<[v1::Release]>::to_vec).collect();
        if batches.is_empty() {
            batches.push(Vec::new());
        }
        let last = batches.len() - 1;
        for (index, releases) in batches.into_iter().enumerate() {
            // Only the last batch says how far the feed has come: one that was cut off before it is decided again.
            let considered_leaves = if index == last { considered } else { self.considered(&agreement.id) };
            let mut draft = self.releaser_draft(agreement, "released");
            draft.entry.count = releases.len() as u64;
            draft.entry.releases = Some(v1::ReleaseBatch {
                feed: agreement.id.to_string(),
                agreement_version: agreement.version,
                considered_leaves: considered_leaves.0,
                releases,
                ..v1::ReleaseBatch::default()
            });
            self.record_in_term(draft).await?;
        }
        Ok(())
    }

    /// Withdraws, shuffled, those of the records that are in the feed.
    pub(crate) async fn append_withdrawals(&self, agreement: &Agreement, records: Vec<RecordId>) -> Result<(), Error> {
        let mut live: Vec<_> = self.journal().read(|state| {
            let feed = state.feed(&agreement.id);
            let in_feed = |record: &RecordId| feed.is_some_and(|feed| feed.live(record).is_some());
            records.into_iter().filter(in_feed).collect()
        });
        // In the order of their submission they would tell what the shuffle of their release has hidden.
        shuffle(&mut live);
        for chunk in live.chunks(BATCH) {
            let mut draft = self.releaser_draft(agreement, "left-scope");
            draft.entry.count = chunk.len() as u64;
            draft.entry.withdrawals = chunk
                .iter()
                .map(|record| v1::Withdrawal { feed: agreement.id.to_string(), record_id: record.as_bytes().to_vec() })
                .collect();
            self.record_in_term(draft).await?;
        }
        Ok(())
    }

    pub(crate) fn releaser_draft(&self, agreement: &Agreement, reason: &'static str) -> causeway_store::Draft {
        let mut draft = Said::allowed(v1::Operation::Administration, reason).by_operator(&self.operator());
        draft.entry.recipient = Some(v1::Recipient {
            agency: agreement.recipient.to_string(),
            agreement: agreement.id.to_string(),
            agreement_version: agreement.version,
            clause: String::new(),
        });
        draft.entry.item_salt = causeway_crypto::random::<32>().to_vec();
        draft.entry.request_id = own_request().as_bytes().to_vec();
        self.in_term(draft)
    }
}

/// Whether a release is in the feed already: after a round that failed half-way, or a restart.
fn is_in(state: &causeway_journal::State, feed: Option<causeway_journal::Feed<'_>>, release: &v1::Release) -> bool {
    let Ok(record) = RecordId::try_from(release.record_id.as_slice()) else { return false };
    let live = feed.and_then(|feed| feed.item(feed.live(&record)?));
    live.is_some_and(|item| item.version.0 == release.version) && state.record(&record).is_some()
}
