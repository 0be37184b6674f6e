//! `causeway pull`: pages of a feed as JSON Lines, each checked before it is printed; and the check of what was kept of them.

pub(crate) mod item_line;
mod reader;
mod target;
mod verify;

use std::path::{Path, PathBuf};

use causeway_proto::v1::{Item, item};
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::feed::Standing;
use crate::output::note;
use crate::session::{Doing, Session};
use crate::verifier_keys::VerifierKeys;
use reader::Reader;
use target::Target;

const VERIFY_HELP: &str = "`--verify` needs no gateway. With a folder of pages (--receipts) it checks every page and that none is missing; with \
                           a file of items (--out) it also holds each line against the pages. It exits with 0 where all holds, 1 where \
                           something was left out, altered, repeated or reordered, 2 without --verifier-key.";

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
        self.verifier_key.as_deref().map(VerifierKeys::of).transpose()
    }
}

impl Options {
    /// A cursor file goes on in the feed that it was written for and in no other.
    fn check_cursor(&self, standing: &Standing) -> Result<(), Failure> {
        match (&self.cursor, &self.feed.agreement) {
            (Some(path), Some(wanted)) if !standing.agreement.is_empty() && *wanted != standing.agreement => {
                let of = &standing.agreement;
                Err(Failure::content(path, format!("a cursor of {of}, not of {wanted}: give another --cursor file")))
            }
            _ => Ok(()),
        }
    }

    /// A refusal, with what the cursor file is for, since it may be another agency's.
    fn of_cursor(&self, failure: Failure, standing: &Standing) -> Failure {
        match (failure, &self.cursor) {
            (Failure::Refused { reason, message, violations }, Some(path)) if !standing.agreement.is_empty() => {
                let (path, of) = (path.display(), &standing.agreement);
                let message = format!("{message}; the cursor file {path} is for {of}");
                Failure::Refused { reason, message, violations }
            }
            (failure, _) => failure,
        }
    }
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let keys = options.feed.keys()?;
    let standing = options.cursor.as_deref().map_or_else(|| Ok(Standing::start()), read_standing)?;
    if let Some(kept) = &options.verify {
        return verify::run(kept, options, &standing, keys.as_ref());
    }
    options.check_cursor(&standing)?;
    let target = options.out.as_deref().map_or(Ok(Target::Standard), Target::file)?;
    let session = Session::open(&options.feed.client, Doing::Reading).await?;
    let mut reader = Reader::new(options, session, keys, standing, target);
    let put_off = reader.read().await?;
    note(reader.summary());
    put_off.map_or(Ok(()), |put_off| Err(put_off.failure(&reader.standing)))
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

fn read_standing(path: &Path) -> Result<Standing, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|_| Failure::content(path, "not a cursor file; delete it to begin at the start".into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Standing::start()),
        Err(error) => Err(Failure::file(path, error)),
    }
}

/// The file beside it that a file is written to before it takes its place.
pub(super) fn partial_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

fn write_standing(path: &Path, standing: &Standing) -> Result<(), Failure> {
    let partial = partial_of(path);
    let text = serde_json::to_string_pretty(standing).expect("a standing is texts and numbers");
    std::fs::write(&partial, text + "\n").map_err(|e| Failure::file(&partial, e))?;
    std::fs::rename(&partial, path).map_err(|e| Failure::file(path, e))
}
