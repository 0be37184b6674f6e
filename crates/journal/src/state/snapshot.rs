//! A state at one moment, taken without holding up who changes it, to be kept on a disk and loaded again.
//!
//! What is kept is what a frame put there; what is only a way to find it (tables of ids, the newest item of each record) is made
//! again while it is loaded. It holds no body, no opening and no key: nothing that an erasure destroys is in a state.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Result, Write};

use causeway_crypto::Digest;
use causeway_model::{AgencyId, FrameSeq};

use super::{Accepted, Arrivals, Genesis, Nodes, State};
use crate::saved::{Saved, broken};
use crate::{RULES_SHARED, Tree};

/// The version of a snapshot's bytes. Another one is not loaded: any change of what [`Snapshot::save`] writes takes the next number.
pub const SNAPSHOT_VERSION: u32 = 1;

/// A state as it was, to be saved. It shares with the state what has not changed since.
pub struct Snapshot(State);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("head", &self.head().0).field("size", &self.tree().size()).finish()
    }
}

impl State {
    /// The state of now. This takes a fraction of a millisecond for each million entries: what is large is not copied.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Self {
            genesis: self.genesis.clone(),
            log_id: self.log_id,
            rules: self.rules,
            last_time: self.last_time,
            tree: self.tree.clone(),
            places: self.places.clone(),
            documents: self.documents.clone(),
            submissions: self.submissions.frozen(),
            records: self.records.frozen(),
            feeds: self.feeds.iter().map(|(id, list)| (id.clone(), list.frozen())).collect(),
            subjects: self.subjects.frozen(),
            identities: self.identities.clone(),
            keys: self.keys.clone(),
            tables: self.tables.clone(),
            arrivals: self.arrivals.frozen(),
            nodes: self.nodes.clone(),
            term: self.term.clone(),
            accepted: self.accepted.clone(),
        })
    }

    /// The state that was saved, equal to the one that the same frames make. The bytes have to be such as [`Snapshot::save`] has
    /// written, in this version: whoever keeps them makes sure of that.
    ///
    /// # Errors
    /// Bytes that end too early or that were never saved, as far as that shows, and whatever the reader answers.
    pub fn load(from: &mut impl Read) -> Result<Self> {
        let state = <Self as Saved>::load(from)?;
        if state.tree.is_whole() { Ok(state) } else { Err(broken("the tree's edge does not fit its size")) }
    }
}

impl Snapshot {
    /// The id of the log.
    pub fn log_id(&self) -> Option<[u8; 16]> {
        self.0.log_id
    }

    /// The version of the rules that its newest frame was applied under.
    pub fn rules(&self) -> u32 {
        self.0.rules
    }

    /// The newest frame that it has: its sequence number, 0 before the first, and its id.
    pub fn head(&self) -> (FrameSeq, Option<Digest>) {
        self.0.head()
    }

    /// The tree of its entries.
    pub fn tree(&self) -> &Tree {
        &self.0.tree
    }

    /// Writes it, in many small pieces.
    ///
    /// # Errors
    /// Whatever the writer answers.
    pub fn save(&self, to: &mut impl Write) -> Result<()> {
        self.0.save(to)
    }
}

impl Saved for State {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        self.genesis.save(to)?;
        self.log_id.save(to)?;
        self.rules.save(to)?;
        self.last_time.save(to)?;
        self.tree.save(to)?;
        self.places.save(to)?;
        self.documents.save(to)?;
        self.submissions.save(to)?;
        self.records.save(to)?;
        self.feeds.save(to)?;
        self.subjects.save(to)?;
        self.identities.save(to)?;
        self.keys.save(to)?;
        self.tables.save(to)?;
        // A log with one writer has none of it, and its bytes are those that they always were.
        if self.rules < RULES_SHARED {
            return Ok(());
        }
        self.arrivals.save(to)?;
        self.nodes.save(to)?;
        self.term.save(to)?;
        self.accepted.save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        let mut state = Self {
            genesis: Saved::load(from)?,
            log_id: Saved::load(from)?,
            rules: Saved::load(from)?,
            last_time: Saved::load(from)?,
            tree: Saved::load(from)?,
            places: Saved::load(from)?,
            documents: Saved::load(from)?,
            submissions: Saved::load(from)?,
            records: Saved::load(from)?,
            feeds: Saved::load(from)?,
            subjects: Saved::load(from)?,
            identities: Saved::load(from)?,
            keys: Saved::load(from)?,
            tables: Saved::load(from)?,
            arrivals: Arrivals::default(),
            nodes: Nodes::default(),
            term: None,
            accepted: Accepted::default(),
        };
        if state.rules >= RULES_SHARED {
            state.arrivals = Saved::load(from)?;
            state.nodes = Saved::load(from)?;
            state.term = Saved::load(from)?;
            state.accepted = Saved::load(from)?;
        }
        Ok(state)
    }
}

impl Saved for Genesis {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        match self {
            Self::Missing => 0_u8.save(to),
            Self::Open { operator } => (1_u8, operator.clone()).save(to),
            Self::Complete { operator } => (2_u8, operator.clone()).save(to),
        }
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        let operator = |from| AgencyId::load(from);
        match u8::load(from)? {
            0 => Ok(Self::Missing),
            1 => operator(from).map(|operator| Self::Open { operator }),
            2 => operator(from).map(|operator| Self::Complete { operator }),
            _ => Err(broken("genesis is at none of its steps")),
        }
    }
}

/// For each key the last of its places, counted from 1.
pub(crate) fn newest_places<K: Ord + Copy>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u32> {
    let mut places: Vec<(K, u32)> = keys.zip(1..).collect();
    places.sort_unstable();
    places.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = later.1;
        }
        same
    });
    places.into_iter().collect()
}
