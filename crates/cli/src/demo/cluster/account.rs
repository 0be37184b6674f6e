//! The demonstration's account of itself: real figures, and what to try next.

use super::erasing::Erased;
use super::site::{NODES, Site};
use super::submitting::Submitted;
use super::{AUDITOR, Figures, SUBMITTER};
use crate::demo::auditor::Audit;
use crate::demo::owner::Told;
use crate::demo::partner::Pulled;
use crate::holder_form;
use crate::trial_nodes::node_name;

/// Everything that was found, for people.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) figures: Figures,
    pub(super) submitted: Submitted,
    /// The server that was killed.
    pub(super) leader: usize,
    pub(super) pulled: Vec<Pulled>,
    pub(super) told: Told,
    pub(super) erased: Erased,
    pub(super) audit: Audit,
    /// How many feeds were read at the end, of all nodes.
    pub(super) feeds: u64,
}

impl Account {
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.submission();
        lines.extend(self.partners());
        lines.extend(self.owner());
        lines.extend(self.equality());
        lines
    }

    fn submission(&self) -> Vec<String> {
        let Figures { submitted, accepted, rejected, sent_again, .. } = &self.figures;
        vec![
            format!(
                "{SUBMITTER} submitted {submitted} records through two gateways: {accepted} accepted, {rejected} refused,"
            ),
            "each refused one for the fault that was made in it, and for no other:".into(),
            format!("  {}", self.submitted.reasons.summary()),
            format!(
                "meanwhile the leader of the log, server n{}, was killed, and {} too:",
                self.leader + 1,
                node_name(1)
            ),
            format!(
                "  {sent_again} that it had accepted were sent again through the next one, and got the same \
                 receipts"
            ),
        ]
    }

    fn partners(&self) -> Vec<String> {
        let mut lines = vec![String::new()];
        for (Pulled { agency, agreement, records, pages, .. }, [at, then]) in self.pulled.iter().zip([[2, 1], [0, 2]]) {
            lines.push(format!(
                "{agency} pulled {records} records on {pages} pages under {agreement} from {}, all that it grants \
                 and no more,",
                node_name(at)
            ));
            lines.push(format!("  and acknowledged them at {}", node_name(then)));
        }
        lines
    }

    fn owner(&self) -> Vec<String> {
        let (Told { verdicts, holders }, Erased { ordered, complete }) = (&self.told, &self.erased);
        let mut lines = vec![
            String::new(),
            format!(
                "{SUBMITTER} asked {}, which had been killed, who sees record {}, and who has it:",
                node_name(1),
                self.audit.record
            ),
        ];
        lines.extend(verdicts.iter().map(|verdict| format!("  {verdict}")));
        lines.extend(holder_form::lines(holders).iter().map(|line| format!("  {line}")));
        lines.push(format!(
            "it was erased through {}: ordered in entry {ordered}, complete in entry {complete}, when all {NODES} \
             nodes had destroyed its keys;",
            node_name(2)
        ));
        lines.push(format!("  {} was told so by {}", self.pulled[0].agency, node_name(0)));
        lines
    }

    fn equality(&self) -> Vec<String> {
        let Figures { proofs_verified, seconds, roots, .. } = &self.figures;
        let mut lines = vec![String::new(), format!("{AUDITOR} asked {} who saw that record:", node_name(1))];
        lines.extend(self.audit.history.iter().map(|entry| format!("  {entry}")));
        lines.push(String::new());
        lines.push(format!(
            "The first {} entries, read in full from each node, have the root",
            self.audit.checkpoint.size
        ));
        lines.extend(roots.iter().map(|(node, root)| format!("  {node}: {root}")));
        lines.push(format!(
            "and each node gives both partners the feeds that they have pulled ({} feeds read again).",
            self.feeds
        ));
        lines.push(String::new());
        lines.push(format!("All of it held: {proofs_verified} proofs verified, {seconds} s in all."));
        lines
    }

    /// What to try while the cluster is up.
    pub(super) fn next(&self, site: &Site) -> Vec<String> {
        let mut lines = vec![String::new(), "The gateways:".into()];
        lines.extend((0..NODES).map(|node| format!("  {}: {}", node_name(node), site.address(node))));
        let (record, at) = (&self.audit.record, site.address(1));
        lines.extend([
            format!("Settings, certificates and the servers' configuration are in {}.", site.folder().display()),
            String::new(),
            "Try, in another terminal (causeway is target/release/causeway):".into(),
            "  causeway sample --count 100 --seed 2 > more.jsonl".into(),
            format!("  causeway submit more.jsonl --as {SUBMITTER} --gateway {}", site.address(0)),
            format!("  causeway pull --limit 5 --as vn-police/feed --gateway {}", site.address(2)),
            format!("  causeway audit query --record {record} --as {AUDITOR} --gateway {at}"),
            format!("  causeway cluster check --cluster {}", site.folder().join("node-1/cluster.toml").display()),
        ]);
        lines
    }
}
