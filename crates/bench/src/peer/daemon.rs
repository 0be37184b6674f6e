//! A server of somebody else in a process of its own: started, waited for, and ended by its own id.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use causeway_rig::Failed;

/// A server that has not said that it is ready by then is not going to.
const START_TIME: Duration = Duration::from_secs(60);

/// How long it may take to stop before it is killed.
const STOP_TIME: Duration = Duration::from_secs(10);

/// So many of its last lines are kept, to say why it did not start.
const KEPT_LINES: usize = 20;

/// The process; told to stop when it is dropped, and waited for.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    stop: &'static str,
}

impl Daemon {
    /// Starts a command and waits until `ready` finds what it looks for in a line of its standard error. It is stopped by the signal
    /// `stop`, named as `TERM`.
    pub(super) fn start<T>(
        command: &mut Command,
        stop: &'static str,
        ready: impl Fn(&str) -> Option<T>,
    ) -> Result<(Self, T), Failed> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let daemon = Self { child, stop };
        let (sender, receiver) = mpsc::channel();
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let theirs = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                keep(&theirs, line.clone());
                // Read on when nobody listens any more, so that the server never waits for somebody to read its lines.
                let _ = sender.send(line);
            }
        });
        let begun = Instant::now();
        loop {
            match receiver.recv_timeout(START_TIME.saturating_sub(begun.elapsed())) {
                Ok(line) => {
                    if let Some(found) = ready(&line) {
                        return Ok((daemon, found));
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    let said = said.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
                    return Err(format!("{} did not start:\n{said}", command.get_program().display()).into());
                }
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn is_over(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.is_over() {
            return;
        }
        let told = Command::new("kill").arg(format!("-{}", self.stop)).arg(self.id().to_string()).status();
        let begun = Instant::now();
        while told.is_ok() && begun.elapsed() < STOP_TIME {
            if self.is_over() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // It may have ended just now, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(said: &Mutex<VecDeque<String>>, line: String) {
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() == KEPT_LINES {
        said.pop_front();
    }
    said.push_back(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(words: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", words]);
        command
    }

    #[test]
    fn a_server_is_waited_for_and_stopped() {
        let begin = |line: &str| line.strip_prefix("ready at ").map(str::to_owned);
        let (daemon, at) =
            Daemon::start(&mut shell("echo begin >&2; echo ready at 7 >&2; exec sleep 600"), "TERM", begin)
                .expect("starts");
        let id = daemon.id();
        assert_eq!(at, "7");
        drop(daemon);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists(), "it is gone, and waited for");
    }

    #[test]
    fn one_that_does_not_start_says_why() {
        let refused =
            Daemon::start(&mut shell("echo no disk >&2; exit 3"), "TERM", |_| None::<()>).expect_err("it ends");
        assert!(refused.to_string().contains("no disk"), "{refused}");
    }
}
