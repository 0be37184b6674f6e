//! `causeway watch`: a feed as it comes, until Ctrl-C.

use std::path::PathBuf;

use causeway_proto::v1::WatchRequest;
use clap::Args;

use super::pull::target::Target;
use super::pull::{FeedOptions, NOT_IN_FORCE, cursor_file, item_line};
use crate::Failure;
use crate::output::note;
use crate::session::{Doing, Session};
use crate::signals::Signals;

/// Prints a feed from its start, or from where a cursor file says, and goes on as items come, until Ctrl-C. Each page is checked as
/// `pull` does.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// At most so many items a page (1 to 1,000).
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on from where this file says, as `pull` does, and keep in it how far the watch has come.
    #[arg(long, value_name = "FILE")]
    cursor: Option<PathBuf>,
    /// Append the items to this file, for its owner alone, instead of printing them.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Say, at every heartbeat, up to where the feed goes.
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    feed: FeedOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let keys = options.feed.keys()?;
    let mut signals = Signals::catch()?;
    let (cursor, wanted) = (options.cursor.as_deref(), options.feed.agreement.as_deref());
    let mut standing = cursor_file::read(cursor)?;
    cursor_file::check(cursor, wanted, &standing)?;
    let mut target = options.out.as_deref().map_or(Ok(Target::Standard), Target::file)?;
    let session = Session::open(&options.feed.client, Doing::Reading).await?;
    let agreement = wanted.unwrap_or(&standing.agreement).to_owned();
    let request = WatchRequest { agreement, cursor: standing.cursor.clone(), limit: options.limit };
    let watched = session.feed().watch(request).await;
    let mut pages =
        watched.map_err(|status| cursor_file::name_in(session.failure(status), cursor, &standing))?.into_inner();
    let mut in_force = true;
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
        let mut lines = Vec::with_capacity(page.items.len());
        for item in &page.items {
            lines.extend(item_line::of(item)?);
        }
        if !page.items.is_empty() {
            // What is written is safe with its reader; only then may the cursor move on.
            target.write(&lines)?;
            cursor.map_or(Ok(()), |path| cursor_file::write(path, &standing))?;
        }
        if in_force && !page.in_force {
            note(NOT_IN_FORCE);
        }
        in_force = page.in_force;
        if options.verbose && page.items.is_empty() {
            note(format_args!("at position {} of {}", standing.position, standing.newest));
        }
    }
}
