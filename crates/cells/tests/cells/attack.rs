//! The attack over real data: every difference, and every bound that follows from all published numbers together.
//!
//! The attacker knows the exact numbers where the recipient only gets rounded ones. What must hold: of no small cell
//! does it learn an upper bound under the threshold. For the published tables that is proved by the witnesses; over this
//! file it is so for the small cells of all other tables, too. Where the recipient sees some persons as records, the attacker takes
//! them from every number first, and what is left of a cell must not be known as small either.

use causeway_cells::cube::{Counts, Cube, Dimension, Level, Rules, Shown, Table};

use crate::ctdc::{self, Ctdc};
use crate::random::Random;

/// More persons than there are.
const MANY: i64 = 1 << 40;

/// Every cell of every table of a cube, numbered: a code in each dimension, or, as the last code, all of them together.
struct Cells {
    sizes: Vec<usize>,
}

impl Cells {
    fn count(&self) -> usize {
        self.sizes.iter().map(|size| size + 1).product()
    }

    fn stride(&self, dimension: usize) -> usize {
        self.sizes[dimension + 1..].iter().map(|size| size + 1).product()
    }

    /// The code in a dimension, `None` for all of them together.
    fn code(&self, cell: usize, dimension: usize) -> Option<usize> {
        let code = cell / self.stride(dimension) % (self.sizes[dimension] + 1);
        (code < self.sizes[dimension]).then_some(code)
    }

    fn codes(&self, cell: usize) -> Vec<Option<u16>> {
        let code = |dimension| self.code(cell, dimension).map(|code| u16::try_from(code).expect("few categories"));
        (0..self.sizes.len()).map(code).collect()
    }

    fn cell(&self, codes: impl Iterator<Item = Option<usize>>) -> usize {
        let place =
            |(dimension, code): (usize, Option<usize>)| self.stride(dimension) * code.unwrap_or(self.sizes[dimension]);
        codes.enumerate().map(place).sum()
    }

    /// The parts of a cell in a dimension that it has together.
    fn parts(&self, cell: usize, dimension: usize) -> impl Iterator<Item = usize> {
        let (size, stride) = (self.sizes[dimension], self.stride(dimension));
        let first = cell - size * stride;
        (0..size).map(move |code| first + code * stride)
    }

    /// The dimensions that a cell has together.
    fn together(&self, cell: usize) -> impl Iterator<Item = usize> {
        (0..self.sizes.len()).filter(move |dimension| self.code(cell, *dimension).is_none())
    }

    /// Whether every person of `part` is one of `whole`.
    fn inside(&self, part: usize, whole: usize) -> bool {
        (0..self.sizes.len()).all(|dimension| {
            let code = self.code(whole, dimension);
            code.is_none() || code == self.code(part, dimension)
        })
    }

    /// Whether no person can be in both.
    fn apart(&self, one: usize, other: usize) -> bool {
        (0..self.sizes.len()).any(|dimension| match (self.code(one, dimension), self.code(other, dimension)) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        })
    }
}

/// A protected cube made of some columns: the attacker's numbers, and the small cells of any table that it is after.
struct Case {
    cells: Cells,
    /// Of each cell whose number is given, rounded, or that is known to be empty: the exact number less those whom the attacker sees.
    given: Vec<Option<i64>>,
    /// Each cell with so few persons, or so few besides those whom the attacker sees; and the least upper bound, of those whom it
    /// does not see, that keeps the cell from being known as small.
    small: Vec<(usize, i64)>,
}

/// Whom the attacker knows from records.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Nobody,
    /// One person in so many, drawn at random.
    OneIn(u64),
}

/// Takes some columns of one row in `thin`.
fn case(file: &Ctdc, columns: &[usize], tables: &[Level], threshold: u32, (thin, seen): (u64, Seen)) -> Case {
    let dimension =
        |column: &usize| Dimension { name: file.names[*column].clone(), categories: file.categories[*column].clone() };
    let mut counts = Counts::new(columns.iter().map(dimension).collect()).expect("a cube");
    let cells = Cells { sizes: columns.iter().map(|column| file.categories[*column].len()).collect() };
    let (mut exact, mut visible) = (vec![0; cells.count()], vec![0; cells.count()]);
    let random = &mut Random(thin);
    let drawn = &mut Random(threshold.into());
    for row in file.rows.iter().filter(|_| random.below(thin) == 0) {
        let codes: Vec<u16> = columns.iter().map(|column| row[*column]).collect();
        counts.add(&codes).expect("its own codes");
        let is_seen = matches!(seen, Seen::OneIn(many) if drawn.below(many) == 0);
        if is_seen {
            counts.see(&codes, 1).expect("its own codes");
        }
        for level in Level::all(columns.len()) {
            let code = |(dimension, code): (usize, &u16)| level.has(dimension).then_some(usize::from(*code));
            let cell = cells.cell(codes.iter().enumerate().map(code));
            exact[cell] += 1;
            visible[cell] += i64::from(is_seen);
        }
    }
    let cube = Cube::protect(counts, tables, Rules::new(threshold, 5).expect("rules")).expect("tables");
    let checked = cube.audit().expect("each small cell has its witness");
    let table = cube.table();
    let unseen = |cell: usize| given(&table, &cells.codes(cell), exact[cell]).map(|exact| exact - visible[cell]);
    let given = (0..cells.count()).map(unseen).collect();
    let least = |cell: usize| least(exact[cell], visible[cell], threshold.into()).map(|least| (cell, least));
    let small: Vec<(usize, i64)> = (0..cells.count()).filter_map(least).collect();
    let published =
        |(cell, _): &&(usize, i64)| table.number(&cells.codes(*cell)).expect("a cell of the cube").is_some();
    assert_eq!(checked, small.iter().filter(published).count(), "every small cell of a published table was checked");
    Case { cells, given, small }
}

/// How many persons whom it does not see the attacker must have to reckon with in a cell; none where the cell is not small.
fn least(persons: i64, visible: i64, threshold: i64) -> Option<i64> {
    let small = 1..threshold;
    match (small.contains(&(persons - visible)), small.contains(&persons)) {
        (true, _) => Some(threshold),
        (false, true) => Some(threshold - visible),
        (false, false) => None,
    }
}

fn given(table: &Table, codes: &[Option<u16>], exact: i64) -> Option<i64> {
    match table.number(codes).expect("a cell of the cube") {
        Some(Shown::Count(rounded)) => {
            assert!(rounded.abs_diff(exact.unsigned_abs()) <= 2, "rounded to the nearest 5");
            assert_eq!(rounded == 0, exact == 0);
            Some(exact)
        }
        _ => None,
    }
}

impl Case {
    /// What is known of each cell: its least and its most, after every equation "a cell is the sum of its parts" has
    /// been used until nothing changes.
    fn bounds(&self) -> Vec<(i64, i64)> {
        let known = |given: &Option<i64>| given.map_or((0, MANY), |number| (number, number));
        let mut bounds: Vec<(i64, i64)> = self.given.iter().map(known).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for cell in 0..bounds.len() {
                for dimension in self.cells.together(cell) {
                    changed |= self.narrow(&mut bounds, cell, dimension);
                }
            }
        }
        bounds
    }

    /// Narrows the bounds of a cell and its parts by each other.
    fn narrow(&self, bounds: &mut [(i64, i64)], whole: usize, dimension: usize) -> bool {
        let parts = || self.cells.parts(whole, dimension);
        let least: i64 = parts().map(|part| bounds[part].0).sum();
        let most: i64 = parts().map(|part| bounds[part].1).sum();
        let before = bounds[whole];
        let all = (before.0.max(least), before.1.min(most));
        bounds[whole] = all;
        let mut changed = all != before;
        for part in parts() {
            let before = bounds[part];
            let after = (before.0.max(all.0 - (most - before.1)), before.1.min(all.1 - (least - before.0)));
            changed |= after != before;
            bounds[part] = after;
        }
        changed
    }

    /// No single difference bounds a small cell: of two given numbers, or of a whole and all its given parts.
    fn no_difference_tells(&self) {
        let cells = &self.cells;
        let given: Vec<(usize, i64)> =
            self.given.iter().enumerate().filter_map(|(cell, number)| number.map(|number| (cell, number))).collect();
        for (small, least) in &self.small {
            for (whole, persons) in given.iter().filter(|(whole, _)| cells.inside(*small, *whole)) {
                for (part, less) in given.iter().filter(|(part, less)| *less > 0 && cells.inside(*part, *whole)) {
                    assert!(!cells.apart(*part, *small) || persons - less >= *least, "two numbers bound a small cell");
                }
                for dimension in cells.together(*whole) {
                    let others = cells.parts(*whole, dimension).filter(|part| cells.apart(*part, *small));
                    let others: i64 = others.filter_map(|part| self.given[part]).sum();
                    assert!(persons - others >= *least, "a number less its parts bounds a small cell");
                }
            }
        }
    }
}

fn attack(file: &Ctdc, columns: &[usize], tables: &[Level], threshold: u32, drawn: (u64, Seen)) -> usize {
    let case = case(file, columns, tables, threshold, drawn);
    case.no_difference_tells();
    let bounds = case.bounds();
    for (cell, least) in &case.small {
        assert_eq!(case.given[*cell], None, "a small cell is never given");
        assert!(
            bounds[*cell].1 >= *least,
            "columns {columns:?}, threshold {threshold}, {drawn:?}: a small cell is bounded"
        );
    }
    case.small.len()
}

/// Columns, threshold, and how many rows one is taken of.
const CASES: [(&[usize], u32, u64); 7] = [
    (&[3, 1, 2, 5], 11, 1),
    (&[3, 1, 2, 5], 60, 1),
    (&[3, 1, 2], 11, 20),
    (&[1, 2, 4, 5], 11, 20),
    (&[0, 1, 6], 30, 3),
    (&[6, 3], 11, 10),
    (&[3, 6], 40, 1),
];

fn attack_all(file: &Ctdc, seen: Seen) -> usize {
    let mut small = 0;
    for (columns, threshold, thin) in CASES {
        small += attack(file, columns, &Level::all(columns.len()), threshold, (thin, seen));
        let pairs: Vec<Level> = Level::all(columns.len()).into_iter().filter(|level| level.size() <= 2).collect();
        small += attack(file, columns, &pairs, threshold, (thin, seen));
    }
    small
}

#[test]
fn no_difference_of_published_numbers_gives_a_small_cell_away() {
    let Some(file) = ctdc::read() else { return };
    let small = attack_all(&file, Seen::Nobody);
    assert!(small > 100, "there is something to protect: {small} small cells");
}

#[test]
fn nor_does_it_where_the_attacker_takes_away_whom_it_sees() {
    let Some(file) = ctdc::read() else { return };
    for many in [2, 5] {
        let small = attack_all(&file, Seen::OneIn(many));
        assert!(small > 100, "one in {many}: there is something to protect: {small} small cells");
    }
}
