//! Machines without machines: network namespaces of this process's own on one switch, so that the plug of one can be pulled.
//!
//! Nothing of it is seen outside: no interface of the machine's own is touched, and the namespaces are gone with whoever holds them, also
//! where this process is killed.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use causeway_cli::nats::Hosts;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::Failed;

/// Holds a namespace until its standard input is closed, which is when this process ends in whatever way.
const HOLD: &str = "echo held; read -r _";

/// The hosts, and the switch that they are on.
#[derive(Debug)]
pub struct Lab {
    switch: Namespace,
    hosts: Vec<Namespace>,
}

impl Lab {
    /// Why there can be none here, in words: who runs this may not make namespaces, or lacks the tools. None where there can.
    pub fn missing() -> Option<String> {
        let tried = Command::new("unshare").args(["--net", "ip", "link", "add", "trial", "type", "bridge"]).output();
        match tried {
            Ok(tried) if tried.status.success() => None,
            Ok(tried) => Some(String::from_utf8_lossy(&tried.stderr).trim().to_owned()),
            Err(error) => Some(format!("unshare (util-linux): {error}")),
        }
    }

    /// So many hosts, all plugged in.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn new(hosts: usize) -> Result<Self, Failed> {
        let switch = Namespace::new()?;
        switch.ip("link add switch type bridge")?;
        switch.ip("link set switch up")?;
        let mut lab = Self { switch, hosts: Vec::new() };
        for host in 0..hosts {
            lab.hosts.push(Namespace::new()?);
            let (name, namespace) = (plug(host), &lab.hosts[host]);
            lab.switch.ip(&format!("link add {name} type veth peer name eth0 netns {}", namespace.holder.id()))?;
            lab.switch.ip(&format!("link set {name} up"))?;
            namespace.ip("link set lo up")?;
            namespace.ip(&format!("address add {}/24 dev eth0", lab.address(host)))?;
            namespace.ip("link set eth0 up")?;
            lab.plug_in(host)?;
        }
        Ok(lab)
    }

    /// Pulls a host's plug: what it sends is gone, and nothing says so.
    ///
    /// # Errors
    /// When it cannot be done.
    pub fn pull(&self, host: usize) -> Result<(), Failed> {
        self.switch.ip(&format!("link set {} nomaster", plug(host)))
    }

    /// Plugs a host in again; one that is in stays so.
    ///
    /// # Errors
    /// When it cannot be done.
    pub fn plug_in(&self, host: usize) -> Result<(), Failed> {
        self.switch.ip(&format!("link set {} master switch", plug(host)))
    }

    /// Does something on a host: sockets that it opens are there, and those of threads that it begins.
    ///
    /// # Panics
    /// Where the work does, or the host cannot be entered.
    pub fn on<R: Send>(&self, host: usize, work: impl FnOnce() -> R + Send) -> R {
        let path = self.hosts[host].path();
        let done = thread::scope(|scope| scope.spawn(|| enter(&path).map(|()| work())).join());
        match done {
            Ok(done) => done.expect("a namespace of this process's own"),
            Err(panicked) => std::panic::resume_unwind(panicked),
        }
    }
}

impl Hosts for Lab {
    fn address(&self, host: usize) -> IpAddr {
        let last = u8::try_from(host + 1).expect("few hosts");
        Ipv4Addr::new(10, 77, 0, last).into()
    }

    fn words(&self, host: usize) -> Vec<OsString> {
        vec!["nsenter".into(), format!("--net={}", self.hosts[host].path().display()).into()]
    }

    fn on(&self, host: usize, work: &mut (dyn FnMut() + Send)) {
        Self::on(self, host, work);
    }
}

/// Moves this thread into the namespace.
fn enter(path: &Path) -> std::io::Result<()> {
    Ok(move_into_link_name_space(File::open(path)?.as_fd(), Some(LinkNameSpaceType::Network))?)
}

fn plug(host: usize) -> String {
    format!("plug{host}")
}

/// A namespace, and the process that it lives by.
#[derive(Debug)]
struct Namespace {
    holder: Child,
}

impl Namespace {
    fn new() -> Result<Self, Failed> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", HOLD]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut namespace = Self { holder: command.spawn()? };
        let mut said = String::new();
        BufReader::new(namespace.holder.stdout.take().ok_or("piped")?).read_line(&mut said)?;
        if said.is_empty() { Err("no namespace could be made".into()) } else { Ok(namespace) }
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.holder.id()))
    }

    /// Runs `ip` in it with these words.
    fn ip(&self, words: &str) -> Result<(), Failed> {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display())).arg("ip").args(words.split(' '));
        let done = command.output()?;
        match done.status.success() {
            true => Ok(()),
            false => Err(format!("ip {words}: {}", String::from_utf8_lossy(&done.stderr).trim()).into()),
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // It waits for nothing else.
        let _ = self.holder.wait();
    }
}
