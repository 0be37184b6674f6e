//! Three real NATS servers in processes of their own, by mutual TLS: what a shared log runs on, to show it and to break it. Not for an
//! installation: all three are on one machine.
//!
//! The configuration is that of docs/cluster.md. The servers and their folder go when this is dropped, and when this process ends in
//! whatever way.

mod certificates;
mod configuration;
mod guard;
mod hosts;
mod program;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use configuration::Ports;
use guard::Guard;

pub use configuration::{User, gateway_user};
pub use hosts::{Hosts, Loopback};
pub use program::{install, program};

/// Why something could not be set up or started.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// How many servers there are.
pub const SERVERS: usize = 3;

/// How long the servers may take to find each other.
const START: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// The servers.
#[derive(Debug)]
pub struct NatsServers {
    program: PathBuf,
    folder: TempDir,
    hosts: Arc<dyn Hosts>,
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
        Self::start_on(Arc::new(Loopback), program, users)
    }

    /// The same, each server on the host of its index.
    ///
    /// # Errors
    /// As [`NatsServers::start`].
    pub fn start_on(hosts: Arc<dyn Hosts>, program: &Path, users: &[User]) -> Result<Self, Failed> {
        let mut free = free_ports(3 * SERVERS)?.into_iter();
        let mut port = || free.next().expect("so many were asked for");
        let mut ports = |index| {
            let (client, cluster, monitoring) = (port(), port(), port());
            Ports { host: hosts.address(index), client, cluster, monitoring }
        };
        let ports: Vec<_> = (0..SERVERS).map(&mut ports).collect();
        let addresses: Vec<_> = ports.iter().map(|ports| ports.host.to_string()).collect();
        let folder = tempfile::Builder::new().prefix("causeway-nats-").tempdir()?;
        let clients = users.iter().map(|user| user.name.as_str()).chain(["admin", "stranger"]);
        certificates::issue(folder.path(), &addresses, clients)?;
        for index in 0..SERVERS {
            fs::create_dir(folder.path().join(format!("n{}", index + 1)))?;
            fs::write(config(folder.path(), index), configuration::text(folder.path(), index, &ports, users))?;
        }
        let guard = Guard::over(folder.path())?;
        let processes = (0..SERVERS).map(|_| None).collect();
        let mut servers = Self { program: program.to_owned(), folder, hosts, ports, processes, _guard: guard };
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

    /// The folder of all that they have; it goes with them. A process whose id is in a file `pid` of a folder in it, and whose command line
    /// names something in it, is killed where this one ends in whatever way.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Which server leads a stream of the gateways' account, as any of them says; none while there is no leader.
    pub fn leader(&self, stream: &str) -> Option<usize> {
        let told = (0..SERVERS).filter(|index| self.processes[*index].is_some());
        let told = told.filter_map(|index| self.monitor(index, "/jsz?accounts=true&streams=true").ok());
        told.filter_map(|told| leader_in(&serde_json::from_str(&told).ok()?, stream)).next()
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
        let mut answer = None;
        self.hosts.on(index, &mut || answer = Some(self.ask_monitoring(index, path)));
        answer.ok_or("nobody asked")?
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
        let mut words = self.hosts.words(index);
        words.push(self.program.clone().into_os_string());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
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

/// The leader of a stream by the answer of a server's monitoring.
fn leader_in(told: &serde_json::Value, stream: &str) -> Option<usize> {
    let accounts = told["account_details"].as_array()?.iter();
    let mut streams = accounts.filter_map(|account| account["stream_detail"].as_array()).flatten();
    let leader = streams.find(|detail| detail["name"] == stream)?["cluster"]["leader"].as_str()?;
    (0..SERVERS).find(|index| leader == format!("n{}", index + 1))
}

fn config(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("n{}/server.conf", index + 1))
}

/// Ports that nobody listens on: held all at once, so that they differ, and then let go.
///
/// # Errors
/// When the system gives none.
pub fn free_ports(count: usize) -> Result<Vec<u16>, Failed> {
    let held: Vec<_> = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<Result<_, _>>()?;
    held.iter().map(|held| Ok(held.local_addr()?.port())).collect()
}
