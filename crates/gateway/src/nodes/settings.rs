//! The `[nodes]` table of the cluster's settings: the roster, and this node's place in it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use causeway_agreement::section::{Section, parsed, text};
use causeway_store::NodeNumber;
use toml::Value;

/// Most nodes of a cluster.
const MAX_NODES: usize = 64;

/// How a node reaches the others, and they it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// This node's number.
    pub own: NodeNumber,
    /// Where it answers the others.
    pub listen: SocketAddr,
    /// The cluster's roots, PEM: no others are trusted here, and no agency's CA is among them.
    pub ca: PathBuf,
    /// This node's certificate chain, PEM: one URI SAN, `causeway-node:NUMBER`.
    pub certificate: PathBuf,
    /// Its private key, PEM, PKCS#8.
    pub key: PathBuf,
    /// The roster's version: one more with each change of who is on it. The first is 1.
    pub version: u32,
    /// All nodes, this one too, in order of their numbers.
    pub roster: Vec<RosteredNode>,
}

/// One node of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosteredNode {
    /// Its number, which is never given to another node.
    pub number: NodeNumber,
    /// Its name in entries: `node` of its gateway's settings.
    pub name: String,
    /// Where it answers: `host:port`.
    pub address: String,
}

impl NodeSettings {
    /// Reads the table. Paths are relative to `folder`.
    pub fn of(nodes: &mut Section<'_>, folder: &Path) -> Option<Self> {
        let own = nodes.required("own", number);
        let listen = nodes.required("listen", parsed::<SocketAddr>);
        let mut file = |key: &str| -> Option<PathBuf> { nodes.required(key, |value| Ok(folder.join(text(value)?))) };
        let (ca, certificate, key) = (file("ca"), file("certificate"), file("key"));
        let version = nodes.required("version", |value| match value.as_integer().map(u32::try_from) {
            Some(Ok(version)) if version > 0 => Ok(version),
            _ => Err("is not a number from 1 on".into()),
        });
        let mut roster = nodes.children("roster", |node| {
            let (number, name) = (node.required("number", number), node.required("name", text));
            let address = node.required("address", address);
            Some(RosteredNode { number: number?, name: name?, address: address? })
        });
        roster.sort_by_key(|node| node.number);
        let numbers: BTreeSet<NodeNumber> = roster.iter().map(|node| node.number).collect();
        let names: BTreeSet<&str> = roster.iter().map(|node| node.name.as_str()).collect();
        if numbers.len() != roster.len() || names.len() != roster.len() {
            nodes.fault("roster", "gives a number or a name to two nodes");
        }
        if roster.len() > MAX_NODES {
            nodes.fault("roster", format!("has more than {MAX_NODES} nodes"));
        }
        if own.is_some_and(|own| !numbers.contains(&own)) {
            nodes.fault("own", "is not on the roster");
        }
        Some(Self {
            own: own?,
            listen: listen?,
            ca: ca?,
            certificate: certificate?,
            key: key?,
            version: version?,
            roster,
        })
    }

    /// The nodes beside this one.
    pub fn others(&self) -> impl Iterator<Item = &RosteredNode> {
        self.roster.iter().filter(|node| node.number != self.own)
    }
}

fn number(value: &Value) -> Result<NodeNumber, String> {
    match value.as_integer().map(u16::try_from) {
        Some(Ok(number)) if number > 0 => Ok(NodeNumber(number)),
        _ => Err("is not a number from 1 to 65535".into()),
    }
}

/// `host:port`.
pub(crate) fn address(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        let is_host = !host.is_empty() && !host.contains(['/', '@', ' ']);
        is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if is_address { Ok(text) } else { Err("must be a host and a port, as node-1.example:7443".into()) }
}

#[cfg(test)]
mod tests {
    use causeway_agreement::section;

    use super::*;

    const NODES: &str = "[nodes]\nown = 2\nversion = 1\nlisten = \"127.0.0.1:7443\"\nca = \"ca.pem\"\ncertificate = \"node.pem\"\n\
                         key = \"node.key\"\n[[nodes.roster]]\nnumber = 2\nname = \"node-2\"\naddress = \"b.example:7443\"\n\
                         [[nodes.roster]]\nnumber = 1\nname = \"node-1\"\naddress = \"a.example:7443\"\n";

    fn read(text: &str) -> Result<NodeSettings, Vec<String>> {
        let read = section::read(text, |own| own.child("nodes", |nodes| NodeSettings::of(nodes, Path::new("/etc"))));
        read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_roster_reads_in_order_and_each_fault_is_named() {
        let settings = read(NODES).expect("read");
        assert_eq!(settings.others().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["node-1"]);
        assert_eq!((settings.own, settings.certificate), (NodeNumber(2), PathBuf::from("/etc/node.pem")));
        for (from, to, place) in [
            ("own = 2", "own = 3", "nodes.own"),
            ("own = 2", "own = 0", "nodes.own"),
            ("version = 1", "version = 0", "nodes.version"),
            ("number = 1", "number = 2", "nodes.roster"),
            ("\"node-1\"", "\"node-2\"", "nodes.roster"),
            ("a.example:7443", "a.example", "nodes.roster[1].address"),
            ("key = \"node.key\"", "surprise = 1", "nodes.key"),
            ("key = \"node.key\"", "surprise = 1", "nodes.surprise"),
        ] {
            let faults = read(&NODES.replacen(from, to, 1)).expect_err(to);
            assert!(faults.iter().any(|fault| fault.contains(place)), "{place}: {faults:?}");
        }
    }
}
