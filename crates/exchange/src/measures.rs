//! What the operator's metrics show: sizes and positions, and nothing that identifies a record or a person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use causeway_model::{AgreementId, FrameSeq, LeafIndex};
use causeway_store::JournalMeasures;

use crate::{Exchange, WitnessMeasures};

/// The measures of one moment.
#[derive(Debug, Clone)]
pub struct Measures {
    /// Whether the journal can be written.
    pub is_healthy: bool,
    /// Entries in the journal.
    pub entries: u64,
    /// How the journal itself stands.
    pub journal: JournalMeasures,
    /// What was summed up rather than recorded one by one, by its reason code, since the start.
    pub tallied: Vec<(&'static str, u64)>,
    /// Entries that auditors' answers have looked at since the start.
    pub looked_at: u64,
    /// Records whose erasure has been ordered and is not complete: nothing of them is read.
    pub erasures_due: u64,
    /// Nodes that those wait for, each once.
    pub erasures_wait_for: u64,
    /// The newest term of the releaser among nodes that share the log; 0 where there are no terms.
    pub releaser_term: u64,
    /// Whether this gateway is the releaser.
    pub is_releaser: bool,
    /// Every feed.
    pub feeds: Vec<FeedMeasures>,
    /// The witnesses; none where there are none.
    pub witnesses: Option<WitnessMeasures>,
    /// How it stands as a node; none where it is alone.
    pub node: Option<NodeMeasures>,
}

/// How one of several gateways stands to the log that they share.
#[derive(Debug, Clone)]
pub struct NodeMeasures {
    /// Its number.
    pub number: u16,
    /// How many nodes the log states.
    pub rostered: u64,
    /// The newest frame that it has applied.
    pub frame: FrameSeq,
    /// Whether the log does not answer.
    pub is_cut_off: bool,
    /// Whether the log's servers do not enforce what they have to, or could not be asked.
    pub has_fault: bool,
}

/// The measures of one feed.
#[derive(Debug, Clone)]
pub struct FeedMeasures {
    /// Its agreement.
    pub agreement: AgreementId,
    /// Its newest position.
    pub newest: u64,
    /// The position up to which its partner has acknowledged it.
    pub acknowledged: u64,
    /// Recalls to be acknowledged whose deadline is over, as far as entries say so.
    pub overdue: u64,
}

impl Exchange {
    /// The measures of this moment.
    pub fn measures(&self) -> Measures {
        let (is_healthy, looked_at) = (self.is_healthy(), self.looked_at().load(Ordering::Relaxed));
        let is_releaser = self.is_releaser();
        let (overdue, witnesses) = (self.overdue(), self.witness_measures());
        let (journal, tallied, node) = (self.journal().measures(), self.tallies().totals(), self.node_measures());
        self.journal().read(|state| {
            let feeds = state.agreements().filter_map(|agreement| {
                let feed = state.feed(&agreement.id)?;
                let overdue = overdue.iter().find(|(id, _)| *id == agreement.id).map(|(_, count)| *count);
                Some(FeedMeasures {
                    agreement: agreement.id.clone(),
                    newest: feed.newest().0,
                    acknowledged: feed.acknowledged().0,
                    overdue: overdue.unwrap_or_default(),
                })
            });
            let due: BTreeMap<LeafIndex, u64> = state.erasures_due().fold(BTreeMap::new(), |mut due, (_, order)| {
                *due.entry(order).or_default() += 1;
                due
            });
            let waited_for: BTreeSet<&str> = due.keys().flat_map(|order| state.erasure_waits_for(*order)).collect();
            Measures {
                erasures_due: due.values().sum(),
                erasures_wait_for: waited_for.len() as u64,
                releaser_term: state.term().map_or(0, |term| term.number),
                is_releaser,
                is_healthy,
                entries: state.tree().size(),
                journal,
                tallied,
                looked_at,
                feeds: feeds.collect(),
                witnesses,
                node,
            }
        })
    }

    fn node_measures(&self) -> Option<NodeMeasures> {
        let number = self.node_number()?;
        let (is_cut_off, has_fault) = (self.is_cut_off(), self.journal().shared_log_fault().is_some());
        let (frame, rostered) = self.journal().read(|state| (state.head().0, state.roster().count() as u64));
        Some(NodeMeasures { number, rostered, frame, is_cut_off, has_fault })
    }
}
