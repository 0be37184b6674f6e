//! The witnesses, from the gateway's side: it asks them to cosign its checkpoints (C2SP tlog-witness), gathers what they answer until
//! a quorum has cosigned one checkpoint, and takes their memory for better than its own: where one of them holds a checkpoint that this
//! log has signed and that is none of its history, the journal is halted.

mod address;
mod asking;
mod evidence;
mod gathering;
mod remote;
mod rounds;

use std::sync::Arc;

use causeway_exchange::{Exchange, WitnessedCheckpoint};
use causeway_journal::note::Note;
use causeway_journal::{Checkpoint, Policy};
use causeway_model::Timestamp;
use causeway_store::{Clock, Journal};
use tokio::task::JoinHandle;

use crate::config::{Config, WitnessOptions};
use crate::shutdown::Stopping;
use crate::tls::KeyPair;
pub(crate) use address::Address;
use asking::Asker;
use evidence::Ours;
use remote::Remote;

/// Checkpoints that are read at a time while the newest witnessed one is looked for.
const KEPT_AT_A_TIME: usize = 256;

/// The witnesses of one gateway.
#[derive(Debug)]
pub(crate) struct Witnesses {
    options: WitnessOptions,
    ours: Ours,
    clock: Clock,
    askers: Vec<Asker>,
}

impl Witnesses {
    /// Those of the settings, none where they state none.
    ///
    /// # Errors
    /// All faults of what it takes to reach them, one line each.
    pub(crate) fn of(config: &Config, journal: &Journal, clock: &Clock) -> Result<Option<Self>, Vec<String>> {
        let Some(options) = config.witnesses.clone() else { return Ok(None) };
        let own = KeyPair::load(&config.tls.certificate, &config.tls.key)?;
        let tls = remote::tls(&options.roots, &own).map_err(|error| vec![format!("witnesses: {error}")])?;
        let ours =
            Ours { journal: journal.clone(), origin: config.origin.as_str().into(), policy: options.policy.clone() };
        let mut askers = Vec::new();
        for witness in options.policy.witnesses() {
            let address = Address::parse(witness.url.as_deref().unwrap_or_default());
            let address = address.map_err(|what| vec![format!("witness {}: {what}", witness.name)])?;
            let remote = Remote::new(address, Arc::clone(&tls));
            askers.push(Asker::new(witness.clone(), remote, ours.clone()));
        }
        Ok(Some(Self { options, ours, clock: clock.clone(), askers }))
    }

    /// Asks all witnesses, side by side, what they hold of this log, before anything of it is served or signed. One that holds a
    /// larger or another history, signed by this log, halts the journal. One that does not answer in time is asked later.
    pub(crate) async fn look_first(&mut self) {
        let looks = self.askers.iter_mut().map(Asker::look_first);
        futures_util::future::join_all(looks).await;
    }

    /// Tells the exchange to go by them: from when they cosigned last, as far as that was kept.
    ///
    /// # Errors
    /// Where that has to be read from the log or written there, and cannot be.
    pub(crate) async fn begin(&self, exchange: &Exchange) -> Result<(), causeway_exchange::Error> {
        let names = self.options.policy.witnesses().iter().map(|witness| witness.name.clone()).collect();
        let kept = newest_kept(&self.ours).await;
        exchange.begin_witnessing(self.options.terms, names, kept).await
    }

    /// Asks them for as long as the gateway runs and the journal is not halted.
    pub(crate) fn run(self, exchange: &Exchange, stopping: &Stopping) -> Vec<JoinHandle<()>> {
        rounds::run(self, exchange, stopping)
    }
}

/// The newest checkpoint of those that were kept that a quorum has cosigned.
async fn newest_kept(ours: &Ours) -> Option<WitnessedCheckpoint> {
    let policy = ours.policy();
    let size = ours.journal.read(|state| state.tree().size());
    let mut back = 1;
    loop {
        // Ever farther back, so that a recent one is found without reading those of years.
        let from = size.saturating_sub(back);
        if let Some(found) = newest_from(ours, &policy, from).await {
            return Some(found);
        }
        if from == 0 {
            return None;
        }
        back = back.saturating_mul(16);
    }
}

async fn newest_from(ours: &Ours, policy: &Policy, from: u64) -> Option<WitnessedCheckpoint> {
    let (mut from, mut newest) = (from, None);
    loop {
        let notes = match ours.journal.checkpoints(from, KEPT_AT_A_TIME).await {
            Ok(notes) => notes,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "kept checkpoints could not be read");
                return newest;
            }
        };
        // Whatever the policy says of them: those that an earlier key signed verify no more, and may be many.
        let next = notes.last().filter(|_| notes.len() == KEPT_AT_A_TIME).and_then(|note| size_of(note));
        for note in notes {
            let Ok(verdict) = policy.check(&note) else { continue };
            let Some(seconds) = verdict.newest_quorum_time.filter(|_| verdict.quorum) else { continue };
            let time = Timestamp(seconds.saturating_mul(1_000_000));
            newest = Some(WitnessedCheckpoint { note: note.into(), size: verdict.checkpoint.size, time });
        }
        match next.and_then(|size| size.checked_add(1)) {
            Some(next) if next > from => from = next,
            _ => return newest,
        }
    }
}

/// The size that a note states.
fn size_of(note: &str) -> Option<u64> {
    Some(Checkpoint::parse(Note::parse(note).ok()?.text).ok()?.size)
}
