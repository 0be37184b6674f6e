//! A batch with equal rows put together, and what one recoding makes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Candidate, Cell, Fate, Ladders, Released, Step};
use crate::Error;

/// Rows that show the same at every level, so that every recoding keeps them together.
struct Class {
    values: Vec<Vec<Option<u32>>>,
    sensitive: u32,
    persons: Vec<u64>,
    rows: usize,
}

impl Class {
    fn cell(&self, node: &[Step]) -> Cell {
        Cell { values: shown(&self.values, node), sensitive: self.sensitive }
    }
}

/// A checked batch.
pub(super) struct Batch {
    classes: Vec<Class>,
}

impl Batch {
    pub(super) fn new(ladders: &Ladders, candidates: &[Candidate]) -> Result<Self, Error> {
        let mut places = HashMap::new();
        let mut classes: Vec<Class> = Vec::new();
        for (row, candidate) in candidates.iter().enumerate() {
            if !fits(ladders, candidate) {
                return Err(Error::Row { row });
            }
            let place = *places.entry((&candidate.values, candidate.sensitive)).or_insert_with(|| {
                let (values, sensitive) = (candidate.values.clone(), candidate.sensitive);
                classes.push(Class { values, sensitive, persons: Vec::new(), rows: 0 });
                classes.len() - 1
            });
            classes[place].persons.push(candidate.person);
            classes[place].rows += 1;
        }
        for class in &mut classes {
            class.persons.sort_unstable();
            class.persons.dedup();
        }
        Ok(Self { classes })
    }

    /// The number of classes: what one look at a node costs.
    pub(super) fn classes(&self) -> usize {
        self.classes.len()
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.classes.iter().map(|class| class.rows).sum()
    }

    /// The number of rows that go under a recoding.
    pub(super) fn going(&self, node: &[Step], released: &Released, k: usize) -> usize {
        self.cells(node)
            .into_values()
            .filter(|classes| large(node, classes, released, k))
            .flatten()
            .map(|c| c.rows)
            .sum()
    }

    /// How many distinct values a column shows at a step.
    pub(super) fn distinct(&self, column: usize, step: Step) -> usize {
        let values = self.classes.iter().map(|class| value(&class.values[column], step));
        values.collect::<BTreeSet<_>>().len()
    }

    /// What becomes of each row. `candidates` are those that the batch was made of.
    pub(super) fn fates(&self, candidates: &[Candidate], node: &[Step], released: &Released, k: usize) -> Vec<Fate> {
        let cells = self.cells(node);
        let going: BTreeSet<Cell> = cells
            .into_values()
            .filter(|classes| large(node, classes, released, k))
            .filter_map(|classes| classes.first().map(|class| class.cell(node)))
            .collect();
        let mut seen: BTreeSet<(Cell, u64)> = BTreeSet::new();
        let fate = |candidate: &Candidate| {
            let cell = Cell { values: shown(&candidate.values, node), sensitive: candidate.sensitive };
            if !going.contains(&cell) {
                return Fate::Held;
            }
            let known = released.persons(&cell).is_some_and(|persons| persons.contains(&candidate.person));
            let counts = !known && seen.insert((cell.clone(), candidate.person));
            Fate::Goes { cell, counts }
        };
        candidates.iter().map(fate).collect()
    }

    fn cells(&self, node: &[Step]) -> BTreeMap<Cell, Vec<&Class>> {
        let mut cells: HashMap<Cell, Vec<&Class>> = HashMap::new();
        for class in &self.classes {
            cells.entry(class.cell(node)).or_default().push(class);
        }
        cells.into_iter().collect()
    }
}

/// Whether a cell reaches `k` distinct persons: those released before, and those of its classes.
fn large(node: &[Step], classes: &[&Class], released: &Released, k: usize) -> bool {
    let Some(first) = classes.first() else { return false };
    let before = released.persons(&first.cell(node));
    let mut missing = k.saturating_sub(before.map_or(0, BTreeSet::len));
    let mut new = BTreeSet::new();
    for person in classes.iter().flat_map(|class| &class.persons) {
        if missing == 0 {
            break;
        }
        if before.is_none_or(|persons| !persons.contains(person)) && new.insert(*person) {
            missing -= 1;
        }
    }
    missing == 0
}

fn fits(ladders: &Ladders, candidate: &Candidate) -> bool {
    let levels = candidate.values.iter().map(Vec::len);
    levels.eq((0..ladders.columns()).map(|column| usize::from(ladders.levels(column))))
}

fn shown(values: &[Vec<Option<u32>>], node: &[Step]) -> Vec<Option<u32>> {
    values.iter().zip(node).map(|(levels, step)| value(levels, *step)).collect()
}

fn value(levels: &[Option<u32>], step: Step) -> Option<u32> {
    match step {
        Step::Level(level) => levels[usize::from(level)],
        Step::Dropped => None,
    }
}
