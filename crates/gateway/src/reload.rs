//! What is taken while the gateway runs: its certificate and key, the agencies' revocation lists, limits, and the level of its lines.
//! Files are looked at several times a second, whether they are replaced or written over, and at once where somebody asks.
//!
//! New handshakes get what is new, and open connections stay. What is not in order is not taken: what was in force before stays, and
//! an entry, a metric and a line say so, once for what the files hold.

mod files;
mod lists;
mod settings;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use causeway_exchange::Notice;
use causeway_model::AgencyId;
use causeway_store::Clock;
use tokio::sync::Notify;

use crate::accept::Acceptor;
use crate::config::{Config, Source};
use crate::expiry::DailyWarning;
use crate::logging;
use crate::metrics::{Reloaded, TrustMeasures};
use crate::peer::unix_time;
use crate::shutdown::Stopping;
use crate::tls;
use crate::trust::Authority;
use files::{Due, Files};
use lists::Narrowing;

/// How often files are looked at. What they hold is taken when it stands at two looks, and streams are cut when that is done: together
/// within the second in which a revocation has to tell.
const LOOK: Duration = Duration::from_millis(250);

/// Asks the gateway to look at its files at once, as SIGHUP does. A cheap clone.
#[derive(Debug, Clone, Default)]
pub struct Reloads(Arc<Notify>);

impl Reloads {
    /// Asks. What is in the files is judged then although it may have been refused before.
    pub fn ask(&self) {
        self.0.notify_one();
    }
}

/// Takes what changes.
#[derive(Debug)]
pub(crate) struct Reloader {
    config: Config,
    in_force: Acceptor,
    measures: Arc<TrustMeasures>,
    files: Files,
    narrowing: Narrowing,
    warning: DailyWarning,
}

impl Reloader {
    /// Over what has just been started from `config`.
    pub(crate) fn new(config: Config, in_force: Acceptor, measures: Arc<TrustMeasures>) -> Self {
        let files = Files::of(&config);
        Self { config, in_force, measures, files, narrowing: Narrowing::default(), warning: DailyWarning::default() }
    }

    /// Takes the revocation lists as they are. To be called before anything is served.
    pub(crate) async fn begin(&mut self) {
        if self.config.revocation.folder.is_none() {
            tracing::warn!("no folder of revocation lists is set: a revoked certificate is taken until it ends");
        }
        self.look(false, true).await;
    }

    /// Looks until the gateway stops.
    pub(crate) async fn run(mut self, asked: Reloads, stopping: Stopping) {
        loop {
            let at_once = tokio::select! {
                () = stopping.wait() => return,
                () = asked.0.notified() => true,
                // Other agencies, or other roots of theirs, ask for other lists.
                () = self.in_force.authority.renewed() => false,
                () = tokio::time::sleep(LOOK) => false,
            };
            self.look(at_once, false).await;
        }
    }

    async fn look(&mut self, at_once: bool, is_first: bool) {
        if at_once {
            tracing::info!("looking at the settings, the certificate and the revocation lists");
        }
        for due in self.see(at_once).await {
            let judged = match &due {
                Due::Settings => self.take_settings().await,
                Due::Certificate => self.take_certificate().await,
                Due::Lists(agency) => self.take_lists(agency.clone()).await,
            };
            self.say(&due, judged, is_first).await;
        }
        self.measures.refused_now(self.files.refused());
        self.narrowing.look(&self.config.revocation, &self.in_force, &self.measures).await;
        self.warning.look(&self.in_force, &self.measures);
    }

    async fn see(&mut self, at_once: bool) -> Vec<Due> {
        let (config, authority) = (self.config.clone(), Arc::clone(&self.in_force.authority));
        let mut files = std::mem::take(&mut self.files);
        let seeing = move || {
            let due = files.look(&config, &authority, at_once);
            (files, due)
        };
        let (files, due) = blocking(seeing).await;
        self.files = files;
        due
    }

    /// Limits, the level of lines, where certificate and lists are, and what is asked of lists.
    async fn take_settings(&mut self) -> Result<(), Vec<String>> {
        let Some(Source { path, .. }) = self.config.source.clone() else { return Ok(()) };
        let new = blocking(move || Config::load(&path)).await?;
        let waiting = settings::waiting(&self.config, &new);
        if !waiting.is_empty() {
            let settings = waiting.join(", ");
            tracing::warn!(settings, "changed settings that are read at the next start only");
        }
        self.in_force.limits.replace(new.limits.clone());
        if let Err(error) = logging::set_level(new.log.level) {
            tracing::warn!(%error, "the level of the lines stays as it is");
        }
        let log = crate::config::Log { level: new.log.level, ..self.config.log };
        // What waits is not in force: the next change says so again.
        self.config =
            Config { source: new.source, tls: new.tls, revocation: new.revocation, log, ..self.config.clone() };
        Ok(())
    }

    async fn take_certificate(&self) -> Result<(), Vec<String>> {
        let (files, operator) = (self.config.tls.clone(), self.config.operator.clone());
        let (authority, clock) = (Arc::clone(&self.in_force.authority), self.in_force.clock.clone());
        let own = blocking(move || tls::server_config(&files, &operator, &authority, &clock)).await?;
        self.measures.own_certificate(own.system, own.expires);
        self.in_force.tls.replace(own.config);
        Ok(())
    }

    async fn take_lists(&self, agency: AgencyId) -> Result<(), Vec<String>> {
        let Some(folder) = self.config.revocation.folder.clone() else { return Ok(()) };
        let (authority, now) = (Arc::clone(&self.in_force.authority), unix_time(&self.in_force.clock));
        blocking(move || lists::take(&folder, &agency, &authority, now)).await.map_err(|what| vec![what])
    }

    /// Says what became of changed files, in lines, metrics and the journal.
    async fn say(&mut self, due: &Due, judged: Result<(), Vec<String>>, is_first: bool) {
        let (what, agency) = match due {
            Due::Settings => (Reloaded::Settings, ""),
            Due::Certificate => (Reloaded::Certificate, ""),
            Due::Lists(agency) => (Reloaded::RevocationLists, agency.as_str()),
        };
        let Some(watched) = self.files.watched(due) else { return };
        match judged {
            Ok(()) => {
                watched.take();
                if !is_first {
                    tracing::info!(what = what.as_str(), agency, "changed files are in force");
                    self.measures.taken(what);
                    self.in_force.exchange.note(&Notice::Reloaded).await;
                }
            }
            Err(faults) => {
                if watched.refuse() {
                    let faults = faults.join("; ");
                    tracing::warn!(
                        what = what.as_str(),
                        agency,
                        faults,
                        "changed files are not taken; what was in force stays"
                    );
                    self.measures.refused(what);
                    self.in_force.exchange.note(&Notice::ReloadRefused).await;
                }
            }
        }
    }
}

/// Goes by the revocation lists as they are, before anything else is judged; what is not in order is said once the gateway serves.
pub(crate) fn first_lists(config: &Config, authority: &Authority, clock: &Clock) {
    let Some(folder) = &config.revocation.folder else { return };
    for (agency, _) in authority.bundles() {
        // Said by `begin`, which judges the same files.
        let _ = lists::take(folder, &agency, authority, unix_time(clock));
    }
}

/// Does what may wait for a disk on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}
