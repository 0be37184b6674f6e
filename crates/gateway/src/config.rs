//! The gateway's settings, checked: what is here cannot be wrong, and every fault of the file is reported together.

mod raw;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_model::{AgencyId, SystemName};

use crate::identity::TrustSuffix;
pub use raw::{RawConfig, RawLimits, RawLog, RawStart, RawTls};

/// The settings of one gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// The journal's name, first line of its checkpoints.
    pub origin: String,
    /// The part of the trust domain that all agencies share.
    pub suffix: TrustSuffix,
    /// The agency that operates the gateway.
    pub operator: AgencyId,
    /// This node's name in entries.
    pub node: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The journal's folder.
    pub data_dir: PathBuf,
    /// The folder of the root key and the key ring.
    pub keys_dir: PathBuf,
    /// Whether reflection is served.
    pub reflection: bool,
    /// The gateway's own certificate.
    pub tls: TlsFiles,
    /// What an empty journal starts from.
    pub start: StartFolders,
    /// Limits.
    pub limits: Limits,
    /// Logs.
    pub log: Log,
}

/// Files of the gateway's own certificate.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM, PKCS#8.
    pub key: PathBuf,
}

/// Folders of the documents that an empty journal starts from.
#[derive(Debug, Clone)]
pub struct StartFolders {
    /// Agency files, `*.toml`.
    pub agencies: PathBuf,
    /// Agreements, `*.toml`.
    pub agreements: PathBuf,
    /// Schemas, `<kind>-<version>.json`.
    pub schemas: PathBuf,
    /// Approvals, `<document digest>.toml`.
    pub approvals: PathBuf,
}

/// Limits, each within its sensible range.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request message, in bytes.
    pub message_bytes: usize,
    /// Largest set of request headers, in bytes.
    pub header_bytes: u32,
    /// Connections at a time.
    pub connections: usize,
    /// Calls at a time on one connection.
    pub streams: u32,
    /// Submissions under way on one stream.
    pub stream_window: usize,
    /// Entries that may wait for the journal.
    pub queue_depth: usize,
    /// The longest handshake.
    pub handshake: Duration,
    /// Time without traffic before a probe.
    pub keepalive: Duration,
    /// Time between empty pages of a watch.
    pub heartbeat: Duration,
    /// Time to finish what is in flight.
    pub shutdown: Duration,
}

/// How lines are written.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// Their form.
    pub format: LogFormat,
    /// The least severe level of Causeway's own lines.
    pub level: tracing::Level,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads and checks a settings file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// All faults, one line each.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let text = std::fs::read_to_string(path).map_err(|error| vec![format!("{}: {error}", path.display())])?;
        let raw: RawConfig = toml::from_str(&text).map_err(|error| vec![format!("{}: {error}", path.display())])?;
        Self::check(raw, path.parent().unwrap_or_else(|| Path::new("")))
    }

    /// Checks settings, resolving their paths against `folder`.
    ///
    /// # Errors
    /// All faults, one line each, as `place: what`.
    pub fn check(raw: RawConfig, folder: &Path) -> Result<Self, Vec<String>> {
        let mut faults = Faults::default();
        let origin =
            faults.unless("origin", is_origin(&raw.origin), "a name without spaces or '+', as gateway.example/journal");
        let suffix = faults.parsed("spiffe_suffix", raw.spiffe_suffix.parse());
        let operator = faults.parsed("operator", raw.operator.parse());
        let node = faults.parsed("node", raw.node.parse::<SystemName>());
        let listen = faults.parsed("listen", raw.listen.parse());
        let limits = Limits::check(&raw.limits, &mut faults);
        let log = Log::check(&raw.log, &mut faults);
        let apart = faults.unless("keys_dir", raw.data_dir != raw.keys_dir, "another folder than the journal's");
        let (Some(()), Some(()), Some(suffix), Some(operator), Some(node), Some(listen), Some(limits), Some(log)) =
            (origin, apart, suffix, operator, node, listen, limits, log)
        else {
            return Err(faults.0);
        };
        let at = |path: &Path| folder.join(path);
        Ok(Self {
            origin: raw.origin,
            suffix,
            operator,
            node: node.as_str().to_owned(),
            listen,
            data_dir: at(&raw.data_dir),
            keys_dir: at(&raw.keys_dir),
            reflection: raw.reflection,
            tls: TlsFiles { certificate: at(&raw.tls.certificate), key: at(&raw.tls.key) },
            start: StartFolders {
                agencies: at(&raw.start.agencies),
                agreements: at(&raw.start.agreements),
                schemas: at(&raw.start.schemas),
                approvals: at(&raw.start.approvals),
            },
            limits,
            log,
        })
    }
}

impl Limits {
    fn check(raw: &RawLimits, faults: &mut Faults) -> Option<Self> {
        let message_bytes = faults.within("limits.message_bytes", raw.message_bytes, 140 * 1024, 4 * 1024 * 1024);
        let header_bytes = faults.within("limits.header_bytes", raw.header_bytes, 4 * 1024, 64 * 1024);
        let connections = faults.within("limits.connections", raw.connections, 1, 65_536);
        let streams = faults.within("limits.streams", raw.streams, 1, 4096);
        let stream_window = faults.within("limits.stream_window", raw.stream_window, 1, 4096);
        let queue_depth = faults.within("limits.queue_depth", raw.queue_depth, 1, 65_536);
        let mut seconds = |place, value, most| faults.within(place, value, 1, most).map(Duration::from_secs);
        let handshake = seconds("limits.handshake_seconds", raw.handshake_seconds, 60);
        let keepalive = seconds("limits.keepalive_seconds", raw.keepalive_seconds, 3600);
        let heartbeat = seconds("limits.heartbeat_seconds", raw.heartbeat_seconds, 3600);
        let shutdown = seconds("limits.shutdown_seconds", raw.shutdown_seconds, 3600);
        Some(Self {
            message_bytes: usize::try_from(message_bytes?).ok()?,
            header_bytes: u32::try_from(header_bytes?).ok()?,
            connections: usize::try_from(connections?).ok()?,
            streams: u32::try_from(streams?).ok()?,
            stream_window: usize::try_from(stream_window?).ok()?,
            queue_depth: usize::try_from(queue_depth?).ok()?,
            handshake: handshake?,
            keepalive: keepalive?,
            heartbeat: heartbeat?,
            shutdown: shutdown?,
        })
    }
}

impl Log {
    fn check(raw: &RawLog, faults: &mut Faults) -> Option<Self> {
        let format = match raw.format.as_str() {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => faults.add("log.format", "must be \"text\" or \"json\""),
        };
        let level = match raw.level.as_str() {
            "error" => Some(tracing::Level::ERROR),
            "warn" => Some(tracing::Level::WARN),
            "info" => Some(tracing::Level::INFO),
            "debug" => Some(tracing::Level::DEBUG),
            "trace" => Some(tracing::Level::TRACE),
            _ => faults.add("log.level", "must be error, warn, info, debug or trace"),
        };
        Some(Self { format: format?, level: level? })
    }
}

/// What is wrong, collected rather than returned at the first.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add<T>(&mut self, place: &str, what: &str) -> Option<T> {
        self.0.push(format!("{place}: {what}"));
        None
    }

    fn unless(&mut self, place: &str, valid: bool, wanted: &str) -> Option<()> {
        if valid { Some(()) } else { self.add(place, &format!("must be {wanted}")) }
    }

    fn parsed<T, E: std::fmt::Display>(&mut self, place: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.add(place, &error.to_string()),
        }
    }

    fn within(&mut self, place: &str, value: u64, least: u64, most: u64) -> Option<u64> {
        if (least..=most).contains(&value) {
            Some(value)
        } else {
            self.add(place, &format!("must be from {least} to {most}"))
        }
    }
}

/// A C2SP tlog-checkpoint origin that is also a signed-note key name: no white space, no plus sign.
fn is_origin(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gateway.toml")
    }

    #[test]
    fn the_sample_parses_and_its_commented_defaults_are_the_defaults() {
        let config = Config::load(&sample()).expect("the sample is valid");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8443");
        assert!(config.data_dir.ends_with("config/../data/journal"), "{:?}", config.data_dir);

        let text = std::fs::read_to_string(sample()).expect("the sample is there");
        let set = |line: &str| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => rest.to_owned(),
            _ => line.to_owned(),
        };
        let uncommented: String = text.lines().map(set).map(|line| line + "\n").collect();
        assert_ne!(text, uncommented);
        let raw: RawConfig = toml::from_str(&uncommented).expect("each commented setting is one");
        let stated = Config::check(raw, sample().parent().expect("a folder")).expect("and valid");
        assert_eq!(format!("{stated:?}"), format!("{config:?}"));
    }

    #[test]
    fn unknown_settings_are_refused_at_every_level() {
        let text = std::fs::read_to_string(sample()).expect("the sample is there");
        for section in ["", "[tls]\n", "[start]\n", "[limits]\n", "[log]\n"] {
            let broken = if section.is_empty() {
                format!("surprise = 1\n{text}")
            } else {
                text.replace(section, &format!("{section}surprise = 1\n"))
            };
            assert!(toml::from_str::<RawConfig>(&broken).is_err(), "{section:?}");
        }
    }

    #[test]
    fn all_faults_are_listed_together() {
        let text = std::fs::read_to_string(sample()).expect("the sample is there");
        let mut raw: RawConfig = toml::from_str(&text).expect("valid");
        raw.origin = "two words".into();
        raw.spiffe_suffix = "Causeway.Example".into();
        raw.operator = "nca".into();
        raw.node = String::new();
        raw.listen = "localhost".into();
        raw.keys_dir = raw.data_dir.clone();
        raw.limits.message_bytes = 1;
        raw.limits.handshake_seconds = 0;
        raw.log.format = "xml".into();
        raw.log.level = "loud".into();
        let faults = Config::check(raw, Path::new("")).expect_err("ten faults");
        let places: Vec<&str> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
        assert_eq!(
            places,
            [
                "origin",
                "spiffe_suffix",
                "operator",
                "node",
                "listen",
                "limits.message_bytes",
                "limits.handshake_seconds",
                "log.format",
                "log.level",
                "keys_dir",
            ]
        );
    }
}
