//! Since when there has been no quorum of witnesses, where no checkpoint that was kept says it: what the log says of them. A restart
//! sets nothing back that way, whatever has become of the kept checkpoints or of the policy.

use causeway_journal::{
    REASON_DISCLOSURES_STOPPED, REASON_WITNESSES_AWAY, REASON_WITNESSES_BACK, REASON_WITNESSES_EXPECTED, decode_entry,
    v1,
};
use causeway_model::{LeafIndex, Timestamp};
use causeway_store::{Search, Term};

use crate::draft::Said;
use crate::{Error, Exchange};

/// The entries about the witnesses. Each states as its period's begin when there was a quorum last or, before there was one, since
/// when one is expected.
const REASONS: [&str; 4] =
    [REASON_WITNESSES_EXPECTED, REASON_WITNESSES_AWAY, REASON_DISCLOSURES_STOPPED, REASON_WITNESSES_BACK];

impl Exchange {
    /// What the newest entry about the witnesses states; where there is none, they are expected from now on, which is recorded.
    ///
    /// # Errors
    /// `Corrupt` where the log cannot be read, `Unavailable` where it cannot be written.
    pub(super) async fn without_quorum_since(&self) -> Result<Timestamp, Error> {
        let mut newest = None;
        for reason in REASONS {
            newest = newest.max(self.newest_about_witnesses(reason).await?);
        }
        if let Some((_, since)) = newest {
            return Ok(since);
        }
        let now = self.now();
        if self.halted().is_none() {
            let mut draft =
                Said::allowed(v1::Operation::Administration, REASON_WITNESSES_EXPECTED).by_operator(&self.operator());
            draft.entry.period = Some(v1::Period { from_micros: now.0, to_micros: now.0 });
            self.record(draft).await?;
        }
        Ok(now)
    }

    /// The newest entry of the gateway itself with this reason, which refusals have too, and the time that it states.
    async fn newest_about_witnesses(&self, reason: &str) -> Result<Option<(LeafIndex, Timestamp)>, Error> {
        let search = Search {
            terms: vec![
                Term::Operation(v1::Operation::Administration),
                Term::Decision(v1::Decision::Allowed),
                Term::Reason(reason.to_owned()),
            ],
            among: None,
            from: LeafIndex(0),
            before: LeafIndex(u64::MAX),
            newest_first: true,
            limit: 1,
        };
        let Some(leaf) = self.journal().search(search).await.map_err(Error::corrupt)?.pop() else { return Ok(None) };
        let bytes = self.journal().entry(leaf).await.map_err(Error::corrupt)?;
        let period = decode_entry(&bytes).map_err(Error::corrupt)?.period;
        Ok(period.map(|period| (leaf, Timestamp(period.from_micros))))
    }
}
