//! Reading `witness.toml` key by key, so that every fault in it is found before anything is begun.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_agreement::section::{self, Section, text};
use causeway_crypto::PublicKey;
use causeway_journal::VerifierKey;
use toml::Value;

use super::{Config, Limits, Log, LogKeys, Tls};

/// What a name may hold, said where one does not.
const NAME: &str = "must be a name of at most 128 characters without spaces or '+', as witness.example.org";

/// The settings in `text`, whose paths are relative to `folder`; or all faults.
pub(super) fn config(text: &str, folder: &Path) -> Result<Config, Vec<String>> {
    let read = section::read(text, |section| settings(section, folder));
    read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn settings(section: &mut Section<'_>, folder: &Path) -> Option<Config> {
    let path = |value: &Value| text(value).map(|path| folder.join(path));
    let name = section.required("name", name);
    let listen = section.required("listen", address);
    let state_dir = section.required("state_dir", path);
    let key = section.required("key", path);
    let former_keys = section.list("former_keys", cosigner).unwrap_or_default();
    let logs = logs(section);
    let has_tls = section.has("tls");
    let tls = section.child("tls", |tls| self::tls(tls, &path));
    if !has_tls && listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        section.fault(
            "listen",
            "must be an address of this machine's loopback, as 127.0.0.1:8460, behind a proxy that ends TLS; or state [tls]",
        );
    }
    let limits = section.child_or_empty("limits", limits);
    let log = section.child_or_empty("log", log);
    Some(Config {
        name: name?,
        listen: listen?,
        state_dir: state_dir?,
        key: key?,
        former_keys,
        logs,
        tls: if has_tls { Some(tls?) } else { None },
        limits: limits?,
        log: log?,
    })
}

fn address(value: &Value) -> Result<SocketAddr, String> {
    text(value)?.parse().map_err(|_| "must be an address and a port, as 127.0.0.1:8460".to_owned())
}

/// A name that a cosigner's key can have (C2SP signed-note).
fn name(value: &Value) -> Result<String, String> {
    let name = text(value)?;
    let fits = name.len() <= 128 && VerifierKey::cosigner(&name, PublicKey([0; 32])).is_ok();
    if fits { Ok(name) } else { Err(NAME.into()) }
}

fn verifier_key(value: &Value) -> Result<VerifierKey, String> {
    text(value)?.parse().map_err(|error| format!("must be a verifier key, as name+id+key: {error}"))
}

fn cosigner(value: &Value) -> Result<VerifierKey, String> {
    let key = verifier_key(value)?;
    if key.is_cosigner() { Ok(key) } else { Err("is a log's key: state a verifier key of this witness".into()) }
}

fn log_key(value: &Value) -> Result<VerifierKey, String> {
    let key = verifier_key(value)?;
    if key.is_cosigner() { Err("is a witness's key: state the log's own".into()) } else { Ok(key) }
}

/// The logs; a witness without any witnesses nothing, which nobody can have meant.
fn logs(section: &mut Section<'_>) -> Vec<LogKeys> {
    if !section.has("logs") {
        section.fault("logs", "is missing: state [[logs]] with the keys of each log to watch");
    }
    let logs = section.children("logs", |log| {
        let keys = log.required_list("keys", log_key)?;
        let origin = keys.first()?.name().to_owned();
        if keys.iter().any(|key| key.name() != origin) {
            log.fault("keys", "are of several logs: state one [[logs]] for each");
        }
        Some(LogKeys { origin, keys })
    });
    for (at, log) in logs.iter().enumerate() {
        if logs[..at].iter().any(|earlier| earlier.origin == log.origin) {
            section.fault("logs", format!("two of them are of {}: state all keys of a log in one", log.origin));
        }
    }
    logs
}

fn tls(tls: &mut Section<'_>, path: &impl Fn(&Value) -> Result<PathBuf, String>) -> Option<Tls> {
    let certificate = tls.required("certificate", path);
    let key = tls.required("key", path);
    let client_ca = stated(tls, "client_ca", None, |value| path(value).map(Some));
    Some(Tls { certificate: certificate?, key: key?, client_ca: client_ca? })
}

fn limits(section: &mut Section<'_>) -> Option<Limits> {
    let connections = number(section, "connections", 1..=65_536, 128);
    let requests = number(section, "requests", 1..=4096, 64);
    let mut seconds = |key, most, default| number(section, key, 1..=most, default).map(Duration::from_secs);
    let handshake = seconds("handshake_seconds", 60, 5);
    let head = seconds("head_seconds", 60, 10);
    let body = seconds("body_seconds", 60, 10);
    let connection = seconds("connection_seconds", 3600, 300);
    let shutdown = seconds("shutdown_seconds", 3600, 10);
    Some(Limits {
        connections: connections?,
        requests: requests?,
        handshake: handshake?,
        head: head?,
        body: body?,
        connection: connection?,
        shutdown: shutdown?,
    })
}

fn log(section: &mut Section<'_>) -> Option<Log> {
    let json = stated(section, "format", false, |value| match value.as_str() {
        Some("text") => Ok(false),
        Some("json") => Ok(true),
        _ => Err("must be \"text\" or \"json\"".into()),
    });
    let level = stated(section, "level", tracing::Level::INFO, |value| match value.as_str() {
        Some("error") => Ok(tracing::Level::ERROR),
        Some("warn") => Ok(tracing::Level::WARN),
        Some("info") => Ok(tracing::Level::INFO),
        Some("debug") => Ok(tracing::Level::DEBUG),
        Some("trace") => Ok(tracing::Level::TRACE),
        _ => Err("must be error, warn, info, debug or trace".into()),
    });
    Some(Log { json: json?, level: level? })
}

/// What is stated under `key`, else its default; none where what is stated is wrong.
fn stated<T>(
    section: &mut Section<'_>,
    key: &str,
    default: T,
    reader: impl Fn(&Value) -> Result<T, String>,
) -> Option<T> {
    if section.has(key) { section.optional(key, reader) } else { Some(default) }
}

fn number<T: TryFrom<i64>>(
    section: &mut Section<'_>,
    key: &str,
    range: RangeInclusive<i64>,
    default: i64,
) -> Option<T> {
    let number = stated(section, key, default, |value| {
        let within = value.as_integer().filter(|number| range.contains(number));
        within.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
    });
    number.and_then(|number| T::try_from(number).ok())
}
