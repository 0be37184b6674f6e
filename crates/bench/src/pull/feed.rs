//! Reading a feed as a partner's system does, page after page or by a watch, and nothing but counting what comes.

use std::time::{Duration, Instant};

use causeway_gateway::client::{Clients, Refusal};
use causeway_proto::v1;
use causeway_rig::{Failed, Reach};

use super::partner::{self, Partner};
use crate::latency::Latency;

/// How often it is looked whether the releaser has come to the end.
const LOOK: Duration = Duration::from_millis(200);

/// A releaser that releases nothing for so long has come to its end.
const STILL: Duration = Duration::from_secs(60);

/// A partner's system on a connection of its own.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    clients: Clients,
    agreement: String,
    /// Items of a page, at most.
    limit: u32,
}

/// What was read of a feed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Read {
    pub(crate) pages: u64,
    pub(crate) items: u64,
    /// Bytes of the documents.
    pub(crate) bytes: u64,
}

impl Read {
    /// Counts a page; the records in it are those that it shows.
    fn count(&mut self, page: &v1::Page) -> Result<(), Failed> {
        for item in &page.items {
            match &item.content {
                Some(v1::item::Content::Released(record)) => self.bytes += record.document.len() as u64,
                _ => return Err(format!("position {} shows no record", item.position).into()),
            }
        }
        self.pages += 1;
        self.items += page.items.len() as u64;
        Ok(())
    }
}

impl Reader {
    /// Connects as a partner's system.
    pub(crate) async fn connect(reach: &Reach, partner: &Partner, limit: u32) -> Result<Self, Failed> {
        let clients = reach.clients(&partner.system(), partner::PURPOSE).await?;
        Ok(Self { clients, agreement: partner.agreement.clone(), limit })
    }

    /// The same with pages of another size, on the same connection.
    pub(crate) fn with_limit(&self, limit: u32) -> Self {
        Self { limit, ..self.clone() }
    }

    /// The page behind a cursor.
    pub(crate) async fn page(&self, cursor: String) -> Result<v1::Page, Failed> {
        self.page_or_refusal(cursor).await?.map_err(|refusal| refusal.message.into())
    }

    /// The page behind a cursor, or why it was refused.
    pub(crate) async fn page_or_refusal(&self, cursor: String) -> Result<Result<v1::Page, Refusal>, Failed> {
        let request = v1::PullRequest { agreement: self.agreement.clone(), cursor, limit: self.limit };
        match self.clients.feed().pull(request).await {
            Ok(answer) => Ok(Ok(answer.into_inner().page.ok_or("an answer without its page")?)),
            Err(status) => Ok(Err(Refusal::from(status))),
        }
    }

    /// Waits until the feed has so many positions, as it has once the releaser has decided on all that was submitted.
    ///
    /// # Errors
    /// Where it stays at fewer, or has more.
    pub(crate) async fn settled(&self, positions: u64) -> Result<(), Failed> {
        let first = self.with_limit(1);
        let (mut newest, mut moved) = (0, Instant::now());
        while newest < positions && moved.elapsed() < STILL {
            let now = first.page(String::new()).await?.newest_position;
            if now > newest {
                (newest, moved) = (now, Instant::now());
            }
            tokio::time::sleep(LOOK).await;
        }
        if newest == positions {
            return Ok(());
        }
        Err(format!("{} has {newest} positions in the place of {positions}", self.agreement).into())
    }

    /// Pulls the whole feed, page after page.
    pub(crate) async fn pull_all(&self, latency: &mut Latency) -> Result<Read, Failed> {
        let (mut read, mut cursor) = (Read::default(), String::new());
        loop {
            let begun = Instant::now();
            let page = self.page(cursor).await?;
            latency.add(begun.elapsed());
            read.count(&page)?;
            if !page.more {
                return Ok(read);
            }
            cursor = page.next_cursor;
        }
    }

    /// The cursors of all pages of the feed; the first is empty.
    pub(crate) async fn cursors(&self) -> Result<Vec<String>, Failed> {
        let mut cursors = vec![String::new()];
        while let Some(cursor) = cursors.last() {
            let page = self.page(cursor.clone()).await?;
            if !page.more {
                break;
            }
            cursors.push(page.next_cursor);
        }
        Ok(cursors)
    }

    /// Watches the feed from its start until its newest position has come.
    pub(crate) async fn watch_all(&self) -> Result<Read, Failed> {
        let mut read = Read::default();
        let request = v1::WatchRequest { agreement: self.agreement.clone(), cursor: String::new(), limit: self.limit };
        let mut pages = self.clients.feed().watch(request).await?.into_inner();
        while let Some(answer) = pages.message().await? {
            let page = answer.page.ok_or("an answer without its page")?;
            read.count(&page)?;
            if !page.more {
                return Ok(read);
            }
        }
        Err("a watch ended before its feed".into())
    }
}
