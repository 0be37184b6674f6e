//! What is known of the frames of a log with several writers: the ids that may come again, and which frames left nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Result, Write};

use causeway_crypto::Digest;
use causeway_model::{FrameSeq, Timestamp};

use super::Chunks;
use crate::PassedOver;
use crate::apply::is_too_late;
use crate::saved::{Saved, broken, saved_fields};

#[derive(Debug, Clone, Default)]
pub(crate) struct Arrivals {
    /// The time of each frame that is not so old that it would be refused as too late: a minute of the log's time, and no more.
    times: BTreeMap<Digest, Timestamp>,
    /// The frames that left no entry, in their order.
    passed_over: Chunks<(u64, PassedOver)>,
    /// The same ids by their times.
    ids: BTreeSet<(Timestamp, Digest)>,
}

saved_fields!(Arrivals { times, passed_over } made of them { ids });

impl Arrivals {
    pub(crate) fn has(&self, id: &Digest) -> bool {
        self.times.contains_key(id)
    }

    /// Remembers a frame, whose entries are of this time.
    pub(crate) fn add(&mut self, id: Digest, time: Timestamp) {
        if self.times.insert(id, time).is_none() {
            self.ids.insert((time, id));
        }
    }

    /// Forgets what would be refused as too late behind an entry of this time.
    pub(crate) fn forget(&mut self, newest: Timestamp) {
        while let Some((time, id)) = self.ids.first().copied()
            && is_too_late(time, newest)
        {
            self.ids.pop_first();
            self.times.remove(&id);
        }
    }

    pub(crate) fn pass_over(&mut self, seq: FrameSeq, why: PassedOver) {
        self.passed_over.push((seq.0, why));
    }

    pub(crate) fn passed_over(&self, seq: FrameSeq) -> Option<PassedOver> {
        let place = self.passed_over.partition_point(|(earlier, _)| *earlier < seq.0);
        self.passed_over.get(place).filter(|(known, _)| *known == seq.0).map(|(_, why)| *why)
    }

    pub(crate) fn all_passed_over(&self) -> impl Iterator<Item = (FrameSeq, PassedOver)> {
        self.passed_over.iter().map(|(seq, why)| (FrameSeq(*seq), *why))
    }

    fn rebuild(&mut self) {
        self.ids = self.times.iter().map(|(id, time)| (*time, *id)).collect();
    }
}

impl Saved for PassedOver {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        self.number().save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        Self::numbered(u8::load(from)?).ok_or_else(|| broken("a frame was passed over for no reason"))
    }
}
