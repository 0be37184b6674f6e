//! An exhaustive oracle: it looks at every population that agrees with what is told, and says how large each cell can
//! be.

use causeway_cells::cube::{Level, Shown, Table};

/// A small cube with its true counts, row-major, and what the recipient sees of them.
pub(crate) struct Truth {
    pub(crate) sizes: Vec<usize>,
    pub(crate) counts: Vec<i64>,
    pub(crate) visible: Vec<i64>,
}

/// A sum that is told: these base cells hold so many persons together.
struct Sum {
    cells: Vec<usize>,
    persons: i64,
}

impl Truth {
    /// The codes of a base cell.
    pub(crate) fn codes(&self, mut cell: usize) -> Vec<u16> {
        let mut codes = vec![0; self.sizes.len()];
        for (code, size) in codes.iter_mut().zip(&self.sizes).rev() {
            *code = u16::try_from(cell % size).expect("a small cube");
            cell /= size;
        }
        codes
    }

    /// The base cells of each cell of a table, with the cell's codes.
    pub(crate) fn cells(&self, level: Level) -> Vec<(Vec<Option<u16>>, Vec<usize>)> {
        let mut cells: Vec<(Vec<Option<u16>>, Vec<usize>)> = Vec::new();
        for base in 0..self.counts.len() {
            let all = self.codes(base);
            let codes: Vec<Option<u16>> =
                (0..all.len()).map(|dimension| level.has(dimension).then_some(all[dimension])).collect();
            match cells.iter_mut().find(|(known, _)| *known == codes) {
                Some((_, members)) => members.push(base),
                None => cells.push((codes, vec![base])),
            }
        }
        cells
    }

    pub(crate) fn persons(&self, cells: &[usize]) -> i64 {
        cells.iter().map(|cell| self.counts[*cell]).sum()
    }

    pub(crate) fn unseen(&self, cells: &[usize]) -> i64 {
        self.persons(cells) - cells.iter().map(|cell| self.visible[*cell]).sum::<i64>()
    }

    /// Whether a cell is small, or all but a few of it are seen.
    pub(crate) fn small(&self, cells: &[usize], threshold: i64) -> bool {
        (1..threshold).contains(&self.persons(cells)) || (1..threshold).contains(&self.unseen(cells))
    }

    /// The base cells of the small cells of the given tables that no population consistent with what is told makes
    /// large. `told` says of a cell whether its exact number is known; `tables` are the published ones.
    pub(crate) fn exposed(
        &self,
        tables: &[Level],
        threshold: i64,
        told: impl Fn(Level, &[Option<u16>]) -> bool,
    ) -> Vec<Vec<usize>> {
        let (mut sums, mut open) = (Vec::new(), Vec::new());
        for level in tables {
            for (codes, cells) in self.cells(*level) {
                if told(*level, &codes) {
                    sums.push(Sum { persons: self.persons(&cells), cells: cells.clone() });
                }
                if self.small(&cells, threshold) {
                    open.push(cells);
                }
            }
        }
        let mut population = Vec::new();
        self.populate(&sums, threshold, &mut population, &mut open);
        open
    }

    /// Extends a population cell by cell in every way that the sums allow, and strikes out what becomes large.
    fn populate(&self, sums: &[Sum], threshold: i64, population: &mut Vec<i64>, open: &mut Vec<Vec<usize>>) {
        let next = population.len();
        if open.is_empty() {
            return;
        }
        if next == self.counts.len() {
            open.retain(|cells| {
                let all: i64 = cells.iter().map(|cell| population[*cell]).sum();
                let seen: i64 = cells.iter().map(|cell| self.visible[*cell]).sum();
                let enough = if self.unseen(cells) == 0 { all } else { all - seen };
                enough < threshold
            });
            return;
        }
        let (mut least, mut most) = (self.visible[next], self.counts[next] + threshold);
        for sum in sums.iter().filter(|sum| sum.cells.contains(&next)) {
            let so_far: i64 = sum.cells.iter().filter(|cell| **cell < next).map(|cell| population[*cell]).sum();
            most = most.min(sum.persons - so_far);
            if sum.cells.iter().all(|cell| *cell <= next) {
                least = least.max(sum.persons - so_far);
            }
        }
        for persons in least..=most {
            population.push(persons);
            self.populate(sums, threshold, population, open);
            population.pop();
        }
    }
}

/// Whether a table tells a cell's number: listed with a count, or, in a published table, not listed.
pub(crate) fn tells(table: &Table, codes: &[Option<u16>]) -> bool {
    matches!(table.number(codes).expect("a cell of the cube"), Some(Shown::Count(_)))
}
