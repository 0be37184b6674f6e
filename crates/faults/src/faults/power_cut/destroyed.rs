//! Page keys that were destroyed before an erasure was acknowledged: no cut may bring one back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::power::Disk;

/// The file of page keys, in the keys folder and its mirror, and its slots.
const PAGE_KEYS: [&str; 2] = ["data/keys/page-keys", "mirror/page-keys"];
const SLOT_BYTES: usize = 64;
const DESTROYED: &[u8] = b"CPKX";
const WRITTEN: &[u8] = b"CPK1";

/// The slots that were destroyed by some moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Destroyed(BTreeSet<usize>);

impl Destroyed {
    /// Those that are destroyed now.
    pub(super) fn now(disk: &Disk<'_>) -> Self {
        let bytes = disk.current(Path::new(PAGE_KEYS[0])).unwrap_or_default();
        let slots = bytes.chunks(SLOT_BYTES).enumerate();
        Self(slots.filter(|(_, slot)| slot.starts_with(DESTROYED)).map(|(number, _)| number).collect())
    }

    /// Which of them are there in what a cut has left, in words; none where none is.
    pub(super) fn returned(&self, folder: &Path) -> Option<String> {
        let mut returned = BTreeSet::new();
        for bytes in PAGE_KEYS.iter().filter_map(|name| fs::read(folder.join(name)).ok()) {
            let slots = bytes.chunks(SLOT_BYTES).enumerate().filter(|(_, slot)| slot.starts_with(WRITTEN));
            returned.extend(slots.map(|(number, _)| number).filter(|number| self.0.contains(number)));
        }
        (!returned.is_empty()).then(|| format!("page keys that were destroyed are back, in the slots {returned:?}"))
    }
}
