//! What a gateway does by itself while it serves: it releases, it does and looks at what each second asks for.

use std::time::Duration;

use causeway_exchange::Exchange;
use tokio::task::JoinHandle;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::shutdown::Stopping;

/// How often the calendar, sealing windows, summaries and health are looked at.
const TICK: Duration = Duration::from_secs(1);

/// Ticks after which it is said again that the journal is halted.
const SAY_HALTED_TICKS: u64 = 60;

/// The releaser, on a thread of its own: choosing what a batch is made coarser by takes a while, in which calls go on. It ends where it
/// next waits for the journal.
pub(crate) fn releasing(exchange: Exchange, stopping: Stopping) -> JoinHandle<()> {
    let runtime = tokio::runtime::Handle::current();
    let released = async move {
        tokio::select! {
            biased;
            () = stopping.wait() => {}
            () = exchange.run_releaser() => {}
        }
    };
    tokio::task::spawn_blocking(move || runtime.block_on(released))
}

/// What has to be done every second.
pub(crate) fn keeping(exchange: Exchange, stopping: Stopping) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = each_second();
        loop {
            // A tick that has begun is finished: it may be writing a summary, which nobody has twice.
            tokio::select! {
                () = stopping.wait() => return,
                _ = ticks.tick() => {}
            }
            exchange.tick().await;
        }
    })
}

/// What has to be looked at and said every second, whatever the journal's disk does: it waits for no entry.
pub(crate) fn watching(
    exchange: Exchange,
    health: HealthReporter,
    said: ServingStatus,
    stopping: Stopping,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = each_second();
        let (mut said, mut ticks_halted) = (said, 0u64);
        loop {
            tokio::select! {
                () = stopping.wait() => return,
                _ = ticks.tick() => {}
            }
            exchange.say_condition();
            if let Some(reason) = exchange.halted() {
                if ticks_halted.is_multiple_of(SAY_HALTED_TICKS) {
                    tracing::error!(%reason, "the journal is halted: health and the last checkpoint are served, nothing else");
                }
                ticks_halted += 1;
            }
            let status = health_of(&exchange);
            // Said when it changes only, since whoever watches hears it each time.
            if std::mem::replace(&mut said, status) != status {
                health.set_service_status("", status).await;
            }
        }
    })
}

fn each_second() -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

/// What whoever watches the health is told.
pub(crate) fn health_of(exchange: &Exchange) -> ServingStatus {
    if exchange.is_healthy() { ServingStatus::Serving } else { ServingStatus::NotServing }
}
