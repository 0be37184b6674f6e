//! The word to stop, SIGTERM or Ctrl-C; and for whoever has files to look at again, SIGHUP.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Failure;

/// Both signals, caught from the moment this is made.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn catch() -> Result<Self, Failure> {
        let caught = |kind| signal(kind).map_err(|e| Failure::usage(format!("signals cannot be caught here: {e}")));
        Ok(Self { terminate: caught(SignalKind::terminate())?, interrupt: caught(SignalKind::interrupt())? })
    }

    /// Returns when one of them has come.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// SIGHUP, caught from the moment this is made: it ends the process no more.
#[derive(Debug)]
pub(crate) struct HangUps(Signal);

impl HangUps {
    pub(crate) fn catch() -> Result<Self, Failure> {
        let caught = signal(SignalKind::hangup());
        caught.map(Self).map_err(|e| Failure::usage(format!("SIGHUP cannot be caught here: {e}")))
    }

    /// Does something each time that one has come.
    pub(crate) async fn each(mut self, act: impl Fn()) {
        while self.0.recv().await.is_some() {
            act();
        }
    }
}
