//! A running gateway, and the clients that its test connects to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_exchange::Exchange;
use causeway_gateway::Reloads;
use causeway_gateway::client::{self, ClientError, Credentials, Statement};
use causeway_gateway::identity::SpiffeId;
use causeway_proto::v1::admin_service_client::AdminServiceClient;
use causeway_proto::v1::audit_service_client::AuditServiceClient;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::protection_service_client::ProtectionServiceClient;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::mirror::{Mirror, PATIENCE};

/// A channel whose calls state a purpose and an operator.
pub(crate) type Stated = InterceptedService<Channel, Statement>;

/// A full page of full records is larger than tonic's own limit.
const LARGEST_ANSWER: usize = 256 * 1024 * 1024;

/// Where a gateway listens, and the identities to connect with.
pub(crate) struct Reach {
    address: SocketAddr,
    root: Arc<TempDir>,
}

/// The real server, on a port of its own. Dropping it without `stop` leaves it to the end of the test's runtime.
pub(crate) struct Gateway {
    reach: Reach,
    mirror: Mirror,
    metrics: Option<SocketAddr>,
    exchange: Exchange,
    reloads: Reloads,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), causeway_gateway::Error>>,
}

impl Gateway {
    pub(crate) fn serve(gateway: causeway_gateway::Gateway, root: Arc<TempDir>, mirror: Mirror) -> Self {
        let (address, metrics) = (gateway.address(), gateway.metrics_address());
        let (exchange, reloads) = (gateway.exchange().clone(), gateway.reloads());
        mirror.attend(Some(exchange.clone()));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(gateway.serve(async move {
            let _ = stopped.await;
        }));
        Self { reach: Reach { address, root }, mirror, metrics, exchange, reloads, stop, served }
    }

    /// The use cases that it serves.
    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// What asks it to look at its files at once.
    pub(crate) fn reloads(&self) -> &Reloads {
        &self.reloads
    }

    /// Where it serves its metrics.
    pub(crate) fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Tells it to stop and waits until it has: then everything is on disk and the data directory is free.
    pub(crate) async fn stop(self) {
        self.ended().await.expect("the gateway stops in order");
    }

    /// Waits until it has ended by itself, and gives how.
    pub(crate) async fn fallen(self) -> Result<(), causeway_gateway::Error> {
        self.mirror.attend(None);
        let served = tokio::time::timeout(PATIENCE, self.served).await;
        served.expect("the gateway ends before the test's patience does").expect("serving does not panic")
    }

    /// As `stop`, with how it ended.
    pub(crate) async fn ended(self) -> Result<(), causeway_gateway::Error> {
        self.mirror.attend(None);
        let _ = self.stop.send(());
        let served = tokio::time::timeout(PATIENCE, self.served).await;
        served.expect("the gateway stops before the test's patience ends").expect("serving does not panic")
    }
}

impl std::ops::Deref for Gateway {
    type Target = Reach;
    fn deref(&self) -> &Reach {
        &self.reach
    }
}

impl Reach {
    /// A gateway that listens at `address`, with the identities of a world.
    pub(crate) fn to(address: SocketAddr, root: Arc<TempDir>) -> Self {
        Self { address, root }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection as a system of the issued identities, as `gb-nca/case-management`.
    pub(crate) async fn channel(&self, system: &str) -> Channel {
        connect(self.address, &credentials(self.root.path(), system)).await.expect("the gateway takes this system")
    }

    /// A connection with a certificate of the test's own making, where the gateway takes it.
    pub(crate) async fn connect_with(
        &self,
        issued: &causeway_cli::certs::Issued,
        name: &str,
    ) -> Result<Channel, ClientError> {
        connect(self.address, &keep(self.root.path(), issued, name)).await
    }

    /// `IngestService`, stating why and who.
    pub(crate) async fn ingest(&self, system: &str) -> IngestServiceClient<Stated> {
        let channel = self.channel(system).await;
        let client = IngestServiceClient::with_interceptor(channel, statement("investigation"));
        client.max_decoding_message_size(LARGEST_ANSWER)
    }

    /// `IngestService`, by whose calls the gateway answers only once it has come to this position.
    pub(crate) async fn ingest_after(&self, system: &str, position: &str) -> IngestServiceClient<Stated> {
        let statement = statement("investigation").after(position).expect("a position");
        IngestServiceClient::with_interceptor(self.channel(system).await, statement)
    }

    /// `FeedService`, stating why and who.
    pub(crate) async fn feed(&self, system: &str) -> FeedServiceClient<Stated> {
        let channel = self.channel(system).await;
        FeedServiceClient::with_interceptor(channel, statement("investigation"))
            .max_decoding_message_size(LARGEST_ANSWER)
    }

    /// `ProtectionService`, stating why and who.
    pub(crate) async fn protection(&self, system: &str) -> ProtectionServiceClient<Stated> {
        ProtectionServiceClient::with_interceptor(self.channel(system).await, statement("investigation"))
    }

    /// `AdminService`, stating why and who.
    pub(crate) async fn admin(&self, system: &str) -> AdminServiceClient<Stated> {
        AdminServiceClient::with_interceptor(self.channel(system).await, statement("integrity"))
    }

    /// `AuditService`, stating why and who.
    pub(crate) async fn audit(&self, system: &str) -> AuditServiceClient<Stated> {
        let channel = self.channel(system).await;
        AuditServiceClient::with_interceptor(channel, statement("lawfulness")).max_decoding_message_size(LARGEST_ANSWER)
    }
}

/// What a call states, with the operator's name that the tests use.
pub(crate) fn statement(purpose: &str) -> Statement {
    Statement::new(purpose, "test.operator").expect("well formed")
}

async fn connect(address: SocketAddr, credentials: &Credentials) -> Result<Channel, ClientError> {
    let id: SpiffeId = "spiffe://gb-nca.causeway.example/gateway".parse().expect("well formed");
    client::connect(&format!("https://{address}"), credentials, &id).await
}

fn credentials(root: &Path, system: &str) -> Credentials {
    let at = |end: &str| root.join("certs-dev").join(format!("{system}.{end}"));
    load(&at("pem"), &at("key"), root)
}

/// Writes a certificate of the test's own making beside the world's, and loads it.
fn keep(root: &Path, issued: &causeway_cli::certs::Issued, name: &str) -> Credentials {
    let at = |end: &str| -> PathBuf { root.join(format!("{name}.{end}")) };
    std::fs::write(at("pem"), &issued.certificate_pem).expect("writable");
    std::fs::write(at("key"), &issued.key_pem).expect("writable");
    load(&at("pem"), &at("key"), root)
}

fn load(certificate: &Path, key: &Path, root: &Path) -> Credentials {
    Credentials::load(certificate, key, &root.join("certs-dev/gb-nca/ca.pem")).expect("the files read")
}
