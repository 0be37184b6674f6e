//! `causeway watch`: a feed as it comes, until Ctrl-C.

use causeway_proto::v1::WatchRequest;
use clap::Args;

use super::pull::{FeedOptions, item_line};
use crate::Failure;
use crate::feed::Standing;
use crate::output::{note, say};
use crate::session::{Doing, Session};
use crate::signals::Signals;

/// Prints a feed from its start and goes on as items come, until Ctrl-C. Each page is checked as `pull` does.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// At most so many items a page (1 to 1,000).
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Say, at every heartbeat, up to where the feed goes.
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    feed: FeedOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let keys = options.feed.keys()?;
    let mut signals = Signals::catch()?;
    let session = Session::open(&options.feed.client, Doing::Reading).await?;
    let agreement = options.feed.agreement.clone().unwrap_or_default();
    let request = WatchRequest { agreement, cursor: String::new(), limit: options.limit };
    let mut pages = session.feed().watch(request).await.map_err(|status| session.failure(status))?.into_inner();
    let mut standing = Standing::start();
    loop {
        let response = tokio::select! {
            response = pages.message() => response.map_err(|status| session.failure(status))?,
            () = signals.wait() => {
                note(format_args!("stopped at position {}", standing.position));
                return Ok(());
            }
        };
        let Some(response) = response else { return Err(session.lost("the gateway ended the watch; start it again")) };
        let Some(page) = response.page else { continue };
        standing.take(&page, keys.as_ref())?;
        for item in &page.items {
            item_line::of(item)?.iter().for_each(say);
        }
        if options.verbose && page.items.is_empty() {
            note(format_args!("at position {} of {}", standing.position, standing.newest));
        }
    }
}
