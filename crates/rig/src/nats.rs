//! Three real NATS servers in processes of their own, on the loopback or each on a host of a [`Lab`], by mutual TLS: what a shared log runs
//! on, to break it.
//!
//! The configuration is that of docs/cluster.md. The servers and their folder go when this is dropped, and when this process ends in
//! whatever way.

mod certificates;
mod configuration;
mod guard;

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Failed, Lab};
use configuration::Ports;
use guard::Guard;

pub use configuration::{User, gateway_user};

/// How many servers there are.
pub const SERVERS: usize = 3;

/// How long the servers may take to find each other.
const START: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// Where `.ci/nats-server` puts it, below cargo's own folder.
const INSTALLED: &str = "causeway-nats-server-2.15.1/bin/nats-server";

/// The server's program: what `CAUSEWAY_NATS_SERVER` names, or what `.ci/nats-server` has installed; none where neither is there.
///
/// # Errors
/// When the variable names nothing that is there.
pub fn program() -> Result<Option<PathBuf>, Failed> {
    if let Some(stated) = env::var_os("CAUSEWAY_NATS_SERVER") {
        let stated = PathBuf::from(stated);
        return if stated.is_file() { Ok(Some(stated)) } else { Err("CAUSEWAY_NATS_SERVER names no file".into()) };
    }
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    Ok(cargo.map(|cargo| cargo.join(INSTALLED)).filter(|program| program.is_file()))
}

/// The servers.
#[derive(Debug)]
pub struct NatsServers {
    program: PathBuf,
    folder: TempDir,
    lab: Option<Arc<Lab>>,
    ports: Vec<Ports>,
    processes: Vec<Option<Child>>,
    _guard: Guard,
}

impl NatsServers {
    /// Starts them with these users beside an administrator, whose certificate is `admin`, and waits until they are one cluster.
    ///
    /// # Errors
    /// When something cannot be made or started, or they do not find each other within a minute.
    pub fn start(program: &Path, users: &[User]) -> Result<Self, Failed> {
        Self::start_at(program, users, None)
    }

    /// The same, each server on the host of its index.
    ///
    /// # Errors
    /// As [`NatsServers::start`].
    pub fn start_on(lab: Arc<Lab>, program: &Path, users: &[User]) -> Result<Self, Failed> {
        Self::start_at(program, users, Some(lab))
    }

    fn start_at(program: &Path, users: &[User], lab: Option<Arc<Lab>>) -> Result<Self, Failed> {
        let ports = lab.as_deref().map_or_else(free_ports, |lab| Ok(ports_on(lab)))?;
        let hosts: Vec<_> = ports.iter().map(|ports| ports.host.to_string()).collect();
        let folder = tempfile::Builder::new().prefix("causeway-nats-").tempdir()?;
        let clients = users.iter().map(|user| user.name.as_str()).chain(["admin", "stranger"]);
        certificates::issue(folder.path(), &hosts, clients)?;
        for index in 0..SERVERS {
            fs::create_dir(folder.path().join(format!("n{}", index + 1)))?;
            fs::write(config(folder.path(), index), configuration::text(folder.path(), index, &ports, users))?;
        }
        let guard = Guard::over(folder.path())?;
        let processes = (0..SERVERS).map(|_| None).collect();
        let mut servers = Self { program: program.to_owned(), folder, lab, ports, processes, _guard: guard };
        (0..SERVERS).try_for_each(|index| servers.run(index))?;
        servers.wait_until_well()?;
        Ok(servers)
    }

    /// Where each of them listens, as `host:port`.
    pub fn addresses(&self) -> Vec<String> {
        self.ports.iter().map(|ports| format!("{}:{}", ports.host, ports.client)).collect()
    }

    /// The processes of those that run.
    pub fn ids(&self) -> Vec<u32> {
        self.processes.iter().flatten().map(Child::id).collect()
    }

    /// A file of the certificates: `ca.pem`, or of a user, as `gateway.pem` and `gateway.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder that a server keeps a stream's messages in.
    pub fn messages(&self, index: usize, stream: &str) -> PathBuf {
        self.folder.path().join(format!("n{}/data/jetstream/LOG/streams/{stream}/msgs", index + 1))
    }

    /// What a server's monitoring answers (JSON).
    ///
    /// # Errors
    /// When it does not.
    pub fn monitor(&self, index: usize, path: &str) -> Result<String, Failed> {
        match &self.lab {
            Some(lab) => lab.on(index, || self.ask_monitoring(index, path)),
            None => self.ask_monitoring(index, path),
        }
    }

    fn ask_monitoring(&self, index: usize, path: &str) -> Result<String, Failed> {
        let Ports { host, monitoring, .. } = self.ports[index];
        let mut stream = TcpStream::connect_timeout(&(host, monitoring).into(), ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        if head.contains(" 200 ") { Ok(body.to_owned()) } else { Err(body.to_owned().into()) }
    }

    /// Kills a server (SIGKILL).
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(&mut self, index: usize) -> Result<(), Failed> {
        if let Some(mut process) = self.processes[index].take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Tells a server to stop (SIGTERM) and waits until it has: it keeps no more of what was than it has to.
    ///
    /// # Errors
    /// When it does not run, or cannot be waited for.
    pub fn stop(&mut self, index: usize) -> Result<(), Failed> {
        self.tell(index, "TERM")?;
        if let Some(mut process) = self.processes[index].take() {
            process.wait()?;
        }
        Ok(())
    }

    /// Sends a server a signal, named as `STOP`.
    ///
    /// # Errors
    /// When it does not run, or there is no `kill`.
    pub fn tell(&self, index: usize, signal: &str) -> Result<(), Failed> {
        let process = self.processes[index].as_ref().ok_or("it does not run")?;
        let told = Command::new("kill").arg(format!("-{signal}")).arg(process.id().to_string()).status()?;
        if told.success() { Ok(()) } else { Err(format!("it could not be sent {signal}").into()) }
    }

    /// Starts a server again that was killed.
    ///
    /// # Errors
    /// When it does not start.
    pub fn run(&mut self, index: usize) -> Result<(), Failed> {
        let process = self
            .command(index)
            .arg("-c")
            .arg(config(self.folder.path(), index))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.processes[index] = Some(process);
        Ok(())
    }

    fn command(&self, index: usize) -> Command {
        let Some(lab) = &self.lab else { return Command::new(&self.program) };
        let [enter, namespace] = lab.words(index);
        let mut command = Command::new(enter);
        command.arg(namespace).arg(&self.program);
        command
    }

    /// Changes the configuration of a server, for its next start. A change that changes nothing is a mistake.
    ///
    /// # Errors
    /// When the change changes nothing, or the file cannot be written.
    pub fn edit(&self, index: usize, change: impl FnOnce(&str) -> String) -> Result<(), Failed> {
        let path = config(self.folder.path(), index);
        let text = fs::read_to_string(&path)?;
        let changed = change(&text);
        if text == changed {
            return Err("this change of the configuration changes nothing".into());
        }
        Ok(fs::write(path, changed)?)
    }

    /// Starts what does not run, wakes what was stopped, and waits until all of them say that they are well.
    ///
    /// # Errors
    /// When they are not within a minute.
    pub fn heal(&mut self) -> Result<(), Failed> {
        for index in 0..SERVERS {
            match self.processes[index] {
                Some(_) => self.tell(index, "CONT")?,
                None => self.run(index)?,
            }
        }
        self.wait_until_well()
    }

    /// Whether it calls itself well, follows a leader, and counts no other as offline: a leader that does places no stream on that one.
    fn is_well(&self, index: usize) -> bool {
        let led = || {
            self.monitor(index, "/jsz")
                .is_ok_and(|told| told.contains("\"leader\"") && !told.contains("\"offline\": true"))
        };
        self.monitor(index, "/healthz").is_ok() && led()
    }

    fn wait_until_well(&self) -> Result<(), Failed> {
        let begun = Instant::now();
        while !(0..SERVERS).all(|index| self.is_well(index)) {
            if begun.elapsed() > START {
                let last = |index: usize| {
                    let log = fs::read_to_string(self.folder.path().join(format!("n{}/log", index + 1)));
                    let log = log.unwrap_or_default();
                    let tail: Vec<_> = log.lines().rev().take(5).collect();
                    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
                };
                return Err(format!("the servers are not well:\n{}", (0..SERVERS).map(last).collect::<String>()).into());
            }
            sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for NatsServers {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            // It may have ended already, which is as good.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn config(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("n{}/server.conf", index + 1))
}

/// On hosts of their own no port is taken.
fn ports_on(lab: &Lab) -> Vec<Ports> {
    (0..SERVERS)
        .map(|index| Ports { host: lab.address(index), client: 4222, cluster: 6222, monitoring: 8222 })
        .collect()
}

/// Ports that nobody listens on: held all at once, so that they differ, and then let go.
fn free_ports() -> Result<Vec<Ports>, Failed> {
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut held = Vec::new();
    let mut port = || -> Result<u16, Failed> {
        held.push(TcpListener::bind(("127.0.0.1", 0))?);
        Ok(held.last().ok_or("just pushed")?.local_addr()?.port())
    };
    (0..SERVERS).map(|_| Ok(Ports { host, client: port()?, cluster: port()?, monitoring: port()? })).collect()
}
