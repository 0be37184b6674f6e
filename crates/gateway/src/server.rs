//! One gateway: everything checked, then served until it is told to stop, then ended in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use causeway_agreement::AgencyFile;
use causeway_exchange::Exchange;
use causeway_proto::v1::admin_service_server::AdminServiceServer;
use causeway_proto::v1::audit_service_server::AuditServiceServer;
use causeway_proto::v1::feed_service_server::FeedServiceServer;
use causeway_proto::v1::ingest_service_server::IngestServiceServer;
use causeway_proto::v1::protection_service_server::ProtectionServiceServer;
use causeway_store::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

use crate::accept::Acceptor;
use crate::access;
use crate::config::Config;
use crate::duties;
use crate::error::Error;
use crate::gate::Gate;
use crate::limits::Parties;
use crate::live::Live;
use crate::metrics::{Endpoint, Traffic, TrustMeasures};
use crate::panics::Probe;
use crate::reload::{Reloader, Reloads};
use crate::reopen;
use crate::secured;
use crate::services::admin::Admin;
use crate::services::audit::Audit;
use crate::services::feed::Feed;
use crate::services::ingest::Ingest;
use crate::services::protection::Protection;
use crate::shutdown::{self, Stopping};
use crate::standing::Standings;
use crate::start::Membership;
use crate::witnesses::Witnesses;

/// Requests that carry no record are small.
const SMALL_MESSAGE_BYTES: usize = 64 * 1024;

/// A delivered identity is at most 128 KiB; so is a governed document, with room for its approvals.
const SEALED_MESSAGE_BYTES: usize = 256 * 1024;

/// Bytes of one stream, and of all streams of a connection, that may be on their way to the gateway.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// What a gateway serves.
#[derive(Debug)]
pub struct GatewayParts {
    /// The use cases, over a journal whose genesis is complete.
    pub exchange: Exchange,
    /// The agency files in force: whose certificates speak for whom.
    pub agencies: Vec<Arc<AgencyFile>>,
    /// The clock that certificates are judged by; the exchange's own.
    pub clock: Clock,
}

/// A gateway that has been found in order, and listens nowhere yet.
#[derive(Debug)]
pub(crate) struct Ready {
    config: Config,
    acceptor: Acceptor,
    standings: Arc<Standings>,
    measures: Arc<TrustMeasures>,
}

impl Ready {
    /// Checks that everything fits together: trust bundles, the gateway's own certificate, the table of roles.
    pub(crate) fn check(config: Config, parts: GatewayParts) -> Result<Self, Error> {
        let GatewayParts { exchange, agencies, clock } = parts;
        let mut faults = access::table_faults(config.reflection);
        let secured = secured::secured(&config, agencies.iter().map(AsRef::as_ref), &clock);
        let secured = secured.map_err(|found| faults.extend(found)).ok();
        let (Some((authority, own)), true) = (secured, faults.is_empty()) else {
            return Err(Error::Faults(faults));
        };
        let limits = Arc::new(Live::new(config.limits.clone()));
        let measures = Arc::new(TrustMeasures::new(Arc::clone(&authority), own.system, own.expires));
        let tls = Arc::new(Live::new(own.config));
        let standings =
            Arc::new(Standings { authority: Arc::clone(&authority), exchange: exchange.clone(), clock: clock.clone() });
        let traffic = Traffic::default();
        let parties = Parties::new(Arc::clone(&limits), exchange.clone(), clock.clone(), traffic.clone());
        let acceptor = Acceptor { tls, authority, exchange, clock, limits, traffic, parties };
        Ok(Self { config, acceptor, standings, measures })
    }

    /// The gateway that serves on this socket.
    pub(crate) fn on(self, listener: TcpListener) -> Result<Gateway, Error> {
        let Self { config, acceptor, standings, measures } = self;
        let (address, reloads) = (listener.local_addr().map_err(Error::Listen)?, Reloads::default());
        let (exchange, metrics, witnesses, probe) = (acceptor.exchange.clone(), None, None, Probe::default());
        Ok(Gateway {
            config,
            exchange,
            acceptor,
            standings,
            measures,
            reloads,
            listener,
            address,
            metrics,
            witnesses,
            membership: None,
            probe,
        })
    }
}

/// A gateway that has been found in order and is ready to serve.
#[derive(Debug)]
pub struct Gateway {
    config: Config,
    exchange: Exchange,
    acceptor: Acceptor,
    standings: Arc<Standings>,
    measures: Arc<TrustMeasures>,
    reloads: Reloads,
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<Endpoint>,
    witnesses: Option<Witnesses>,
    membership: Option<Membership>,
    probe: Probe,
}

impl Gateway {
    /// The same gateway, which has its checkpoints cosigned. The exchange goes by these witnesses already.
    pub(crate) fn with(self, witnesses: Option<Witnesses>) -> Self {
        Self { witnesses, ..self }
    }

    /// The same gateway, which is this node of a cluster.
    pub(crate) fn of(self, membership: Option<Membership>) -> Self {
        Self { membership, ..self }
    }

    /// The same gateway, which says where its calls are: for tests that let them panic there.
    pub fn with_probe(self, probe: Probe) -> Self {
        Self { probe, ..self }
    }

    /// The same gateway, whose metrics are served there.
    pub(crate) fn with_metrics(self, metrics: Option<Endpoint>) -> Self {
        if let Some(metrics) = &metrics {
            metrics.show(&self.exchange, self.config.data_dir.clone(), &self.acceptor.traffic, &self.measures);
        }
        Self { metrics, ..self }
    }

    /// Checks that everything fits together: trust bundles, the gateway's own certificate, the table of roles. No metrics are
    /// served: see [`crate::launch`].
    ///
    /// # Errors
    /// `Faults` with all of them; nothing has been served then.
    pub fn start(config: Config, parts: GatewayParts, listener: TcpListener) -> Result<Self, Error> {
        Ready::check(config, parts)?.on(listener)
    }

    /// The use cases that it serves, for those who run it in their own process: tests, the demonstration, measurements.
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Where it listens; with port 0 in the configuration, the port that it was given.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why the journal is halted: its history is not what it has signed. Then the gateway serves its health and the last checkpoint,
    /// and nothing else; none where it is not.
    pub fn halted(&self) -> Option<Arc<str>> {
        self.exchange.halted()
    }

    /// What asks it to look at its files at once.
    pub fn reloads(&self) -> Reloads {
        self.reloads.clone()
    }

    /// Where it serves its metrics; none where it does not.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Endpoint::address)
    }

    /// Serves until `shutdown` completes; then stops accepting, lets what is in flight finish within the deadline, and
    /// closes the journal, so that everything acknowledged is on disk when this returns.
    ///
    /// Calls that are still in flight at the deadline are cut; what was not acknowledged may be sent again.
    ///
    /// # Errors
    /// `Serve` where serving failed; `Reopen` where the journal has stopped at an error and a start may recover it; `Stuck` where it waits
    /// for its disk, in threads that only the process's end ends: nothing is closed then, and no call is waited for.
    pub async fn serve(mut self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let (metrics, (stop, stopping)) = (self.metrics.take(), shutdown::channel());
        let (mut health, health_service) = tonic_health::server::health_reporter();
        let said = duties::health_of(&self.exchange);
        health.set_service_status("", said).await;
        let (mut background, witnesses) = (self.background(), self.ask_witnesses(&stopping));
        background.push(self.reload(&stopping).await);
        let (stop_releaser, releaser_stopping) = shutdown::channel();
        let releaser = duties::releasing(self.exchange.clone(), releaser_stopping);
        let (stop_keeper, keeper_stopping) = shutdown::channel();
        let keeper = duties::keeping(self.exchange.clone(), keeper_stopping.clone());
        let watch = duties::watching(self.exchange.clone(), health.clone(), said, keeper_stopping);
        self.acceptor.parties.read_journal().await;
        let limits = self.acceptor.limits.now();
        let mut server = Server::builder()
            .max_concurrent_streams(limits.streams)
            .http2_max_header_list_size(limits.header_bytes)
            .http2_keepalive_interval(Some(limits.keepalive))
            .http2_keepalive_timeout(Some(limits.keepalive))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .layer(Gate::new(Arc::clone(&self.standings), self.acceptor.traffic.clone(), self.probe.clone()));
        let (ingest, feed, audit) = self.services(&stopping);
        let (protection, admin) = self.offices();
        let router = server
            .add_service(IngestServiceServer::new(ingest).max_decoding_message_size(limits.message_bytes))
            .add_service(FeedServiceServer::new(feed).max_decoding_message_size(SMALL_MESSAGE_BYTES))
            .add_service(AuditServiceServer::new(audit).max_decoding_message_size(SMALL_MESSAGE_BYTES))
            .add_service(ProtectionServiceServer::new(protection).max_decoding_message_size(SEALED_MESSAGE_BYTES))
            .add_service(AdminServiceServer::new(admin).max_decoding_message_size(SEALED_MESSAGE_BYTES))
            .add_service(health_service)
            .add_optional_service(reflection(self.config.reflection)?);
        let connections = self.acceptor.run(self.listener, stopping.clone());
        let mut serving =
            Box::pin(router.serve_with_incoming_shutdown(connections, async move { stopping.wait().await }));
        let say_serving = |is_serving| metrics.iter().for_each(|metrics| metrics.serving(is_serving));
        say_serving(true);
        let mut reopened = None;
        let ended = tokio::select! {
            ended = &mut serving => Some(ended),
            () = shutdown => None,
            reason = reopen::when_worth_it(&self.exchange, self.config.disk.reopen) => {
                reopened = Some(reason);
                None
            }
            () = reopen::when_given_up(&self.exchange, self.config.disk.give_up) => {
                // What can end does; nothing is awaited, since it may wait for the journal.
                background.iter().for_each(JoinHandle::abort);
                return Err(Error::Stuck);
            }
        };
        tracing::info!("stopping");
        say_serving(false);
        // Awaited, so that it says nothing more of the health.
        stop_keeper.now();
        let _ = tokio::join!(keeper, watch);
        health.set_service_status("", ServingStatus::NotServing).await;
        // Whoever watches the health reads that first, and then the end of the stream, which would else stay open.
        health.clear_service_status("").await;
        stop.now();
        let result = match ended {
            Some(ended) => ended.map_err(Error::Serve),
            None => match tokio::time::timeout(limits.shutdown, &mut serving).await {
                Ok(ended) => ended.map_err(Error::Serve),
                Err(_elapsed) => {
                    tracing::warn!("calls were still in flight when the time to stop was over; they are cut");
                    Ok(())
                }
            },
        };
        stop_releaser.now();
        let _ = releaser.await;
        // They end by themselves, and keep first what was witnessed last.
        let _ = tokio::time::timeout(limits.shutdown, futures_util::future::join_all(witnesses)).await;
        for task in background {
            task.abort();
            // Awaited, so that it is not in the middle of an append when the journal closes.
            let _ = task.await;
        }
        if let Some(membership) = &mut self.membership {
            membership.stop_answering().await;
        }
        close(self.exchange).await;
        if let Some(membership) = self.membership {
            membership.leave().await;
        }
        if let Some(metrics) = metrics {
            metrics.close().await;
        }
        reopened.map_or(result, |reason| Err(Error::Reopen(reason)))
    }

    /// What runs beside the calls.
    fn background(&self) -> Vec<JoinHandle<()>> {
        let (keeper, teller) = (self.exchange.clone(), self.exchange.clone());
        vec![
            tokio::spawn(async move { keeper.run_keeper().await }),
            tokio::spawn(async move { teller.run_news().await }),
        ]
    }

    /// What takes changed files. The revocation lists are in force when this returns.
    async fn reload(&self, stopping: &Stopping) -> JoinHandle<()> {
        let measures = Arc::clone(&self.measures);
        let mut reloader = Reloader::new(self.config.clone(), self.acceptor.clone(), measures);
        reloader.begin().await;
        tokio::spawn(reloader.run(self.reloads.clone(), stopping.clone()))
    }

    /// What asks the witnesses.
    fn ask_witnesses(&mut self, stopping: &Stopping) -> Vec<JoinHandle<()>> {
        let witnesses = self.witnesses.take().map(|witnesses| witnesses.run(&self.exchange, stopping));
        witnesses.unwrap_or_default()
    }

    fn services(&self, stopping: &Stopping) -> (Ingest, Feed, Audit) {
        let (exchange, limits) = (&self.exchange, &self.acceptor.limits);
        (
            Ingest { exchange: exchange.clone(), stopping: stopping.clone(), limits: Arc::clone(limits) },
            Feed { exchange: exchange.clone(), stopping: stopping.clone(), limits: Arc::clone(limits) },
            Audit { exchange: exchange.clone() },
        )
    }

    fn offices(&self) -> (Protection, Admin) {
        let (exchange, standings) = (self.exchange.clone(), Arc::clone(&self.standings));
        let config = Arc::new(self.config.clone());
        (Protection { exchange: exchange.clone() }, Admin { exchange, config, standings })
    }
}

fn reflection(wanted: bool) -> Result<Option<ServerReflectionServer<impl ServerReflection>>, Error> {
    if !wanted {
        return Ok(None);
    }
    let service = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(causeway_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    service.map(Some).map_err(|error| Error::Faults(vec![format!("reflection: {error}")]))
}

/// Closes the journal on a thread that may block.
async fn close(exchange: Exchange) {
    let runtime = tokio::runtime::Handle::current();
    let closed = tokio::task::spawn_blocking(move || runtime.block_on(exchange.close())).await;
    if closed.is_err() {
        tracing::error!("the journal did not close in order; the next start recovers it");
    }
}
