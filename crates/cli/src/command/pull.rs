//! `causeway pull`: pages of a feed as JSON Lines, each checked before it is printed; and the check of what was kept of them.

pub(crate) mod cursor_file;
pub(crate) mod item_line;
mod reader;
pub(crate) mod target;
mod verify;

use std::path::{Path, PathBuf};

use causeway_proto::v1::{Item, item};
use clap::Args;

use crate::client_options::ClientOptions;
use crate::feed::Standing;
use crate::output::note;
use crate::session::{Doing, Session};
use crate::verifier_keys::VerifierKeys;
use crate::{Failure, kept_pages};
use reader::Reader;
use target::Target;

const VERIFY_HELP: &str = "`--verify` needs no gateway. With a folder of pages (--receipts) it checks every page and that none is missing; with \
                           a file of items (--out) it also holds each line against the pages. It exits with 0 where all holds, 1 where \
                           something was left out, altered, repeated or reordered, or the first positions are not kept here, 2 without \
                           --verifier-key.";

/// What is said where a page says that its agreement is not in force.
pub(super) const NOT_IN_FORCE: &str = "the agreement is not in force: nothing but withdrawals comes";

/// Pulls a page of an agreement's feed and prints its items, one JSON object a line. The chain, the page's digest and the
/// disclosure's proof are checked first.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct Options {
    /// At most so many items a page (1 to 1,000).
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on from where this file says, and write there where this pull stopped. With --verify: what is kept must reach that far.
    #[arg(long, value_name = "FILE")]
    cursor: Option<PathBuf>,
    /// Pull page after page until there is no more. Where the day's quota puts records off, withdrawals further on are read, and come
    /// again when their positions are reached.
    #[arg(long)]
    all: bool,
    /// Append the items to this file, for its owner alone, instead of printing them.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keep every page as it was received, with its evidence, in this folder.
    #[arg(long, value_name = "DIR")]
    receipts: Option<PathBuf>,
    /// Check, offline, what earlier pulls kept: the folder of pages, or the file of items (with --receipts).
    #[arg(long, value_name = "DIR|FILE", conflicts_with_all = ["limit", "all", "out"])]
    verify: Option<PathBuf>,
    /// With --verify: what is kept must reach this position, as the one that was acknowledged.
    #[arg(long, value_name = "POSITION", requires = "verify")]
    up_to: Option<u64>,
    #[command(flatten)]
    pub(super) feed: FeedOptions,
}

/// Which feed, and how to check it.
#[derive(Debug, Args)]
pub(crate) struct FeedOptions {
    /// The agreement; it may be left out where the agency has one only.
    #[arg(long, value_name = "ID")]
    pub(super) agreement: Option<String>,
    /// Check checkpoint signatures with this verifier key, or the file that holds it; after a rotation with several, one a
    /// line.
    #[arg(long, value_name = "VKEY")]
    verifier_key: Option<String>,
    #[command(flatten)]
    pub(super) client: ClientOptions,
}

impl FeedOptions {
    pub(super) fn keys(&self) -> Result<Option<VerifierKeys>, Failure> {
        self.verifier_key.as_deref().map(|key| VerifierKeys::of(verify::KEY_OPTION, key)).transpose()
    }
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let keys = options.feed.keys()?;
    let cursor = options.cursor.as_deref();
    let standing = cursor_file::read(cursor)?;
    if let Some(kept) = &options.verify {
        return verify::run(kept, options, &standing, keys.as_ref());
    }
    cursor_file::check(cursor, options.feed.agreement.as_deref(), &standing)?;
    if let Some(gap) = options.receipts.as_deref().map(|folder| gap(folder, &standing)).transpose()?.flatten() {
        note(gap);
    }
    let target = options.out.as_deref().map_or(Ok(Target::Standard), Target::file)?;
    let session = Session::open(&options.feed.client, Doing::Reading).await?;
    let mut reader = Reader::new(options, session, keys, standing, target);
    let put_off = reader.read().await?;
    note(reader.summary());
    if !reader.in_force {
        note(NOT_IN_FORCE);
    }
    put_off.map_or(Ok(()), |put_off| Err(put_off.failure(&reader.standing)))
}

/// That pages which are kept from here on will not go back to the start of the feed, where the cursor is further on than the folder.
fn gap(folder: &Path, standing: &Standing) -> Result<Option<String>, Failure> {
    let reached = kept_pages::kept_up_to(folder)?;
    if reached >= standing.position {
        return Ok(None);
    }
    let (folder, from, to) = (folder.display(), reached + 1, standing.position);
    Ok(Some(format!(
        "{folder} holds no pages of the positions {from} to {to}, which are behind the cursor: begin a new --cursor file to have them, or \
         expect --verify to say so"
    )))
}

/// How many items were printed.
#[derive(Debug, Default)]
pub(super) struct Counts {
    released: u64,
    withdrawn: u64,
}

impl Counts {
    /// Counts an item that is printed.
    pub(super) fn count(&mut self, item: &Item) {
        match &item.content {
            Some(item::Content::Released(_)) => self.released += 1,
            Some(item::Content::Withdrawn(_)) => self.withdrawn += 1,
            Some(item::Content::Deferred(_)) | None => {}
        }
    }

    fn all(&self) -> u64 {
        self.released + self.withdrawn
    }

    fn summary(&self, standing: &Standing, signed: bool) -> String {
        let Self { released, withdrawn } = self;
        let Standing { agreement, position, newest, .. } = standing;
        let left = newest.saturating_sub(*position);
        let held = match signed {
            true => "chain, page digests, disclosure proofs and checkpoint signatures hold",
            false => {
                "chain, page digests and disclosure proofs hold; the signatures were not checked: give --verifier-key"
            }
        };
        format!(
            "{agreement}: {released} records, {withdrawn} withdrawals, now at position {position}, {left} more; {held}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_begins_behind_the_cursor_is_said_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut standing = Standing::start();
        assert_eq!(gap(folder.path(), &standing).expect("nothing is behind"), None);
        standing.position = 2;
        let missing = |path: &Path| gap(path, &standing).expect("readable").expect("two are behind");
        assert!(missing(folder.path()).contains("no pages of the positions 1 to 2"));
        assert!(missing(&folder.path().join("new")).contains("no pages of the positions 1 to 2"));
        std::fs::write(folder.path().join("000000000001-000000000002-000000000009.page"), "").expect("written");
        assert_eq!(gap(folder.path(), &standing).expect("readable"), None);
    }
}
