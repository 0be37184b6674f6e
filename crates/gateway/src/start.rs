//! Starting from a configuration: keys, journal, the documents it starts from, the use cases, and the listening socket.

mod approvals;
mod folders;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use causeway_agreement::AgencyFile;
use causeway_exchange::{Exchange, ProposedDocument, genesis};
use causeway_journal::v1::DocumentKind;
use causeway_store::{Clock, FrameLog, Journal, Keys, Options, SledLog, StoreError};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::error::Error;
use crate::server::{self, Gateway, GatewayParts, Ready};
use crate::trust::Authority;

/// Opens everything that a configuration names, creating what a fresh installation lacks, and listens. Nothing is
/// listened on before everything else has been found in order.
///
/// # Errors
/// All faults that can be known together, together; otherwise the first thing that failed.
pub async fn launch(config: Config) -> Result<Gateway, Error> {
    launch_over(config, Clock::system(), |data_dir| Ok(Box::new(SledLog::open(data_dir)?))).await
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
    let (keys, journal) = open(&config, clock.clone(), log).await?;
    match begin(&config, keys, &journal, clock).await {
        Ok(gateway) => Ok(gateway),
        Err(error) => {
            // A journal that is dropped without this recovers as after a crash, which takes longer.
            let _ = tokio::task::spawn_blocking(move || journal.close()).await;
            Err(error)
        }
    }
}

async fn begin(config: &Config, keys: Arc<Keys>, journal: &Journal, clock: Clock) -> Result<Gateway, Error> {
    let fresh = !journal.read(|state| state.genesis_complete());
    let (documents, doubts) = folders::read(&config.start);
    let mut faults = server::faults_of(config);
    if fresh {
        faults.extend(doubts);
        faults.extend(bundle_faults(config, &documents));
    } else {
        for fault in doubts {
            tracing::warn!(%fault, "a proposed document does not read; what is in force stays in force");
        }
    }
    if !faults.is_empty() {
        return Err(Error::Faults(faults));
    }
    genesis(journal, &config.operator, documents).await?;
    let exchange = Exchange::start(journal.clone(), keys, clock.clone())?;
    let agencies = journal.read(|state| state.agencies().cloned().collect());
    let ready = Ready::check(config.clone(), GatewayParts { exchange, agencies, clock })?;
    let listener = TcpListener::bind(config.listen).await.map_err(Error::Listen)?;
    ready.on(listener)
}

/// What is wrong with the trust bundles of the proposed agency files, looked at before they come into force: a bundle in
/// force can only be replaced by a later version of its file.
fn bundle_faults(config: &Config, documents: &[ProposedDocument]) -> Vec<String> {
    let texts =
        documents.iter().filter(|document| document.kind == DocumentKind::Agency).map(|document| &document.text);
    let files = texts.filter_map(|text| AgencyFile::parse(std::str::from_utf8(text).ok()?).ok());
    let files: Vec<AgencyFile> = files.collect();
    Authority::new(config.suffix.clone(), &files).err().unwrap_or_default()
}

/// Opens keys and journal on a thread that may block.
async fn open(
    config: &Config,
    clock: Clock,
    log: impl FnOnce(&Path) -> Result<Box<dyn FrameLog>, StoreError> + Send + 'static,
) -> Result<(Arc<Keys>, Journal), Error> {
    let config = config.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let (keys, created) = Keys::load_or_create(&config.keys_dir)?;
        if created {
            tracing::info!(folder = %config.keys_dir.display(), "created the root key and the key ring; back them up apart");
        }
        let keys = Arc::new(keys);
        let log = log(&config.data_dir)?;
        if on_one_volume(&config.keys_dir, &config.data_dir) {
            tracing::warn!("keys and journal are on one volume: whoever takes it has both; keep the keys elsewhere");
        }
        let options = Options {
            data_dir: config.data_dir,
            keys: Arc::clone(&keys),
            clock,
            node: config.node,
            origin: config.origin,
            software: concat!("causeway/", env!("CARGO_PKG_VERSION")).to_owned(),
            queue_depth: config.limits.queue_depth,
        };
        let journal = Journal::start(log, options)?;
        Ok((keys, journal))
    });
    opened.await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

fn on_one_volume(one: &Path, other: &Path) -> bool {
    let volume = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.dev()).ok();
    volume(one).is_some_and(|device| volume(other) == Some(device))
}
