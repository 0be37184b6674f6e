//! After a fault: whether every node has all that was acknowledged, nothing has taken effect twice, and all nodes are one.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::time::{Duration, Instant};

use causeway_crypto::Digest;
use causeway_journal::{Checkpoint, checkpoint, decode_entry, v1 as journal};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_rig::{Reach, command};
use tokio::time::sleep;

use super::stand::{NODES, Stand};
use super::table::Row;
use crate::Failed;
use crate::load::{Kept, Log, ORIGIN, PARTNERS, Partner, everything};

const AUDITOR: &str = "gb-nca/audit";

/// How long a node may take to have what another one has acknowledged.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// Items of a page where a whole feed is read.
const ITEMS: u32 = 200;

/// A place in a feed: its position, the item's id and its kind.
type Place = (u64, String, i32);

/// Looks at every node, as a client on this host, and notes what is found.
pub(crate) fn look(stand: &Stand, host: usize, row: &mut Row) -> Result<(), Failed> {
    let reaches = (0..NODES).map(|node| stand.reach(node)).collect::<Result<Vec<_>, _>>()?;
    let kept = stand.ledger.all();
    let newest = kept.iter().filter_map(|kept| match kept {
        Kept::Submitted { receipt, .. } => Some(receipt.leaf_index + 1),
        _ => None,
    });
    let size = newest.max().unwrap_or(0);
    for (node, reach) in reaches.iter().enumerate() {
        stand.ask(host, has_come_to(reach, size))?.map_err(|error| format!("node {}: {error}", node + 1))?;
        let checked = stand.ask(host, everything(reach, &kept))??;
        crate::complain_of(format_args!("{}: node {}: {} looked for", row.name, node + 1, checked.acknowledged));
        row.acknowledged += checked.acknowledged;
        row.lost += checked.lost();
        checked.lost.iter().take(10).for_each(crate::complain_of);
    }
    let mut logs = Vec::new();
    for reach in &reaches {
        logs.push(stand.ask(host, Log::read(reach))??);
    }
    row.doubled += logs.first().map_or(Ok(0), doubled)?;
    row.roots_equal = have_one_root(&logs) && stand.ask(host, have_one_feed(&reaches))??;
    let mirrors = tempfile::tempdir()?;
    for (node, (reach, log)) in reaches.iter().zip(&logs).enumerate() {
        let folder = mirrors.path().join(format!("node-{}", node + 1));
        let words = reach.words(AUDITOR);
        let mirror = ["audit", "mirror", "--quiet"].map(OsStr::new);
        let words: Vec<&OsStr> =
            mirror.into_iter().chain([folder.as_os_str()]).chain(words.iter().map(|word| word.as_os_str())).collect();
        stand.on(host, || run(&words))?;
        let verify = [OsStr::new("verify"), folder.as_os_str(), OsStr::new("--key"), OsStr::new(&log.verifier_key)];
        stand.on(host, || run(&verify))?;
    }
    Ok(())
}

/// Runs a command of `causeway`, which has to succeed.
pub(super) fn run(words: &[&OsStr]) -> Result<(), Failed> {
    let done = command(words)?.output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(format!("causeway {}: {}", words.join(OsStr::new(" ")).display(), said.trim()).into())
}

/// Waits until a node's newest checkpoint covers so many entries.
async fn has_come_to(reach: &Reach, size: u64) -> Result<(), Failed> {
    let begun = Instant::now();
    loop {
        let newest = newest(reach).await;
        match &newest {
            Ok(newest) if newest.size >= size => return Ok(()),
            _ if begun.elapsed() < PATIENCE => sleep(PAUSE).await,
            Ok(newest) => return Err(format!("it has {} of {size} entries", newest.size).into()),
            Err(_) => return newest.map(drop),
        }
    }
}

async fn newest(reach: &Reach) -> Result<Checkpoint, Failed> {
    let mut audit = reach.clients(AUDITOR, "lawfulness").await?.audit();
    let newest = audit.get_checkpoint(v1::GetCheckpointRequest::default()).await?.into_inner();
    if !newest.halted.is_empty() {
        return Err(format!("it is halted: {}", newest.halted).into());
    }
    Ok(checkpoint::verify_with_any(&newest.checkpoint, &[newest.verifier_key.parse()?], ORIGIN)?)
}

/// Entries that are there twice, submissions that have taken effect twice, and versions of records that were released to a feed twice.
fn doubled(log: &Log) -> Result<u64, Failed> {
    let (mut ids, mut submissions, mut releases) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut doubled = 0;
    for (leaf, bytes) in (0..).map(LeafIndex).zip(&log.entries) {
        let entry = decode_entry(bytes)?;
        doubled += u64::from(!ids.insert(entry.entry_id));
        if entry.decision != i32::from(journal::Decision::Allowed) || !log.state.outcome(leaf).is_effective() {
            continue;
        }
        if !entry.submission_mac.is_empty() {
            doubled += u64::from(!submissions.insert(entry.submission_mac));
        }
        let batch = entry.releases.unwrap_or_default();
        for release in batch.releases {
            doubled += u64::from(!releases.insert((batch.feed.clone(), release.record_id, release.version)));
        }
    }
    Ok(doubled)
}

/// Whether the first entries, as many as all have, make one root.
fn have_one_root(logs: &[Log]) -> bool {
    let size = logs.iter().map(|log| log.state.tree().size()).min().unwrap_or(0);
    let roots: Vec<Option<Digest>> = logs.iter().flat_map(|log| log.roots([size])).collect();
    size > 0 && roots.iter().all(|root| root.is_some() && *root == roots[0])
}

/// Whether every node gives each partner the same items, as far as all of them have come.
async fn have_one_feed(reaches: &[Reach]) -> Result<bool, Failed> {
    for partner in PARTNERS {
        let mut feeds = Vec::new();
        for reach in reaches {
            feeds.push(feed(reach, partner).await?);
        }
        let common = feeds.iter().map(Vec::len).min().unwrap_or(0);
        if !feeds.iter().all(|feed| feed[..common] == feeds[0][..common]) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A partner's whole feed, as a node gives it.
async fn feed(reach: &Reach, partner: Partner) -> Result<Vec<Place>, Failed> {
    let mut feed = reach.clients(partner.system, "investigation").await?.feed();
    let (mut places, mut cursor) = (Vec::new(), String::new());
    loop {
        let request = v1::PullRequest { agreement: partner.agreement.into(), cursor, limit: ITEMS };
        let page = feed.pull(request).await?.into_inner().page.ok_or("an answer without its page")?;
        if page.items.is_empty() {
            return Ok(places);
        }
        places.extend(page.items.into_iter().map(|item| (item.position, item.item_id, item.kind)));
        cursor = page.next_cursor;
    }
}
