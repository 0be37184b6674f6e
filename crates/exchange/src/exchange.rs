//! The exchange itself: what all use cases share, and what the gateway asks of it beside the calls.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use causeway_crypto::Digest;
use causeway_journal::v1;
use causeway_model::{AgencyId, LeafIndex, SubmissionId, Timestamp};
use causeway_store::{Clock, Expected, Journal, Keys};
use event_listener::{Event, EventListener};
use futures_util::lock::Mutex;

use crate::answering::Answering;
use crate::backup::BackupTurn;
use crate::checkpoints::Kept;
use crate::condition::Said;
use crate::count::ReadTables;
use crate::erase::Swept;
use crate::governed::{Epochs, Governed};
use crate::identity::{OwnIdentities, Pending, Searches};
use crate::narrowed::Narrowed;
use crate::news::Watches;
use crate::quota::Meters;
use crate::retention::ClockTrust;
use crate::sealing::Windows;
use crate::tally::Tally;
use crate::unavailable::stopped;
use crate::witnessed::Witnessed;
use crate::{Caller, Error, Releaser};

/// Domain of a submission's MAC, over agency and submission id.
const SUBMISSION_DOMAIN: &str = "causeway/v1/submission";

/// The use cases over one journal. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Exchange {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    journal: Journal,
    /// The same, read in the background of all else.
    for_auditors: Journal,
    /// Answers under way.
    answering: Answering,
    backup_turn: BackupTurn,
    /// Entries that auditors' answers have looked at.
    looked_at: AtomicU64,
    keys: Arc<Keys>,
    clock: Clock,
    governed: Epochs,
    windows: Windows,
    tally: Tally,
    /// Which checkpoints were kept for later.
    kept_checkpoints: Kept,
    ticked: Event,
    watches: Watches,
    own_identities: OwnIdentities,
    /// Held while bodies are searched for a person, one after the other.
    scans: Mutex<()>,
    /// Who has a feed searched for a pseudonym.
    searches: Searches,
    /// Identities whose step is recorded and that have not left yet.
    pending: Pending,
    /// What witnesses have cosigned.
    witnessed: Witnessed,
    /// Who gets withdrawals only.
    narrowed: Narrowed,
    /// What is counted of each agreement's quotas.
    meters: Meters,
    /// Published tables that have been asked for lately.
    read_tables: ReadTables,
    /// Held while a key is rotated or a document brought into force.
    administering: Mutex<()>,
    /// Held while an agreement is compared with another over all records.
    comparing: Mutex<()>,
    /// Held while an erasure is finished.
    erasing: Mutex<()>,
    /// How far the log has been gone through for bodies that lost; held while it is.
    swept: Mutex<Swept>,
    clock_trust: ClockTrust,
    releaser: Releaser,
    /// What has been said of how the journal stands.
    said: Said,
}

impl Exchange {
    /// Over a journal whose genesis is complete. The documents in force are compiled and checked against each other.
    /// `own_identities` is how many identities an agency may ask for of its own records; what a partner may, its agreement says.
    ///
    /// # Errors
    /// `Invalid` with every fault of the documents in force, in words.
    pub fn start(
        journal: Journal,
        keys: Arc<Keys>,
        clock: Clock,
        own_identities: OwnIdentities,
    ) -> Result<Self, Error> {
        Self::start_among(journal, keys, clock, own_identities, Releaser::alone())
    }

    /// As [`Exchange::start`], of one node of several where `releaser` says so: what only one of them does, it does while it is its turn.
    ///
    /// # Errors
    /// As [`Exchange::start`].
    pub fn start_among(
        journal: Journal,
        keys: Arc<Keys>,
        clock: Clock,
        own_identities: OwnIdentities,
        releaser: Releaser,
    ) -> Result<Self, Error> {
        let governed = journal.read(|state| Ok(Epochs::start(state, Governed::compile(state)?)))?;
        let tally = Tally::starting(clock.now());
        let inner = Inner {
            for_auditors: journal.for_auditors(),
            journal,
            answering: Answering::default(),
            backup_turn: BackupTurn::default(),
            looked_at: AtomicU64::new(0),
            keys,
            clock_trust: ClockTrust::starting(clock.clone()),
            clock,
            governed,
            windows: Windows::default(),
            tally,
            kept_checkpoints: Kept::default(),
            ticked: Event::new(),
            watches: Watches::default(),
            own_identities,
            scans: Mutex::new(()),
            searches: Searches::default(),
            pending: Pending::default(),
            witnessed: Witnessed::default(),
            narrowed: Narrowed::default(),
            meters: Meters::default(),
            read_tables: ReadTables::default(),
            administering: Mutex::new(()),
            comparing: Mutex::new(()),
            erasing: Mutex::new(()),
            swept: Mutex::new(Swept::default()),
            releaser,
            said: Said::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Wakes when something has been appended.
    pub fn changed(&self) -> EventListener {
        self.journal().changed()
    }

    /// To be called about once a second: closes sealing windows that are over, brings into force what waited for this day, writes the
    /// minute's summary when it is due, and lets the releaser look at the calendar.
    pub async fn tick(&self) {
        let now = self.now();
        self.inner.watches.lately.age();
        self.note_well();
        self.inner.windows.close_before(now);
        if self.halted().is_some() {
            self.inner.ticked.notify(usize::MAX);
            return;
        }
        self.note_room().await;
        self.begin_agreements().await;
        self.inner.ticked.notify(usize::MAX);
        self.keep_checkpoints(false).await;
        self.look_at_witnesses().await;
        if self.inner.tally.is_due(now) {
            self.write_tally().await;
        }
    }

    /// Writes what is left of the summary, destroys what the keeper has not come to, and closes the journal. No call may be in flight.
    pub async fn close(&self) {
        if self.halted().is_none() {
            self.write_tally().await;
            if let Err(error) = self.shred_lost().await {
                tracing::error!(reason = error.reason, error = %error, "left to the next start");
            }
            self.keep_checkpoints(true).await;
        }
        self.journal().close();
    }

    /// Says that so many submissions are about to come, for as long as what is returned lives: while there are many, they share larger
    /// commits.
    pub fn expect(&self, submissions: usize) -> Expected {
        self.journal().expect(submissions)
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// The journal, to be read for an auditor: nothing else waits for such reads.
    pub(crate) fn for_auditors(&self) -> &Journal {
        &self.inner.for_auditors
    }

    pub(crate) fn answering(&self) -> &Answering {
        &self.inner.answering
    }

    pub(crate) fn backup_turn(&self) -> &BackupTurn {
        &self.inner.backup_turn
    }

    /// Entries that auditors' answers have looked at since the start.
    pub(crate) fn looked_at(&self) -> &AtomicU64 {
        &self.inner.looked_at
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn shared_keys(&self) -> Arc<Keys> {
        Arc::clone(&self.inner.keys)
    }

    pub(crate) fn own_identities(&self) -> OwnIdentities {
        self.inner.own_identities
    }

    /// Held by whoever searches bodies for a person, so that one such search runs at a time.
    pub(crate) fn scans(&self) -> &Mutex<()> {
        &self.inner.scans
    }

    /// Who has a feed searched for a pseudonym.
    pub(crate) fn searches(&self) -> &Searches {
        &self.inner.searches
    }

    /// What witnesses have cosigned, and how long ago.
    pub fn witnessed(&self) -> &Witnessed {
        &self.inner.witnessed
    }

    /// Who gets withdrawals only.
    pub(crate) fn narrowed(&self) -> &Narrowed {
        &self.inner.narrowed
    }

    /// Identities whose step is recorded and that have not left yet.
    pub(crate) fn pending(&self) -> &Pending {
        &self.inner.pending
    }

    /// What is counted of each agreement's quotas.
    pub(crate) fn meters(&self) -> &Meters {
        &self.inner.meters
    }

    /// Published tables that have been asked for lately.
    pub(crate) fn read_tables(&self) -> &ReadTables {
        &self.inner.read_tables
    }

    /// Held by whoever rotates a key or brings a document into force.
    pub(crate) fn administering(&self) -> &Mutex<()> {
        &self.inner.administering
    }

    /// Held by whoever compares two versions of an agreement over all records.
    pub(crate) fn comparing(&self) -> &Mutex<()> {
        &self.inner.comparing
    }

    /// What the documents in force amount to now.
    pub(crate) fn governed(&self) -> Arc<Governed> {
        self.inner.governed.now()
    }

    /// What the documents amounted to that were in force before an entry: what it released is shown by those. Not to be called
    /// while the state is being read.
    ///
    /// # Errors
    /// As [`Epochs::before`].
    pub(crate) fn governed_at(&self, leaf: LeafIndex) -> Result<Arc<Governed>, Error> {
        self.inner.governed.before(self.journal(), leaf)
    }

    pub(crate) fn epochs(&self) -> &Epochs {
        &self.inner.governed
    }

    pub(crate) fn windows(&self) -> &Windows {
        &self.inner.windows
    }

    pub(crate) fn tallies(&self) -> &Tally {
        &self.inner.tally
    }

    pub(crate) fn kept_checkpoints(&self) -> &Kept {
        &self.inner.kept_checkpoints
    }

    pub(crate) fn erasing(&self) -> &Mutex<()> {
        &self.inner.erasing
    }

    /// Held by whoever goes through the log for bodies that lost.
    pub(crate) fn swept(&self) -> &Mutex<Swept> {
        &self.inner.swept
    }

    pub(crate) fn clock_trust(&self) -> &ClockTrust {
        &self.inner.clock_trust
    }

    pub(crate) fn releaser(&self) -> &Releaser {
        &self.inner.releaser
    }

    pub(crate) fn said(&self) -> &Said {
        &self.inner.said
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.inner.watches
    }

    pub(crate) fn ticked(&self) -> EventListener {
        self.inner.ticked.listen()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// How much time has passed since some moment of this process, whatever anybody set the time to.
    pub(crate) fn passed(&self) -> std::time::Duration {
        self.inner.clock.passed()
    }

    pub(crate) fn operator(&self) -> AgencyId {
        let operator = self.journal().read(|state| state.operator().cloned());
        operator.expect("an exchange is started only over a complete genesis, whose first entry names the operator")
    }

    /// What the entry keeps of a submission id: it is unique within its agency.
    pub(crate) fn submission_mac(&self, caller: &Caller, id: &SubmissionId) -> [u8; 32] {
        let agency = caller.system.agency.as_str().as_bytes();
        self.keys().ring().submission_mac().tag(SUBMISSION_DOMAIN, &[agency, id.expose().as_bytes()])
    }

    /// The newest durable checkpoint and its size.
    pub(crate) fn head(&self) -> Result<(Arc<str>, u64), Error> {
        let checkpoint = self.journal().checkpoint();
        let size = checkpoint.lines().nth(1).and_then(|line| line.parse().ok());
        size.map(|size| (checkpoint, size)).ok_or_else(|| Error::internal("the journal's own checkpoint has no size"))
    }

    /// A durable checkpoint that covers `leaf`, and its size. State and checkpoint are shown together, so this waits only where
    /// somebody has seen an entry of a commit that is being shown at this moment.
    pub(crate) async fn head_over(&self, leaf: LeafIndex) -> Result<(Arc<str>, u64), Error> {
        loop {
            let changed = self.changed();
            let (checkpoint, size) = self.head()?;
            if size > leaf.0 {
                return Ok((checkpoint, size));
            }
            if !self.is_running() {
                return Err(stopped());
            }
            changed.await;
        }
    }

    /// The audit path of a leaf in a tree of `tree_size` leaves.
    ///
    /// # Errors
    /// `Corrupt` where the stored tree does not verify.
    pub async fn inclusion_proof(&self, leaf: LeafIndex, tree_size: u64) -> Result<Vec<Digest>, Error> {
        self.journal().inclusion_proof(leaf, tree_size).await.map_err(Error::corrupt)
    }
}

/// The one record that an entry concerns.
pub(crate) fn record_ref(
    id: &causeway_model::RecordId,
    version: causeway_model::RecordVersion,
    expected: causeway_model::RecordVersion,
    schema: causeway_model::SchemaId,
) -> v1::RecordRef {
    v1::RecordRef {
        record_id: id.as_bytes().to_vec(),
        version: version.0,
        expected_version: expected.0,
        kind: schema.kind.to_string(),
        schema_version: schema.version.to_string(),
    }
}
