//! The journal that is recorded, in a process of its own.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_journal::v1;
use causeway_model::{EntryId, LeafIndex};
use causeway_store::{Clock, Draft, DraftBody, Journal, Keys, Options, SledLog};

use super::kept::{Kept, Writer};
use crate::Failed;
use crate::faults::runtime;

/// Entries, and how many of them are on their way at a time.
const ENTRIES: u64 = 1_600;
const AT_ONCE: usize = 24;

/// Every so many entries, some bodies are erased.
const SHRED_EACH: u64 = 400;

/// Systems that entries are of, by which they are searched.
pub(super) const SYSTEMS: u64 = 5;

/// Runs a journal in a folder until it has done all that it is to do.
pub(crate) fn journal(folder: &Path, kept: &Path, marks: &Path) -> Result<(), Failed> {
    let mut writer = Writer::to(kept, marks)?;
    runtime()?.block_on(run(folder, &mut writer))
}

async fn run(folder: &Path, writer: &mut Writer) -> Result<(), Failed> {
    writer.phase("start")?;
    let journal = start(folder)?;
    for reason in [causeway_journal::REASON_GENESIS, causeway_journal::REASON_GENESIS_COMPLETE] {
        let mut draft = draft(0);
        draft.entry.operation = v1::Operation::Administration.into();
        draft.entry.reason = reason.into();
        journal.append(draft).await?;
    }
    writer.phase("append")?;
    let mut leaves = Vec::new();
    for part in 0..ENTRIES / SHRED_EACH {
        append(&journal, part * SHRED_EACH..(part + 1) * SHRED_EACH, &mut leaves, writer).await?;
        writer.phase("shred")?;
        let gone: Vec<u64> = leaves.iter().copied().skip(usize::try_from(part)?).step_by(150).collect();
        journal.shred(gone.iter().copied().map(LeafIndex).collect()).await?;
        writer.keep(&Kept::Shredded { leaves: gone })?;
        match part {
            1 => journal.rotate_page_keys().await.map(drop)?,
            2 => journal.rotate_root().await?,
            _ => continue,
        }
        writer.keep(&Kept::Rotated)?;
        writer.phase("append")?;
    }
    // Blocks are written behind the commits: what is still to be written is cut at too.
    tokio::time::sleep(Duration::from_millis(500)).await;
    writer.phase("close")?;
    journal.close();
    Ok(())
}

async fn append(
    journal: &Journal,
    numbers: std::ops::Range<u64>,
    leaves: &mut Vec<u64>,
    writer: &mut Writer,
) -> Result<(), Failed> {
    let mut waiting = VecDeque::new();
    let mut numbers = numbers.into_iter();
    loop {
        while waiting.len() < AT_ONCE
            && let Some(number) = numbers.next()
        {
            waiting.push_back((number, journal.enqueue(draft(number)).await?));
        }
        let Some((number, appending)) = waiting.pop_front() else { return Ok(()) };
        let committed = appending.await?;
        leaves.push(committed.leaf.0);
        writer.keep(&Kept::Entry { leaf: committed.leaf.0, bytes: committed.entry, number })?;
    }
}

/// A journal in a folder, with an index of small blocks.
pub(super) fn start(folder: &Path) -> Result<Journal, Failed> {
    let (data_dir, keys_dir) = (folder.join("data"), folder.join("keys"));
    let (keys, _) = Keys::load_or_create(&keys_dir)?;
    let options = Options {
        data_dir: data_dir.clone(),
        keys_dir,
        mirror_dir: Some(folder.join("mirror")),
        keys: Arc::new(keys),
        clock: Clock::system(),
        node: "faults".into(),
        origin: "faults.causeway.example/journal".into(),
        software: concat!("causeway/", env!("CARGO_PKG_VERSION")).into(),
        queue_depth: 1_024,
        signing_overlap: Duration::ZERO,
        headroom_bytes: 0,
        node_keys: None,
        index: true,
    };
    Ok(Journal::start_with_small_blocks(Box::new(SledLog::open(&data_dir)?), options)?)
}

/// What the body beside an entry says.
pub(super) fn classified(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(10 + usize::try_from(number % 60).unwrap_or(0))
}

fn draft(number: u64) -> Draft {
    let id: [u8; 16] = causeway_crypto::random();
    let entry = v1::Entry {
        entry_id: id.to_vec(),
        operation: v1::Operation::Consultation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: "accepted".into(),
        actor: Some(v1::Actor {
            agency: "gb-nca".into(),
            system: format!("system-{}", number % SYSTEMS),
            ..v1::Actor::default()
        }),
        ..v1::Entry::default()
    };
    let body = v1::Body { schema: "victim-profile/1.0".into(), classified: classified(number), sealed: None };
    let entry_id = EntryId::try_from(id.as_slice()).expect("16 bytes");
    let body = Some(DraftBody::encrypt(&body, &entry_id, None));
    let openings = Some(v1::Openings { operator: format!("operator-{number}"), ..v1::Openings::default() });
    Draft { entry, openings, body, document_text: None }
}
