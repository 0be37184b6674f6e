//! The gateway as one of several nodes of a log. A gateway that is alone shows none of this.

use causeway_exchange::NodeMeasures;
use prometheus_client::encoding::DescriptorEncoder;

use super::whole;

pub(super) fn of_node(encoder: &mut DescriptorEncoder<'_>, node: &NodeMeasures) -> Result<(), std::fmt::Error> {
    for (name, help, number) in [
        ("causeway_node_number", "This node's number on the cluster's roster", u64::from(node.number)),
        ("causeway_roster_nodes", "Nodes on the roster that the log states", node.rostered),
        ("causeway_log_frames", "Frames of the shared log that this node has applied", node.frame.0),
        (
            "causeway_shared_log_answers",
            "Whether the shared log takes frames and can be read: 1, or 0 from ten seconds without an answer on",
            u64::from(!node.is_cut_off),
        ),
        (
            "causeway_shared_log_faulty",
            "Whether the shared log's servers do not enforce what they have to, or could not be asked, a minute ago at most",
            u64::from(node.has_fault),
        ),
    ] {
        whole(encoder, (name, help), number)?;
    }
    Ok(())
}
