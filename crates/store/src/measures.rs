//! What the operator's metrics show of the journal: how long appends take, how much waits, how large it is.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_model::Timestamp;

use crate::index::IndexMeasures;
use crate::journal::Journal;

/// Upper ends of the classes in which appends are counted: from well under one sync of a fast disk to a disk in trouble.
pub const APPEND_CLASSES: [Duration; 12] = [
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// How the journal stands at one moment.
#[derive(Debug, Clone)]
pub struct JournalMeasures {
    /// The time of the newest entry, which the newest checkpoint covers.
    pub newest: Timestamp,
    /// Drafts and tasks that wait for the sequencer.
    pub queued: usize,
    /// How many may.
    pub queue_depth: usize,
    /// Appends since the start.
    pub appends: AppendTimes,
    /// The index.
    pub index: IndexMeasures,
}

/// How long appends took: a frame each, from the first byte to its being on the disk.
#[derive(Debug, Clone, Default)]
pub struct AppendTimes {
    /// How many fell into each class, the last one being all that is longer.
    pub classes: [u64; APPEND_CLASSES.len() + 1],
    /// Their time together.
    pub total: Duration,
}

/// The running counts.
#[derive(Debug, Default)]
pub(crate) struct Appends {
    classes: [AtomicU64; APPEND_CLASSES.len() + 1],
    total_micros: AtomicU64,
}

impl Appends {
    pub(crate) fn took(&self, time: Duration) {
        let class = APPEND_CLASSES.iter().position(|end| time <= *end).unwrap_or(APPEND_CLASSES.len());
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.total_micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn now(&self) -> AppendTimes {
        AppendTimes {
            classes: std::array::from_fn(|class| self.classes[class].load(Ordering::Relaxed)),
            total: Duration::from_micros(self.total_micros.load(Ordering::Relaxed)),
        }
    }
}

impl Journal {
    /// How the journal stands at this moment.
    pub fn measures(&self) -> JournalMeasures {
        JournalMeasures {
            newest: self.read(|state| state.last_time()),
            queued: self.queue.len(),
            queue_depth: self.queue.capacity().unwrap_or_default(),
            appends: self.shared.appends.now(),
            index: self.index_measures(),
        }
    }
}

/// Bytes of all files below a folder, as far as they can be looked at. Blocks.
pub fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // A file may go while it is looked at; links are not followed.
    let bytes = entries.filter_map(|entry| entry.metadata().ok().map(|about| (entry, about)));
    bytes.map(|(entry, about)| if about.is_dir() { folder_bytes(&entry.path()) } else { about.len() }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_is_counted_once_in_the_class_that_it_ends_in() {
        let appends = Appends::default();
        for micros in [1, 250, 251, 5_000_000, 5_000_001] {
            appends.took(Duration::from_micros(micros));
        }
        let AppendTimes { classes, total } = appends.now();
        assert_eq!((classes[0], classes[1], classes[11], classes[12]), (2, 1, 1, 1));
        assert_eq!(classes.iter().sum::<u64>(), 5);
        assert_eq!(total, Duration::from_micros(10_000_503));
    }

    #[test]
    fn a_folder_is_as_large_as_all_that_is_below_it() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("a")).expect("made");
        fs::write(folder.path().join("a/b"), [0; 100]).expect("written");
        fs::write(folder.path().join("c"), [0; 11]).expect("written");
        assert_eq!(folder_bytes(folder.path()), 111);
        assert_eq!(folder_bytes(&folder.path().join("nothing")), 0);
    }
}
