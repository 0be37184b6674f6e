//! Whether sled's file was written to since it was last looked at, as the kernel tells (inotify(7)).
//!
//! sled's reads may write, and what they wrote must be synced before a batch is. Mostly they write nothing, and sled does not say; a sync
//! for nothing costs what one for something does.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::io::{Errno, read};

/// A file's writes: each is told of in the call that makes it, and those that were not looked at yet are told of once.
#[derive(Debug)]
pub(super) struct WriteWatch {
    /// None where the kernel gives no watch.
    told: Option<OwnedFd>,
    is_relied_on: AtomicBool,
}

impl WriteWatch {
    /// Of a file that is there.
    pub(super) fn over(file: &Path) -> Self {
        let told = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)
            .and_then(|told| add_watch(&told, file, WatchFlags::MODIFY).map(|_| told));
        if let Err(error) = &told {
            tracing::info!(
                error = error as &dyn std::error::Error,
                "the kernel does not tell of writes: each commit behind a read is synced twice"
            );
        }
        let is_relied_on = AtomicBool::new(told.is_ok());
        Self { told: told.ok(), is_relied_on }
    }

    /// Whether there may have been writes since the last look.
    pub(super) fn saw_any(&self) -> bool {
        self.look() || !self.is_relied_on.load(Ordering::Relaxed)
    }

    /// Looks after a write that was certainly made. Where nothing is told of that one, nothing is relied on any more.
    pub(super) fn look_after_own(&self) {
        if !self.look() && self.is_relied_on.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                "the kernel did not tell of a write that was made: each commit behind a read is synced twice"
            );
        }
    }

    /// What does not fit stays, and is taken for a write the next time.
    fn look(&self) -> bool {
        let Some(told) = &self.told else { return false };
        let mut events = [MaybeUninit::<u8>::uninit(); 1_024];
        match read(told, &mut events) {
            Ok((events, _)) => !events.is_empty(),
            Err(Errno::AGAIN) => false,
            Err(_) => {
                self.is_relied_on.store(false, Ordering::Relaxed);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn each_write_by_whatever_handle_is_seen_once_and_reading_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        let file = File::create_new(&path).expect("made");
        let watch = WriteWatch::over(&path);
        assert!(!watch.saw_any(), "nothing was written yet");
        for _ in 0..3 {
            file.write_all_at(b"a batch", 0).expect("written");
        }
        std::thread::scope(|scope| {
            let other = File::options().write(true).open(&path).expect("opened");
            scope.spawn(move || other.write_all_at(b"a read's own", 100).expect("written"));
        });
        assert!(watch.saw_any());
        File::open(&path).expect("opened").read_exact_at(&mut [0; 7], 0).expect("read");
        file.sync_data().expect("synced");
        assert!(!watch.saw_any());
        file.set_len(0).expect("cut");
        assert!(watch.saw_any(), "a file that was cut has changed too");
    }

    #[test]
    fn a_watch_that_missed_a_write_or_is_not_there_is_not_relied_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        File::create_new(&path).expect("made");
        let watch = WriteWatch::over(&path);
        watch.look_after_own();
        assert!(watch.saw_any() && watch.saw_any());
        let absent = WriteWatch::over(&folder.path().join("absent"));
        absent.look_after_own();
        assert!(absent.saw_any());
    }
}
