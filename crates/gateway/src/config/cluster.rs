//! The cluster of the settings: a file of its own, which `causeway cluster` and `causeway migrate` read too.

use std::path::Path;

use causeway_agreement::section::{Section, text};
use causeway_store::JetStreamSettings;

use crate::cluster::ClusterSettings;
use crate::nodes::NodeSettings;

/// The log that this gateway shares, and how it is a node of it.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// How the servers of the log are reached.
    pub log: JetStreamSettings,
    /// Its own place among the nodes, and the others.
    pub nodes: NodeSettings,
}

/// The cluster that the settings name; the outer none for one with faults, the inner one where none is named. `node` is the gateway's own
/// name.
pub(super) fn cluster(section: &mut Section<'_>, folder: &Path, node: Option<&str>) -> Option<Option<ClusterOptions>> {
    const KEY: &str = "cluster";
    if !section.has(KEY) {
        return Some(None);
    }
    let path = folder.join(section.required(KEY, text)?);
    let ClusterSettings { log, nodes } = match ClusterSettings::load(&path) {
        Ok(settings) => settings,
        Err(faults) => {
            faults.iter().for_each(|fault| section.fault(KEY, format!("{}: {fault}", path.display())));
            return None;
        }
    };
    let Some(nodes) = nodes else {
        section.fault(KEY, format!("{}: nodes: is missing", path.display()));
        return None;
    };
    let own = nodes.roster.iter().find(|rostered| rostered.number == nodes.own).map(|rostered| rostered.name.as_str());
    if node.is_some_and(|node| Some(node) != own) {
        let own = own.unwrap_or_default();
        section.fault("node", format!("is not {own}, as the roster of {} calls node {}", path.display(), nodes.own));
        return None;
    }
    Some(Some(ClusterOptions { log, nodes }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::config::Config;

    const NODES: &str = "[nodes]\nown = 2\nversion = 1\nlisten = \"127.0.0.1:0\"\nca = \"a\"\ncertificate = \"b\"\nkey = \"c\"\n\
                         [[nodes.roster]]\nnumber = 2\nname = \"node-1\"\naddress = \"node-1.example:7443\"\n";

    /// What the settings of a gateway say of a cluster file with this text; only faults that are about it, without the file's name.
    fn read(text: &str) -> Result<Config, Vec<String>> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("cluster.toml");
        fs::write(&file, text).expect("written");
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");
        let settings = fs::read_to_string(format!("{sample}/gateway.toml")).expect("the sample is there");
        let settings = format!("cluster = {:?}\n{settings}", file.display().to_string());
        Config::parse(&settings, sample.as_ref()).map_err(|faults| {
            let about =
                faults.into_iter().filter(|fault| fault.starts_with("cluster: ") || fault.starts_with("node: "));
            about.map(|fault| fault.replace(&format!("{}: ", file.display()), "")).collect()
        })
    }

    #[test]
    fn a_gateway_is_the_node_that_its_cluster_file_says_and_each_fault_of_that_is_its_own() {
        let log = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/cluster.toml")).expect("read");
        let whole = format!("{log}\n{NODES}");
        // A checkout without identities has faults of its own, and none about this.
        match read(&whole) {
            Ok(config) => assert_eq!(config.cluster.expect("stated").nodes.own.0, 2),
            Err(faults) => assert!(faults.is_empty(), "{faults:?}"),
        }
        let faults = |text: &str| read(text).expect_err("it has a fault");
        assert_eq!(faults(&log), ["cluster: nodes: is missing"]);
        assert!(faults(&whole.replace("\"node-1\"", "\"another\""))[0].starts_with("node: is not another, as "));
        assert_eq!(faults(&whole.replace("own = 2", "own = 3")), ["cluster: nodes.own: is not on the roster"]);
        assert!(faults(&whole.replace("[nodes]", "[nodes"))[0].starts_with("cluster: line "));
    }
}
