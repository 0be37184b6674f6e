//! Opening the index at a start: the blocks that are of this log and these keys, and nothing else in its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use causeway_crypto::MacKey;
use event_listener::Event;

use super::block::Block;
use super::covered::{Covered, Waiting};
use super::pages::{PageCache, PageKey};
use super::segment::Segment;
use super::term::TermKey;
use super::{Index, Settings, sweep};
use crate::error::StoreError;
use crate::folder;
use crate::reader::Reader;

/// The folder of the index within a data directory.
pub(crate) const FOLDER: &str = "index";

impl Index {
    /// Opens the index of a journal. What cannot be used is thrown away with a line in the log, and made anew; nothing that is
    /// wrong with the index keeps a journal from starting.
    pub(crate) fn open(
        data_dir: &Path,
        index_key: &MacKey,
        log_id: [u8; 16],
        settings: Settings,
        reader: &Reader,
    ) -> Self {
        let mut index = Self {
            log_id,
            terms: TermKey::of(index_key, &log_id),
            pages: PageKey::new(index_key.clone()),
            settings,
            folder: None,
            covered: RwLock::new(Covered { pieces: Default::default(), open: Segment::starting_at(0) }),
            waiting: Mutex::new(Waiting::default()),
            cache: Arc::new(PageCache::new()),
            files: AtomicU64::new(0),
            woken: Event::new(),
            changed: Event::new(),
            grown: Event::new(),
            stopped: Event::new(),
            stopping: AtomicBool::new(false),
        };
        if !index.follows() {
            return index;
        }
        let folder = data_dir.join(FOLDER);
        match prepare(&folder) {
            Ok(files) => {
                index.folder = Some(folder);
                index.admit(files, reader);
            }
            Err(source) => {
                let error = StoreError::io("open the folder of the audit index", &folder, source);
                tracing::error!(error = &error as &dyn std::error::Error, "nothing is indexed; searches are slower");
            }
        }
        index
    }

    /// Takes the blocks that are what they should be, the larger before the smaller that it was made of.
    fn admit(&self, files: Vec<PathBuf>, reader: &Reader) {
        let mut blocks: Vec<Block> = files.iter().filter_map(|path| self.usable(path, reader)).collect();
        blocks.sort_by_key(|block| std::cmp::Reverse(block.mark.leaves.end - block.mark.leaves.start));
        let mut covered = self.covered_mut();
        for block in blocks {
            let leaves = block.mark.leaves.clone();
            let overlaps = covered.blocks().any(|other| {
                let other = &other.mark.leaves;
                other.start < leaves.end && leaves.start < other.end
            });
            if overlaps {
                sweep(block.path());
            } else {
                covered.put(Arc::new(block));
            }
        }
        let end = covered.pieces.values().next_back().map_or(0, |piece| piece.leaves().end);
        covered.open = Segment::starting_at(end);
    }

    /// A block of this log, under these keys, whose root is the tree's.
    fn usable(&self, path: &Path, reader: &Reader) -> Option<Block> {
        let number = self.files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let opened = Block::open(path, &self.pages, number, &self.cache).and_then(|block| {
            let size = reader.shared.read(|state| state.tree().size());
            let mark = &block.mark;
            if mark.log_id != self.log_id || mark.key_check != self.terms.check() {
                return Err(StoreError::Corrupt("an index block is of another log or other keys"));
            }
            if mark.leaves.end > size || reader.shared.root_at(mark.leaves.end)? != mark.root {
                return Err(StoreError::Corrupt("an index block is of another history of this log"));
            }
            Ok(block)
        });
        opened
            .inspect_err(|error| {
                let error = error as &dyn std::error::Error;
                tracing::warn!(path = %path.display(), error, "a block of the audit index is not used; it is made anew");
                sweep(path);
            })
            .ok()
    }
}

/// Makes the folder where it is absent, and removes what is no finished block; gives the blocks.
fn prepare(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    folder::create_private(path)?;
    let mut blocks = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "block") {
            blocks.push(file);
        } else if file.is_file() {
            sweep(&file);
        }
    }
    Ok(blocks)
}
