//! The log applied a second time, from the bytes that the engine was given: what it holds, independently of the gateway's
//! own state, and a way to wait for it without asking anybody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_exchange::Exchange;
use causeway_journal::{MirroredEntry, Outcome, State, apply, apply_mirrored, decode_frame, v1};
use causeway_model::{AgreementId, FrameSeq, LeafIndex, Position};
use tokio::sync::watch;

/// How long a test waits for what must come. Only what hangs takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An entry of the log, in its place.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) leaf: u64,
    pub(crate) entry: v1::Entry,
    pub(crate) outcome: Outcome,
    /// The entry's exact bytes: the leaf.
    pub(crate) bytes: Vec<u8>,
}

/// What has been appended, applied in order. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    held: Arc<Mutex<Held>>,
    size: watch::Sender<u64>,
    gateway: Arc<Mutex<Option<Exchange>>>,
}

#[derive(Debug)]
struct Held {
    state: State,
    /// What the entries make without frames and bodies, as a verifier has them.
    mirrored: State,
    entries: Vec<Seen>,
}

impl Mirror {
    pub(crate) fn new() -> Self {
        let held = Held { state: State::new(), mirrored: State::new(), entries: Vec::new() };
        Self { held: Arc::new(Mutex::new(held)), size: watch::Sender::new(0), gateway: Arc::default() }
    }

    /// Says which gateway works on this log now, or that none does.
    pub(crate) fn attend(&self, gateway: Option<Exchange>) {
        *self.gateway.lock().unwrap_or_else(PoisonError::into_inner) = gateway;
    }

    /// Waits until the gateway has applied what is here: a frame is seen here a moment before that.
    async fn applied(&self) {
        let gateway = self.gateway.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(gateway), size) = (gateway, self.size()) else { return };
        loop {
            let changed = gateway.changed();
            let has_it = gateway.inclusion_proof(LeafIndex(0), size).await.is_ok();
            if has_it || !gateway.is_healthy() {
                return;
            }
            changed.await;
        }
    }

    /// The newest frame that it has.
    pub(crate) fn head(&self) -> FrameSeq {
        self.read(|state| state.head().0)
    }

    /// Takes the next frame; one that it has is left alone.
    pub(crate) fn take(&self, seq: FrameSeq, bytes: &[u8]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if seq <= held.state.head().0 {
            return;
        }
        let applied = apply(&mut held.state, seq, bytes).expect("the log holds only frames that the rules take");
        if applied.passed_over.is_some() {
            // Of a log that several write: it left no entry.
            return;
        }
        let frame = decode_frame(bytes).expect("it has just been applied");
        let read = |item: &v1::Item| MirroredEntry::read(&item.entry, item.document_text.clone());
        let run: Vec<_> = frame.items.iter().map(|item| read(item).expect("it has just been applied")).collect();
        let mirrored = apply_mirrored(&mut held.mirrored, frame.rules_version, &run).expect("they come next");
        assert_eq!(mirrored, applied, "what a verifier recomputes is what the gateway applied");
        for ((item, outcome), leaf) in frame.items.into_iter().zip(applied.outcomes).zip(applied.first_leaf.0..) {
            let entry = causeway_journal::decode_entry(&item.entry).expect("it has just been applied");
            held.entries.push(Seen { leaf, entry, outcome, bytes: item.entry });
        }
        drop(held);
        self.size.send_replace(applied.size);
    }

    /// Looks at the state that the log makes.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.held.lock().unwrap_or_else(PoisonError::into_inner).state)
    }

    /// All entries so far.
    pub(crate) fn entries(&self) -> Vec<Seen> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }

    /// The entries after the first `size` leaves: what a call has left, where `size` was taken before it.
    pub(crate) fn entries_from(&self, size: u64) -> Vec<Seen> {
        self.entries().into_iter().filter(|seen| seen.leaf >= size).collect()
    }

    /// The number of leaves.
    pub(crate) fn size(&self) -> u64 {
        *self.size.borrow()
    }

    /// Waits until the log is as `wanted` says.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&State) -> bool) {
        let mut grown = self.size.subscribe();
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                grown.borrow_and_update();
                if self.read(&wanted) {
                    return self.applied().await;
                }
                grown.changed().await.expect("the mirror holds the sender");
            }
        });
        if waited.await.is_err() {
            panic!("the log did not come to hold {what}");
        }
    }

    /// Waits until the log holds an entry as `wanted` says, and gives the first one.
    pub(crate) async fn entry(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let find = || self.entries().into_iter().find(|seen| wanted(seen));
        let mut grown = self.size.subscribe();
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                grown.borrow_and_update();
                if let Some(seen) = find() {
                    self.applied().await;
                    return seen;
                }
                grown.changed().await.expect("the mirror holds the sender");
            }
        });
        waited.await.unwrap_or_else(|_| panic!("the log did not come to hold {what}"))
    }

    /// Waits until a feed has this many positions. The releaser takes records in log order: to know that one was left out,
    /// submit another behind it that is released, and settle on that.
    pub(crate) async fn settle(&self, agreement: &str, positions: u64) {
        let id: AgreementId = agreement.parse().expect("an agreement's id");
        let what = format!("{positions} positions of {agreement}");
        self.until(&what, |state| self::positions(state, &id) >= positions).await;
    }

    /// The number of positions of a feed.
    pub(crate) fn positions(&self, agreement: &str) -> u64 {
        let id: AgreementId = agreement.parse().expect("an agreement's id");
        self.read(|state| positions(state, &id))
    }
}

fn positions(state: &State, id: &AgreementId) -> u64 {
    state.feed(id).map_or(Position(0), |feed| feed.newest()).0
}
