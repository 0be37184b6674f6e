//! How much can be submitted where nothing else is done, and the paces at which all kinds together keep a part of that busy.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use causeway_rig::Failed;
use tokio::task::JoinSet;

use super::Arguments;
use super::call::Work;
use super::kind::{Kind, Paces};
use super::scene::Scene;
use crate::pull::Usage;
use crate::say;

/// Calls a second of each kind while it is found out what one of them costs.
const TRIAL_PACE: f64 = 100.0;

/// Turns of all kinds after which the paces are put right: what costs so much alone costs less where it shares commits.
const TRIALS: usize = 2;

/// Most that one trial changes the paces by, and its inverse the least.
const STEP: f64 = 3.0;

/// What submitting alone comes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    pub(super) per_second: f64,
    /// Processors that the gateway and this process keep busy then.
    pub(super) busy: f64,
}

/// Submits by unary calls, so many under way at a time, as fast as it goes.
pub(super) async fn of_submitting(scene: &mut Scene, arguments: &Arguments) -> Result<Capacity, Failed> {
    let work: VecDeque<Work> = scene.submissions(arguments.capacity, false).into();
    let work = Arc::new(Mutex::new(work));
    let before = Usage::of(scene.gateway());
    let mut callers = JoinSet::new();
    for _ in 0..arguments.in_flight.max(1) {
        let (caller, work) = (scene.caller(Kind::Submit), Arc::clone(&work));
        callers.spawn(async move {
            loop {
                let next = work.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(next) = next else { return Ok::<(), Failed>(()) };
                caller.call(next, Instant::now()).await?;
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let used = before.so_far();
    let per_second = arguments.capacity as f64 / used.seconds;
    say(format_args!("submit alone: {per_second:.0} records/s, {:.2} processors busy", used.busy()));
    Ok(Capacity { per_second, busy: used.busy() })
}

/// The paces at which all kinds together keep `budget` processors busy, each kind its share of them.
pub(super) async fn paces(scene: &mut Scene, budget: f64, lasting: Duration) -> Result<Paces, Failed> {
    let mut costs = [0.0; Kind::ALL.len()];
    for kind in Kind::ALL {
        let turn = scene.turn(&[kind], &Paces::even(TRIAL_PACE), lasting).await?;
        costs[kind.place()] = (turn.used.gateway + turn.used.own) / turn.calls().max(1) as f64;
    }
    let mut paces = Paces::within(budget, costs);
    for _ in 0..TRIALS {
        let busy = scene.turn(&Kind::ALL, &paces, lasting).await?.used.busy();
        paces = paces.times((budget / busy.max(f64::EPSILON)).clamp(1.0 / STEP, STEP));
        let each = Kind::ALL.map(|kind| format!("{} {:.0}/s", kind.name(), paces.of(kind)));
        say(format_args!("{busy:.2} processors busy of {budget:.2} that are meant; now {}", each.join(", ")));
    }
    Ok(paces)
}
