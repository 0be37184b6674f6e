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
