//! The settings as `gateway.toml` spells them: unknown names refused, nothing checked yet.

use std::path::PathBuf;

use serde::Deserialize;

/// The file. Each field is described in `config/gateway.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// The journal's name.
    pub origin: String,
    /// The part of the trust domain that all agencies share.
    pub spiffe_suffix: String,
    /// The agency that operates the gateway.
    pub operator: String,
    /// The node's name.
    pub node: String,
    /// Address and port.
    pub listen: String,
    /// The journal's folder.
    pub data_dir: PathBuf,
    /// The keys' folder.
    pub keys_dir: PathBuf,
    /// Whether reflection is served.
    #[serde(default)]
    pub reflection: bool,
    /// The gateway's own certificate.
    pub tls: RawTls,
    /// What an empty journal starts from.
    pub start: RawStart,
    /// Limits.
    #[serde(default)]
    pub limits: RawLimits,
    /// Logs.
    #[serde(default)]
    pub log: RawLog,
}

/// `[tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

/// `[start]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStart {
    /// Folder of agency files.
    pub agencies: PathBuf,
    /// Folder of agreements.
    pub agreements: PathBuf,
    /// Folder of schemas.
    pub schemas: PathBuf,
    /// Folder of approvals.
    pub approvals: PathBuf,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// Largest request message, in bytes.
    pub message_bytes: u64,
    /// Largest set of request headers, in bytes.
    pub header_bytes: u64,
    /// Connections at a time.
    pub connections: u64,
    /// Calls at a time on one connection.
    pub streams: u64,
    /// Submissions under way on one stream.
    pub stream_window: u64,
    /// Entries that may wait for the journal.
    pub queue_depth: u64,
    /// Seconds for a handshake.
    pub handshake_seconds: u64,
    /// Seconds without traffic before a probe.
    pub keepalive_seconds: u64,
    /// Seconds between empty pages.
    pub heartbeat_seconds: u64,
    /// Seconds to finish what is in flight.
    pub shutdown_seconds: u64,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            message_bytes: 160 * 1024,
            header_bytes: 16 * 1024,
            connections: 1024,
            streams: 128,
            stream_window: 256,
            queue_depth: 1024,
            handshake_seconds: 5,
            keepalive_seconds: 30,
            heartbeat_seconds: 15,
            shutdown_seconds: 20,
        }
    }
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLog {
    /// `text` or `json`.
    pub format: String,
    /// The least severe level that is written.
    pub level: String,
}

impl Default for RawLog {
    fn default() -> Self {
        Self { format: "text".into(), level: "info".into() }
    }
}
