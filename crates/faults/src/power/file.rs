//! One file of the simulated disk: what of it is durable, and what has been changed since.

use crate::chance::Chance;

use super::survival::{Bytes, Survival};

/// A change of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    /// Bytes at an offset.
    Write(u64, &'a [u8]),
    /// Another length.
    Size(u64),
}

/// The file.
#[derive(Debug, Default)]
pub(super) struct FileNode<'a> {
    pub(super) mode: u32,
    durable: Vec<u8>,
    /// When each change was made, and what it was.
    moments: Vec<usize>,
    changes: Vec<Change<'a>>,
}

impl<'a> FileNode<'a> {
    pub(super) fn new(mode: u32, durable: Vec<u8>) -> Self {
        Self { mode, durable, moments: Vec::new(), changes: Vec::new() }
    }

    pub(super) fn change(&mut self, moment: usize, change: Change<'a>) {
        self.moments.push(moment);
        self.changes.push(change);
    }

    /// Makes durable what was done before this moment.
    pub(super) fn sync(&mut self, before: usize) {
        let count = self.moments.partition_point(|moment| *moment < before);
        self.moments.drain(..count);
        for change in self.changes.drain(..count) {
            apply(&mut self.durable, change);
        }
    }

    /// The first moment that is not durable.
    pub(super) fn first_pending(&self) -> Option<usize> {
        self.moments.first().copied()
    }

    /// What a reader of the running system sees.
    pub(super) fn current(&self) -> Vec<u8> {
        self.after(self.changes.len())
    }

    /// What a cut leaves.
    pub(super) fn left(&self, survival: Survival, cut: usize, chance: &mut Chance) -> Vec<u8> {
        match survival.bytes(&self.moments, cut) {
            Bytes::First(count) => self.after(count),
            Bytes::Parts(size) => self.in_parts(size, chance),
            Bytes::WithinDurable => {
                let mut bytes = self.current();
                bytes.resize(self.durable.len(), 0);
                bytes
            }
        }
    }

    fn after(&self, count: usize) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        self.changes.iter().take(count).for_each(|change| apply(&mut bytes, *change));
        bytes
    }

    /// Of each part that was changed, the version after some number of the changes; of the lengths, one of those it had.
    fn in_parts(&self, size: usize, chance: &mut Chance) -> Vec<u8> {
        if self.changes.is_empty() {
            return self.durable.clone();
        }
        let mut lengths = vec![self.durable.len()];
        let (mut longest, mut length) = (self.durable.len(), self.durable.len());
        for change in &self.changes {
            length = match change {
                Change::Write(at, bytes) => length.max(place(*at) + bytes.len()),
                Change::Size(size) => place(*size),
            };
            longest = longest.max(length);
            lengths.push(length);
        }
        let parts = longest.div_ceil(size);
        // Often all or nothing of a part's changes: what is in between matters most where there are few.
        let versions: Vec<usize> = (0..parts).map(|_| chance.below(self.changes.len() + 1)).collect();
        let mut bytes = self.durable.clone();
        bytes.resize(longest, 0);
        for (number, change) in self.changes.iter().enumerate() {
            let (from, to) = match change {
                Change::Write(at, written) => (place(*at), place(*at) + written.len()),
                Change::Size(size) => (place(*size), longest),
            };
            let mut start = from;
            while start < to {
                let part = start / size;
                let end = to.min((part + 1) * size);
                if number < versions.get(part).copied().unwrap_or_default() {
                    match change {
                        Change::Write(_, written) => {
                            bytes[start..end].copy_from_slice(&written[start - from..end - from]);
                        }
                        Change::Size(_) => bytes[start..end].fill(0),
                    }
                }
                start = end;
            }
        }
        bytes.truncate(chance.pick(&lengths).copied().unwrap_or_default());
        bytes
    }
}

fn apply(bytes: &mut Vec<u8>, change: Change<'_>) {
    match change {
        Change::Write(at, written) => {
            let end = place(at) + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[place(at)..end].copy_from_slice(written);
        }
        Change::Size(size) => bytes.resize(place(size), 0),
    }
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("files of a recording fit into memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed() -> FileNode<'static> {
        let mut file = FileNode::new(0o600, vec![1; 1_024]);
        file.change(5, Change::Write(0, &[2; 512]));
        file.change(6, Change::Write(512, &[3; 1_024]));
        file
    }

    #[test]
    fn what_was_synced_is_there_under_every_model() {
        let mut file = changed();
        file.sync(6);
        for survival in Survival::ALL {
            let left = file.left(survival, 6, &mut Chance::of(1));
            assert!(left.len() >= 1_024 && left[..512] == [2; 512], "{survival:?}");
        }
        file.sync(7);
        assert!(Survival::ALL.iter().all(|survival| file.left(*survival, 7, &mut Chance::of(1)) == file.current()));
    }

    #[test]
    fn each_model_leaves_what_it_says() {
        let file = changed();
        let left = |survival, cut| file.left(survival, cut, &mut Chance::of(3));
        assert_eq!(left(Survival::Nothing, 6), [1; 1_024]);
        assert_eq!(left(Survival::Everything, 6), file.current());
        assert_eq!(left(Survival::InOrder, 5), [[2; 512], [1; 512]].concat());
        assert_eq!(left(Survival::NoGrowth, 6), [[2; 512], [3; 512]].concat());
        let mut seen = std::collections::BTreeSet::new();
        let mut chance = Chance::of(4);
        for _ in 0..200 {
            let torn = file.left(Survival::Sectors, 6, &mut chance);
            assert!(torn.chunks(512).all(|sector| sector.iter().all(|byte| *byte == sector[0])));
            seen.insert(torn);
        }
        assert!(seen.len() >= 8, "two sectors old or new, two lengths: {}", seen.len());
    }
}
