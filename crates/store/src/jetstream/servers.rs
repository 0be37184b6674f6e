//! A connection to each server, and which of them is asked next.
//!
//! Each has its own, so that another copy of the log can be asked where one server hangs or has lost something: a server answers a
//! read from its own copy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message};

use super::connection::{ClientFiles, Connection, NoAnswer};
use crate::log::EngineError;

/// How long the first connection may take.
const FIRST: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// The servers, in the order of the settings.
#[derive(Debug)]
pub(super) struct Servers {
    connections: Vec<Connection>,
    preferred: AtomicUsize,
}

impl Servers {
    /// Connects to all of them, and waits until one is there.
    pub(super) async fn connect(addresses: &[String], files: &ClientFiles) -> Result<Self, EngineError> {
        for (what, path) in [("ca", &files.ca), ("certificate", &files.certificate), ("key", &files.key)] {
            // The client would try for ever, and say nothing.
            std::fs::metadata(path).map_err(|error| format!("{what}: {}: {error}", path.display()))?;
        }
        let mut connections = Vec::new();
        for address in addresses {
            connections.push(Connection::begin(address, files).await?);
        }
        let servers = Self { connections, preferred: AtomicUsize::new(0) };
        let begun = Instant::now();
        while !servers.connections.iter().any(Connection::is_up) {
            if begun.elapsed() > FIRST {
                return Err(servers.why_none().into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(servers)
    }

    fn why_none(&self) -> String {
        let why = |connection: &Connection| {
            let heard = connection.last_heard().unwrap_or_else(|| "no answer".to_owned());
            format!("{}: {heard}", connection.server())
        };
        format!("no server was reached: {}", self.connections.iter().map(why).collect::<Vec<_>>().join("; "))
    }

    pub(super) fn all(&self) -> &[Connection] {
        &self.connections
    }

    /// The one to ask at this attempt, each attempt another: those that are connected come first.
    pub(super) fn at(&self, attempt: usize) -> &Connection {
        let from = self.preferred.load(Ordering::Relaxed);
        let order = (0..self.connections.len()).map(|step| &self.connections[(from + step) % self.connections.len()]);
        let (up, down): (Vec<_>, Vec<_>) = order.partition(|connection| connection.is_up());
        let all: Vec<_> = if up.is_empty() { down } else { up };
        all[attempt % all.len()]
    }

    /// Asks one, and turns to the next for all that follows where it does not answer.
    pub(super) async fn ask(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Vec<u8>,
    ) -> Result<Message, NoAnswer> {
        let answered = self.at(0).ask(subject, headers, payload).await;
        if matches!(answered, Err(NoAnswer::Failed(_))) {
            self.preferred.fetch_add(1, Ordering::Relaxed);
        }
        answered
    }
}
