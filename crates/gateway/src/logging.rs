//! Log lines: readable or JSON, on standard error, with the request id in every line of a request.
//!
//! Lines hold system ids, method names, reason codes and counts. They hold no payload, no identifier of a person and no
//! text that a peer sent: so libraries, which print what they parse, start at `warn`.

use std::sync::OnceLock;

use tracing::{Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};
use crate::error::Error;
use crate::panics;

/// Puts another filter in the place of the one of now.
type Change = Box<dyn Fn(EnvFilter) -> Result<(), tracing_subscriber::reload::Error> + Send + Sync>;

/// What changes the filter of this process's lines; nothing before they are directed.
static CHANGE: OnceLock<Change> = OnceLock::new();

/// Directs all lines of this process to standard error, as configured. To be called once.
///
/// # Errors
/// `Log` where the process has another subscriber already.
pub fn init(log: Log) -> Result<(), Error> {
    let (lines, change) = lines(log, std::io::stderr);
    lines.try_init().map_err(|error| Error::Log(error.into()))?;
    panics::say_where();
    // Nobody else has set it: the subscriber is one of a process, too.
    let _ = CHANGE.set(change);
    Ok(())
}

/// Changes the least severe level of Causeway's own lines from here on, in this process. Where its lines are not this module's to
/// direct, as in tests, nothing happens.
///
/// # Errors
/// `Log` where the lines are gone.
pub(crate) fn set_level(level: Level) -> Result<(), Error> {
    let Some(change) = CHANGE.get() else { return Ok(()) };
    change(filter(level)).map_err(|error| Error::Log(error.into()))
}

fn filter(level: Level) -> EnvFilter {
    EnvFilter::new(format!("warn,causeway={level}"))
}

fn lines<W>(log: Log, writer: W) -> (Box<dyn Subscriber + Send + Sync>, Change)
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter(log.level));
    match log.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(false).with_filter_reloading();
            let handle = lines.reload_handle();
            (Box::new(lines.finish()), Box::new(move |filter| handle.reload(filter)))
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false).with_filter_reloading();
            let handle = lines.reload_handle();
            (Box::new(lines.finish()), Box::new(move |filter| handle.reload(filter)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        fn count(&self) -> usize {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.iter().filter(|byte| **byte == b'\n').count()
        }
    }

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_level_changes_while_lines_are_written_and_libraries_stay_at_warnings() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let kept = Kept::default();
            let writer = kept.clone();
            let (lines, change) = lines(Log { format, level: Level::INFO }, move || writer.clone());
            tracing::subscriber::with_default(lines, || {
                let say = || {
                    tracing::debug!(target: "causeway_gateway", "of this program");
                    tracing::info!(target: "a_library", "of another");
                };
                say();
                assert_eq!(kept.count(), 0, "{format:?}");
                change(filter(Level::DEBUG)).expect("the lines are there");
                say();
                assert_eq!(kept.count(), 1, "{format:?}");
                change(filter(Level::ERROR)).expect("the lines are there");
                say();
                assert_eq!(kept.count(), 1, "{format:?}");
            });
        }
    }
}
