//! What of the writes that were not synced a disk may have when the power goes.

use std::ffi::OsStr;

use crate::chance::Chance;

/// A sector, which disks write whole or not at all.
const SECTOR: usize = 512;
/// A page of the system's cache.
const PAGE: usize = 4_096;

/// Folders that may be volumes of their own.
const VOLUMES: [&str; 3] = ["journal", "keys", "mirror"];

/// A model of survival. What was synced is there under each; of the rest:
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Survival {
    /// Nothing.
    Nothing,
    /// Everything up to some moment, in order.
    InOrder,
    /// Of each page of a file some version that it had; of each folder's changes the first ones, up to some; of a file's sizes any.
    Pages,
    /// The same by sectors: torn pages.
    Sectors,
    /// What was written within a file's durable length; no growth. Every name.
    NoGrowth,
    /// Every name, and no byte: files that are empty or old under their new names.
    NamesOnly,
    /// Every byte, and no name.
    BytesOnly,
    /// Of each volume something else: keys, mirror and journal are on disks of their own.
    Volumes,
    /// Everything: as after kill -9, to compare with.
    Everything,
}

impl Survival {
    pub(crate) const ALL: [Self; 9] = [
        Self::Nothing,
        Self::Pages,
        Self::NamesOnly,
        Self::Volumes,
        Self::InOrder,
        Self::Sectors,
        Self::NoGrowth,
        Self::BytesOnly,
        Self::Everything,
    ];

    /// How much of a folder's or file's `changes`, which were made at these moments, survives as a whole: the first so many. None
    /// where a file's parts are decided one by one.
    pub(super) fn names(self, moments: &[usize], cut: usize, chance: &mut Chance) -> usize {
        match self {
            Self::Nothing | Self::BytesOnly => 0,
            Self::InOrder => moments.partition_point(|moment| *moment <= cut),
            Self::Pages | Self::Sectors => chance.below(moments.len() + 1),
            Self::NoGrowth | Self::NamesOnly | Self::Volumes | Self::Everything => moments.len(),
        }
    }

    /// What survives of the bytes of a file.
    pub(super) fn bytes(self, moments: &[usize], cut: usize) -> Bytes {
        match self {
            Self::Nothing | Self::NamesOnly => Bytes::First(0),
            Self::InOrder => Bytes::First(moments.partition_point(|moment| *moment <= cut)),
            Self::Pages => Bytes::Parts(PAGE),
            Self::Sectors => Bytes::Parts(SECTOR),
            Self::NoGrowth => Bytes::WithinDurable,
            Self::BytesOnly | Self::Volumes | Self::Everything => Bytes::First(moments.len()),
        }
    }

    /// The model of what is in a folder of this name.
    pub(super) fn within(self, name: &OsStr, chance: &mut Chance) -> Self {
        if self != Self::Volumes || !VOLUMES.iter().any(|volume| name == *volume) {
            return self;
        }
        let whole = [Self::Nothing, Self::NamesOnly, Self::BytesOnly, Self::Everything];
        chance.pick(&whole).copied().unwrap_or(Self::Nothing)
    }
}

/// What survives of a file's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    /// The first so many.
    First(usize),
    /// Of each part of so many bytes some version.
    Parts(usize),
    /// All that lie within the durable length.
    WithinDurable,
}
