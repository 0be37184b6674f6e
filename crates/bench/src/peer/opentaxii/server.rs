//! OpenTAXII behind gunicorn, in processes of its own, with the gateway's certificate.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causeway_rig::Failed;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::https::Target;
use super::venv::Environment;
use crate::peer::daemon::Daemon;

/// What the server's folder holds beside its settings.
const FILES: [(&str, &str); 3] = [
    ("shim.py", include_str!("shim.py")),
    ("application.py", include_str!("application.py")),
    ("prepare.py", include_str!("prepare.py")),
];

/// Holds the path of the settings, for OpenTAXII.
const SETTINGS: &str = "OPENTAXII_CONFIG";

/// Largest request: envelopes of thousands.
const LARGEST_REQUEST: u32 = 64 << 20;

/// How it is served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strength {
    /// Processes: as many as there are cores, since Python runs on one core in each.
    pub(super) workers: usize,
    /// Threads in each.
    pub(super) threads: usize,
}

/// The server, which ends before its folder goes.
#[derive(Debug)]
pub(super) struct Server {
    process: Daemon,
    _folder: TempDir,
    pub(super) target: Target,
    /// The path of the collection's objects.
    pub(super) objects: String,
}

impl Server {
    /// Makes the tables in `database`, as SQLAlchemy names it (in a file of the server's own folder where there is none), and serves
    /// with identities of `certs`.
    pub(super) fn start(
        environment: &Environment,
        dir: &Path,
        certs: &Path,
        database: Option<&str>,
        strength: Strength,
    ) -> Result<Self, Failed> {
        let folder = tempfile::Builder::new().prefix("causeway-opentaxii-").tempdir_in(dir)?;
        for (name, text) in FILES {
            fs::write(folder.path().join(name), text)?;
        }
        let settings = folder.path().join("settings.yml");
        let file = format!("sqlite:///{}/opentaxii.db?timeout=60", folder.path().display());
        // JSON is YAML.
        fs::write(&settings, settings_of(database.unwrap_or(&file)).to_string())?;
        let (objects, token) = prepare(environment, folder.path(), &settings)?;
        let mut command = environment.python();
        gunicorn(&mut command, folder.path(), certs, strength).env(SETTINGS, &settings);
        let listens =
            |line: &str| line.split_once("Listening at: https://")?.1.split(' ').next()?.parse::<SocketAddr>().ok();
        let (process, address) = Daemon::start(&mut command, "TERM", listens)?;
        Ok(Self { process, target: Target::new(address, certs, &token)?, _folder: folder, objects })
    }

    /// The process whose children serve.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// TAXII 2.1 alone, accounts by tokens, and no line for each request.
fn settings_of(database: &str) -> Value {
    let secret = causeway_crypto::random::<32>().map(|byte| format!("{byte:02x}")).concat();
    json!({
        "domain": "127.0.0.1",
        "support_basic_auth": false,
        "auth_api": {
            "class": "opentaxii.auth.sqldb.SQLDatabaseAPI",
            "parameters": { "db_connection": database, "create_tables": true, "secret": secret, "token_ttl_secs": 86_400 }
        },
        "taxii1": null,
        "taxii2": {
            "title": "bench",
            "public_discovery": false,
            "max_content_length": LARGEST_REQUEST,
            "persistence_api": {
                "class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI",
                "parameters": { "db_connection": database, "create_tables": true }
            }
        },
        "logging": { "opentaxii": "warning", "root": "warning" }
    })
}

/// Makes tables, account and collection; gives the path of the collection's objects and the account's token.
fn prepare(environment: &Environment, folder: &Path, settings: &Path) -> Result<(String, String), Failed> {
    let mut command = environment.python();
    let done = command.arg(folder.join("prepare.py")).env(SETTINGS, settings).stdin(Stdio::null()).output()?;
    if !done.status.success() {
        return Err(format!("OpenTAXII made no collection: {}", String::from_utf8_lossy(&done.stderr).trim()).into());
    }
    // Its libraries may have said something before.
    let said = String::from_utf8(done.stdout)?;
    let made: Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    let word = |name: &str| {
        made[name].as_str().map(str::to_owned).ok_or("OpenTAXII made a collection without a path or a token")
    };
    Ok((word("path")?, word("token")?))
}

/// Connections stay, a client certificate is required, and threads share the work of a process.
fn gunicorn<'a>(command: &'a mut Command, folder: &Path, certs: &Path, strength: Strength) -> &'a mut Command {
    let at = |name: &str| -> PathBuf { certs.join("gb-nca").join(name) };
    command.args(["-m", "gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "gthread", "--keep-alive", "600"]);
    command.arg("--workers").arg(strength.workers.to_string()).arg("--threads").arg(strength.threads.to_string());
    command.args(["--timeout", "600", "--cert-reqs", "2", "--ca-certs"]).arg(at("ca.pem"));
    command.arg("--certfile").arg(at("gateway.pem")).arg("--keyfile").arg(at("gateway.key"));
    command.arg("--pythonpath").arg(folder).arg("--chdir").arg(folder).arg("application:app")
}
