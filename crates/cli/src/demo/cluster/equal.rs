//! That all nodes have one journal and one feed for each partner: read in full from each of them.

use std::time::{Duration, Instant};

use causeway_crypto::Digest;
use causeway_journal::{Checkpoint, VerifierKey};

use super::site::{NODES, Site};
use crate::Failure;
use crate::demo::partner::{Pulled, feed};
use crate::demo::{AUDITOR, auditor};
use crate::session::Doing;
use crate::trial_nodes::node_name;

/// How long a node may take to have what another one has acknowledged.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The root of each node over the checkpoint's entries, built from the entries that it gives.
pub(super) async fn roots(site: &Site, checkpoint: &Checkpoint, key: &VerifierKey) -> Result<Vec<Digest>, Failure> {
    let mut roots = Vec::new();
    for node in 0..NODES {
        let session = site.session(node, AUDITOR, Doing::Auditing).await?;
        let since = Instant::now();
        while auditor::newest(&session, key).await?.size < checkpoint.size {
            if since.elapsed() > PATIENCE {
                return Err(Failure::does_not_hold(format!("{} does not get what the others have", node_name(node))));
            }
            tokio::time::sleep(PAUSE).await;
        }
        let tree = auditor::tree_of(&session, checkpoint.size, key).await;
        let root = tree.map_err(|failure| Failure::does_not_hold_at(&node_name(node), &failure))?.root();
        if root != checkpoint.root {
            return Err(Failure::does_not_hold(format!(
                "{} has another root than {}",
                node_name(node),
                checkpoint.root
            )));
        }
        roots.push(root);
    }
    Ok(roots)
}

/// That every node gives the partners the feeds that they have pulled, position by position; how many feeds were read.
pub(super) async fn feeds(site: &Site, pulled: &[Pulled], key: &VerifierKey) -> Result<u64, Failure> {
    let mut read = 0;
    for node in 0..NODES {
        for partner in pulled {
            let again = feed(&site.clients(node), partner, key).await?;
            if (again.position, &again.chain) != (partner.standing.position, &partner.standing.chain) {
                let what = format!("{} gives {} another feed than it has pulled", node_name(node), partner.agency);
                return Err(Failure::does_not_hold(what));
            }
            read += 1;
        }
    }
    Ok(read)
}
