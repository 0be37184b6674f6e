//! Calls that wait for a log which other nodes share and which does not answer: they are ended in time, since what was sent is tried on for
//! as long as it takes.

use std::time::Duration;

use causeway_exchange::Exchange;
use tonic::Status;

use crate::status;

/// How often it is looked whether the log answers.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until the shared log has not answered for so long that nothing more is taken, and says what whoever waits is told. For ever where
/// no log is shared.
pub(crate) async fn cut_off(exchange: &Exchange) -> Status {
    if exchange.node_number().is_none() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(LOOK).await;
        if exchange.is_cut_off() {
            return status::of(exchange.left_open());
        }
    }
}
