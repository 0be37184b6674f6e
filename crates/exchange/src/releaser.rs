//! Which gateway is the releaser: the one that decides what goes into feeds and leaves them by itself, publishes tables, and does what the
//! calendar asks for. A gateway that has its log for itself always is. Of several nodes it is the one whose term is the newest in the log.
//!
//! That nothing is decided twice rests on the log alone: `apply` gives no effect to what was written in an older term. Asking the other
//! nodes only tells when to begin a new term, so that the log does not grow while nothing happens.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causeway_journal::{Outcome, REASON_TERM_BEGUN, Term, v1};
use causeway_store::{Committed, Draft};
use futures_util::future::{BoxFuture, select};

use crate::draft::{Said, own_request};
use crate::{Class, Error, Exchange};

/// How long a releaser may be silent before another node begins a term. It decides nothing that cannot wait so long, and a start takes less.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after it last found itself well a releaser says that it is one.
const WELL: Duration = Duration::from_secs(5);

/// The other nodes, as they are asked for the releaser.
pub trait ReleaserPeers: fmt::Debug + Send + Sync {
    /// Whether the node of this name answers, in a few seconds, that it is the releaser in this term. One that does not answer is not.
    fn acts<'a>(&'a self, node: &'a str, term: u64) -> BoxFuture<'a, bool>;
}

/// Whether this gateway is the releaser. A cheap clone: the exchange keeps it up, and whoever answers other nodes looks at it.
#[derive(Debug, Clone)]
pub struct Releaser {
    peers: Option<Arc<dyn ReleaserPeers>>,
    standing: Arc<Mutex<Standing>>,
}

#[derive(Debug, Default)]
struct Standing {
    /// The term in which this node acts.
    term: Option<u64>,
    /// When it last found that it can, by the time that has passed since the machine's start.
    well: Option<Duration>,
}

/// While it is there, this node acts in a term.
struct Acting<'a>(&'a Releaser);

impl Drop for Acting<'_> {
    fn drop(&mut self) {
        self.0.standing().term = None;
    }
}

impl Releaser {
    /// Of a gateway that has its log for itself.
    pub fn alone() -> Self {
        Self { peers: None, standing: Arc::default() }
    }

    /// Of one node of several.
    pub fn among(peers: Arc<dyn ReleaserPeers>) -> Self {
        Self { peers: Some(peers), standing: Arc::default() }
    }

    /// The term in which this node is the releaser as far as it knows, and well enough to be; none otherwise, and where there are no
    /// terms. `passed` is the time since the machine's start, by the exchange's clock.
    pub fn acts_in(&self, passed: Duration) -> Option<u64> {
        let standing = self.standing();
        let is_well = standing.well.is_some_and(|well| passed.saturating_sub(well) <= WELL);
        standing.term.filter(|_| is_well)
    }

    fn act(&self, term: u64) -> Acting<'_> {
        self.standing().term = Some(term);
        Acting(self)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// Does what only one of the nodes that share the log does, whenever it is this one's turn, until the journal stops: releases what may
    /// be released. To be run once, beside the calls.
    pub async fn run_releaser(&self) {
        if self.releaser().peers.is_none() {
            return self.release_on().await;
        }
        while self.is_running() {
            let Some(term) = self.until_begun().await else { return };
            tracing::info!(term, "this node is the releaser");
            let acting = self.releaser().act(term);
            // What was being decided is let go at once: the next one decides it anew.
            select(pin!(self.release_on()), pin!(self.until_over(term))).await;
            drop(acting);
            tracing::warn!(term, "this node is the releaser no more");
        }
    }

    /// Whether this gateway does what only one does.
    pub(crate) fn is_releaser(&self) -> bool {
        let releaser = self.releaser();
        releaser.peers.is_none() || releaser.standing().term.is_some()
    }

    /// The releaser's term in the log, and the name of its node; none where there are no terms.
    pub fn releaser_term(&self) -> Option<Term> {
        self.journal().read(|state| state.term().cloned())
    }

    /// Notes that this node can do what a releaser does, where it can.
    pub(crate) fn note_well(&self) {
        if self.is_healthy() && !self.journal().is_cut_off() {
            self.releaser().standing().well = Some(self.passed());
        }
    }

    /// A draft of what only the releaser decides: it counts in the term that runs now and in no other.
    pub(crate) fn in_term(&self, mut draft: Draft) -> Draft {
        draft.entry.releaser_term = self.releaser().standing().term.unwrap_or_default();
        draft
    }

    /// Appends such a draft.
    ///
    /// # Errors
    /// `Unavailable` with [`TERM_OVER`] where another term has begun since it was made: what it says has no effect, and whoever is the
    /// releaser decides anew.
    pub(crate) async fn record_in_term(&self, draft: Draft) -> Result<Committed, Error> {
        let term = draft.entry.releaser_term;
        if !self.is_in_term(term) {
            return Err(term_over());
        }
        let committed = self.record(draft).await?;
        if committed.outcome == Outcome::Void && !self.is_in_term(term) { Err(term_over()) } else { Ok(committed) }
    }

    /// Whether a term of this node is the newest; where none has begun, 0.
    fn is_in_term(&self, term: u64) -> bool {
        let own = self.journal().node_name();
        self.journal().read(|state| match state.term() {
            None => term == 0,
            Some(newest) => newest.number == term && *newest.node == *own,
        })
    }

    /// Waits until there is another term than this one.
    async fn until_over(&self, term: u64) {
        loop {
            let changed = self.changed();
            if !self.is_in_term(term) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until this node has begun a term; none once the journal has stopped. Whatever this node wrote in an earlier process may still
    /// be on its way: so its own earlier term is gone on with by nobody.
    async fn until_begun(&self) -> Option<u64> {
        let mut silent_since = None;
        while self.is_running() {
            let ticked = self.ticked();
            let newest = self.releaser_term();
            if self.is_given_up(newest.as_ref(), &mut silent_since).await
                && let Some(term) = self.begin_term(newest.map_or(0, |term| term.number) + 1).await
            {
                return Some(term);
            }
            ticked.await;
        }
        None
    }

    /// Whether nobody acts in the newest term: there is none, it is this node's own from before, or its node has been silent for long.
    async fn is_given_up(&self, newest: Option<&Term>, silent_since: &mut Option<(u64, Duration)>) -> bool {
        let Some(Term { number, node, .. }) = newest.filter(|term| *term.node != *self.journal().node_name()) else {
            return true;
        };
        let Some(peers) = &self.releaser().peers else { return false };
        if peers.acts(node, *number).await {
            *silent_since = None;
            return false;
        }
        let now = self.passed();
        let since = silent_since.filter(|(term, _)| term == number).map_or(now, |(_, since)| since);
        *silent_since = Some((*number, since));
        now.saturating_sub(since) >= PATIENCE
    }

    /// Begins a term, where this node can act in it and no other node is first.
    async fn begin_term(&self, term: u64) -> Option<u64> {
        let own = self.journal().node_name();
        let is_rostered = self.journal().read(|state| state.roster().any(|(_, name)| name == own));
        if !is_rostered || !self.is_healthy() || self.journal().is_cut_off() {
            return None;
        }
        let mut draft = Said::allowed(v1::Operation::Administration, REASON_TERM_BEGUN).by_operator(&self.operator());
        draft.entry.request_id = own_request().as_bytes().to_vec();
        draft.entry.releaser_term = term;
        match self.record(draft).await {
            Ok(committed) => committed.outcome.is_effective().then_some(term),
            Err(error) => {
                tracing::warn!(term, reason = error.reason, "a term of the releaser could not be begun; tried again");
                None
            }
        }
    }
}

/// The reason of what a releaser decided whose term is over.
pub(crate) const TERM_OVER: &str = "term-over";

fn term_over() -> Error {
    Error::new(Class::Unavailable, TERM_OVER, "another node is the releaser: it decides this anew")
}
