//! The compiled documents of every time: those in force now, and those by which an earlier item goes on being shown.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use causeway_journal::{State, v1};
use causeway_model::LeafIndex;
use causeway_store::Journal;

use super::{Governed, Texts};
use crate::Error;

/// What is in force, and since which entries what was. An epoch begins with each schema and code list that comes into force, and is
/// compiled when it is first asked for.
#[derive(Debug)]
pub(crate) struct Epochs {
    now: RwLock<Arc<Governed>>,
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// The entries before this one have been looked through for beginnings.
    known_to: u64,
    epochs: BTreeMap<LeafIndex, Option<Arc<Governed>>>,
}

impl Epochs {
    /// Those of a state, of which the newest amounts to `governed`.
    pub(crate) fn start(state: &State, governed: Governed) -> Self {
        let governed = Arc::new(governed);
        let mut held = Held::default();
        held.look(state);
        if let Some(mut newest) = held.epochs.last_entry() {
            newest.insert(Some(Arc::clone(&governed)));
        }
        Self { now: RwLock::new(governed), held: RwLock::new(held) }
    }

    /// What is in force now. Whoever has begun by it goes on by it.
    pub(crate) fn now(&self) -> Arc<Governed> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A schema or code list has come into force by the entry at `leaf`, and with the others amounts to `governed`.
    pub(crate) fn begin(&self, leaf: LeafIndex, governed: Governed) {
        let governed = Arc::new(governed);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.epochs.insert(leaf, Some(Arc::clone(&governed)));
        drop(held);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = governed;
    }

    /// What was in force before the entry at `leaf`. The state says since when, so that the answer is the same whether the gateway
    /// has come to `begin` yet or not. Not to be called while the state is being read.
    ///
    /// # Errors
    /// `Internal` where no entry before had brought a whole set of schemas into force: before the end of genesis.
    pub(crate) fn before(&self, journal: &Journal, leaf: LeafIndex) -> Result<Arc<Governed>, Error> {
        if let Some(known) = self.held.read().unwrap_or_else(PoisonError::into_inner).compiled(leaf) {
            return Ok(known);
        }
        let texts = journal.read(|state| {
            self.held.write().unwrap_or_else(PoisonError::into_inner).look(state);
            Texts::before(state, leaf)
        });
        if let Some(known) = self.held.read().unwrap_or_else(PoisonError::into_inner).compiled(leaf) {
            return Ok(known);
        }
        let schemas = texts.compile(&mut Vec::new());
        let schemas = schemas.ok_or_else(|| Error::internal("the schemas of an earlier time do not compile"))?;
        let governed = Arc::new(Governed { schemas });
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have compiled it meanwhile: theirs stays.
        let epoch = held.epochs.range_mut(..leaf).next_back();
        Ok(epoch.map_or_else(|| Arc::clone(&governed), |(_, held)| Arc::clone(held.get_or_insert(governed.clone()))))
    }
}

impl Held {
    fn compiled(&self, leaf: LeafIndex) -> Option<Arc<Governed>> {
        if leaf.0 > self.known_to {
            return None;
        }
        self.epochs.range(..leaf).next_back().and_then(|(_, governed)| governed.clone())
    }

    /// Takes in what has begun since the last look.
    fn look(&mut self, state: &State) {
        let kinds = [v1::DocumentKind::Schema, v1::DocumentKind::CodeList];
        let mut end = LeafIndex(u64::MAX);
        loop {
            let before = kinds.into_iter().flat_map(|kind| state.documents_before(kind, end));
            let Some(newest) = before.map(|(_, held)| held.leaf).max() else { break };
            if newest.0 < self.known_to {
                break;
            }
            self.epochs.entry(newest).or_default();
            end = newest;
        }
        self.known_to = self.known_to.max(state.tree().size());
    }
}
