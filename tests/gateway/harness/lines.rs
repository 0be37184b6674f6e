//! The log lines of this process, kept in memory, for tests that look at what they say and do not say.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static CAPTURE: Once = Once::new();

/// Begins to keep lines, at a finer level than any gateway should be run at. Later calls do nothing.
pub(crate) fn capture() {
    CAPTURE.call_once(|| {
        let filter = EnvFilter::new("warn,causeway=trace");
        let lines = tracing_subscriber::fmt().with_writer(|| Lines).with_env_filter(filter).json();
        lines.try_init().expect("nobody else in this process directs the lines");
    });
}

/// All lines so far.
pub(crate) fn all() -> String {
    String::from_utf8_lossy(&LINES.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
