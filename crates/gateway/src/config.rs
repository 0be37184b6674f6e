//! The gateway's settings, checked: what is here cannot be wrong, and every fault of the file is reported together.

mod backup;
mod cluster;
mod disk;
mod limits;
mod read;
mod revocation;
mod witnesses;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_crypto::{Digest, SealingPublicKey, sha256};
use causeway_exchange::OwnIdentities;
use causeway_model::AgencyId;
use causeway_store::RootSource;

use crate::identity::TrustSuffix;
pub use cluster::ClusterOptions;
pub use disk::DiskOptions;
pub use limits::{Limits, Quota, Quotas};
pub use revocation::{RevocationOptions, RevocationTerms};
pub use witnesses::WitnessOptions;

/// The settings of one gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that they were read from, to be looked at for changes; none where they came from no file.
    pub source: Option<Source>,
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
    /// The folder of the root key, the key ring and what has no history.
    pub keys_dir: PathBuf,
    /// The log that it shares with other nodes; none where it writes alone.
    pub cluster: Option<ClusterOptions>,
    /// What the keys are wrapped under, and their mirror.
    pub keys: KeyOptions,
    /// Whether reflection is served.
    pub reflection: bool,
    /// The gateway's own certificate.
    pub tls: TlsFiles,
    /// The agencies' revocation lists.
    pub revocation: RevocationOptions,
    /// What an empty journal starts from.
    pub start: StartFolders,
    /// How many identities an agency may ask for of its own records.
    pub own_identities: OwnIdentities,
    /// Who cosigns the journal's checkpoints; none where nobody is asked to.
    pub witnesses: Option<WitnessOptions>,
    /// To whom backups are sealed; none where none are made.
    pub backup_recipient: Option<SealingPublicKey>,
    /// What is kept back of the disk.
    pub disk: DiskOptions,
    /// Limits.
    pub limits: Limits,
    /// Where the metrics are served, on the loopback; none where they are not.
    pub metrics: Option<SocketAddr>,
    /// Logs.
    pub log: Log,
}

/// The file of settings, and what it held.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// What the keys in the keys folder are wrapped under, and where what has no history is kept a second time.
#[derive(Debug, Clone)]
pub struct KeyOptions {
    /// Where the root key comes from.
    pub root: RootSource,
    /// Where the one before comes from.
    pub previous_root: Option<RootSource>,
    /// The mirror of what has no history.
    pub mirror_dir: Option<PathBuf>,
    /// How long the signing key of before a planned rotation signs beside the new one.
    pub signing_overlap: Duration,
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
    /// Schemas, `<kind>-<version>.json`; below it in `codes/` the code lists that they name, `<name>.json`.
    pub schemas: PathBuf,
    /// Approvals, `<document digest>.toml`.
    pub approvals: PathBuf,
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
    /// All faults, one line each, as `place: what`; with them, the files and folders named in it that are not there.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let text = std::fs::read_to_string(path).map_err(|error| vec![format!("{}: {error}", path.display())])?;
        let config = Self::parse(&text, path.parent().unwrap_or_else(|| Path::new("")))?;
        let source = Source { path: path.to_owned(), digest: sha256(&[text.as_bytes()]) };
        Ok(Self { source: Some(source), ..config })
    }

    /// As [`Config::load`], of a text that stands in `folder`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<String>> {
        read::config(text, folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gateway.toml")
    }

    fn sample_text() -> String {
        std::fs::read_to_string(sample()).expect("the sample is there")
    }

    fn places(faults: &[String]) -> Vec<&str> {
        faults.iter().filter_map(|fault| fault.split(':').next()).collect()
    }

    #[test]
    fn the_sample_parses_and_its_commented_defaults_are_the_defaults() {
        let config = Config::load(&sample()).expect("the sample is valid");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8443");
        assert!(config.data_dir.ends_with("config/../data/journal"), "{:?}", config.data_dir);

        let text = sample_text();
        let set = |line: &str| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => rest.to_owned(),
            _ => line.to_owned(),
        };
        let uncommented: String = text.lines().map(set).map(|line| line + "\n").collect();
        assert_ne!(text, uncommented);
        let stated = Config::parse(&uncommented, sample().parent().expect("a folder")).expect("and valid");
        let stated = Config { source: config.source.clone(), ..stated };
        assert_eq!(format!("{stated:?}"), format!("{config:?}"));
    }

    #[test]
    fn all_faults_are_listed_together_unknown_keys_and_missing_files_too() {
        let empty = tempfile::tempdir().expect("a folder");
        let mut text = sample_text();
        for (from, to) in [
            ("origin = \"", "surprise = 1\norigin = \"two words, "),
            ("\"causeway.example\"", "\"Causeway.Example\""),
            ("\"gb-nca\"", "\"nca\""),
            ("\"node-1\"", "\"\""),
            ("\"127.0.0.1:8443\"", "\"localhost\""),
            ("\"../data/keys\"", "\"../data/journal\""),
            ("# reflection = false", "reflection = 0"),
            (
                "# root = \"file\"",
                "surprise = 1\nroot = \"env:ROOT\"\nprevious_root = \"fd:1\"\nmirror_dir = \"../data/journal\"",
            ),
            ("[tls]", "[tls]\nsurprise = 1"),
            ("[revocation]", "[revocation]\nsurprise = 1"),
            ("# required = true", "required = 1"),
            ("# warn_hours = 1", "warn_hours = 24"),
            ("[start]", "[start]\nsurprise = 1"),
            ("agreements = \"agreements\"", "agreements = 7"),
            ("[identity]", "[identity]\nsurprise = 1"),
            ("# monthly_cap = 10", "monthly_cap = 0"),
            ("# stands_hours = 72", "stands_hours = 721"),
            ("[witnesses]", "[witnesses]\nsurprise = 1\npolicy = \"nowhere\"\nca = \"gateway.toml\""),
            ("# period_seconds = 30", "period_seconds = 0"),
            ("# alarm_minutes = 10", "alarm_minutes = 60"),
            ("# stop_hours = 4", "stop_hours = 1"),
            ("[backup]", "[backup]\nrecipient = \"nowhere.pub\"\nsurprise = 1"),
            ("[disk]", "[disk]\nsurprise = 1"),
            ("# headroom_mib = 256", "headroom_mib = 1"),
            ("# reopen_seconds = 10", "reopen_seconds = 0"),
            ("# give_up_seconds = 120", "give_up_seconds = 1"),
            ("[limits]", "[limits]\nsurprise = 1"),
            ("# message_bytes = 1048576", "message_bytes = 1"),
            ("# streams = 128", "streams = \"many\""),
            ("# handshake_seconds = 5", "handshake_seconds = 0"),
            ("[metrics]", "[metrics]\nsurprise = 1\nlisten = \"192.0.2.1:9464\""),
            ("[log]", "[log]\nsurprise = 1"),
            ("# format = \"text\"", "format = \"xml\""),
            ("# level = \"info\"", "level = \"loud\""),
        ] {
            assert!(text.contains(from), "{from:?} is not in the sample");
            text = text.replacen(from, to, 1);
        }
        let faults = Config::parse(&text, empty.path()).expect_err("many faults");
        let mut found = places(&faults);
        found.sort_unstable();
        let expected = [
            "backup.recipient",
            "backup.surprise",
            "disk.give_up_seconds",
            "disk.headroom_mib",
            "disk.reopen_seconds",
            "disk.surprise",
            "identity.monthly_cap",
            "identity.stands_hours",
            "identity.surprise",
            "keys.mirror_dir",
            "keys.previous_root",
            "keys.root",
            "keys.surprise",
            "keys_dir",
            "limits.handshake_seconds",
            "limits.message_bytes",
            "limits.streams",
            "limits.surprise",
            "listen",
            "log.format",
            "log.level",
            "log.surprise",
            "metrics.listen",
            "metrics.surprise",
            "node",
            "operator",
            "origin",
            "reflection",
            "revocation.budget_hours",
            "revocation.folder",
            "revocation.required",
            "revocation.surprise",
            "spiffe_suffix",
            "start.agencies",
            "start.agreements",
            "start.approvals",
            "start.schemas",
            "start.surprise",
            "surprise",
            "tls.certificate",
            "tls.key",
            "tls.surprise",
            "witnesses.ca",
            "witnesses.period_seconds",
            "witnesses.policy",
            "witnesses.stop_hours",
            "witnesses.surprise",
        ];
        assert_eq!(found, expected, "{faults:#?}");
    }

    #[test]
    fn a_root_key_may_come_from_outside_and_the_mirror_lies_apart() {
        let with = |keys: &str| {
            let text = sample_text().replace("# root = \"file\"", keys);
            Config::parse(&text, sample().parent().expect("a folder"))
        };
        let config = with("root = \"credential:causeway-root\"\nprevious_root = \"file\"\nmirror_dir = \"../mirror\"");
        let keys = config.expect("valid").keys;
        assert_eq!(keys.root.to_string(), "credential:causeway-root");
        assert_eq!(keys.previous_root, Some(RootSource::File));
        assert!(keys.mirror_dir.expect("stated").ends_with("config/../mirror"));
        for (wrong, place) in [
            ("root = \"fd:7\"\nprevious_root = \"fd:7\"", "keys.previous_root"),
            ("mirror_dir = \"../data/keys\"", "keys.mirror_dir"),
            ("mirror_dir = \"../data/journal\"", "keys.mirror_dir"),
        ] {
            let mut faults = with(wrong).expect_err(wrong);
            // A fresh checkout has no identities yet, which is another fault.
            faults.retain(|fault| !fault.contains("there is no "));
            assert_eq!(places(&faults), [place], "{wrong}");
        }
    }

    #[test]
    fn witnesses_have_to_be_reached_and_to_be_of_this_journal() {
        use causeway_crypto::SigningKey;
        use causeway_journal::VerifierKey;
        let folder = tempfile::tempdir().expect("a folder");
        let log = |origin: &str| VerifierKey::new(origin, SigningKey::generate().public_key()).expect("a key");
        let own = log("gateway.causeway.example/journal");
        let witness = VerifierKey::cosigner("w.example", SigningKey::generate().public_key()).expect("a key");
        let with = |policy: &str| {
            std::fs::write(folder.path().join("policy"), policy).expect("written");
            let policy = folder.path().join("policy");
            let stated = format!("[witnesses]\npolicy = {:?}", policy.display().to_string());
            let text = sample_text().replace("[witnesses]", &stated);
            Config::parse(&text, sample().parent().expect("a folder"))
        };
        let config = with(&format!("log {own}\nwitness w {witness} http://127.0.0.1:1/\nquorum w\n")).expect("valid");
        let options = config.witnesses.expect("stated");
        let hours = Duration::from_secs(4 * 3600);
        assert_eq!((options.period, options.terms.stop), (Duration::from_secs(30), hours));
        for (wrong, what) in [
            (format!("log {}\nwitness w {witness} http://127.0.0.1:1/\nquorum w\n", log("other")), "no log line"),
            (format!("log {own}\nwitness w {witness} http://127.0.0.1:1/\nquorum none\n"), "asks for no witness"),
            (format!("log {own}\nwitness w {witness}\nquorum w\n"), "witness w: has no URL"),
            (format!("log {own}\nwitness w {witness} http://192.0.2.1/\nquorum w\n"), "loopback only"),
            (format!("log {own}\nwitness w {witness} https://w.example/\nquorum w\n"), "no ca is stated"),
            (format!("log {own}\nquorum w\n"), "line 2"),
        ] {
            let mut faults = with(&wrong).expect_err(what);
            faults.retain(|fault| !fault.contains("there is no "));
            assert_eq!(places(&faults), ["witnesses.policy"], "{wrong}");
            assert!(faults[0].contains(what), "{faults:?}");
        }
    }

    #[test]
    fn metrics_are_served_on_the_loopback_or_not_at_all() {
        let with = |line: &str| {
            let text = sample_text().replace("[metrics]", &format!("[metrics]\n{line}"));
            Config::parse(&text, sample().parent().expect("a folder"))
        };
        assert_eq!(with("").expect("valid").metrics, None);
        for address in ["127.0.0.1:9464", "[::1]:0"] {
            let config = with(&format!("listen = \"{address}\"")).expect("valid");
            assert_eq!(config.metrics, Some(address.parse().expect("an address")));
        }
        for address in ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464", "localhost:9464", "[::ffff:192.0.2.1]:1"] {
            let mut faults = with(&format!("listen = \"{address}\"")).expect_err(address);
            faults.retain(|fault| !fault.contains("there is no "));
            assert_eq!(places(&faults), ["metrics.listen"], "{address}");
        }
    }

    #[test]
    fn what_is_missing_is_named_and_a_text_that_is_not_toml_by_its_line() {
        let faults = Config::parse("", Path::new("")).expect_err("nothing is there");
        for place in ["origin", "listen", "tls.certificate", "tls.key", "start.schemas"] {
            assert!(faults.contains(&format!("{place}: is missing")), "{place}: {faults:?}");
        }
        let faults = Config::parse(&sample_text().replace("[tls]", "[tls"), Path::new("")).expect_err("not TOML");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("line "), "{faults:?}");
    }
}
