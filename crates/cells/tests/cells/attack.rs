//! The attack over real data: every difference, and every bound that follows from all published numbers together.
//!
//! The attacker knows the exact numbers where the recipient only gets rounded ones. What must hold: of no small cell of a
//! published table does it learn an upper bound under the threshold.

use std::collections::BTreeMap;

use causeway_cells::cube::{Counts, Cube, Dimension, Level, Rules, Shown, Table};

use crate::ctdc::{self, Ctdc};
use crate::random::Random;

/// A cell of any table: a code in the dimensions it has.
type Key = Vec<Option<u16>>;

/// A cube made of some columns, and its exact counts in every table.
struct Case {
    table: Table,
    exact: BTreeMap<Key, i64>,
    sizes: Vec<u16>,
    small: usize,
}

/// Takes some columns of one row in `thin`.
fn case(file: &Ctdc, columns: &[usize], tables: &[Level], threshold: u32, thin: u64) -> Case {
    let dimension =
        |column: &usize| Dimension { name: file.names[*column].clone(), categories: file.categories[*column].clone() };
    let mut counts = Counts::new(columns.iter().map(dimension).collect()).expect("a cube");
    let mut exact: BTreeMap<Key, i64> = BTreeMap::new();
    let random = &mut Random(thin);
    for row in file.rows.iter().filter(|_| random.below(thin) == 0) {
        let codes: Vec<u16> = columns.iter().map(|column| row[*column]).collect();
        counts.add(&codes).expect("its own codes");
        for level in Level::all(columns.len()) {
            let key = (0..codes.len()).map(|dimension| level.has(dimension).then_some(codes[dimension])).collect();
            *exact.entry(key).or_default() += 1;
        }
    }
    let sizes = columns.iter().map(|column| u16::try_from(file.categories[*column].len()).expect("few")).collect();
    let cube = Cube::protect(counts, tables, Rules::new(threshold, 5).expect("rules")).expect("tables");
    let small = cube.audit().expect("each small cell has its witness");
    Case { table: cube.table(), exact, sizes, small }
}

impl Case {
    /// Every cell of every table, the empty ones too.
    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Vec::new()];
        for size in &self.sizes {
            let codes: Vec<Option<u16>> = std::iter::once(None).chain((0..*size).map(Some)).collect();
            keys = keys.iter().flat_map(|key| codes.iter().map(|code| [key.as_slice(), &[*code]].concat())).collect();
        }
        keys
    }

    /// The exact number of a cell whose number is given, rounded, or that is known to be empty.
    fn given(&self, key: &Key) -> Option<i64> {
        match self.table.number(key).expect("a cell of the cube") {
            Some(Shown::Count(rounded)) => {
                let exact = self.exact.get(key).copied().unwrap_or(0);
                assert!(rounded.abs_diff(exact.unsigned_abs()) <= 2, "rounded to the nearest 5");
                assert_eq!(rounded == 0, exact == 0);
                Some(exact)
            }
            _ => None,
        }
    }

    /// The small cells of the published tables.
    fn small(&self, threshold: i64) -> Vec<&Key> {
        let small = self.exact.iter().filter(|(_, count)| **count < threshold).map(|(key, _)| key);
        small.filter(|key| self.table.number(key).expect("a cell of the cube").is_some()).collect()
    }

    /// What is known of each cell: its least and its most, after every equation "a cell is the sum of its parts" has
    /// been used until nothing changes.
    fn bounds(&self) -> BTreeMap<Key, (i64, i64)> {
        const MANY: i64 = 1 << 40;
        let keys = self.keys();
        let known = |key: &Key| self.given(key).map_or((0, MANY), |number| (number, number));
        let mut bounds: BTreeMap<Key, (i64, i64)> = keys.iter().map(|key| (key.clone(), known(key))).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for key in &keys {
                for dimension in (0..key.len()).filter(|dimension| key[*dimension].is_none()) {
                    changed |= narrow(&mut bounds, key, &parts(key, dimension, self.sizes[dimension]), MANY);
                }
            }
        }
        bounds
    }
}

fn parts(key: &Key, dimension: usize, size: u16) -> Vec<Key> {
    let part = |code| {
        let mut part = key.clone();
        part[dimension] = Some(code);
        part
    };
    (0..size).map(part).collect()
}

/// Narrows the bounds of a cell and its parts by each other.
fn narrow(bounds: &mut BTreeMap<Key, (i64, i64)>, whole: &Key, parts: &[Key], many: i64) -> bool {
    let least: i64 = parts.iter().map(|part| bounds[part].0).sum();
    let most: i64 = parts.iter().map(|part| bounds[part].1).sum();
    let before = bounds[whole];
    let all = (before.0.max(least), before.1.min(most).min(many));
    bounds.insert(whole.clone(), all);
    let mut changed = all != before;
    for part in parts {
        let before = bounds[part];
        let after = (before.0.max(all.0 - (most - before.1)), before.1.min(all.1 - (least - before.0)));
        changed |= after != before;
        bounds.insert(part.clone(), after);
    }
    changed
}

/// Whether every person of `part` is one of `whole`.
fn inside(part: &Key, whole: &Key) -> bool {
    part.iter().zip(whole).all(|(part, whole)| whole.is_none() || part == whole)
}

/// Whether no person can be in both.
fn apart(one: &Key, other: &Key) -> bool {
    one.iter().zip(other).any(|(one, other)| one.is_some() && other.is_some() && one != other)
}

/// A small cell's upper bounds from single differences: of two given numbers, and of a whole and all its given parts.
fn no_difference_tells(case: &Case, threshold: i64) {
    let given: Vec<(Key, i64)> = case.keys().into_iter().filter_map(|key| case.given(&key).map(|n| (key, n))).collect();
    for cell in case.small(threshold) {
        for (whole, persons) in given.iter().filter(|(whole, _)| inside(cell, whole)) {
            for (part, less) in given.iter().filter(|(part, _)| inside(part, whole) && apart(part, cell)) {
                assert!(persons - less >= threshold, "{whole:?} less {part:?} bounds a small cell");
            }
            for dimension in (0..whole.len()).filter(|dimension| whole[*dimension].is_none()) {
                let parts = parts(whole, dimension, case.sizes[dimension]);
                let others = parts.iter().filter(|part| apart(part, cell)).filter_map(|part| case.given(part));
                assert!(persons - others.sum::<i64>() >= threshold, "{whole:?} less its parts bounds a small cell");
            }
        }
    }
}

fn attack(file: &Ctdc, columns: &[usize], tables: &[Level], threshold: u32, thin: u64) -> usize {
    let case = case(file, columns, tables, threshold, thin);
    let limit = i64::from(threshold);
    no_difference_tells(&case, limit);
    let bounds = case.bounds();
    for cell in case.small(limit) {
        assert_eq!(case.table.number(cell), Ok(Some(Shown::Suppressed)), "a small cell is never given");
        assert!(bounds[cell].1 >= limit, "columns {columns:?}, threshold {threshold}: a small cell is bounded");
    }
    case.small
}

#[test]
fn no_difference_of_published_numbers_gives_a_small_cell_away() {
    let Some(file) = ctdc::read() else { return };
    let mut small = 0;
    for (columns, threshold, thin) in [
        (&[3, 1, 2, 5][..], 11, 1),
        (&[3, 1, 2, 5], 60, 1),
        (&[3, 1, 2], 11, 20),
        (&[1, 2, 4, 5], 11, 20),
        (&[0, 1, 2, 6], 30, 3),
        (&[6, 3], 11, 10),
        (&[3, 6], 40, 1),
    ] {
        small += attack(&file, columns, &Level::all(columns.len()), threshold, thin);
        let pairs: Vec<Level> = Level::all(columns.len()).into_iter().filter(|level| level.size() <= 2).collect();
        small += attack(&file, columns, &pairs, threshold, thin);
    }
    assert!(small > 100, "there is something to protect: {small} small cells");
}
