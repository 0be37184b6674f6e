//! Pulls page after page: checked, kept, written, and only then is the cursor moved. Where the day's quota puts releases off, the
//! cursor stays before them and the withdrawals further on are read all the same.

use std::time::Duration;

use causeway_gateway::client::Refusal;
use causeway_model::Timestamp;
use causeway_proto::v1::{Page, PullRequest, item};

use super::target::Target;
use super::{Counts, Options, cursor_file, item_line};
use crate::feed::Standing;
use crate::output::Progress;
use crate::session::Session;
use crate::verifier_keys::VerifierKeys;
use crate::{Failure, kept_pages};

/// Code of the refusal where the day's quota lets nothing of a page leave.
const QUOTA: &str = "quota-exceeded";
/// Code of the refusal where calls come faster than the agreement allows.
const RATE: &str = "rate-exceeded";
/// A call that comes too fast is made again so often; a gateway that asks for more waiting than this is reported instead.
const RATE_TRIES: u32 = 60;
/// The longest wait for a call that came too fast.
const RATE_WAIT: Duration = Duration::from_secs(10);

/// A pull under way.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    options: &'a Options,
    session: Session,
    keys: Option<VerifierKeys>,
    pub(super) standing: Standing,
    /// Whether the agreement was in force when the last page was made.
    pub(super) in_force: bool,
    target: Target,
    counts: Counts,
}

/// What the day's quota puts off.
#[derive(Debug)]
pub(super) struct PutOff {
    /// When the quota is that of a new day, where the gateway said so.
    renewed: Option<Timestamp>,
}

/// What came of a call.
enum Fetched {
    Page(Box<Page>),
    /// Nothing of it leaves today.
    PutOff(PutOff),
}

impl PutOff {
    fn of_page(page: &Page) -> Option<Self> {
        let deferred = page.items.iter().any(|item| matches!(item.content, Some(item::Content::Deferred(_))));
        let renewed = Some(page.quota_renewed_at_micros).filter(|micros| *micros > 0).map(Timestamp);
        deferred.then_some(Self { renewed })
    }

    fn of_refusal(refusal: &Refusal) -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let renewed = refusal.retry_after.and_then(|wait| u64::try_from((now + wait).as_micros()).ok());
        Self { renewed: renewed.map(Timestamp) }
    }

    /// What to say of it: not all that was asked for was had.
    pub(super) fn failure(&self, standing: &Standing) -> Failure {
        let Standing { agreement, position, ahead, .. } = standing;
        let until = self.renewed.map_or_else(|| "tomorrow".to_owned(), |time| time.to_string());
        let ahead = match ahead {
            Some(ahead) => format!("; withdrawals were read on to position {}", ahead.position),
            None => String::new(),
        };
        let which = if agreement.is_empty() { "this feed" } else { agreement };
        Failure::Partly(format!(
            "{which}: the day's quota of records is used up: from position {} on, records are put off until {until}{ahead}; the cursor \
             stays before them, pull again then",
            position + 1
        ))
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        options: &'a Options,
        session: Session,
        keys: Option<VerifierKeys>,
        standing: Standing,
        target: Target,
    ) -> Self {
        Self { options, session, keys, standing, in_force: true, target, counts: Counts::default() }
    }

    /// Reads a page, or all there are. Says what was put off, where something was.
    pub(super) async fn read(&mut self) -> Result<Option<PutOff>, Failure> {
        let mut progress = Progress::start("pulling", None, !self.options.all);
        let mut more = true;
        let put_off = loop {
            let page = match self.fetch(&self.standing.cursor).await? {
                Fetched::Page(page) => page,
                Fetched::PutOff(put_off) => break Some(put_off),
            };
            self.take(&page)?;
            progress.at(self.counts.all());
            let put_off = PutOff::of_page(&page);
            more = page.more;
            if put_off.is_some() || !self.options.all || !page.more {
                break put_off;
            }
        };
        if put_off.is_some() && more {
            self.read_ahead().await?;
        }
        progress.finish();
        Ok(put_off)
    }

    /// Reads on past what is put off, to the end of the feed: withdrawals do not wait for a quota.
    async fn read_ahead(&mut self) -> Result<(), Failure> {
        while let Some(ahead) = self.standing.ahead.clone() {
            let Fetched::Page(page) = self.fetch(&ahead.cursor).await? else { return Ok(()) };
            self.take(&page)?;
            if !page.more {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn summary(&self) -> String {
        self.counts.summary(&self.standing, self.keys.is_some())
    }

    async fn fetch(&self, cursor: &str) -> Result<Fetched, Failure> {
        let agreement = self.options.feed.agreement.clone().unwrap_or_else(|| self.standing.agreement.clone());
        let request = PullRequest { agreement, cursor: cursor.to_owned(), limit: self.options.limit };
        let mut tries = 0;
        loop {
            let refusal = match self.session.feed().pull(request.clone()).await {
                Ok(response) => {
                    let page = response.into_inner().page;
                    let page = page.ok_or_else(|| Failure::does_not_hold("the gateway answered without a page"))?;
                    return Ok(Fetched::Page(Box::new(page)));
                }
                Err(status) => Refusal::from(status),
            };
            tries += 1;
            match (refusal.reason.as_deref(), refusal.retry_after) {
                (Some(QUOTA), _) => return Ok(Fetched::PutOff(PutOff::of_refusal(&refusal))),
                (Some(RATE), Some(wait)) if wait <= RATE_WAIT && tries < RATE_TRIES => tokio::time::sleep(wait).await,
                _ => {
                    let cursor = self.options.cursor.as_deref();
                    return Err(cursor_file::name_in(self.session.failure(refusal), cursor, &self.standing));
                }
            }
        }
    }

    /// Checks a page, keeps it, writes its items. What is written is safe with its reader; only then may the cursor move on.
    fn take(&mut self, page: &Page) -> Result<(), Failure> {
        if page.items.is_empty() && page.more {
            return Err(Failure::does_not_hold("a page of the feed holds nothing and says that there is more"));
        }
        self.standing.take(page, self.keys.as_ref())?;
        self.in_force = page.in_force;
        let mut lines = Vec::with_capacity(page.items.len());
        for item in &page.items {
            lines.extend(item_line::of(item)?);
            self.counts.count(item);
        }
        self.options.receipts.as_deref().map_or(Ok(()), |folder| kept_pages::keep(folder, page))?;
        self.target.write(&lines)?;
        self.options.cursor.as_deref().map_or(Ok(()), |path| cursor_file::write(path, &self.standing))
    }
}
