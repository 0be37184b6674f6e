//! A gateway or a witness in a process of its own: this program, started again as `causeway`.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Failed;

/// So many of a gateway's last lines are kept, to say why it did not start.
const KEPT_LINES: usize = 40;

/// Holds the words of the command line, for the child process.
const WORDS: &str = "CAUSEWAY_RIG_WORDS";

/// How a process is started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Added to its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The program with its own arguments that it runs under, as a profiler; none by itself.
    pub under: Vec<OsString>,
}

impl Launch {
    /// The command, run under what it is to run under.
    fn wrap(&self, command: Command) -> Command {
        let Some((program, arguments)) = self.under.split_first() else { return command };
        let mut under = Command::new(program);
        under.args(arguments).arg(command.get_program()).args(command.get_args());
        under.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        under
    }
}

/// The process; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
    took: Duration,
    said: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    /// Starts a gateway and waits until it serves.
    pub(crate) fn start(settings: &Path, launch: &Launch) -> Result<Self, Failed> {
        let words = [OsStr::new("serve"), OsStr::new("--config"), settings.as_os_str()];
        Self::running(&words, "serving on https://", launch)
    }

    /// Starts a command that runs until it is stopped, and waits until it says where it listens, behind `said`.
    ///
    /// # Errors
    /// When it does not start; the error holds its last lines.
    pub fn running(words: &[&OsStr], said: &str, launch: &Launch) -> Result<Self, Failed> {
        let (begun, listens) = (Instant::now(), said);
        let mut child = launch
            .wrap(command(words)?)
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
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How long it took from its start until it served.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Its last lines.
    pub fn said(&self) -> String {
        all(&self.said)
    }

    /// Sends it a signal, named as `TERM`.
    ///
    /// # Errors
    /// When there is no `kill`, or it could not.
    pub fn tell(&self, signal: &str) -> Result<(), Failed> {
        let told = Command::new("kill").arg(format!("-{signal}")).arg(self.id().to_string()).status()?;
        if told.success() { Ok(()) } else { Err(format!("it could not be sent {signal}").into()) }
    }

    /// Kills it (SIGKILL) and waits until it has ended.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(mut self) -> Result<(), Failed> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Tells it to stop (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// As [`Process::tell`].
    pub fn stop(self) -> Result<ExitStatus, Failed> {
        self.tell("TERM")?;
        self.wait()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn wait(mut self) -> Result<ExitStatus, Failed> {
        Ok(self.child.wait()?)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When that is not to be found out.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Failed> {
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

/// This program as `causeway`. Its `main` has to begin with [`run_causeway`]; a program of tests has to have an ignored test `causeway`
/// at its root that calls it, which the arguments choose.
///
/// # Errors
/// When this program's own path is not to be found.
pub fn command(words: &[&OsStr]) -> Result<Command, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["causeway", "--exact", "--ignored", "--nocapture"]).env(WORDS, words.join(OsStr::new("\n")));
    Ok(command)
}

/// Does what `causeway` does with the words of [`command`], where this process was started by it; none where it was not.
pub fn run_causeway() -> Option<ExitCode> {
    let words = std::env::var(WORDS).ok()?;
    Some(causeway_cli::run(std::iter::once("causeway").chain(words.split('\n')).map(Into::into)))
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
