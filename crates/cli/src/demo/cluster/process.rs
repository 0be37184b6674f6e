//! A gateway of the demonstration's cluster: this program, as `causeway serve`.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;

/// What it says once it serves, before its address.
const SERVES: &str = "serving on https://";

/// So many of its last lines are told where it does not start.
const KEPT_LINES: usize = 10;

/// A gateway that has been started and may not serve yet.
#[derive(Debug)]
pub(super) struct Begun {
    process: GatewayProcess,
    lines: Lines<BufReader<ChildStderr>>,
}

/// The process; killed when it is dropped.
#[derive(Debug)]
pub(super) struct GatewayProcess(Child);

impl GatewayProcess {
    /// Starts a gateway with these settings.
    pub(super) fn begin(settings: &Path) -> Result<Begun, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::file(Path::new("causeway"), error))?;
        let mut command = Command::new(&program);
        command.args(["serve", "--config"]).arg(settings);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Failure::file(&program, error))?;
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        // By this, whoever looks after the servers ends it where this process cannot.
        let id = settings.with_file_name("pid");
        fs::write(&id, child.id().to_string()).map_err(|error| Failure::file(&id, error))?;
        Ok(Begun { process: Self(child), lines })
    }

    /// Tells it to stop (SIGTERM).
    pub(super) fn tell_to_stop(&self) {
        // One that has ended by itself is told of by `ended`.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
    }

    /// Waits until it has ended, in order.
    pub(super) fn ended(mut self) -> Result<(), Failure> {
        let ended = self.0.wait().map_err(|error| Failure::file(Path::new("causeway serve"), error))?;
        match ended.success() {
            true => Ok(()),
            false => Err(Failure::does_not_hold(format!("a gateway stopped badly: {ended}"))),
        }
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Begun {
    /// Waits until it serves; gives where.
    pub(super) fn until_it_serves(mut self) -> Result<(GatewayProcess, SocketAddr), Failure> {
        let mut said = VecDeque::new();
        let address = loop {
            let Some(Ok(line)) = self.lines.next() else {
                let what = format!("a gateway of the cluster did not start: {}", Vec::from(said).join("; "));
                return Err(Failure::Gateway { taken: what.contains("in use"), what });
            };
            let address = line.split_once(SERVES).and_then(|(_, rest)| rest.split(';').next()?.trim().parse().ok());
            if let Some(address) = address {
                break address;
            }
            if said.len() == KEPT_LINES {
                said.pop_front();
            }
            said.push_back(line);
        };
        // Read on, so that it never waits for somebody to read its lines.
        thread::spawn(move || self.lines.map_while(Result::ok).for_each(drop));
        Ok((self.process, address))
    }
}
