//! What the engine alone can do, on the same disk and in the same run: one row an entry in one batch, `flush`, `fdatasync`, and the next.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Instant;

use causeway_rig::Failed;

/// The store's own setting: memory that the engine's cache aims at.
const CACHE_BYTES: u64 = 64 << 20;

/// A log without frames, keys, tree, state or index.
#[derive(Debug)]
pub(super) struct Bare {
    db: sled::Db,
    file: File,
    rows: u64,
}

impl Bare {
    /// A new one in this folder.
    pub(super) fn within(dir: &Path) -> Result<Self, Failed> {
        let db = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(None).open()?;
        let file = OpenOptions::new().read(true).write(true).open(dir.join("db"))?;
        Ok(Self { db, file, rows: 0 })
    }

    /// Commits about so many rows of this length, so many at once; gives how many rows a second became durable.
    pub(super) fn rate(&mut self, rows: usize, length: usize, at_once: usize) -> Result<f64, Failed> {
        let row = vec![7; length];
        let commits = rows.div_ceil(at_once).max(1);
        let begun = Instant::now();
        for _ in 0..commits {
            let mut batch = sled::Batch::default();
            for _ in 0..at_once {
                self.rows += 1;
                batch.insert(&self.rows.to_be_bytes(), row.as_slice());
            }
            self.db.apply_batch(batch)?;
            self.db.flush()?;
            self.file.sync_data()?;
        }
        Ok((commits * at_once) as f64 / begun.elapsed().as_secs_f64().max(1e-9))
    }
}
