//! Where the power is cut.

use std::collections::{BTreeMap, BTreeSet};

use crate::chance::Chance;

use super::names::Kinds;
use super::{Base, Event, Survival};

/// A cut after an event, and what survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    /// So many events have happened.
    pub(crate) after: usize,
    pub(crate) survival: Survival,
}

/// How many cuts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// So many by chance, and every kind of point.
    Sample(usize),
    /// So many by chance alone: for tests, which have little time.
    Few(usize),
    /// Every point.
    All,
}

/// What was chosen.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// In order, each with what has just been done there.
    pub(crate) points: Vec<(Point, String)>,
    /// How many kinds of points there are.
    pub(crate) kinds: u64,
}

/// The cuts. In a sample each kind of point is cut at twice, under two models, each phase's points some times more.
pub(crate) fn choose(events: &[Event<'_>], base: &Base, wanted: Wanted, chance: &mut Chance) -> Chosen {
    let mut kinds = Kinds::over(base);
    let mut by_kind: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut by_phase: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let (mut all, mut phases, mut phase) = (Vec::new(), Vec::new(), "");
    for (event, after) in events.iter().zip(1..) {
        if let Event::Phase { name } = event {
            phase = name;
        }
        phases.push(phase);
        if let Some(kind) = kinds.of(event) {
            by_kind.entry(kind).or_default().push(after);
            by_phase.entry(phase).or_default().push(after);
            all.push(after);
        }
    }
    let mut models = Survival::ALL.iter().copied().cycle();
    let mut next = move || models.next().unwrap_or(Survival::Nothing);
    let mut points = BTreeSet::new();
    match wanted {
        Wanted::All => points.extend(all.iter().map(|after| Point { after: *after, survival: next() })),
        Wanted::Sample(count) | Wanted::Few(count) => {
            if matches!(wanted, Wanted::Sample(_)) {
                for places in by_kind.values().chain(by_kind.values()) {
                    points.extend(chance.pick(places).map(|after| Point { after: *after, survival: next() }));
                }
            }
            for places in by_phase.values() {
                points.extend(chance.pick(places).map(|after| Point { after: *after, survival: next() }));
            }
            let told = by_kind.get("acknowledge").map(Vec::as_slice).unwrap_or_default();
            while points.len() < count.min(all.len()) {
                let from = if points.len().is_multiple_of(2) || told.is_empty() { &all } else { told };
                points.extend(chance.pick(from).map(|after| Point { after: *after, survival: next() }));
            }
        }
    }
    let places: BTreeMap<usize, &String> =
        by_kind.iter().flat_map(|(kind, places)| places.iter().map(move |after| (*after, kind))).collect();
    let named = |point: Point| {
        let kind = places.get(&point.after).map_or("", |kind| kind.as_str());
        (point, format!("cut {} after `{kind}` in {}", point.after, phases.get(point.after - 1).unwrap_or(&"")))
    };
    Chosen { points: points.into_iter().map(named).collect(), kinds: by_kind.len() as u64 }
}
