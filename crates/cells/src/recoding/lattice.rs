//! The search for the best recoding: every node of a small lattice, one path through a large one.

use std::cmp::Reverse;

use super::batch::Batch;
use super::{Ladders, Released, Step};

/// Most nodes of a lattice that is searched whole.
const FULL_NODES: u64 = 4_096;

/// Most looks at a class (nodes times classes) of a full search: some seconds, once in a release period.
const FULL_LOOKS: u64 = 8_000_000;

/// How good a node is; the greatest wins.
type Score = (u64, usize, Reverse<u64>, Reverse<Vec<Step>>);

/// The best recoding of a batch.
pub(super) fn best(ladders: &Ladders, batch: &Batch, released: &Released, k: usize) -> Vec<Step> {
    let nodes = (0..ladders.columns()).try_fold(1u64, |all, column| {
        all.checked_mul(u64::from(ladders.levels(column)) + 1).filter(|nodes| *nodes <= FULL_NODES)
    });
    let looks = nodes.and_then(|nodes| nodes.checked_mul(u64::try_from(batch.classes()).ok()?));
    match looks {
        Some(looks) if looks <= FULL_LOOKS => whole(ladders, batch, released, k),
        _ => path(ladders, batch, released, k),
    }
}

fn whole(ladders: &Ladders, batch: &Batch, released: &Released, k: usize) -> Vec<Step> {
    let mut nodes = all(ladders);
    nodes.sort_by_cached_key(|node| Reverse(score(ladders, node, 1)));
    let mut best: Option<Score> = None;
    for node in nodes {
        // The nodes after this one keep no more precision: if all rows here would not win, none of them can.
        if best.as_ref().is_some_and(|best| *best >= score(ladders, &node, batch.rows())) {
            break;
        }
        let found = score(ladders, &node, batch.going(&node, released, k));
        if best.as_ref().is_none_or(|best| *best < found) {
            best = Some(found);
        }
    }
    best.map_or_else(|| finest(ladders), |(.., Reverse(node))| node)
}

fn path(ladders: &Ladders, batch: &Batch, released: &Released, k: usize) -> Vec<Step> {
    let mut node = finest(ladders);
    let mut best = score(ladders, &node, batch.going(&node, released, k));
    loop {
        let open = (0..node.len()).filter(|column| node[*column] != Step::Dropped);
        let widest = open.max_by_key(|column| (batch.distinct(*column, node[*column]), Reverse(*column)));
        let Some(column) = widest else { break };
        node[column] = coarser(ladders, column, node[column]);
        let going = batch.going(&node, released, k);
        best = best.max(score(ladders, &node, going));
        if going == batch.rows() {
            break;
        }
    }
    best.3.0
}

/// The score of a node of which so many rows go. Precision is counted in parts of `columns * 720720`, 720720 being
/// the least common multiple of 1 to [`MAX_LEVELS`](super::MAX_LEVELS), so that no fraction is rounded.
fn score(ladders: &Ladders, node: &[Step], going: usize) -> Score {
    const PARTS: u64 = 720_720;
    let kept = node.iter().enumerate().map(|(column, step)| match step {
        Step::Level(level) => {
            let levels = u64::from(ladders.levels(column));
            (levels - u64::from(*level)) * (PARTS / levels)
        }
        Step::Dropped => 0,
    });
    let steps = node.iter().enumerate().map(|(column, step)| match step {
        Step::Level(level) => u64::from(*level),
        Step::Dropped => u64::from(ladders.levels(column)),
    });
    let rows = u64::try_from(going).unwrap_or(u64::MAX);
    (kept.sum::<u64>().saturating_mul(rows), going, Reverse(steps.sum()), Reverse(node.to_vec()))
}

fn finest(ladders: &Ladders) -> Vec<Step> {
    vec![Step::Level(0); ladders.columns()]
}

fn coarser(ladders: &Ladders, column: usize, step: Step) -> Step {
    match step {
        Step::Level(level) if level + 1 < ladders.levels(column) => Step::Level(level + 1),
        _ => Step::Dropped,
    }
}

fn all(ladders: &Ladders) -> Vec<Vec<Step>> {
    let mut nodes = vec![Vec::new()];
    for column in 0..ladders.columns() {
        let steps = (0..ladders.levels(column)).map(Step::Level).chain([Step::Dropped]);
        let steps: Vec<Step> = steps.collect();
        nodes = nodes.iter().flat_map(|node| steps.iter().map(|step| [node.as_slice(), &[*step]].concat())).collect();
    }
    nodes
}
