//! Cosignatures of several witnesses on one checkpoint, until there are enough of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_exchange::WitnessedCheckpoint;
use causeway_journal::Policy;
use causeway_model::Timestamp;

use super::asking::{Cosigned, Target};

/// Checkpoints that are gathered for at a time: a slow witness may still answer for one that others are past.
const CHECKPOINTS: usize = 4;

/// What has been gathered.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// By size, each with the cosignatures of the witnesses by name.
    checkpoints: BTreeMap<u64, (Arc<str>, BTreeMap<String, Mark>)>,
}

/// One witness's cosignature.
#[derive(Debug)]
struct Mark {
    line: String,
    /// When it cosigned, by its clock or, where that is ahead, when it was asked.
    time: Timestamp,
}

impl Gathering {
    /// Adds a cosignature of one of the policy's witnesses, who was asked at this time. Gives the checkpoint with all of its
    /// cosignatures where they are enough.
    pub(super) fn add(
        &mut self,
        policy: &Policy,
        target: &Target,
        witness: &str,
        cosigned: Cosigned,
        asked: Timestamp,
    ) -> Option<WitnessedCheckpoint> {
        let slot = self.checkpoints.entry(target.size).or_insert_with(|| (Arc::clone(&target.note), BTreeMap::new()));
        if slot.0 != target.note {
            // The same tree signed by other keys: what was gathered is on another text of signatures, and is gathered anew.
            *slot = (Arc::clone(&target.note), BTreeMap::new());
        }
        // A clock that runs ahead makes no cosignature newer than the question.
        let time = Timestamp(cosigned.seconds.saturating_mul(1_000_000)).min(asked);
        slot.1.insert(witness.to_owned(), Mark { line: cosigned.line, time });
        while self.checkpoints.len() > CHECKPOINTS {
            self.checkpoints.pop_first();
        }
        let (note, marks) = self.checkpoints.get(&target.size)?;
        let time = quorum_time(policy, marks)?;
        let mut whole = note.to_string();
        let in_order = policy.witnesses().iter().filter_map(|witness| marks.get(&witness.name));
        in_order.for_each(|mark| whole.push_str(&mark.line));
        // What is about to be given out as witnessed is read once more as everybody else will read it.
        let verdict = policy.check(&whole).ok()?;
        verdict.quorum.then(|| WitnessedCheckpoint { note: whole.into(), size: target.size, time })
    }
}

/// The newest time at or after which enough of them cosigned.
fn quorum_time(policy: &Policy, marks: &BTreeMap<String, Mark>) -> Option<Timestamp> {
    let mut by_time: Vec<(&str, Timestamp)> = marks.iter().map(|(name, mark)| (name.as_str(), mark.time)).collect();
    by_time.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    (1..=by_time.len())
        .find(|count| policy.is_quorum(by_time[..*count].iter().map(|(name, _)| *name)))
        .map(|count| by_time[count - 1].1)
}

#[cfg(test)]
mod tests {
    use causeway_crypto::{Digest, SigningKey};
    use causeway_journal::{Checkpoint, VerifierKey, cosign};

    use super::*;

    const ORIGIN: &str = "log.example/journal";

    struct Setting {
        log: SigningKey,
        witnesses: Vec<SigningKey>,
        policy: Policy,
    }

    fn setting() -> Setting {
        let key = |byte: u8| SigningKey::from_seed(&[byte; 32]);
        let (log, witnesses) = (key(1), vec![key(2), key(3), key(4)]);
        let mut text = format!("log {}\n", VerifierKey::new(ORIGIN, log.public_key()).expect("a key"));
        for (name, key) in ["a", "b", "c"].iter().zip(&witnesses) {
            let key = VerifierKey::cosigner(&format!("{name}.example"), key.public_key()).expect("a key");
            text.push_str(&format!("witness {name} {key} http://127.0.0.1:1\n"));
        }
        text.push_str("group enough 2 a b c\nquorum enough\n");
        Setting { log, witnesses, policy: Policy::parse(&text).expect("a policy") }
    }

    impl Setting {
        fn target(&self, size: u64) -> Target {
            let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: Digest([7; 32]) };
            Target { note: checkpoint.sign(&self.log).into(), size }
        }

        fn cosigned(&self, target: &Target, at: usize, seconds: u64) -> Cosigned {
            let name = ["a.example", "b.example", "c.example"][at];
            let line = cosign(&target.note, name, &self.witnesses[at], seconds).expect("cosigned");
            Cosigned { line, seconds }
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn enough_on_one_checkpoint_are_a_quorum_and_on_two_are_not() {
        let setting = setting();
        let mut gathering = Gathering::default();
        let (small, large) = (setting.target(5), setting.target(6));
        let mut add = |target: &Target, witness: usize, seconds, asked| {
            let name = ["a", "b", "c"][witness];
            gathering.add(&setting.policy, target, name, setting.cosigned(target, witness, seconds), at(asked))
        };
        assert_eq!(add(&small, 0, 100, 101), None);
        assert_eq!(add(&large, 1, 100, 101), None, "another checkpoint");
        assert_eq!(add(&large, 1, 102, 103), None, "the same witness");
        let found = add(&large, 2, 200, 150).expect("two of three");
        assert_eq!((found.size, found.time), (6, at(102)), "as old as the older of the two");
        assert_eq!(setting.policy.check(&found.note).expect("verifies").cosigned.len(), 2);
        let late = add(&small, 2, 300, 160).expect("a slow one");
        assert_eq!((late.size, late.time), (5, at(100)));
        let ahead = add(&large, 1, 900, 170).expect("again");
        assert_eq!(ahead.time, at(150), "no newer than when they were asked");
    }

    #[test]
    fn a_cosignature_that_is_forged_makes_no_quorum() {
        let setting = setting();
        let mut gathering = Gathering::default();
        let target = setting.target(5);
        let forged = setting.cosigned(&setting.target(6), 1, 100);
        gathering.add(&setting.policy, &target, "a", setting.cosigned(&target, 0, 100), at(101));
        assert_eq!(gathering.add(&setting.policy, &target, "b", forged, at(101)), None);
    }
}
