//! Log lines: readable or JSON, on standard error, with the request id in every line of a request.
//!
//! Lines hold system ids, method names, reason codes and counts. They hold no payload, no identifier of a person and no
//! text that a peer sent: so libraries, which print what they parse, start at `warn`.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::error::Error;

/// Directs all lines of this process to standard error, as configured. To be called once.
///
/// # Errors
/// `Log` where the process has another subscriber already.
pub fn init(log: Log) -> Result<(), Error> {
    let filter = EnvFilter::new(format!("warn,causeway={}", log.level));
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    match log.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    }
    .map_err(Error::Log)
}
