//! The word that the gateway is stopping, for everyone who has to hear it.

use tokio::sync::watch;

/// Says the word.
#[derive(Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

/// Hears it. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

/// Both halves.
pub(crate) fn channel() -> (Stop, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Stopping(receiver))
}

impl Stop {
    pub(crate) fn now(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Returns once the gateway is stopping, also where that was said before.
    pub(crate) async fn wait(&self) {
        // An error means that the one who could say it is gone, which is a stop as well.
        let _ = self.0.clone().wait_for(|stopping| *stopping).await;
    }
}
