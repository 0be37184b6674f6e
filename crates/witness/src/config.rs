//! The witness's settings, checked: what is here cannot be wrong, and every fault of the file is reported together.

mod read;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_journal::VerifierKey;

/// The settings of one witness.
#[derive(Debug, Clone)]
pub struct Config {
    /// The witness's name, which is also that of its key.
    pub name: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The folder of what is held of each log.
    pub state_dir: PathBuf,
    /// The file of the private key.
    pub key: PathBuf,
    /// Keys that this witness signed with before: what they cosigned is still what it holds.
    pub former_keys: Vec<VerifierKey>,
    /// The logs that are watched, each origin once.
    pub logs: Vec<LogKeys>,
    /// The witness's own certificate; none where a reverse proxy on this machine ends TLS.
    pub tls: Option<Tls>,
    /// Limits.
    pub limits: Limits,
    /// Log lines.
    pub log: Log,
}

/// A log and the keys that speak for it.
#[derive(Debug, Clone)]
pub struct LogKeys {
    /// The log's name, first line of its checkpoints.
    pub origin: String,
    /// Keys of which one has to have signed; more than one while the log's key is rotated. Never none.
    pub keys: Vec<VerifierKey>,
}

/// Files of the witness's own certificate, and of those whom it lets in.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Roots of client certificates, PEM; where they are stated, a client needs one.
    pub client_ca: Option<PathBuf>,
}

/// Limits, each within its sensible range.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time. With four requests on each, and of each the largest body and as much on its way (2 x 72 KiB),
    /// it bounds memory: 72 MiB at the default of 128.
    pub connections: usize,
    /// Requests at a time that are decided and written.
    pub requests: usize,
    /// The longest TLS handshake.
    pub handshake: Duration,
    /// The longest time in which a request's head has to be there, and in which an idle connection is kept.
    pub head: Duration,
    /// The longest time in which a request's body has to be there.
    pub body: Duration,
    /// The longest life of a connection.
    pub connection: Duration,
    /// Time to finish what is in flight.
    pub shutdown: Duration,
}

/// How log lines are written. The witness only says it: whoever runs the process directs them.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// One JSON object a line, instead of text.
    pub json: bool,
    /// The least severe level.
    pub level: tracing::Level,
}

impl Config {
    /// Reads and checks a settings file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// All faults, one line each, as `place: what`.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let text = std::fs::read_to_string(path).map_err(|error| vec![format!("{}: {error}", path.display())])?;
        Self::parse(&text, path.parent().unwrap_or_else(|| Path::new("")))
    }

    /// As [`Config::load`], of a text that stands in `folder`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<String>> {
        read::config(text, folder)
    }
}
