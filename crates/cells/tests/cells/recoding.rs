//! The choice of a recoding, over random sequences of batches.
//!
//! What must hold: whatever a feed ever received, each cell has at least k persons at every moment between two batches;
//! a batch has one recoding; a person counts once in a cell; what is held goes as soon as enough like it have come.

use std::collections::{BTreeMap, BTreeSet};

use causeway_cells::Error;
use causeway_cells::recoding::{Candidate, Cell, Choice, Fate, Ladders, Released, Step, choose};

use crate::random::Random;

/// A ladder whose level `l` halves the value `l` times; the level is part of the code, as in "10-14" and "10-19".
fn halving(value: u32, levels: u32) -> Vec<Option<u32>> {
    (0..levels).map(|level| Some(level * 1000 + (value >> level))).collect()
}

fn candidate(person: u64, sensitive: u32, values: [u32; 2]) -> Candidate {
    Candidate { person, sensitive, values: vec![halving(values[0], 3), halving(values[1], 2)] }
}

fn ladders() -> Ladders {
    Ladders::new(&[3, 2]).expect("two short ladders")
}

fn all_go(choice: &Choice) -> bool {
    choice.fates.iter().all(|fate| matches!(fate, Fate::Goes { .. }))
}

/// Puts what goes into the feed; returns the rows that are held.
fn deliver(batch: Vec<Candidate>, choice: &Choice, released: &mut Released) -> Vec<Candidate> {
    let mut held = Vec::new();
    for (row, fate) in batch.into_iter().zip(&choice.fates) {
        match fate {
            Fate::Goes { cell, counts } => {
                let new = released.insert(cell.clone(), row.person);
                assert_eq!(new, *counts, "a person counts exactly when the cell has not got them");
                for (column, (value, step)) in cell.values.iter().zip(&choice.recoding).enumerate() {
                    let expected = match step {
                        Step::Level(level) => row.values[column][usize::from(*level)],
                        Step::Dropped => None,
                    };
                    assert_eq!(*value, expected, "one recoding for the batch");
                }
            }
            Fate::Held => held.push(row),
        }
    }
    held
}

#[test]
fn no_feed_ever_holds_a_cell_below_k() {
    for seed in 0..150 {
        let random = &mut Random(seed);
        let k = usize::try_from(2 + random.below(10)).unwrap();
        let (persons, spread) = (10 + random.below(200), 1 + random.below(8));
        let mut released = Released::new();
        let mut waiting = Vec::new();
        let mut last: BTreeMap<Cell, BTreeSet<u64>> = BTreeMap::new();
        for _ in 0..12 {
            for _ in 0..random.below(60) {
                let values =
                    [random.below(spread * 2), random.below(spread)].map(|value| u32::try_from(value).unwrap());
                let sensitive = u32::try_from(random.below(2)).unwrap();
                waiting.push(candidate(random.below(persons), sensitive, values));
            }
            let choice = choose(&ladders(), &waiting, &released, k).unwrap();
            assert_eq!(choice.fates.len(), waiting.len());
            waiting = deliver(waiting, &choice, &mut released);
            for (cell, persons) in released.cells() {
                assert!(persons.len() >= k, "seed {seed}: {} persons in a cell, k is {k}", persons.len());
                assert!(last.get(cell).is_none_or(|before| before.is_subset(persons)), "earlier rows stay");
            }
            last = released.cells().map(|(cell, persons)| (cell.clone(), persons.clone())).collect();
        }
    }
}

#[test]
fn what_is_held_goes_when_enough_like_it_have_come() {
    for seed in 0..40 {
        let random = &mut Random(seed);
        let mut released = Released::new();
        let crowd: Vec<_> = (0..50).map(|person| candidate(person, 0, [0, 0])).collect();
        deliver(crowd.clone(), &choose(&ladders(), &crowd, &released, 11).unwrap(), &mut released);
        let mut waiting = Vec::new();
        let mut gone = false;
        for person in 100..111 {
            assert!(!gone, "seed {seed}: released with fewer than 11 persons");
            waiting.push(candidate(person, 1, [7, 1]));
            // Those of another cell come along and go: they neither help nor hinder.
            let mut batch = waiting.clone();
            batch.extend((0..random.below(5)).map(|other| candidate(200 + other, 0, [0, 0])));
            let choice = choose(&ladders(), &batch, &released, 11).unwrap();
            let held = deliver(batch, &choice, &mut released);
            gone = held.is_empty();
        }
        assert!(gone, "seed {seed}: still held with 11 persons");
    }
}

#[test]
fn a_straggler_is_held_rather_than_everyone_coarsened() {
    let mut rows: Vec<_> = (0..100).map(|person| candidate(person, 0, [0, 0])).collect();
    rows.push(candidate(100, 0, [7, 1]));
    let choice = choose(&ladders(), &rows, &Released::new(), 11).unwrap();
    assert_eq!((choice.recoding.clone(), choice.going()), (vec![Step::Level(0); 2], 100));
    assert_eq!(choice.fates[100], Fate::Held);
}

#[test]
fn many_go_one_step_coarser_together() {
    let rows: Vec<_> = (0..20).map(|person| candidate(person, 0, [u32::try_from(person % 2).unwrap(), 0])).collect();
    let choice = choose(&ladders(), &rows, &Released::new(), 11).unwrap();
    assert_eq!((choice.recoding.clone(), choice.going()), (vec![Step::Level(1), Step::Level(0)], 20));
}

#[test]
fn what_can_go_without_any_field_does() {
    let rows: Vec<_> = (0..11).map(|person| candidate(person, 0, [u32::try_from(person).unwrap() * 8, 0])).collect();
    let mut rows = rows;
    for (place, row) in rows.iter_mut().enumerate() {
        row.values[1] = vec![Some(u32::try_from(place).unwrap()); 2];
    }
    let choice = choose(&ladders(), &rows, &Released::new(), 11).unwrap();
    assert_eq!(choice.recoding, vec![Step::Dropped; 2]);
    assert!(all_go(&choice));
}

#[test]
fn the_sensitive_set_is_never_recoded() {
    let rows: Vec<_> = (0..20).map(|person| candidate(person, u32::try_from(person % 2).unwrap(), [0, 0])).collect();
    assert_eq!(choose(&ladders(), &rows, &Released::new(), 11).unwrap().going(), 0);
}

#[test]
fn one_person_many_times_is_one_person() {
    let rows: Vec<_> = (0..40).map(|row| candidate(row % 10, 0, [0, 0])).collect();
    assert_eq!(choose(&ladders(), &rows, &Released::new(), 11).unwrap().going(), 0);
    let rows: Vec<_> = (0..40).map(|row| candidate(row % 11, 0, [0, 0])).collect();
    let choice = choose(&ladders(), &rows, &Released::new(), 11).unwrap();
    let counting = choice.fates.iter().filter(|fate| matches!(fate, Fate::Goes { counts: true, .. })).count();
    assert_eq!((choice.going(), counting), (40, 11));
}

#[test]
fn those_released_before_help_at_their_own_level_only() {
    let mut released = Released::new();
    let coarse = Cell { values: vec![Some(2000), Some(0)], sensitive: 0 };
    for person in 0..20 {
        released.insert(coarse.clone(), person);
    }
    let rows = [candidate(99, 0, [3, 0])];
    let choice = choose(&ladders(), &rows, &released, 11).unwrap();
    assert_eq!(choice.fates, [Fate::Goes { cell: coarse, counts: true }]);
}

#[test]
fn a_large_lattice_is_walked_and_keeps_the_rule() {
    let columns = 9;
    let ladders = Ladders::new(&vec![4; columns]).unwrap();
    let random = &mut Random(7);
    let rows: Vec<_> = (0..300)
        .map(|person| {
            let values = (0..columns).map(|_| halving(u32::try_from(random.below(8)).unwrap(), 4)).collect();
            Candidate { person, sensitive: 0, values }
        })
        .collect();
    let mut released = Released::new();
    let choice = choose(&ladders, &rows, &released, 11).unwrap();
    assert_eq!(choice, choose(&ladders, &rows, &released, 11).unwrap());
    assert!(choice.going() > 0);
    deliver(rows, &choice, &mut released);
    assert!(released.cells().all(|(_, persons)| persons.len() >= 11));
}

/// The whole lattice, looked at node by node without any cut: nothing scores higher than what is chosen.
#[test]
fn no_recoding_of_a_small_lattice_keeps_more() {
    for seed in 0..60 {
        let random = &mut Random(seed);
        let rows: Vec<_> = (0..40)
            .map(|person| candidate(person, 0, [0, 0].map(|_: u32| u32::try_from(random.below(6)).unwrap())))
            .collect();
        let score = |recoding: &[Step]| {
            let mut cells: BTreeMap<Vec<Option<u32>>, usize> = BTreeMap::new();
            for row in &rows {
                let shown = row.values.iter().zip(recoding).map(|(values, step)| match step {
                    Step::Level(level) => values[usize::from(*level)],
                    Step::Dropped => None,
                });
                *cells.entry(shown.collect()).or_default() += 1;
            }
            let kept = |step: &Step, levels: usize| match step {
                Step::Level(level) => 6 / levels * (levels - usize::from(*level)),
                Step::Dropped => 0,
            };
            let going: usize = cells.values().filter(|size| **size >= 5).sum();
            (going * (kept(&recoding[0], 3) + kept(&recoding[1], 2)), going)
        };
        let first = [Step::Level(0), Step::Level(1), Step::Level(2), Step::Dropped];
        let second = [Step::Level(0), Step::Level(1), Step::Dropped];
        let best = first.iter().flat_map(|a| second.iter().map(|b| score(&[*a, *b]))).max().unwrap();
        let choice = choose(&ladders(), &rows, &Released::new(), 5).unwrap();
        assert_eq!(score(&choice.recoding), best, "seed {seed}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(Ladders::new(&[3, 0]), Err(Error::Ladder { column: 1 }));
    assert_eq!(Ladders::new(&[17]), Err(Error::Ladder { column: 0 }));
    assert_eq!(Ladders::new(&[1; 17]), Err(Error::Ladder { column: 16 }));
    let mut row = candidate(1, 0, [0, 0]);
    row.values[1].pop();
    let rows = [candidate(2, 0, [0, 0]), row];
    assert_eq!(choose(&ladders(), &rows, &Released::new(), 11), Err(Error::Row { row: 1 }));
    assert_eq!(choose(&ladders(), &rows[..1], &Released::new(), 0), Err(Error::Parameter("k")));
    assert_eq!(choose(&ladders(), &[], &Released::new(), 11).unwrap().fates, []);
}
