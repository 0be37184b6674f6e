//! Starting the journal in processes of their own, whose memory is the journal's alone and which can be killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causeway_rig::Failed;
use serde_json::Value;

use super::once::READY;

/// Starts the journal of one folder.
#[derive(Debug)]
pub(super) struct Starter {
    place: PathBuf,
}

/// What a process found when it started the journal, and stopped it again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started {
    pub(super) entries: u64,
    /// Seconds until it took drafts, and of processor time in them.
    pub(super) seconds: f64,
    pub(super) processor: f64,
    /// Bytes of memory once it had started, and the most until then.
    pub(super) resident: f64,
    pub(super) most: f64,
    /// Seconds that closing it took.
    pub(super) stop: f64,
}

impl Starter {
    pub(super) fn of(place: &Path) -> Self {
        Self { place: place.to_owned() }
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Starts it and stops it in order.
    pub(super) fn start(&self) -> Result<Started, Failed> {
        let output = self.command(&["--json"])?.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("the journal did not start: {}", output.status).into());
        }
        let found: Value = serde_json::from_slice(&output.stdout)?;
        let number = |name: &str| {
            let check = found["checks"].as_array().into_iter().flatten().find(|check| check["name"] == name);
            check.and_then(|check| check["value"].as_f64()).ok_or_else(|| format!("a start did not say its {name}"))
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of entries")]
        let entries = number("entries")? as u64;
        Ok(Started {
            entries,
            seconds: number("seconds")?,
            processor: number("processor")?,
            resident: number("resident")?,
            most: number("most")?,
            stop: number("stop")?,
        })
    }

    /// Starts it, appends up to so many entries, and kills the process; gives how many there were before.
    pub(super) fn fill_and_kill(&self, entries: u64) -> Result<u64, Failed> {
        self.hold_and_kill(&["--until", &entries.to_string()])
    }

    /// Starts it, appends so many entries, and kills the process.
    pub(super) fn append_and_kill(&self, entries: u64) -> Result<(), Failed> {
        self.hold_and_kill(&["--more", &entries.to_string()]).map(drop)
    }

    fn hold_and_kill(&self, words: &[&str]) -> Result<u64, Failed> {
        let mut child = self.command(words)?.arg("--hold").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let read = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
        child.kill()?;
        child.wait()?;
        read?;
        let had = line.strip_prefix(READY).and_then(|had| had.trim().parse().ok());
        had.ok_or_else(|| "the journal was not filled".into())
    }

    fn command(&self, words: &[&str]) -> Result<Command, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        // The machine's own lines are about the same disk, so that no other folder is written to.
        command.arg("start-once").arg("--place").arg(&self.place).arg("--dir").arg(&self.place).args(words);
        Ok(command)
    }
}
