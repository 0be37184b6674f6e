//! An installation in a temporary folder: identities and the shipped configuration, and what a gateway leaves.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_cli::certs;
use causeway_store::Clock;
use tempfile::TempDir;

use crate::{Failed, Launch, Process, Reach};

/// The configuration that is shipped.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");

/// Settings and identities, and what gateways leave: `config`, `certs-dev`, `data/journal`, `data/keys`, `mirror`. Goes when it is
/// dropped.
#[derive(Debug)]
pub struct Installation {
    folder: TempDir,
}

impl Installation {
    /// The shipped configuration on port 0, with a mirror of the page keys, and new identities, in the system's folder for temporary
    /// files.
    ///
    /// # Errors
    /// As [`Installation::plain_within`].
    pub fn new() -> Result<Self, Failed> {
        Self::within(&std::env::temp_dir())
    }

    /// The same in a folder of this one, as a small file system of the fault's own.
    ///
    /// # Errors
    /// As [`Installation::plain_within`].
    pub fn within(parent: &Path) -> Result<Self, Failed> {
        let installation = Self::plain_within(parent)?;
        installation.edit(|settings| settings.replace("[keys]\n", "[keys]\nmirror_dir = \"../mirror\"\n"))?;
        Ok(installation)
    }

    /// The shipped configuration, changed in nothing but its port, which is 0; and new identities; in a folder of this one.
    ///
    /// # Errors
    /// When the folder cannot be made or filled.
    pub fn plain_within(parent: &Path) -> Result<Self, Failed> {
        Self::prepared_within(parent, |_| Ok(()))
    }

    /// The same, once something has been changed in the configuration's folder, which it is given: agencies and agreements get their
    /// identities and approvals as they are then.
    ///
    /// # Errors
    /// As [`Installation::plain_within`], and what `prepare` fails with.
    pub fn prepared_within(parent: &Path, prepare: impl FnOnce(&Path) -> Result<(), Failed>) -> Result<Self, Failed> {
        let folder = tempfile::Builder::new().prefix("causeway-rig-").tempdir_in(parent)?;
        let installation = Self { folder };
        copy(Path::new(CONFIG), &installation.path("config"))?;
        installation.edit(|settings| settings.replace("127.0.0.1:8443", "127.0.0.1:0"))?;
        prepare(&installation.path("config"))?;
        certs::issue(&installation.path("certs-dev"), &installation.path("config"), Clock::system().now())
            .map_err(|failure| failure.to_string())?;
        Ok(installation)
    }

    /// One that is in this folder already.
    pub const fn over(folder: TempDir) -> Self {
        Self { folder }
    }

    /// The folder that all of it is in.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A file or folder of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The gateway's settings.
    pub fn settings(&self) -> PathBuf {
        self.path("config/gateway.toml")
    }

    /// Changes the gateway's settings. A change that changes nothing is a mistake.
    ///
    /// # Errors
    /// When the change changes nothing, or the file cannot be read or written.
    pub fn edit(&self, change: impl FnOnce(&str) -> String) -> Result<(), Failed> {
        let text = fs::read_to_string(self.settings())?;
        let changed = change(&text);
        if text == changed {
            return Err("this change of the settings changes nothing".into());
        }
        Ok(fs::write(self.settings(), changed)?)
    }

    /// Starts a gateway in a process of its own and waits until it serves.
    ///
    /// # Errors
    /// When it does not start; the error holds its last lines.
    pub fn start(&self, launch: &Launch) -> Result<Process, Failed> {
        Process::start(&self.settings(), launch)
    }

    /// The way to a gateway on it, for clients.
    pub fn reach(&self, process: &Process) -> Reach {
        Reach::new(process.address(), &self.path("certs-dev"))
    }
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            // Copies the mode too.
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
