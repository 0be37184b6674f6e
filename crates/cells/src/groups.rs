//! Group sizes: how many rows share each combination of codes.

use std::collections::BTreeMap;

/// The groups that rows of small integers fall into: rows that agree in every column are one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(BTreeMap<Vec<u32>, usize>);

/// What lies in groups that are too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below {
    /// How many rows.
    pub rows: usize,
    /// In how many groups.
    pub groups: usize,
}

impl Groups {
    /// Counts the groups of the rows; each row holds one code a column.
    pub fn of<R: AsRef<[u32]>>(rows: impl IntoIterator<Item = R>) -> Self {
        let mut sizes: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        for row in rows {
            match sizes.get_mut(row.as_ref()) {
                Some(size) => *size += 1,
                None => drop(sizes.insert(row.as_ref().to_vec(), 1)),
            }
        }
        Self(sizes)
    }

    /// The number of distinct combinations.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The size of the smallest group; `None` without rows.
    pub fn smallest(&self) -> Option<usize> {
        self.0.values().copied().min()
    }

    /// The rows, and the groups, of groups with fewer than `k` rows.
    pub fn below(&self, k: usize) -> Below {
        let small = self.0.values().filter(|size| **size < k);
        small.fold(Below { rows: 0, groups: 0 }, |all, size| Below { rows: all.rows + size, groups: all.groups + 1 })
    }

    /// The size of one group, 0 where no row has that combination.
    pub fn size(&self, combination: &[u32]) -> usize {
        self.0.get(combination).copied().unwrap_or(0)
    }
}
