//! The journal on the disks that cuts leave.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use causeway_journal::decode_entry;
use causeway_model::LeafIndex;
use causeway_store::{Journal, Search, Term};

use super::child::{SYSTEMS, classified, start};
use super::kept::Kept;
use crate::Failed;
use crate::load::Checked;
use crate::power::{Looking, Subject};

/// What is played.
pub(super) const PLAYED: [&str; 3] = ["data", "keys", "mirror"];

/// What was acknowledged.
#[derive(Debug)]
pub(super) struct Searched(pub(super) Arc<Vec<Kept>>);

impl Subject for Searched {
    fn complete(&self, _folder: &Path) -> Result<Vec<String>, Failed> {
        Ok(Vec::new())
    }

    fn look(&self, folder: PathBuf, kept: usize) -> Looking {
        let all = Arc::clone(&self.0);
        Box::pin(async move {
            let begun = Instant::now();
            let journal = tokio::task::spawn_blocking(move || start(&folder)).await??;
            let took = begun.elapsed();
            let checked = look(&journal, &all, kept).await;
            tokio::task::spawn_blocking(move || journal.close()).await?;
            Ok((checked?, took))
        })
    }
}

/// Every entry with its body, no body that is gone, and of each search what reading the whole log gives.
async fn look(journal: &Journal, all: &[Kept], count: usize) -> Result<Checked, Failed> {
    let (mut checked, (kept, next)) = (Checked::default(), all.split_at(count));
    if let Some(reason) = journal.halted() {
        return Err(format!("the journal is halted: {reason}").into());
    }
    let shredded: BTreeSet<u64> = kept.iter().filter_map(shredded_in).flatten().copied().collect();
    // What was under way may be ended by the start, or not have begun.
    let undecided: BTreeSet<u64> = next.iter().find_map(shredded_in).into_iter().flatten().copied().collect();
    let mut last = None;
    for one in kept {
        let Kept::Entry { leaf, bytes, number } = one else { continue };
        let found = journal.entry(LeafIndex(*leaf)).await.ok();
        checked.look((found.as_ref() == Some(bytes)).then_some(()).ok_or_else(|| format!("entry {leaf}")));
        last = Some((*leaf, *number));
    }
    for leaf in &shredded {
        let body = journal.bodies(vec![LeafIndex(*leaf)]).await?;
        checked.look(body.iter().all(Option::is_none).then_some(()).ok_or_else(|| format!("the erasure of {leaf}")));
    }
    let entries = kept.iter().filter_map(|one| match one {
        Kept::Entry { leaf, number, .. } => Some((*leaf, *number)),
        _ => None,
    });
    let is_there = |(leaf, _): &(u64, u64)| !shredded.contains(leaf) && !undecided.contains(leaf);
    for (leaf, number) in entries.step_by(17).chain(last).filter(is_there) {
        checked.look(body(journal, leaf, number).await);
    }
    searches(journal, &mut checked).await?;
    Ok(checked)
}

const fn shredded_in(kept: &Kept) -> Option<&Vec<u64>> {
    if let Kept::Shredded { leaves } = kept { Some(leaves) } else { None }
}

async fn body(journal: &Journal, leaf: u64, number: u64) -> Result<(), String> {
    let lost = |why: &str| format!("the body of {leaf}: {why}");
    let bodies = journal.bodies(vec![LeafIndex(leaf)]).await.map_err(|error| lost(&error.to_string()))?;
    let body = bodies.into_iter().next().flatten().ok_or_else(|| lost("it is gone"))?;
    (body.body.classified == classified(number)).then_some(()).ok_or_else(|| lost("it says something else"))
}

async fn searches(journal: &Journal, checked: &mut Checked) -> Result<(), Failed> {
    let size = journal.read(|state| state.tree().size());
    let mut by_system = vec![Vec::new(); usize::try_from(SYSTEMS)?];
    let mut entries = Vec::new();
    while (entries.len() as u64) < size {
        entries.extend(journal.entries(LeafIndex(entries.len() as u64), 256).await?);
    }
    for (leaf, bytes) in entries.iter().enumerate() {
        let actor = decode_entry(bytes)?.actor.unwrap_or_default();
        let number = actor.system.strip_prefix("system-").and_then(|number| number.parse::<usize>().ok());
        if let Some(found) = number.and_then(|number| by_system.get_mut(number)) {
            found.push(LeafIndex(leaf as u64));
        }
    }
    for (number, expected) in by_system.into_iter().enumerate() {
        let term = Term::System { agency: "gb-nca".into(), system: format!("system-{number}") };
        let search = Search {
            terms: vec![term],
            among: None,
            from: LeafIndex(0),
            before: LeafIndex(u64::MAX),
            newest_first: false,
            limit: usize::MAX,
        };
        let found = journal.search(search).await?;
        checked.look(
            (found == expected)
                .then_some(())
                .ok_or_else(|| format!("a search finds {} entries of {}", found.len(), expected.len())),
        );
    }
    Ok(())
}
