//! Starting from a configuration: keys, journal, the documents it starts from, the use cases, and the listening socket.

mod approvals;
mod beginning;
mod folders;
mod joining;
mod logs;
mod opening;
mod preflight;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_exchange::{Exchange, Releaser};
use causeway_store::{AppendFailure, Clock, FrameLog, Journal, Keys, StoreError};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::config::Config;
use crate::error::Error;
use crate::metrics::Endpoint;
use crate::server::{Gateway, GatewayParts, Ready};
use crate::start::folders::Proposals;
use crate::start::joining::SharedPart;
use crate::witnesses::Witnesses;

pub(crate) use joining::Membership;
pub use logs::Logs;

/// How often a clock that is not relied on is looked at.
const CLOCK_LOOK: Duration = Duration::from_secs(1);

/// Opens everything that a configuration names, creating what a fresh installation lacks, and listens. Nothing is created
/// before the files that it rests on have been found in order, and nothing listened on before everything else has, except for the
/// metrics, which say from then on that the gateway is not ready yet, and for the port of a node, which the others need to start.
///
/// A node of a cluster waits here until a majority of the nodes has said which page keys it has.
///
/// # Errors
/// All faults that can be known together, together; otherwise the first thing that failed.
pub async fn launch(config: Config) -> Result<Gateway, Error> {
    launch_with(config, Clock::system(), Logs::standard()).await
}

/// As [`launch`], by another clock and over a log that `log` opens in the data directory: for tests that set the time and
/// make the log fail.
///
/// # Errors
/// As [`launch`].
pub async fn launch_over(
    config: Config,
    clock: Clock,
    log: impl FnOnce(&Path) -> Result<Box<dyn FrameLog>, StoreError> + Send + 'static,
) -> Result<Gateway, Error> {
    launch_with(config, clock, Logs::over(log)).await
}

/// As [`launch`], by another clock and over logs that are opened in another way.
///
/// # Errors
/// As [`launch`].
pub async fn launch_with(config: Config, clock: Clock, logs: Logs) -> Result<Gateway, Error> {
    let proposals = folders::read(&config.start);
    if config.cluster.is_none() && preflight::is_unused(&config.data_dir) {
        preflight::of_an_empty_journal(&config, &proposals, &clock)?;
    } else {
        preflight::of_any_journal(&config)?;
    }
    let metrics = match config.metrics {
        Some(address) => Some(Endpoint::open(address).await?),
        None => None,
    };
    let Logs { own, shared } = logs;
    let shared = match &config.cluster {
        Some(cluster) => Some(SharedPart::reach(cluster, shared).await?),
        None => None,
    };
    if shared.as_ref().is_some_and(SharedPart::is_empty) && preflight::is_unused(&config.data_dir) {
        preflight::of_an_empty_journal(&config, &proposals, &clock)?;
    }
    let (keys, journal, mut membership) = opening::open(&config, clock.clone(), own, shared).await?;
    let releaser = membership.as_ref().map_or_else(Releaser::alone, Membership::releaser);
    match begin(&config, proposals, keys, &journal, clock, releaser).await {
        Ok(gateway) => Ok(gateway.with_metrics(metrics).of(membership)),
        Err(error) => {
            if let Some(membership) = &mut membership {
                membership.stop_answering().await;
            }
            // A journal that is dropped without this recovers as after a crash, which takes longer.
            let _ = tokio::task::spawn_blocking(move || journal.close()).await;
            if let Some(membership) = membership {
                membership.leave().await;
            }
            Err(error)
        }
    }
}

async fn begin(
    config: &Config,
    proposals: Proposals,
    keys: Arc<Keys>,
    journal: &Journal,
    clock: Clock,
    releaser: Releaser,
) -> Result<Gateway, Error> {
    let mut witnesses = Witnesses::of(config, journal, &clock).map_err(Error::Faults)?;
    if let Some(witnesses) = &mut witnesses {
        // Before anything is signed: what they remember, a copy of the journal that was put back cannot.
        witnesses.look_first().await;
    }
    if let Some(reason) = journal.halted() {
        // Without agencies in force, nobody can be told of it over the wire.
        if !journal.read(|state| state.genesis_complete()) {
            return Err(Error::Faults(vec![reason.to_string()]));
        }
    } else if journal.read(|state| state.genesis_complete()) {
        for fault in proposals.faults {
            tracing::warn!(%fault, "a proposed document does not read; what is in force stays in force");
        }
    } else if config.cluster.is_none() {
        preflight::of_an_empty_journal(config, &proposals, &clock)?;
    } else {
        preflight::of_proposals(config, &proposals, &clock)?;
    }
    if journal.halted().is_none() {
        clock_is_relied_on(journal).await;
        beginning::genesis(journal, &config.operator, proposals.documents).await?;
    }
    let exchange = Exchange::start_among(journal.clone(), keys, clock.clone(), config.own_identities, releaser)?;
    if let (Some(cluster), None) = (&config.cluster, exchange.halted()) {
        exchange.state_roster(&joining::roster(&cluster.nodes)).await?;
    }
    if let Some(witnesses) = &witnesses {
        witnesses.begin(&exchange).await?;
    }
    // Before anything is served: what was to be erased is not read, and what was restored from before is erased again.
    if exchange.halted().is_none() {
        exchange.resume_erasures().await?;
    }
    let agencies = journal.read(|state| state.agencies().cloned().collect());
    let ready = Ready::check(config.clone(), GatewayParts { exchange, agencies, clock })?;
    let listener = TcpListener::bind(config.listen).await.map_err(Error::Listen)?;
    Ok(ready.on(listener)?.with(witnesses))
}

/// Waits while the clock is further ahead of the newest entry than a gateway rests: it is set right, or it has run on. What a start has
/// to write, as erasures that a restored journal does not know of, could not be written before, and a start that failed for it would
/// begin to wait anew.
async fn clock_is_relied_on(journal: &Journal) {
    let mut is_said = false;
    while let Err(failure @ AppendFailure::ClockAhead { .. }) = journal.entry_time() {
        if !std::mem::replace(&mut is_said, true) {
            tracing::error!(
                error = &failure as &dyn std::error::Error,
                "the clock is more than thirty days ahead of the newest entry: set it right where it is wrong; otherwise the start \
                 goes on in ten minutes"
            );
        }
        sleep(CLOCK_LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_faulty_start_lists_everything_and_writes_nothing() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
        let settings = fs::read_to_string(sample.join("gateway.toml")).expect("the sample is there");
        let settings = settings.replace("\"agreements\"", "\"../agreements\"").replace("\"schemas\"", "\"../schemas\"");
        fs::create_dir(at("config")).expect("created");
        fs::write(at("config/gateway.toml"), settings).expect("written");
        for folder in ["agreements", "schemas", "schemas/codes"] {
            fs::create_dir(at(folder)).expect("created");
            let entries = fs::read_dir(sample.join(folder)).expect("the samples are there");
            for path in entries.map(|entry| entry.expect("readable").path()).filter(|path| path.is_file()) {
                fs::copy(&path, at(folder).join(path.file_name().expect("a name"))).expect("copied");
            }
        }
        // One agreement does not read, the other asks for a field that there is not; and no identity has been issued.
        fs::write(at("agreements/broken.toml"), "surprise = 1").expect("written");
        let path = at("agreements/ISA-AL-2026-014.toml");
        let text = fs::read_to_string(&path).expect("the sample is there");
        let asking = text.replacen("\"gender\"", "\"shoe_size\"", 1);
        assert_ne!(text, asking);
        fs::write(path, asking).expect("written");

        let config = Config::load(&at("config/gateway.toml")).expect("the settings are valid");
        let Err(Error::Faults(faults)) = launch(config).await else { panic!("the gateway starts") };
        for about in ["gateway.pem", "gateway.key", "agencies", "approvals", "broken.toml: surprise", "shoe_size"] {
            assert!(faults.iter().any(|fault| fault.contains(about)), "{about} is not among {faults:#?}");
        }
        assert!(
            !faults.iter().any(|fault| fault.contains("has no agency file")),
            "what follows from another: {faults:#?}"
        );
        assert!(!at("data").exists(), "keys or a journal were made");
    }
}
