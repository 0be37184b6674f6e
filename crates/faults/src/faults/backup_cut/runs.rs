//! A gateway that runs, and backups of it as `causeway` makes and restores them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::Failed;
use crate::load::{Amount, Kept, Ledger, Load};
use crate::power::Recorder;
use causeway_rig::{Installation, Launch, Process, command};

/// The gateway, and the pair of keys that backups are sealed to.
#[derive(Debug)]
pub(super) struct Runs {
    installation: Installation,
    process: Process,
    /// A gateway makes one backup at a time.
    turn: Mutex<()>,
}

impl Runs {
    pub(super) fn begin() -> Result<Self, Failed> {
        let installation = Installation::new()?;
        let pair = installation.path("recipient").display().to_string();
        said(&["keys", "new", "--out", &pair], &Launch::default())?;
        let named = format!("[backup]\nrecipient = \"{pair}/sealing.pub\"\n");
        installation.edit(|settings| settings.replace("[backup]\n", &named))?;
        fs::create_dir(installation.path("volume"))?;
        let process = installation.start(&Launch::default())?;
        Ok(Self { installation, process, turn: Mutex::new(()) })
    }

    /// The volume that the backup is on.
    pub(super) fn volume(&self) -> PathBuf {
        self.installation.path("volume")
    }

    /// Two runs that are recorded; gives how many entries each said that there are.
    pub(super) async fn record(&self, recorder: &Recorder, seed: u64) -> Result<Vec<u64>, Failed> {
        let (ledger, marks, mut entries) = (Ledger::default(), Ledger::default(), Vec::new());
        marks.mark_in(recorder.marks()?);
        for (phase, round) in [("first-run", 1), ("second-run", 2)] {
            let amount = Amount { seed, round, streamed: 60, single: 6, turns: 4 };
            Load::begin(&self.installation.reach(&self.process), amount, &ledger).ended().await?;
            recorder.phase(phase)?;
            entries.push(self.back_up(&self.volume().join("backup"), &recorder.launch())?);
            marks.keep(Kept::Recorded { what: "a backup", leaf: 0 });
        }
        Ok(entries)
    }

    /// Makes a backup, or goes on with one; gives how many entries it says that there are.
    pub(super) fn back_up(&self, to: &Path, launch: &Launch) -> Result<u64, Failed> {
        let [to, certs] = [to, &self.installation.path("certs-dev")].map(|path| path.display().to_string());
        let gateway = format!("https://{}", self.process.address());
        let call = ["--as", "gb-nca/operations", "--certs-dir", &certs, "--gateway", &gateway];
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        entries(&said(&[&["backup", "--to", &to, "--quiet", "--json"][..], &call].concat(), launch)?)
    }

    /// Restores a backup for a rehearsal; gives how many entries were in it.
    pub(super) fn restore(&self, from: &Path, to: &Path) -> Result<u64, Failed> {
        let identity = self.installation.path("recipient/sealing.key");
        let [from, to, identity, config] =
            [from, to, &identity, &self.installation.settings()].map(|path| path.display().to_string());
        let words = ["restore", "--from", &from, "--identity", &identity, "--to", &to, "--config", &config];
        entries(&said(&[&words[..], &["--quiet", "--json"]].concat(), &Launch::default())?)
    }
}

fn entries(report: &str) -> Result<u64, Failed> {
    let report: Value = serde_json::from_str(report)?;
    report.get("entries").and_then(Value::as_u64).ok_or_else(|| "a report without entries".into())
}

/// What a command says that ends well.
fn said(words: &[&str], launch: &Launch) -> Result<String, Failed> {
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    let output = command(&words)?.envs(launch.environment.iter().cloned()).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into())
}
