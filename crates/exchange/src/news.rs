//! What comes to feeds, told to whoever waits for it: one look at all feeds for each commit, which wakes those alone whose feed has
//! something new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_journal::State;
use causeway_model::{AgreementId, Position};
use event_listener::Event;

use crate::Exchange;
use crate::serve::Lately;

/// What watches of feeds share.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    /// Who waits for what comes.
    news: News,
    /// What they were shown a moment ago.
    pub(crate) lately: Lately,
}

/// The feeds that somebody has waited for. There are no more of them than agreements.
#[derive(Debug, Default)]
struct News(Mutex<HashMap<AgreementId, Awaited>>);

/// A feed that somebody waits for, or has.
#[derive(Debug, Default)]
struct Awaited {
    /// How it was when it was last told of; none before the first time.
    told: Option<Seen>,
    came: Arc<Event>,
}

/// What a reader of a feed is told of, once it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    newest: Position,
    /// The version of its agreement; none where there is none.
    version: Option<u32>,
}

impl Seen {
    fn of(state: &State, id: &AgreementId) -> Self {
        let newest = state.feed(id).map(|feed| feed.newest()).unwrap_or_default();
        Self { newest, version: state.agreement(id).map(|agreement| agreement.version) }
    }
}

impl News {
    fn feeds(&self) -> MutexGuard<'_, HashMap<AgreementId, Awaited>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, id: &AgreementId) -> Arc<Event> {
        let mut feeds = self.feeds();
        let awaited = match feeds.get(id) {
            Some(awaited) => awaited,
            None => feeds.entry(id.clone()).or_default(),
        };
        Arc::clone(&awaited.came)
    }

    /// The feeds that are not as they were when they were last told of.
    fn changed(&self, state: &State) -> Vec<Arc<Event>> {
        let mut feeds = self.feeds();
        let changed = feeds.iter_mut().filter_map(|(id, awaited)| {
            let now = Seen::of(state, id);
            let before = awaited.told.replace(now);
            (before != Some(now)).then(|| Arc::clone(&awaited.came))
        });
        changed.collect()
    }

    fn tell_all(&self) {
        self.feeds().values().for_each(|awaited| {
            awaited.came.notify(usize::MAX);
        });
    }
}

impl Exchange {
    /// Waits until a feed has something after this position, its agreement has another version than this one, or the journal has stopped:
    /// whoever reads the feed has to be told. It hears of it from [`Exchange::run_news`].
    pub async fn news(&self, feed: &AgreementId, version: u32, newest: Position) {
        let came = self.watches().news.of(feed);
        loop {
            // Made before the look, so that what comes between the look and the wait wakes it.
            let told = came.listen();
            let now = self.journal().read(|state| Seen::of(state, feed));
            let is_there = now.newest > newest || now.version != Some(version);
            if is_there || !self.is_running() || self.halted().is_some() {
                return;
            }
            told.await;
        }
    }

    /// Tells those who wait for news of feeds, until the journal stops. To be run once, beside the calls.
    pub async fn run_news(&self) {
        while self.is_running() && self.halted().is_none() {
            // Made before the look: what is applied during it is looked at in the next.
            let changed = self.changed();
            let came = self.journal().read(|state| self.watches().news.changed(state));
            came.iter().for_each(|came| {
                came.notify(usize::MAX);
            });
            changed.await;
        }
        // Whoever comes later finds it stopped.
        self.watches().news.tell_all();
    }
}
