//! The disk's own pace, to set beside what is measured on it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::sample::Sample;

/// Bytes that each append of the probe writes: about a small frame.
const PROBE_BYTES: usize = 4_096;

/// Appends and syncs, one after the other; gives how long each sync took.
pub(crate) fn sync_pace(dir: &Path, times: usize) -> io::Result<Sample> {
    let path = dir.join("sync-probe");
    let mut file = File::create(&path)?;
    let mut sample = Sample::default();
    for _ in 0..times {
        file.write_all(&[7; PROBE_BYTES])?;
        sample.time(|| file.sync_data())?;
    }
    std::fs::remove_file(path)?;
    Ok(sample)
}
