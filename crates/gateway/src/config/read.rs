//! Reading `gateway.toml` key by key, so that every fault in it is found before anything is begun.

use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_agreement::IdentityTerms;
use causeway_agreement::section::{self, Section, flag, parsed, text};
use causeway_exchange::OwnIdentities;
use causeway_model::SystemName;
use causeway_store::RootSource;
use toml::Value;

use super::{
    Config, KeyOptions, Log, LogFormat, StartFolders, TlsFiles, backup, cluster, disk, limits, revocation, witnesses,
};

/// The settings in `text`, whose paths are relative to `folder`; or all faults.
pub(super) fn config(text: &str, folder: &Path) -> Result<Config, Vec<String>> {
    let mut files = Files { folder, absent: Vec::new() };
    let read = section::read(text, |section| settings(section, &mut files));
    // Where all else is in order, the start names what is absent, together with the faults of the documents.
    read.map_err(|faults| faults.iter().map(ToString::to_string).chain(files.absent).collect())
}

fn settings(section: &mut Section<'_>, files: &mut Files<'_>) -> Option<Config> {
    let origin = section.required("origin", origin);
    let suffix = section.required("spiffe_suffix", parsed);
    let operator = section.required("operator", parsed);
    let node = section.required("node", parsed::<SystemName>);
    let listen = section.required("listen", address);
    let data_dir = files.path(section, "data_dir");
    let keys_dir = files.path(section, "keys_dir");
    if data_dir.is_some() && data_dir == keys_dir {
        section.fault("keys_dir", "must be another folder than the journal's");
    }
    let cluster = cluster::cluster(section, files.folder, node.as_ref().map(SystemName::as_str));
    let keys = keys(section, files, &[&data_dir, &keys_dir]);
    let reflection = stated(section, "reflection", false, flag);
    let tls = section.child_or_empty("tls", |tls| {
        let (certificate, key) = (files.file(tls, "certificate"), files.file(tls, "key"));
        Some(TlsFiles { certificate: certificate?, key: key? })
    });
    let revocation = section.child_or_empty("revocation", |own| revocation::revocation(own, files));
    let start = section.child_or_empty("start", |start| {
        let (agencies, agreements) = (files.folder(start, "agencies"), files.folder(start, "agreements"));
        let (schemas, approvals) = (files.folder(start, "schemas"), files.folder(start, "approvals"));
        Some(StartFolders { agencies: agencies?, agreements: agreements?, schemas: schemas?, approvals: approvals? })
    });
    let own_identities = section.child_or_empty("identity", own_identities);
    let witnesses =
        section.child_or_empty("witnesses", |own| witnesses::witnesses(own, files.folder, origin.as_deref()));
    let backup_recipient = section.child_or_empty("backup", |own| backup::backup(own, files.folder));
    let disk = section.child_or_empty("disk", disk::disk);
    let limits = section.child_or_empty("limits", limits::limits);
    let metrics = section.child_or_empty("metrics", |metrics| {
        stated(metrics, "listen", None, |value| match address(value)? {
            address if address.ip().is_loopback() => Ok(Some(address)),
            _ => Err("must be an address of this machine's loopback, as 127.0.0.1:9464: who asks is not authenticated"
                .into()),
        })
    });
    let log = section.child_or_empty("log", log);
    Some(Config {
        source: None,
        origin: origin?,
        suffix: suffix?,
        operator: operator?,
        node: node?.as_str().to_owned(),
        listen: listen?,
        data_dir: data_dir?,
        keys_dir: keys_dir?,
        cluster: cluster?,
        keys: keys?,
        reflection: reflection?,
        tls: tls?,
        revocation: revocation?,
        start: start?,
        own_identities: own_identities?,
        witnesses: witnesses?,
        backup_recipient: backup_recipient?,
        disk: disk?,
        limits: limits?,
        metrics: metrics?,
        log: log?,
    })
}

fn address(value: &Value) -> Result<SocketAddr, String> {
    text(value)?.parse().map_err(|_| "must be an address and a port, as 127.0.0.1:8443".to_owned())
}

/// `others` are the folders that the mirror must not be.
fn keys(section: &mut Section<'_>, files: &Files<'_>, others: &[&Option<PathBuf>]) -> Option<KeyOptions> {
    section.child_or_empty("keys", |keys| {
        let source = |value: &Value| text(value)?.parse::<RootSource>();
        let root = stated(keys, "root", RootSource::File, source);
        let previous_root = stated(keys, "previous_root", None, |value| source(value).map(Some));
        if previous_root.as_ref().is_some_and(|previous| *previous == root) {
            keys.fault("previous_root", "must be another source than root");
        }
        let mirror_dir =
            stated(keys, "mirror_dir", None, |value| text(value).map(|path| Some(files.folder.join(path))));
        if mirror_dir.as_ref().is_some_and(|mirror| mirror.is_some() && others.contains(&mirror)) {
            keys.fault("mirror_dir", "must be another folder than the keys' and the journal's");
        }
        let days = number::<u64>(keys, "signing_overlap_days", 1..=366, 30);
        let signing_overlap = days.map(|days| Duration::from_secs(days * 24 * 3600));
        Some(KeyOptions {
            root: root?,
            previous_root: previous_root?,
            mirror_dir: mirror_dir?,
            signing_overlap: signing_overlap?,
        })
    })
}

fn own_identities(section: &mut Section<'_>) -> Option<OwnIdentities> {
    let default = OwnIdentities::default();
    let monthly_cap = number(section, "monthly_cap", 1..=10_000, default.monthly_cap.into());
    let longest = IdentityTerms::MAX_STANDS_HOURS.into();
    let stands_hours = number(section, "stands_hours", 1..=longest, default.stands_hours.into());
    Some(OwnIdentities { monthly_cap: monthly_cap?, stands_hours: stands_hours? })
}

fn log(section: &mut Section<'_>) -> Option<Log> {
    let format = stated(section, "format", LogFormat::Text, |value| match value.as_str() {
        Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
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
    Some(Log { format: format?, level: level? })
}

/// What is stated under `key`, else its default; none where what is stated is wrong.
pub(super) fn stated<T>(
    section: &mut Section<'_>,
    key: &str,
    default: T,
    reader: impl Fn(&Value) -> Result<T, String>,
) -> Option<T> {
    if section.has(key) { section.optional(key, reader) } else { Some(default) }
}

pub(super) fn number<T: TryFrom<i64>>(
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

/// A C2SP tlog-checkpoint origin that is also a signed-note key name: no white space, no plus sign.
fn origin(value: &Value) -> Result<String, String> {
    let origin = text(value)?;
    if origin.len() <= 128 && origin.bytes().all(|b| b.is_ascii_graphic() && b != b'+') {
        Ok(origin)
    } else {
        Err("must be a name of at most 128 characters without spaces or '+', as gateway.example/journal".into())
    }
}

/// The paths of a configuration, and those of them that lead to nothing.
pub(super) struct Files<'a> {
    folder: &'a Path,
    absent: Vec<String>,
}

impl Files<'_> {
    fn path(&self, section: &mut Section<'_>, key: &str) -> Option<PathBuf> {
        section.required(key, text).map(|path| self.folder.join(path))
    }

    fn file(&mut self, section: &mut Section<'_>, key: &str) -> Option<PathBuf> {
        let path = self.path(section, key)?;
        let found = fs::metadata(&path).map(|found| found.is_file()).unwrap_or_default();
        self.note(found, section, key, &path, "file")
    }

    pub(super) fn folder(&mut self, section: &mut Section<'_>, key: &str) -> Option<PathBuf> {
        let path = self.path(section, key)?;
        let found = path.is_dir();
        self.note(found, section, key, &path, "folder")
    }

    fn note(&mut self, found: bool, section: &Section<'_>, key: &str, path: &Path, what: &str) -> Option<PathBuf> {
        if !found {
            self.absent.push(format!("{}: there is no {what} {}", section.place(key), path.display()));
        }
        Some(path.to_owned())
    }
}
