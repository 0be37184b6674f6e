//! Putting the page keys that this node makes to the others, before a frame that uses them is appended.

use std::error::Error;
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{NodeKeys, PageKey, PageKeyPeer, PeerFailure};
use crate::page_keys::Slot;

/// How long a frame waits for its page keys to be on a majority of the nodes, where nothing else is said. A node that is slower than the
/// others is tried as long.
pub const SHARED_WITHIN: Duration = Duration::from_secs(10);

/// The first pause before a node is tried again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What a frame's page keys have to be brought to before it is appended.
pub trait PageKeyPeers: Send + Sync + fmt::Debug {
    /// Brings the page keys of these pages, which this node has made, to the other nodes. Durable on a majority of the rostered nodes, this
    /// one counted, when it returns. It blocks, for [`NodeKeySettings::shared_within`](super::NodeKeySettings) at most; for keys that
    /// were shared before not at all.
    ///
    /// # Errors
    /// [`TooFewNodes`]: nothing may be appended that uses these pages. What was given out for them is not used any more (`KeyPages::close`).
    fn share(&self, pages: &[u64]) -> Result<(), TooFewNodes>;
}

/// Why a page key is not safe enough to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFewNodes {
    /// Nodes that have it, this one counted.
    pub reached: usize,
    /// Nodes there are.
    pub nodes: usize,
}

impl fmt::Display for TooFewNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reached, nodes } = self;
        write!(f, "a new page key is on {reached} of {nodes} nodes, which is no majority: nothing is written under it")
    }
}

impl Error for TooFewNodes {}

impl PageKeyPeers for NodeKeys {
    fn share(&self, pages: &[u64]) -> Result<(), TooFewNodes> {
        let mut shared_to = self.inner.shared_to.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |page: &u64| Slot(*page).writer() == self.inner.own && Slot(*page) >= *shared_to;
        if self.inner.peers.is_empty() || !pages.iter().any(is_new) {
            return Ok(());
        }
        // All that have been made ahead of their use: one call for the next 64 pages, which is 8,192 keys.
        let end = self.inner.vault.page_keys().end();
        let (slots, nodes): (Vec<u64>, usize) = ((shared_to.0..end.0).collect(), self.nodes());
        if pages.iter().any(|page| is_new(page) && Slot(*page) >= end) {
            // It was not given out here: there is nothing that others could be given.
            return Err(TooFewNodes { reached: 0, nodes });
        }
        let keys = self.keys_of(&slots).map_err(|error| {
            tracing::error!(error = &error as &dyn Error, "page keys that were just made do not read");
            TooFewNodes { reached: 0, nodes }
        })?;
        let reached = 1 + self.put_to_others(keys);
        if reached <= self.others_for_a_majority() {
            return Err(TooFewNodes { reached, nodes });
        }
        *shared_to = end;
        Ok(())
    }
}

impl NodeKeys {
    /// Puts keys to all other nodes at once, and waits until enough have them or the time is over; how many have. Those that are slower go on
    /// being tried meanwhile.
    fn put_to_others(&self, keys: Vec<PageKey>) -> usize {
        let (keys, until) = (Arc::new(keys), Instant::now() + self.inner.shared_within);
        let (told, answers) = mpsc::channel();
        for peer in &self.inner.peers {
            let (peer, keys, told) = (Arc::clone(peer), Arc::clone(&keys), told.clone());
            let put = move || {
                // Whoever waits has enough, or no time left.
                let _ = told.send(put_within(peer.as_ref(), &keys, until));
            };
            if let Err(error) = thread::Builder::new().name("page-keys-out".into()).spawn(put) {
                tracing::error!(%error, "no thread for a page key's way to another node");
            }
        }
        drop(told);
        let (mut reached, enough) = (0, self.others_for_a_majority());
        while reached < enough {
            match answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(has_them) => reached += usize::from(has_them),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        reached
    }
}

/// Puts keys to one node until it has them, refuses, or the time is over; whether it has them.
fn put_within(peer: &dyn PageKeyPeer, keys: &[PageKey], until: Instant) -> bool {
    let (node, mut pause) = (peer.node().0, FIRST_PAUSE);
    loop {
        match peer.put(keys) {
            Ok(()) => return true,
            Err(error @ PeerFailure::Refused(_)) => {
                tracing::error!(node, error = &error as &dyn Error, "another node does not take page keys of this one");
                return false;
            }
            Err(error @ PeerFailure::Away(_)) => {
                if Instant::now() + pause >= until {
                    tracing::warn!(
                        node,
                        error = &error as &dyn Error,
                        "page keys did not reach a node; it gets them when it is back"
                    );
                    return false;
                }
                thread::sleep(pause);
                pause *= 2;
            }
        }
    }
}
