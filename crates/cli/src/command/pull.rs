//! `causeway pull`: pages of a feed as JSON Lines, each checked before it is printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use causeway_proto::v1::{Item, PullRequest, item};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::feed::Standing;
use crate::output::{Progress, note, say_json};
use crate::session::{Doing, Session};
use crate::verifier_keys::VerifierKeys;

/// Pulls a page of an agreement's feed and prints its items, one JSON object a line. The chain, the page's digest and the
/// disclosure's proof are checked first.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// At most so many items a page (1 to 1,000).
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on from where this file says, and write there where this pull stopped.
    #[arg(long, value_name = "FILE")]
    cursor: Option<PathBuf>,
    /// Pull page after page until there is no more.
    #[arg(long)]
    all: bool,
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
    let mut standing = options.cursor.as_deref().map_or_else(|| Ok(Standing::start()), read_standing)?;
    options.check_cursor(&standing)?;
    let session = Session::open(&options.feed.client, Doing::Reading).await?;
    let mut progress = Progress::start("pulling", None, !options.all);
    let mut counts = Counts::default();
    loop {
        let request = PullRequest {
            agreement: options.feed.agreement.clone().unwrap_or_else(|| standing.agreement.clone()),
            cursor: standing.cursor.clone(),
            limit: options.limit,
        };
        let response = session.feed().pull(request).await;
        let response = response.map_err(|status| options.of_cursor(session.failure(status), &standing))?.into_inner();
        let page = response.page.ok_or_else(|| Failure::does_not_hold("the gateway answered without a page"))?;
        standing.take(&page, keys.as_ref())?;
        page.items.iter().for_each(|item| print(item, &mut counts));
        progress.at(counts.released + counts.withdrawn);
        // What is printed is safe with its reader; only then may the cursor move on.
        options.cursor.as_deref().map_or(Ok(()), |path| write_standing(path, &standing))?;
        if !options.all || !page.more {
            progress.finish();
            note(counts.summary(&standing, page.newest_position, keys.is_some()));
            return Ok(());
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    released: u64,
    withdrawn: u64,
}

impl Counts {
    fn summary(&self, standing: &Standing, newest: u64, signed: bool) -> String {
        let Self { released, withdrawn } = self;
        let Standing { agreement, position, .. } = standing;
        let left = newest.saturating_sub(*position);
        let held = match signed {
            true => "chain, page digests, disclosure proofs and checkpoint signatures hold",
            false => {
                "chain, page digests and disclosure proofs hold; the signatures were not checked: give --verifier-key"
            }
        };
        format!(
            "{agreement}: {released} records, {withdrawn} withdrawals, now at position {position}, {left} more; \
             {held}"
        )
    }
}

/// An item as one line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    item_id: &'a str,
    #[serde(flatten)]
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Released {
        kind: &'a str,
        schema_version: &'a str,
        clause: &'a str,
        replaces: &'a str,
        /// After a planned rotation: each pseudonym of the item that is replaced, and what it is now.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pseudonyms: BTreeMap<&'a str, &'a str>,
        document: Box<RawValue>,
    },
    Withdrawn {
        withdrawn: &'a str,
    },
    Deferred {
        deferred: bool,
    },
}

pub(super) fn print(item: &Item, counts: &mut Counts) {
    let content = match &item.content {
        Some(item::Content::Released(record)) => {
            counts.released += 1;
            let text = String::from_utf8_lossy(&record.document).into_owned();
            let document = RawValue::from_string(text).unwrap_or_default();
            Content::Released {
                kind: &record.kind,
                schema_version: &record.schema_version,
                clause: &record.clause,
                replaces: &record.replaces_item_id,
                pseudonyms: record.pseudonym_changes.iter().map(|c| (&*c.previous, &*c.current)).collect(),
                document,
            }
        }
        Some(item::Content::Withdrawn(withdrawn)) => {
            counts.withdrawn += 1;
            Content::Withdrawn { withdrawn: &withdrawn.item_id }
        }
        Some(item::Content::Deferred(_)) => Content::Deferred { deferred: true },
        None => return,
    };
    say_json(&Line { position: item.position, item_id: &item.item_id, content });
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
    let text = serde_json::to_string_pretty(standing).expect("a standing is texts and a number");
    std::fs::write(&partial, text + "\n").map_err(|e| Failure::file(&partial, e))?;
    std::fs::rename(&partial, path).map_err(|e| Failure::file(path, e))
}
