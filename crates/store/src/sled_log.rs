//! The frame log on sled 0.34.7, under the five rules without which sled loses acknowledged data in a power cut.
//!
//! One writer at a time; one tree and one `Batch` a commit, then `flush`, then `fdatasync` through a second handle, then
//! the answer; sled's own flusher off; readers in short slices through a gate, because sled's reads write; values of at
//! most 7,000 bytes; the steps of [`opening`] before and after.

mod as_shared;
mod filling;
mod opening;
mod read_ahead;
mod rows;
mod tail;
mod write_watch;

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError, RwLock};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;
use sled::Db;

use crate::error::StoreError;
use crate::folder;
use crate::log::{AppendError, Beside, EngineError, FrameLog, ReadError};
pub(crate) use filling::Filling;
use rows::Assembly;
use tail::Tail;
use write_watch::WriteWatch;

/// After this many bytes of frames, closing makes the snapshot that sled otherwise makes at the next start, by which that
/// start is spared reading all of them.
const SNAPSHOT_BYTES: u64 = 32 << 20;

/// Where less is free, closing makes no snapshot: the one before stays until the new one is there.
const SNAPSHOT_ROOM: u64 = 256 << 20;

/// Rows that one slice reads before it lets the writer through.
const SLICE_ROWS: usize = 256;

/// The frame log in a folder of this machine.
pub struct SledLog {
    /// sled's handle is inside the gate, so that nothing reaches it around the gate. None once closed.
    gate: RwLock<Option<Opened>>,
    /// Second handle on sled's `db` file: syncing it makes what sled has written durable.
    db_file: File,
    dir: PathBuf,
    /// Whether something was read since the last commit: reading may have written.
    read_ran: AtomicBool,
    writes: WriteWatch,
    /// Bytes of frames since sled was opened.
    written: AtomicU64,
    /// Done when a single entry is read for the first time: a start goes through the file, and wants it read ahead.
    read_ahead_ended: Once,
    tail: Mutex<Tail>,
    grown: Condvar,
}

/// sled, and the lock that keeps other processes away from it.
struct Opened {
    db: Db,
    lock: File,
}

impl SledLog {
    /// Opens, or creates, the log in the folder `log` of a data directory. Waits about a second for another process to
    /// let go of it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process keeps it, [`StoreError::Format`] for a directory of another format,
    /// [`StoreError::Engine`] when sled cannot open its files.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        folder::prepare(data_dir)?;
        let lock = opening::lock(data_dir)?;
        let dir = folder::engine_dir(data_dir);
        let (db, db_file) = opening::open(&dir)?;
        let tail = Tail::read(&db).map_err(StoreError::from)?;
        Ok(Self {
            gate: RwLock::new(Some(Opened { db, lock })),
            writes: WriteWatch::over(&dir.join(opening::DB_FILE)),
            db_file,
            dir,
            read_ran: AtomicBool::new(true),
            written: AtomicU64::new(0),
            read_ahead_ended: Once::new(),
            tail: Mutex::new(tail),
            grown: Condvar::new(),
        })
    }

    /// Runs a short read under the gate.
    fn slice<R>(&self, read: impl FnOnce(&Db) -> Result<R, ReadError>) -> Result<R, ReadError> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let opened = gate.as_ref().ok_or(ReadError::Closed)?;
        self.read_ran.store(true, Ordering::SeqCst);
        read(&opened.db)
    }

    fn end_read_ahead(&self) {
        self.read_ahead_ended.call_once(|| {
            if let Err(error) = read_ahead::without(&self.db_file) {
                tracing::info!(
                    error = &error as &dyn std::error::Error,
                    "the kernel goes on reading ahead of single entries: pages of old ones take longer"
                );
            }
        });
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place that a frame has already, or the conflict that `expect` meets.
    fn settled(&self, db: &Db, id: &Digest, expect: Option<FrameSeq>) -> Result<Option<FrameSeq>, AppendError> {
        let tail = self.tail();
        tail.is_whole()?;
        if let Some((_, seq)) = tail.newest.iter().find(|(known, _)| known == id) {
            return Ok(Some(*seq));
        }
        let head = tail.head;
        drop(tail);
        match expect {
            Some(expected) if expected != head => {
                self.read_ran.store(true, Ordering::SeqCst);
                let place = expected.next();
                let stored =
                    db.get(rows::frame_key(place, 0)).map_err(|error| AppendError::Refused(Box::new(error)))?;
                let same = stored.is_some_and(|value| rows::stated_id(&value) == Some(*id));
                if same { Ok(Some(place)) } else { Err(AppendError::Conflict { head }) }
            }
            _ => Ok(None),
        }
    }

    /// Frames from `from` on, in slices: at least one where there is one, and no more once they hold `max_bytes`.
    fn assemble(&self, from: FrameSeq, max_bytes: usize) -> Result<Assembly, ReadError> {
        let head = self.tail().head;
        let end = rows::frame_key(head.next(), 0);
        let mut assembly = Assembly::starting_at(from.max(FrameSeq(1)));
        let first = assembly.next_frame();
        let more = |assembly: &Assembly| {
            let next = assembly.next_frame();
            next <= head && (next == first || assembly.bytes() < max_bytes)
        };
        while more(&assembly) {
            let before = assembly.next_key();
            self.slice(|db| {
                for row in db.range(assembly.next_key()..end).take(SLICE_ROWS) {
                    let (key, value) = row.map_err(engine)?;
                    assembly.take(&key, &value)?;
                    if !more(&assembly) {
                        break;
                    }
                }
                Ok(())
            })?;
            if assembly.next_key() == before {
                return Err(assembly.hole("it is missing"));
            }
        }
        Ok(assembly)
    }

    /// Puts a frame behind the newest one.
    fn put(&self, db: &Db, id: &Digest, bytes: &[u8], beside: &Beside) -> Result<FrameSeq, AppendError> {
        let seq = self.tail().head.next();
        let batch = rows::batch(seq, id, bytes, beside).map_err(|what| AppendError::Refused(what.into()))?;
        // A sync that failed once may succeed the next time without having written: so it is never tried again here.
        self.tail().broken = true;
        self.commit(db, batch).map_err(AppendError::Unknown)?;
        self.written.fetch_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let mut tail = self.tail();
        tail.broken = false;
        tail.push(*id, seq);
        self.grown.notify_all();
        Ok(seq)
    }

    /// Makes one batch durable. If we stop before the last line, recovery finds all of the batch or nothing of it.
    fn commit(&self, db: &Db, batch: sled::Batch) -> Result<(), EngineError> {
        if self.read_ran.swap(false, Ordering::SeqCst) {
            // What reads have written must be durable before the batch's own records can be taken for the log's end.
            db.flush()?;
            if self.writes.saw_any() {
                self.db_file.sync_data()?;
            }
        }
        db.apply_batch(batch)?;
        db.flush()?;
        self.writes.look_after_own();
        self.db_file.sync_data()?;
        Ok(())
    }
}

impl FrameLog for SledLog {
    fn append(
        &self,
        id: &Digest,
        bytes: &[u8],
        beside: &Beside,
        expect: Option<FrameSeq>,
    ) -> Result<FrameSeq, AppendError> {
        let gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let Opened { db, .. } = gate.as_ref().ok_or_else(|| AppendError::Refused("the log is closed".into()))?;
        if let Some(seq) = self.settled(db, id, expect)? {
            return Ok(seq);
        }
        self.put(db, id, bytes, beside)
    }

    fn append_at(&self, seq: FrameSeq, id: &Digest, bytes: &[u8], beside: &Beside) -> Result<(), AppendError> {
        let gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let Opened { db, .. } = gate.as_ref().ok_or_else(|| AppendError::Refused("the log is closed".into()))?;
        self.tail().goes_on_with(seq)?;
        self.put(db, id, bytes, beside).map(drop)
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        self.assemble(from, max_bytes)?.checked()
    }

    /// Reads the rows that hold those bytes and no others. A frame has few enough rows for one slice.
    fn read_part(&self, seq: FrameSeq, offset: usize, enough: &dyn Fn(&[u8]) -> bool) -> Result<Vec<u8>, ReadError> {
        let (first, skip) = rows::chunk_at(offset).ok_or(ReadError::Hole { at: seq, what: "too many chunks" })?;
        self.end_read_ahead();
        self.slice(|db| {
            let mut bytes = Vec::new();
            for chunk in first..=u16::MAX {
                let Some(value) = db.get(rows::frame_key(seq, chunk)).map_err(engine)? else { break };
                let value = rows::frame_bytes(chunk, &value).ok_or(ReadError::Hole { at: seq, what: "it is cut" })?;
                let skipped = if chunk == first { skip } else { 0 };
                bytes.extend_from_slice(value.get(skipped..).unwrap_or_default());
                if enough(&bytes) {
                    break;
                }
            }
            Ok(bytes)
        })
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        let waited = self.grown.wait_timeout_while(self.tail(), until, |tail| tail.head <= after);
        let (tail, _) = waited.unwrap_or_else(PoisonError::into_inner);
        tail.head
    }

    /// No value went to a blob file, which sled does not sync, and no earlier error left its end unknown.
    fn assure(&self) -> Result<(), ReadError> {
        if self.tail().broken {
            return Err(ReadError::Damaged("an earlier error left the log's end unknown"));
        }
        let blobs = match fs::read_dir(self.dir.join("blobs")) {
            Ok(mut blobs) => blobs.next().is_some(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(ReadError::Engine(Box::new(error))),
        };
        if blobs {
            return Err(ReadError::Damaged("sled holds values in blob files, which it does not sync"));
        }
        Ok(())
    }

    fn key_page(&self, page: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let value = self.slice(|db| db.get(rows::key_page_key(page)).map_err(engine))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn last_key_page(&self) -> Result<Option<u64>, ReadError> {
        let span = rows::key_page_key(0)..=rows::key_page_key(u64::MAX);
        let last = self.slice(|db| db.range(span).next_back().transpose().map_err(engine))?;
        last.map(|(key, _)| page_number(&key)).transpose()
    }

    fn next_key_page(&self, from: u64) -> Result<Option<u64>, ReadError> {
        let span = rows::key_page_key(from)..=rows::key_page_key(u64::MAX);
        let next = self.slice(|db| db.range(span).next().transpose().map_err(engine))?;
        next.map(|(key, _)| page_number(&key)).transpose()
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, ReadError> {
        let halves = self.slice(|db| {
            let half = |half| db.get(rows::tile_key(level, index, half)).map_err(engine);
            Ok((half(0)?, half(1)?))
        })?;
        match halves {
            (None, None) => Ok(None),
            (Some(first), Some(second)) => {
                let mut hashes = rows::half_tile(&first)?;
                hashes.extend(rows::half_tile(&second)?);
                Ok(Some(hashes))
            }
            _ => Err(ReadError::Damaged("half a tile is missing")),
        }
    }

    fn free_bytes(&self) -> Option<u64> {
        folder::free_bytes(&self.dir).ok()
    }

    fn close(&self) -> Result<(), ReadError> {
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let Some(Opened { db, lock }) = gate.take() else { return Ok(()) };
        // After a failed commit nothing more is written: recovery decides from what is on disk.
        let whole = !self.tail().broken;
        if whole {
            db.flush().map_err(engine)?;
            self.db_file.sync_data().map_err(|error| ReadError::Engine(Box::new(error)))?;
        }
        drop(db);
        if whole
            && self.written.load(Ordering::Relaxed) >= SNAPSHOT_BYTES
            && self.free_bytes().is_some_and(|free| free >= SNAPSHOT_ROOM)
            && let Err(error) = opening::open(&self.dir)
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no snapshot was made: the next start takes longer"
            );
        }
        let synced = opening::sync_all(&self.dir, &self.db_file);
        if !whole {
            opening::forget_cached(&self.db_file);
        }
        drop(lock);
        synced.map_err(|error| ReadError::Engine(Box::new(error)))
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(error = &error as &dyn std::error::Error, "the log did not close cleanly");
        }
    }
}

impl fmt::Debug for SledLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledLog").field("head", &self.tail().head).finish_non_exhaustive()
    }
}

fn page_number(key: &[u8]) -> Result<u64, ReadError> {
    rows::key_page_number(key).ok_or(ReadError::Damaged("a key page has a key of another form"))
}

fn engine(error: sled::Error) -> ReadError {
    ReadError::Engine(Box::new(error))
}

#[cfg(test)]
mod tests {
    use causeway_journal::frame_id;

    use super::*;

    #[test]
    fn a_part_of_a_frame_is_read_from_where_it_begins() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = SledLog::open(dir.path()).expect("opens");
        let frame = |length: u32| (0..length).flat_map(u32::to_be_bytes).collect::<Vec<_>>();
        for bytes in [frame(10), frame(9_000), frame(3)] {
            log.append(&frame_id(&bytes), &bytes, &Beside::default(), None).expect("appended");
        }
        let bytes = frame(9_000);
        for offset in [0, 1, 6_963, 6_964, 6_965, 13_963, 13_964, 20_000, bytes.len() - 1, bytes.len(), 300_000] {
            for wanted in [1, 40, 7_001, usize::MAX] {
                let part = log.read_part(FrameSeq(2), offset, &|begun| begun.len() >= wanted).expect("read");
                let expected = bytes.get(offset..).unwrap_or_default();
                assert!(expected.starts_with(&part), "{offset}");
                assert!(part.len() >= wanted.min(expected.len()), "{wanted} from {offset}");
            }
            let little = log.read_part(FrameSeq(2), offset, &|begun| !begun.is_empty()).expect("read");
            assert!(little.len() <= rows::MAX_VALUE, "one chunk of what there is");
        }
    }

    #[test]
    fn after_a_sync_that_failed_nothing_is_appended_before_the_log_is_opened_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut log = SledLog::open(dir.path()).expect("opens");
        let append = |log: &SledLog, bytes: &[u8]| log.append(&frame_id(bytes), bytes, &Beside::default(), None);
        append(&log, b"one").expect("appended");
        let good = std::mem::replace(&mut log.db_file, File::open("/dev/null").expect("there is one"));
        assert!(matches!(append(&log, b"two"), Err(AppendError::Unknown(_))), "/dev/null cannot be synced");
        log.db_file = good;
        assert!(matches!(append(&log, b"two"), Err(AppendError::Refused(_))), "not even the same bytes");
        assert!(log.assure().is_err());
        assert_eq!(log.wait(FrameSeq(0), Duration::ZERO), FrameSeq(1));
        drop(log);
        let log = SledLog::open(dir.path()).expect("opens again");
        assert_eq!(append(&log, b"two").expect("appended, or there already"), FrameSeq(2));
        assert_eq!(log.read(FrameSeq(1), usize::MAX).expect("read").len(), 2);
    }
}
