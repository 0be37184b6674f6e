//! A turn: calls of some kinds at their paces, for so long, and what came of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_rig::Failed;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::call::{Answer, Called, Caller, Work};
use super::kind::{Kind, Paces};
use super::scene::Scene;
use crate::latency::Latency;
use crate::pacing;
use crate::pull::{Usage, Used, in_order};

/// How long items are waited for at a watch after the last call of a turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a turn.
#[derive(Debug)]
pub(super) struct Turn {
    done: Vec<(Kind, Done)>,
    pub(super) used: Used,
}

/// What came of the calls of one kind.
#[derive(Debug)]
pub(super) struct Done {
    /// From the moment at which each was due until it was done.
    pub(super) latency: Latency,
    pub(super) calls: u64,
    pub(super) refused: u64,
}

impl Turn {
    pub(super) fn of(&self, kind: Kind) -> Option<&Done> {
        self.done.iter().find(|(of, _)| *of == kind).map(|(_, done)| done)
    }

    /// All calls, of whatever kind.
    pub(super) fn calls(&self) -> u64 {
        self.done.iter().map(|(_, done)| done.calls).sum()
    }
}

impl Scene {
    /// Makes calls of these kinds at their paces for so long.
    pub(super) async fn turn(&mut self, kinds: &[Kind], paces: &Paces, lasting: Duration) -> Result<Turn, Failed> {
        let work: Vec<_> = kinds.iter().map(|kind| (*kind, self.work(*kind, paces, lasting))).collect();
        let mut arrivals = if kinds.contains(&Kind::Watch) { Some(self.watch().await?) } else { None };
        let before = Usage::of(self.gateway());
        let driven = work.into_iter().map(|(kind, work)| {
            let dues = pacing::ticks(paces.of(kind), lasting);
            (kind, tokio::spawn(drive(self.caller(kind), kind.at_a_time(), dues, work)))
        });
        let driven: Vec<_> = driven.collect();
        let mut called = Vec::with_capacity(driven.len());
        for (kind, calls) in driven {
            called.push((kind, calls.await??));
        }
        let used = before.so_far();
        let mut done = Vec::with_capacity(called.len());
        for (kind, calls) in called {
            let mut all = Done::of(&calls);
            if let (Kind::Watch, Some(arrivals)) = (kind, &mut arrivals) {
                let delays = arrivals.come(&[due_in_order(&calls)?], PATIENCE).await?;
                if delays.missing > 0 {
                    return Err(format!("{} items did not come to a watch", delays.missing).into());
                }
                all.latency = delays.latency;
                self.watched(arrivals);
            }
            done.push((kind, all));
        }
        Ok(Turn { done, used })
    }
}

/// Makes each call when it is due, or once so few are under way that it may be made.
async fn drive(
    caller: Caller,
    at_a_time: usize,
    mut dues: UnboundedReceiver<Instant>,
    work: Vec<Work>,
) -> Result<Vec<Called>, Failed> {
    let places = Arc::new(Semaphore::new(at_a_time));
    let mut under_way = JoinSet::new();
    let mut work = work.into_iter();
    while let Some(due) = dues.recv().await {
        let Some(work) = work.next() else { break };
        let (caller, places) = (caller.clone(), Arc::clone(&places));
        under_way.spawn(async move {
            let _place = places.acquire().await?;
            caller.call(work, due).await
        });
    }
    let mut all = Vec::with_capacity(under_way.len());
    while let Some(called) = under_way.join_next().await {
        all.push(called??);
    }
    Ok(all)
}

impl Done {
    fn of(calls: &[Called]) -> Self {
        let (mut latency, mut refused) = (Latency::new(), 0);
        for call in calls {
            match call.answer {
                Answer::Refused => refused += 1,
                Answer::Done | Answer::Entry(_) => latency.add(call.taken),
            }
        }
        Self { latency, calls: calls.len() as u64, refused }
    }
}

/// When each record was due whose entry was made, in the order of the entries.
fn due_in_order(calls: &[Called]) -> Result<Vec<Instant>, Failed> {
    let mut moments = Vec::with_capacity(calls.len());
    for call in calls {
        if let Answer::Entry(leaf) = call.answer {
            moments.push((leaf, call.at.checked_sub(call.taken).ok_or("a moment before this machine's clock")?));
        }
    }
    Ok(in_order(moments))
}
