//! A gateway or a witness in a process of its own: this program, started again as `causeway`.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Failed;

/// So many of a gateway's last lines are kept, to say why it did not start.
const KEPT_LINES: usize = 40;

/// How a process is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Launch {
    /// Added to its environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// The process; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    took: Duration,
    said: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    /// Starts a gateway and waits until it serves.
    pub(super) fn start(settings: &Path, launch: &Launch) -> Result<Self, Failed> {
        let words = [OsStr::new("serve"), OsStr::new("--config"), settings.as_os_str()];
        Self::running(&words, "serving on https://", launch)
    }

    /// Starts a command that runs until it is stopped, and waits until it says where it listens, behind `said`.
    pub(crate) fn running(words: &[&OsStr], said: &str, launch: &Launch) -> Result<Self, Failed> {
        let (begun, listens) = (Instant::now(), said);
        let mut child = command(words)?
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.wait();
                return Err(format!("it did not start:\n{}", all(&said)).into());
            };
            if let Some((_, rest)) = line.split_once(listens) {
                let address = rest.split(';').next().unwrap_or_default();
                break address.trim().parse().map_err(|_| format!("it serves nowhere: {line}"))?;
            }
            keep(&said, line);
        };
        let theirs = Arc::clone(&said);
        // Read on, so that the gateway never waits for somebody to read its lines.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| keep(&theirs, line)));
        Ok(Self { child, address, took: begun.elapsed(), said })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How long it took from its start until it served.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// Its last lines.
    pub(crate) fn said(&self) -> String {
        all(&self.said)
    }

    /// Kills it (SIGKILL) and waits until it has ended.
    pub(crate) fn kill(mut self) -> Result<(), Failed> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Tells it to stop (SIGTERM) and waits until it has.
    pub(crate) fn stop(mut self) -> Result<ExitStatus, Failed> {
        let told = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status()?;
        if !told.success() {
            return Err("it could not be told to stop".into());
        }
        Ok(self.child.wait()?)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Failed> {
        Ok(self.child.try_wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program as `causeway`.
#[cfg(not(test))]
pub(crate) fn command(words: &[&OsStr]) -> Result<Command, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("causeway").args(words);
    Ok(command)
}

/// The tests' program knows no commands: `causeway` is a test of its own there.
#[cfg(test)]
pub(crate) fn command(words: &[&OsStr]) -> Result<Command, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["gateway::process::tests::causeway", "--exact", "--ignored", "--nocapture"]);
    command.env(tests::WORDS, words.join(OsStr::new("\n")));
    Ok(command)
}

fn keep(said: &Mutex<VecDeque<String>>, line: String) {
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() == KEPT_LINES {
        said.pop_front();
    }
    said.push_back(line);
}

fn all(said: &Mutex<VecDeque<String>>) -> String {
    said.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    /// Holds the words of the command line, for the child process.
    pub(super) const WORDS: &str = "CAUSEWAY_FAULTS_WORDS";

    #[test]
    #[ignore = "the gateway of other tests, in a process of its own"]
    fn causeway() {
        let Ok(words) = std::env::var(WORDS) else { return };
        let code = causeway_cli::run(std::iter::once("causeway").chain(words.split('\n')).map(Into::into));
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    }
}
