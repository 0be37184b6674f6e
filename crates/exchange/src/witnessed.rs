//! What witnesses at other organisations have cosigned, how long ago enough of them did, and what waits or stops for that.
//!
//! The gateway asks the witnesses (`gateway::witnesses`) and says here what came of it. While they are away the log goes on, and what
//! is disclosed could be disclosed twice over in two histories: so disclosures stop after a while. Withdrawals never do.

mod since;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causeway_journal::{REASON_DISCLOSURES_STOPPED, REASON_WITNESSES_AWAY, REASON_WITNESSES_BACK, v1};
use causeway_model::{LeafIndex, Timestamp};
use event_listener::{Event, EventListener};
use futures_util::future::{Either, select};

use crate::draft::Said;
use crate::unavailable::{disk_low, stopped};
use crate::{Class, Error, Exchange};

/// When a caller that was refused for the witnesses' sake may try again.
pub(crate) const RETRY: Duration = Duration::from_secs(60);

/// The reason of what waits for a witnessed checkpoint in vain.
pub(crate) const REASON_NOT_YET: &str = "not-witnessed-yet";

/// How many ticks, of about a second each, an identity waits for its witnessed checkpoint.
const WAIT_TICKS: u32 = 10;

/// After how long without a quorum what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WitnessTerms {
    /// The alarm.
    pub alarm: Duration,
    /// Disclosures stop.
    pub stop: Duration,
}

/// A checkpoint that a quorum of witnesses has cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedCheckpoint {
    /// The note: the log's signatures, then the cosignatures.
    pub note: Arc<str>,
    /// Its tree size.
    pub size: u64,
    /// The newest time at or after which enough witnesses cosigned; never later than the exchange's own time when they were asked.
    pub time: Timestamp,
}

/// What is known of the witnesses. Without any, nothing of this ever stops anything.
#[derive(Debug, Default)]
pub struct Witnessed {
    known: Mutex<Option<Known>>,
    changed: Event,
    wanted: Event,
}

#[derive(Debug)]
struct Known {
    terms: WitnessTerms,
    checkpoint: Option<WitnessedCheckpoint>,
    quorum: Quorum,
    said: Stage,
    up: BTreeMap<String, bool>,
}

/// When there was a quorum last: by the time, and by a clock that nobody can put back.
#[derive(Debug, Clone, Copy)]
struct Quorum {
    time: Timestamp,
    /// How long ago that was when it was noted.
    behind: Duration,
    noted: Duration,
}

impl Quorum {
    fn at(time: Timestamp, now: Timestamp, passed: Duration) -> Self {
        let time = time.min(now);
        Self { time, behind: between(time, now), noted: passed }
    }

    /// The longer of what the two clocks say.
    fn age(&self, now: Timestamp, passed: Duration) -> Duration {
        let run = self.behind.saturating_add(passed.saturating_sub(self.noted));
        between(self.time, now).max(run)
    }
}

/// How far it has come with the witnesses' being away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Fresh,
    Away,
    Stopped,
}

impl Stage {
    fn of(terms: &WitnessTerms, age: Duration) -> Self {
        match age {
            age if age >= terms.stop => Self::Stopped,
            age if age >= terms.alarm => Self::Away,
            _ => Self::Fresh,
        }
    }
}

/// The measures of the witnesses at one moment.
#[derive(Debug, Clone)]
pub struct WitnessMeasures {
    /// Seconds since there was a quorum.
    pub quorum_age_seconds: u64,
    /// The tree size of the newest witnessed checkpoint; 0 before there is one.
    pub size: u64,
    /// Each witness, by its name within the policy, and whether its last answer was a cosignature.
    pub up: Vec<(String, bool)>,
}

impl Witnessed {
    /// The newest checkpoint that a quorum has cosigned.
    pub fn checkpoint(&self) -> Option<Arc<str>> {
        self.newest().map(|newest| newest.note)
    }

    /// The same, with its size and time.
    pub fn newest(&self) -> Option<WitnessedCheckpoint> {
        self.known().as_ref()?.checkpoint.clone()
    }

    /// Whether there are witnesses at all.
    pub fn is_on(&self) -> bool {
        self.known().is_some()
    }

    /// Says whether a witness's last answer was a cosignature.
    pub fn heard(&self, witness: &str, up: bool) {
        if let Some(known) = self.known().as_mut() {
            known.up.insert(witness.to_owned(), up);
        }
    }

    /// Wakes when another checkpoint has been witnessed. Listen first, then look.
    pub fn changed(&self) -> EventListener {
        self.changed.listen()
    }

    /// Wakes when somebody waits for the newest entries to be witnessed. Listen first, then look.
    pub fn wanted(&self) -> EventListener {
        self.wanted.listen()
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// Begins to go by witnesses, with these names. `kept` is what they had cosigned before this start: a restart does not set
    /// the time back that has passed since. Without it, the time counts from when the log says that there was no quorum, or that
    /// one is expected. To be called once, before anything is served.
    ///
    /// # Errors
    /// `Corrupt` where the log cannot be read, `Unavailable` where it cannot be written.
    pub async fn begin_witnessing(
        &self,
        terms: WitnessTerms,
        names: Vec<String>,
        kept: Option<WitnessedCheckpoint>,
    ) -> Result<(), Error> {
        let time = match &kept {
            Some(kept) => kept.time,
            None => self.without_quorum_since().await?,
        };
        let (now, passed) = (self.now(), self.passed());
        if kept.is_none() {
            let seconds = between(time, now).as_secs();
            tracing::warn!(
                seconds,
                "no checkpoint is kept that the witnesses of now have cosigned; the time counts on"
            );
        }
        *self.witnessed().known() = Some(Known {
            terms,
            checkpoint: kept,
            quorum: Quorum::at(time, now, passed),
            said: Stage::Fresh,
            up: names.into_iter().map(|name| (name, false)).collect(),
        });
        Ok(())
    }

    /// Takes a checkpoint that a quorum has cosigned, where it is not smaller than the one before.
    pub fn take_witnessed(&self, witnessed: WitnessedCheckpoint) {
        let (now, passed) = (self.now(), self.passed());
        if let Some(known) = self.witnessed().known().as_mut() {
            let quorum = Quorum::at(witnessed.time, now, passed);
            if quorum.age(now, passed) <= known.quorum.age(now, passed) {
                known.quorum = quorum;
            }
            if known.checkpoint.as_ref().is_none_or(|before| before.size <= witnessed.size) {
                known.checkpoint = Some(witnessed);
            }
        }
        self.witnessed().changed.notify(usize::MAX);
    }

    /// Whether no record is disclosed at this moment, because there has been no quorum of witnesses for too long, or there is too
    /// little room to record it.
    pub fn disclosures_stopped(&self) -> bool {
        self.is_disk_low() || self.stage().is_some_and(|(stage, _)| stage == Stage::Stopped)
    }

    /// Whether anything may be disclosed at this moment, as far as the witnesses and the disk go.
    ///
    /// # Errors
    /// `Unavailable` where there has been no quorum for too long, or there is too little room.
    pub(crate) fn may_disclose(&self) -> Result<(), Error> {
        if self.is_disk_low() {
            return Err(disk_low());
        }
        if self.disclosures_stopped() { Err(away()) } else { Ok(()) }
    }

    /// Waits, for some seconds, until a checkpoint that covers `leaf` has been witnessed; not at all where there are no witnesses.
    ///
    /// # Errors
    /// `Unavailable` where none has been by then, or the journal stops.
    pub(crate) async fn until_witnessed(&self, leaf: LeafIndex) -> Result<(), Error> {
        let witnessed = self.witnessed();
        let mut ticks = 0;
        loop {
            let (changed, ticked) = (witnessed.changed(), self.ticked());
            let size = match witnessed.known().as_ref() {
                None => return Ok(()),
                Some(known) => known.checkpoint.as_ref().map_or(0, |newest| newest.size),
            };
            if size > leaf.0 {
                return Ok(());
            }
            if !self.is_running() {
                return Err(stopped());
            }
            if ticks == WAIT_TICKS {
                return Err(not_yet());
            }
            witnessed.wanted.notify(usize::MAX);
            if let Either::Right(_) = select(changed, ticked).await {
                ticks += 1;
            }
        }
    }

    /// Says in the log lines and in the journal that the witnesses are away, that disclosures stop, and that they are back: each
    /// once.
    pub(crate) async fn look_at_witnesses(&self) {
        let Some((stage, age)) = self.stage() else { return };
        let (said, since) = match self.witnessed().known().as_ref() {
            Some(known) if known.said != stage => (known.said, known.quorum.time),
            _ => return,
        };
        let minutes = age.as_secs() / 60;
        let reason = match stage {
            Stage::Away if said == Stage::Fresh => {
                tracing::error!(minutes, "no quorum of witnesses has cosigned a checkpoint; disclosures will stop");
                REASON_WITNESSES_AWAY
            }
            Stage::Stopped => {
                tracing::error!(minutes, "disclosures have stopped until a quorum of witnesses cosigns a checkpoint");
                REASON_DISCLOSURES_STOPPED
            }
            Stage::Fresh | Stage::Away => {
                tracing::warn!("a quorum of witnesses has cosigned a checkpoint again; disclosures go on");
                REASON_WITNESSES_BACK
            }
        };
        if let Some(known) = self.witnessed().known().as_mut() {
            known.said = stage;
        }
        let mut draft = Said::allowed(v1::Operation::Administration, reason).by_operator(&self.operator());
        let now = self.now();
        draft.entry.period = Some(v1::Period { from_micros: since.0.min(now.0), to_micros: now.0 });
        if let Err(error) = self.record(draft).await {
            tracing::error!(reason = error.reason, error = %error, "how the witnesses stand could not be recorded");
        }
    }

    /// What the metrics show of the witnesses; none where there are none.
    pub(crate) fn witness_measures(&self) -> Option<WitnessMeasures> {
        let (now, passed) = (self.now(), self.passed());
        let known = self.witnessed().known();
        let known = known.as_ref()?;
        Some(WitnessMeasures {
            quorum_age_seconds: known.quorum.age(now, passed).as_secs(),
            size: known.checkpoint.as_ref().map_or(0, |newest| newest.size),
            up: known.up.iter().map(|(name, up)| (name.clone(), *up)).collect(),
        })
    }

    /// How long there has been no quorum.
    pub fn quorum_age(&self) -> Option<Duration> {
        let (now, passed) = (self.now(), self.passed());
        self.witnessed().known().as_ref().map(|known| known.quorum.age(now, passed))
    }

    fn stage(&self) -> Option<(Stage, Duration)> {
        let age = self.quorum_age()?;
        let terms = self.witnessed().known().as_ref().map(|known| known.terms)?;
        Some((Stage::of(&terms, age), age))
    }
}

/// The refusal of whatever would disclose something while the witnesses are away.
fn away() -> Error {
    let message = "no quorum of witnesses has cosigned the journal for too long: nothing but withdrawals is given out until one has";
    Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, REASON_WITNESSES_AWAY, message) }
}

/// The refusal of whatever waits for a witnessed checkpoint over its entry.
pub(crate) fn not_yet() -> Error {
    let message = "its entry is not under a witnessed checkpoint yet; ask again, it has not been handed over";
    Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, REASON_NOT_YET, message) }
}

/// Whether an error refuses something for the witnesses' sake, rather than that the journal cannot be written.
pub(crate) fn is_for_witnesses(error: &Error) -> bool {
    matches!(error.reason, REASON_WITNESSES_AWAY | REASON_NOT_YET)
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_micros(to.0.saturating_sub(from.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: WitnessTerms = WitnessTerms { alarm: Duration::from_secs(600), stop: Duration::from_secs(4 * 3600) };

    fn seconds(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn a_clock_that_is_put_back_makes_no_quorum_younger() {
        let quorum = Quorum::at(seconds(1_000), seconds(1_100), Duration::from_secs(7));
        assert_eq!(quorum.age(seconds(1_100), Duration::from_secs(7)), Duration::from_secs(100));
        assert_eq!(quorum.age(seconds(500), Duration::from_secs(27)), Duration::from_secs(120), "put back");
        assert_eq!(quorum.age(seconds(5_000), Duration::from_secs(7)), Duration::from_secs(4_000), "put forward");
        let ahead = Quorum::at(seconds(9_000), seconds(1_000), Duration::ZERO);
        assert_eq!(
            ahead.age(seconds(1_060), Duration::from_secs(60)),
            Duration::from_secs(60),
            "a witness's clock runs ahead"
        );
    }

    #[test]
    fn the_alarm_comes_before_the_stop() {
        let at = |age| Stage::of(&TERMS, Duration::from_secs(age));
        assert_eq!([at(0), at(599), at(600)], [Stage::Fresh, Stage::Fresh, Stage::Away]);
        assert_eq!([at(4 * 3600 - 1), at(4 * 3600)], [Stage::Away, Stage::Stopped]);
    }
}
