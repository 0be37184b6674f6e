//! One folder of the simulated disk: which names of it are durable, and what has been changed since.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::chance::Chance;

use super::survival::Survival;

/// The number of a file or folder.
pub(super) type NodeId = usize;

/// A change of a folder's names.
#[derive(Debug, Clone)]
pub(super) enum NameChange {
    /// A name for a node, in the place of any that had it.
    Put(OsString, NodeId),
    /// The name is gone.
    Gone(OsString),
    /// A name became another, at once, as file systems with a journal do it.
    Moved(OsString, OsString, NodeId),
}

type Names = BTreeMap<OsString, NodeId>;

/// The folder.
#[derive(Debug, Default)]
pub(super) struct FolderNode {
    pub(super) mode: u32,
    durable: Names,
    pub(super) current: Names,
    moments: Vec<usize>,
    changes: Vec<NameChange>,
}

impl FolderNode {
    pub(super) fn new(mode: u32) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Puts in a name that has long been there.
    pub(super) fn hold(&mut self, name: OsString, node: NodeId) {
        self.durable.insert(name.clone(), node);
        self.current.insert(name, node);
    }

    pub(super) fn change(&mut self, moment: usize, change: NameChange) {
        apply(&mut self.current, &change);
        self.moments.push(moment);
        self.changes.push(change);
    }

    /// Makes durable what was done before this moment.
    pub(super) fn sync(&mut self, before: usize) {
        let count = self.moments.partition_point(|moment| *moment < before);
        self.moments.drain(..count);
        for change in self.changes.drain(..count) {
            apply(&mut self.durable, &change);
        }
    }

    pub(super) fn first_pending(&self) -> Option<usize> {
        self.moments.first().copied()
    }

    /// The names that a cut leaves.
    pub(super) fn left(&self, survival: Survival, cut: usize, chance: &mut Chance) -> Names {
        let mut names = self.durable.clone();
        let count = survival.names(&self.moments, cut, chance);
        self.changes.iter().take(count).for_each(|change| apply(&mut names, change));
        names
    }
}

fn apply(names: &mut Names, change: &NameChange) {
    match change {
        NameChange::Put(name, node) => {
            names.insert(name.clone(), *node);
        }
        NameChange::Gone(name) => {
            names.remove(name);
        }
        NameChange::Moved(from, to, node) => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}
