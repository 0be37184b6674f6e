//! Keeping the kernel from reading ahead of what sled asks for.
//!
//! sled takes two reads for each piece of a leaf: 128 bytes for its length, then its 7 to 110 KB. To the kernel the second looks like the
//! next read of a file that is gone through, so it reads 128 KB or more: 28 MB for the 100 rows of an auditor's page, of which
//! 6 MB are wanted. It can be told so of an open file, but sled does not give out its own.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{Advice, fadvise};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Tells the kernel that a file is read in places by chance, through every handle that this process has on it. Without a right to ask
/// for a copy of a handle by its number (`pidfd_getfd`) nothing changes, and single entries take longer to be read from a disk.
pub(super) fn without(file: &File) -> io::Result<()> {
    let wanted = file.metadata()?;
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    for open in fs::read_dir("/proc/self/fd")? {
        let open = open?;
        // What has been closed meanwhile is not sled's.
        let Ok(found) = fs::metadata(open.path()) else { continue };
        let number = open.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(number) = number
            && (found.dev(), found.ino()) == (wanted.dev(), wanted.ino())
        {
            // The copy shares the handle's settings, and is let go of at once.
            let handle = pidfd_getfd(&own, number, PidfdGetfdFlags::empty())?;
            fadvise(&handle, 0, None, Advice::Random)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn another_handle_of_the_file_reads_no_more_than_it_is_asked_for() {
        // Where temporary files lie in memory, nothing is ever read ahead: then this shows only that no error comes of it.
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        fs::write(&path, vec![7; 4 << 20]).expect("written");
        let (sleds, ours) = (File::open(&path).expect("opened"), File::open(&path).expect("opened"));
        assert_ne!(sleds.as_raw_fd(), ours.as_raw_fd());
        match without(&ours) {
            Err(refused) if refused.kind() == io::ErrorKind::PermissionDenied => {
                eprintln!("skipped: this process may not copy its own handles here");
                return;
            }
            told => told.expect("told"),
        }
        ours.sync_all().expect("synced");
        fadvise(&ours, 0, None, Advice::DontNeed).expect("dropped");
        let before = read_from_disk();
        let mut bytes = vec![0; 8_192];
        for at in (0..64).map(|step| step * 65_536) {
            // As sled does it.
            sleds.read_exact_at(&mut bytes[..128], at).expect("read");
            sleds.read_exact_at(&mut bytes, at).expect("read");
        }
        let read = read_from_disk() - before;
        assert!(read <= 64 * 8_192 + 65_536, "{read} bytes were read from the disk for {}", 64 * 8_192);
    }

    /// Bytes that this thread has had read from a disk.
    fn read_from_disk() -> u64 {
        let io = fs::read_to_string("/proc/thread-self/io").expect("the kernel counts");
        let line = io.lines().find_map(|line| line.strip_prefix("read_bytes: ")).expect("a line of it");
        line.parse().expect("a number")
    }
}
