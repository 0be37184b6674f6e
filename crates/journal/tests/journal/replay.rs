//! The same frames give the same state, whatever was in them.

use causeway_crypto::digest;
use causeway_journal::v1;
use causeway_model::Position;

use crate::log::{AL, Log, VN, acknowledge, feed_id, page, record, release, submit, withdraw};

/// Numbers drawn from a seed, the same for ever.
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) drawn: u64,
}

impl Draw {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.drawn += 1;
        let hash = digest("test draw", &[&self.seed.to_be_bytes(), &self.drawn.to_be_bytes()]);
        u64::from_be_bytes(*hash.0.first_chunk().expect("32 bytes")) % end
    }

    /// Anything that a gateway could write, right or wrong.
    pub(crate) fn entry(&mut self, log: &Log) -> v1::Entry {
        let name = self.below(40).to_string();
        let version = u32::try_from(self.below(3)).expect("small") + 1;
        let (feed, partner) = [(AL, "al-police"), (VN, "vn-police")][usize::from(self.below(2) == 1)];
        let newest = log.state.feed(&feed_id(feed)).map_or(0, |feed| feed.newest().0);
        let mut entry = match self.below(12) {
            0..=4 => submit(&name, version),
            5 => withdraw(&name, version),
            6..=8 => {
                let names: Vec<_> = (0..5).map(|_| self.below(40).to_string()).collect();
                let records: Vec<_> = names.iter().map(|name| (name.as_str(), version)).collect();
                release(feed, self.below(log.state.tree().size() + 2), &records)
            }
            9 | 10 => {
                let from = self.below(newest + 2) + 1;
                page(feed, partner, from, from + self.below(5))
            }
            _ => acknowledge(feed, partner, self.below(newest + 2)),
        };
        if self.below(8) == 0 {
            entry.decision = v1::Decision::Denied.into();
        }
        if !entry.item_salt.is_empty() {
            entry.item_salt = digest("test salt", &[&self.drawn.to_be_bytes()]).0.to_vec();
        }
        entry
    }
}

pub(crate) fn grown(seed: u64, frames: u32) -> Log {
    grown_under(causeway_journal::RULES_VERSION, seed, frames)
}

pub(crate) fn grown_under(rules: u32, seed: u64, frames: u32) -> Log {
    let mut log = Log::begun_under(rules);
    let mut draw = Draw { seed, drawn: 0 };
    for _ in 0..frames {
        let entries = (0..=draw.below(6)).map(|_| draw.entry(&log)).collect();
        log.all(entries);
    }
    log
}

#[test]
fn replaying_the_frames_gives_the_same_root_feeds_and_outcomes() {
    for seed in 0..6 {
        let log = grown(seed, 150);
        let replayed = log.replayed();
        assert_eq!(replayed.tree().root(), log.state.tree().root());
        assert_eq!(format!("{replayed:?}"), format!("{:?}", log.state), "seed {seed}");
        let again = grown(seed, 150);
        assert_eq!(again.frames, log.frames, "the draw itself is fixed");
    }
}

#[test]
fn feeds_are_dense_and_agree_with_the_records() {
    for seed in 10..16 {
        let log = grown(seed, 150);
        for id in [AL, VN] {
            let feed = log.state.feed(&feed_id(id)).expect("in force");
            assert!(feed.newest().0 > 10, "seed {seed} releases something");
            let mut ids = std::collections::BTreeSet::new();
            for position in (1..=feed.newest().0).map(Position) {
                let item = feed.item(position).expect("dense");
                assert!(ids.insert(item.item_id), "an item id is of one item");
                assert!(item.target.is_none_or(|target| target < position));
                let concerned = log.state.subject(&item.record_id);
                assert!(concerned.contains(&item.leaf), "the entry that made it concerns the record");
            }
            for name in 0..40 {
                let id = record(&name.to_string());
                let live = feed.live(&id);
                let withdrawn = log.state.record(&id).is_none_or(|record| record.withdrawn);
                assert!(!(withdrawn && live.is_some()), "a withdrawn record is live nowhere");
            }
            assert!(feed.acknowledged() <= feed.disclosed() && feed.disclosed() <= feed.newest());
        }
    }
}
