//! Watches that stay open, and how long what they wait for took to come to each of them.

use std::time::{Duration, Instant};

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::Failed;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

use crate::latency::Latency;

/// Items of a watch's page, at most.
const LIMIT: u32 = 1_000;

/// Watches of some feeds. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Arrivals {
    follows: Vec<Follow>,
    sink: UnboundedSender<Came>,
    pages: UnboundedReceiver<Came>,
    tasks: JoinSet<()>,
}

/// One watch: of which of the feeds, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
    /// The feed's place among those that are watched.
    pub(crate) feed: usize,
    pub(crate) agreement: String,
    /// Where it begins, and then where it has come to.
    pub(crate) cursor: String,
}

/// A page that came to a watch, or the reason why no more will.
#[derive(Debug)]
struct Came {
    watch: usize,
    page: Result<Counted, String>,
    at: Instant,
}

/// What is kept of a page.
#[derive(Debug)]
struct Counted {
    items: usize,
    next_cursor: String,
}

/// What came to all of them.
#[derive(Debug)]
pub(crate) struct Delays {
    pub(crate) latency: Latency,
    pub(crate) pages: u64,
    pub(crate) items: u64,
    /// What did not come while it was waited for; it counts as if it had come when the wait ended.
    pub(crate) missing: u64,
}

impl Arrivals {
    /// No watch yet.
    pub(crate) fn none() -> Self {
        let (sink, pages) = mpsc::unbounded_channel();
        Self { follows: Vec::new(), sink, pages, tasks: JoinSet::new() }
    }

    /// Opens a watch, and waits until the gateway has taken it.
    pub(crate) async fn open(&mut self, clients: &Clients, follow: Follow) -> Result<(), Failed> {
        let (agreement, cursor) = (follow.agreement.clone(), follow.cursor.clone());
        let request = v1::WatchRequest { agreement, cursor, limit: LIMIT };
        let mut answers = clients.feed().watch(request).await?.into_inner();
        let (watch, sink) = (self.follows.len(), self.sink.clone());
        self.follows.push(follow);
        self.tasks.spawn(async move {
            loop {
                let answer = answers.message().await;
                let at = Instant::now();
                let page = match answer {
                    Ok(answer) => answer.and_then(|answer| answer.page).ok_or_else(|| "a watch ended".to_owned()),
                    Err(status) => Err(status.to_string()),
                };
                let page = page.map(|page| Counted { items: page.items.len(), next_cursor: page.next_cursor });
                let is_last = page.is_err();
                // Whoever waited may have gone.
                if sink.send(Came { watch, page, at }).is_err() || is_last {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Waits until everything has come to every watch that is waited for: `since` holds, for each feed, the moments from which on its
    /// next items are waited for, in their order. Gives up after `patience`.
    ///
    /// # Errors
    /// Where a watch ends, or has more than is waited for.
    pub(crate) async fn come(&mut self, since: &[Vec<Instant>], patience: Duration) -> Result<Delays, Failed> {
        let mut left: Vec<&[Instant]> = self.follows.iter().map(|follow| since[follow.feed].as_slice()).collect();
        let mut delays = Delays { latency: Latency::new(), pages: 0, items: 0, missing: 0 };
        let last = Instant::now() + patience;
        while left.iter().any(|moments| !moments.is_empty()) {
            let Ok(came) = tokio::time::timeout_at(last.into(), self.pages.recv()).await else { break };
            let Came { watch, page, at } = came.ok_or("no watch is open")?;
            let page = page?;
            let (due, rest) = left[watch].split_at_checked(page.items).ok_or("more came than was submitted")?;
            due.iter().for_each(|since| delays.latency.add(at.saturating_duration_since(*since)));
            left[watch] = rest;
            // What is no news is a heartbeat.
            delays.pages += u64::from(!due.is_empty());
            delays.items += due.len() as u64;
            self.follows[watch].cursor = page.next_cursor;
        }
        for since in left.into_iter().flatten() {
            delays.latency.add(last.saturating_duration_since(*since));
            delays.missing += 1;
        }
        Ok(delays)
    }

    /// Where the first watch has come to.
    pub(crate) fn first(&self) -> Option<&Follow> {
        self.follows.first()
    }
}

/// The moments in the order of their entries, which is that of their items in a feed that releases at once.
pub(crate) fn in_order(mut moments: Vec<(u64, Instant)>) -> Vec<Instant> {
    moments.sort_unstable();
    moments.into_iter().map(|(_, at)| at).collect()
}
