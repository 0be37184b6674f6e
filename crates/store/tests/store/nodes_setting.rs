//! Nodes over one shared log in memory, and what has to hold of them after everything.

use std::sync::Arc;
use std::time::Duration;

use causeway_journal::{apply, decode_entry};
use causeway_model::{FrameSeq, LeafIndex};
use causeway_store::{
    Committed, Journal, NodeKeySettings, NodeKeys, NodeNumber, PageKeyPeer, SharedLog, StoreError, Upstream,
};

use crate::setting::{Setting, genesis, wait_for};
use crate::shared_doubles::Memory;

/// Long enough for what has to happen; what is to be waited for as long is a failure.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Nodes of one log, with settings of their own and the same keys.
pub(crate) struct Nodes {
    pub(crate) log: Memory,
    pub(crate) settings: Vec<Setting>,
    /// Whom page keys are put to.
    pub(crate) peers: Vec<Arc<dyn PageKeyPeer>>,
}

impl Nodes {
    pub(crate) fn new(count: usize) -> Self {
        let settings: Vec<_> = (0..count).map(|_| Setting::new()).collect();
        // Ring and root key are the same with all nodes; page keys are each one's own.
        for other in &settings[1..] {
            for name in ["root.key", "ring"] {
                std::fs::copy(settings[0].keys_dir().join(name), other.keys_dir().join(name)).expect("copied");
            }
        }
        let mut nodes = Self { log: Memory::default(), settings, peers: Vec::new() };
        nodes.settings.iter_mut().skip(1).for_each(Setting::read_keys);
        nodes
    }

    pub(crate) fn upstream(&self) -> Upstream {
        Upstream { log: Arc::new(self.log.clone()), in_flight: 4, checkpoint_frames: 1_000_000 }
    }

    pub(crate) fn start(&self, index: usize) -> Journal {
        self.try_start(index, self.upstream()).expect("the node starts")
    }

    /// A node that has so many frames on their way at the most.
    pub(crate) fn start_with(&self, index: usize, in_flight: usize) -> Journal {
        self.try_start(index, Upstream { in_flight, ..self.upstream() }).expect("the node starts")
    }

    /// A node's page keys, which no other node gets: what it writes it alone opens.
    pub(crate) fn page_keys(&self, index: usize) -> NodeKeys {
        let setting = &self.settings[index];
        let settings = NodeKeySettings {
            data_dir: setting.data_dir(),
            keys_dir: setting.keys_dir(),
            mirror_dir: None,
            keys: Arc::clone(&setting.keys),
            own: NodeNumber(u16::try_from(index).expect("few") + 1),
            peers: self.peers.clone(),
            shared_within: Duration::from_millis(300),
        };
        NodeKeys::open(settings).expect("the page keys open")
    }

    pub(crate) fn try_start(&self, index: usize, upstream: Upstream) -> Result<Journal, StoreError> {
        let setting = &self.settings[index];
        let mut options = setting.options(&setting.data_dir(), Arc::clone(&setting.keys));
        options.node = format!("node-{}", index + 1);
        options.node_keys = Some(self.page_keys(index));
        Journal::start_as_node(Box::new(setting.log()), options, upstream)
    }

    /// All of them, over a log with its genesis behind it.
    pub(crate) fn begin(&self) -> Vec<Journal> {
        let first = self.start(0);
        genesis(&first);
        let others = (1..self.settings.len()).map(|index| self.start(index));
        std::iter::once(first).chain(others.collect::<Vec<_>>()).collect()
    }

    pub(crate) fn head(&self) -> FrameSeq {
        SharedLog::head(&self.log).expect("it has one").last
    }

    /// Waits until every node has come to the end of the log, and holds them against each other, the log, and what was acknowledged.
    pub(crate) fn are_one(&self, journals: &[Journal], acknowledged: &[Committed]) {
        let head = self.head();
        let mut state = causeway_journal::State::new();
        for (seq, bytes) in (1..).map(FrameSeq).zip(self.log.frames()) {
            apply(&mut state, seq, &bytes).expect("the log can be replayed");
        }
        for journal in journals {
            assert!(journal.wait_for(head, LONG), "a node does not come to frame {head}");
            assert_eq!(journal.read(|own| (own.head(), own.tree().root())), (state.head(), state.tree().root()));
            assert_eq!(journal.halted(), None);
        }
        let mut leaves: Vec<_> = acknowledged.iter().map(|committed| committed.leaf).collect();
        leaves.sort();
        leaves.dedup();
        assert_eq!(leaves.len(), acknowledged.len(), "one leaf for each");
        let mut ids = std::collections::BTreeSet::new();
        for leaf in (0..state.tree().size()).map(LeafIndex) {
            let entry = wait_for(journals[0].entry(leaf)).expect("read");
            let id = decode_entry(&entry).expect("an entry").entry_id;
            assert!(ids.insert(id), "nothing is there twice");
        }
        for committed in acknowledged {
            for journal in journals {
                assert_eq!(wait_for(journal.entry(committed.leaf)).expect("read"), committed.entry);
            }
        }
    }
}
