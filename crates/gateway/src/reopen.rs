//! When a journal that has stopped at an error of the disk is worth being opened again, and when one that waits for the disk is given
//! up: recovery is what a start does, so the gateway ends then, and whoever runs it starts it anew.

use std::sync::Arc;
use std::time::Duration;

use causeway_exchange::{Condition, Exchange};
use tokio::time::{Instant, sleep};

/// How often it is looked whether the journal has stopped, and then whether its volumes take anything.
const LOOK: Duration = Duration::from_secs(1);

/// Looks after which it is said again that the volumes take nothing.
const SAY_LOOKS: u64 = 60;

/// Waits until the journal has been stopped for so long and its volumes take what is written to them; the reason why it stopped. A
/// journal that is halted waits for a person, for ever.
pub(crate) async fn when_worth_it(exchange: &Exchange, after: Duration) -> Arc<str> {
    let (mut since, mut looks) = (None, 0u64);
    loop {
        sleep(LOOK).await;
        let Condition::Stopped(reason) = exchange.condition() else { continue };
        if since.get_or_insert_with(Instant::now).elapsed() < after {
            continue;
        }
        let tried = exchange.clone();
        match tokio::task::spawn_blocking(move || tried.try_out_volumes()).await {
            Ok(Ok(())) => return reason,
            Ok(Err(error)) if looks.is_multiple_of(SAY_LOOKS) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(%reason, error, "the journal has stopped, and its volumes take nothing yet");
            }
            Ok(Err(_)) => {}
            Err(_) => tracing::error!("a trial of the volumes panicked"),
        }
        looks += 1;
    }
}

/// Waits until the disk has not answered for so long, counted from when that is said. After an error of the disk, sled can wait for ever
/// for a write that nobody makes any more; then only a new process helps.
pub(crate) async fn when_given_up(exchange: &Exchange, after: Duration) {
    let mut since = None;
    loop {
        sleep(LOOK).await;
        if exchange.condition() != Condition::Stalled {
            since = None;
        } else if since.get_or_insert_with(Instant::now).elapsed() >= after {
            return;
        }
    }
}
