//! When witnesses are asked: one task says for which checkpoint, and one for each witness asks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_exchange::{Exchange, WitnessedCheckpoint};
use causeway_journal::Policy;
use causeway_model::Timestamp;
use causeway_store::Clock;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Witnesses;
use super::asking::{Asker, Cosigned, Target, Trouble};
use super::evidence::Ours;
use super::gathering::Gathering;
use crate::config::WitnessOptions;
use crate::shutdown::Stopping;

/// How often it is looked whether there is something to cosign.
const LOOK: Duration = Duration::from_secs(1);

/// Least time between two checkpoints that somebody waits for.
const LEAST: Duration = Duration::from_millis(50);

/// The first pause after an answer that is none; each after it is twice as long, up to the period or this.
const PAUSE: Duration = Duration::from_secs(1);

/// Least time, of the clock that entries go by, between two witnessed checkpoints that are kept, where the alarm leaves so much.
const KEEP: Duration = Duration::from_secs(300);

/// By so much newer the cosignatures on a checkpoint have to be to be kept once more while the log does not grow.
const RENEW: Duration = Duration::from_secs(600);

/// What all tasks work with.
#[derive(Debug)]
struct Round {
    options: WitnessOptions,
    ours: Ours,
    clock: Clock,
    exchange: Exchange,
    gathering: Mutex<Gathering>,
    kept: Mutex<Option<Duration>>,
}

/// The newest target; each is another number, so that the same checkpoint can be asked for again.
type Newest = Option<(u64, Target)>;

pub(super) fn run(witnesses: Witnesses, exchange: &Exchange, stopping: &Stopping) -> Vec<JoinHandle<()>> {
    let Witnesses { options, ours, clock, askers } = witnesses;
    let (gathering, kept) = (Mutex::default(), Mutex::default());
    let round = Arc::new(Round { options, ours, clock, exchange: exchange.clone(), gathering, kept });
    let (targets, target) = watch::channel(None);
    let asking = askers.into_iter().map(|asker| {
        let (round, target, stopping) = (Arc::clone(&round), target.clone(), stopping.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stopping.wait() => {}
                () = round.ask(asker, target) => {}
            }
        })
    });
    let mut tasks: Vec<JoinHandle<()>> = asking.collect();
    let (round, stopping) = (Arc::clone(&round), stopping.clone());
    tasks.push(tokio::spawn(async move {
        tokio::select! {
            () = stopping.wait() => {}
            () = round.aim(&targets) => {}
        }
        round.keep_last().await;
    }));
    tasks
}

impl Round {
    /// Says which checkpoint is to be cosigned: when the journal has grown and a period is over, when the quorum grows old, and when
    /// somebody waits for it. Returns once the journal is halted.
    async fn aim(&self, targets: &watch::Sender<Newest>) {
        let mut last: Option<(Instant, u64)> = None;
        let mut wanted = false;
        while self.ours.journal.halted().is_none() {
            // Made before the look, so that whoever begins to wait after it is heard.
            let wanting = self.exchange.witnessed().wanted();
            if let Some((note, newest)) = self.ours.newest().filter(|(_, newest)| newest.size > 0)
                && self.is_due(last, newest.size, wanted)
            {
                let number = targets.borrow().as_ref().map_or(0, |(number, _)| number + 1);
                targets.send_replace(Some((number, Target { note, size: newest.size })));
                last = Some((Instant::now(), newest.size));
                wanted = false;
            }
            let pause = if wanted { LEAST } else { LOOK.min(self.options.period) };
            tokio::select! {
                () = wanting => wanted = true,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn is_due(&self, last: Option<(Instant, u64)>, size: u64, wanted: bool) -> bool {
        let Some((at, before)) = last else { return true };
        let since = at.elapsed();
        let grows_old = || self.exchange.quorum_age().is_some_and(|age| age >= self.options.terms.alarm / 2);
        wanted && since >= LEAST || since >= self.options.period && (size > before || grows_old())
    }

    /// Asks one witness for each target, and again for the newest one after a pause where it does not cosign.
    async fn ask(&self, mut asker: Asker, mut targets: watch::Receiver<Newest>) {
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                changed = targets.changed() => if changed.is_err() { return },
                () = failing.pause() => {}
            }
            let Some((_, target)) = targets.borrow_and_update().clone() else { continue };
            let asked = self.clock.now();
            let name = asker.witness.name.clone();
            match asker.cosign(&target).await {
                Ok(cosigned) => {
                    failing.is_over(&name);
                    self.exchange.witnessed().heard(&name, true);
                    if let Some(witnessed) = self.gather(&target, &name, cosigned, asked) {
                        self.take(witnessed).await;
                    }
                }
                Err(Trouble::Halted) => return,
                Err(trouble) => {
                    self.exchange.witnessed().heard(&name, false);
                    failing.by(&name, &trouble, self.options.period);
                }
            }
        }
    }

    fn gather(
        &self,
        target: &Target,
        witness: &str,
        cosigned: Cosigned,
        asked: Timestamp,
    ) -> Option<WitnessedCheckpoint> {
        let mut gathering = self.gathering.lock().unwrap_or_else(PoisonError::into_inner);
        gathering.add(&self.ours.policy(), target, witness, cosigned, asked)
    }

    async fn take(&self, witnessed: WitnessedCheckpoint) {
        let note = Arc::clone(&witnessed.note);
        self.exchange.take_witnessed(witnessed);
        let (now, least) = (self.clock.passed(), KEEP.min(self.options.terms.alarm / 2));
        let is_due = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = kept.is_none_or(|before| now.saturating_sub(before) >= least);
            if is_due {
                *kept = Some(now);
            }
            is_due
        };
        if is_due {
            self.keep(note, RENEW.min(self.options.terms.stop / 4)).await;
        }
    }

    /// Keeps the newest witnessed checkpoint, so that the next start knows how old it is.
    async fn keep_last(&self) {
        if let Some(note) = self.exchange.witnessed().checkpoint() {
            self.keep(note, Duration::from_secs(1)).await;
        }
    }

    /// Keeps a witnessed checkpoint, and one of a size that is kept where its cosignatures are more, or newer by `least`.
    async fn keep(&self, note: Arc<str>, least: Duration) {
        let (policy, newer) = (self.ours.policy(), Arc::clone(&note));
        let is_better = move |before: &str| is_renewed(&policy, before, &newer, least);
        if let Err(error) = self.ours.journal.renew_checkpoint(note, is_better).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a witnessed checkpoint was not kept");
        }
    }
}

/// Whether enough witnesses, of those who are enough, cosigned `note` later than `before` by `least`, or more of them did.
fn is_renewed(policy: &Policy, before: &str, note: &str, least: Duration) -> bool {
    let Ok(now) = policy.check(note) else { return false };
    let Ok(before) = policy.check(before) else { return true };
    match (before.newest_quorum_time, now.newest_quorum_time) {
        (Some(before), Some(now)) if now >= before.saturating_add(least.as_secs()) => true,
        (Some(_), Some(_)) => now.cosigned.len() > before.cosigned.len(),
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// A witness that does not cosign: how often in a row, and what was said of it.
#[derive(Debug, Default)]
struct Failing {
    pause: Option<Duration>,
    said: Option<String>,
}

impl Failing {
    /// Waits until it is time to ask again; for ever where it cosigns.
    async fn pause(&self) {
        match self.pause {
            Some(pause) => tokio::time::sleep(jittered(pause)).await,
            None => std::future::pending().await,
        }
    }

    fn by(&mut self, witness: &str, trouble: &Trouble, period: Duration) {
        self.pause = Some(self.pause.map_or(PAUSE, |pause| (pause * 2).min(period.max(PAUSE))));
        let said = trouble.to_string();
        if self.said.as_ref() == Some(&said) {
            return;
        }
        match trouble {
            Trouble::Claim(_) => tracing::error!(witness, trouble = said, "a witness does not cosign: ask who runs it"),
            _ => tracing::warn!(witness, trouble = said, "a witness does not cosign"),
        }
        self.said = Some(said);
    }

    fn is_over(&mut self, witness: &str) {
        self.pause = None;
        if self.said.take().is_some() {
            tracing::info!(witness, "a witness cosigns again");
        }
    }
}

/// From three quarters of a pause to five quarters, so that not all come back at the same moment.
fn jittered(pause: Duration) -> Duration {
    let [random] = causeway_crypto::random::<1>();
    pause.mul_f64(0.75 + f64::from(random) / 512.0)
}
