//! `cluster.toml`: the servers of a log that several gateways share, and these gateways, as the nodes that they are of it.

use std::path::{Path, PathBuf};

use causeway_agreement::section::{self, Section, text};
use causeway_store::{ClientFiles, JetStreamSettings, PATIENCE, StreamName};

use crate::nodes::{self, NodeSettings};

/// What the file says.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// How the servers of the log are reached; the log's id is not among it.
    pub log: JetStreamSettings,
    /// The nodes; none where only the log is named, as for a migration.
    pub nodes: Option<NodeSettings>,
}

impl ClusterSettings {
    /// Reads and checks a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// All faults, one line each, as `place: what`.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let content = std::fs::read_to_string(path).map_err(|error| vec![error.to_string()])?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let read = section::read(&content, |own| settings(own, folder));
        read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }
}

fn settings(own: &mut Section<'_>, folder: &Path) -> Option<ClusterSettings> {
    let servers = own.required_list("servers", nodes::address);
    let stream = own.required("stream", |value| text(value)?.parse::<StreamName>().map_err(str::to_owned));
    let files = own.child_or_empty("tls", |tls| {
        let mut file = |key: &str| -> Option<PathBuf> { tls.required(key, |value| Ok(folder.join(text(value)?))) };
        let (ca, certificate, key) = (file("ca"), file("certificate"), file("key"));
        Some(ClientFiles { ca: ca?, certificate: certificate?, key: key? })
    });
    let nodes = own.child("nodes", |nodes| NodeSettings::of(nodes, folder));
    let log = JetStreamSettings { servers: servers?, files: files?, stream: stream?, log_id: None, patience: PATIENCE };
    Some(ClusterSettings { log, nodes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_read_and_each_fault_is_named() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/cluster.toml");
        let settings = ClusterSettings::load(&sample).expect("the sample");
        assert_eq!((settings.log.servers.len(), settings.log.stream.as_str()), (3, "LOG"));
        assert!(settings.log.files.ca.ends_with("certs-dev/cluster/ca.pem"));
        assert!(settings.nodes.is_none());
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("cluster.toml");
        let stated = std::fs::read_to_string(&sample).expect("the sample");
        let (log, nodes) = stated.split_once("# [nodes]").expect("the sample shows how nodes are stated");
        let nodes: String =
            nodes.lines().map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n").collect();
        std::fs::write(&file, format!("{log}[nodes]\n{nodes}")).expect("written");
        let nodes = ClusterSettings::load(&file).expect("with its comments taken away").nodes.expect("stated");
        assert_eq!((nodes.own.0, nodes.roster.len()), (1, 2));

        let bad = "servers = [\"tls://a:1\", \"b\", \"c:0\"]\nstream = \"log\"\nsurprise = 1\n[nodes]\nown = 1\n";
        std::fs::write(&file, bad).expect("written");
        let all = ClusterSettings::load(&file).expect_err("faults").join("\n");
        for place in [
            "servers[0]",
            "servers[1]",
            "servers[2]",
            "stream",
            "surprise",
            "tls.ca",
            "tls.certificate",
            "tls.key",
            "nodes.listen",
            "nodes.version",
        ] {
            assert!(all.contains(place), "{place}: {all}");
        }
        assert!(ClusterSettings::load(&folder.path().join("absent")).is_err());
    }
}
