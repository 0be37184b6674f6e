//! The services of one gateway, as one system calls them for one purpose, and what a refused call says.

use std::time::Duration;

use causeway_proto::v1::Violation;
use causeway_proto::v1::admin_service_client::AdminServiceClient;
use causeway_proto::v1::audit_service_client::AuditServiceClient;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::protection_service_client::ProtectionServiceClient;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{ClientError, Credentials, Statement, connect};
use crate::identity::SpiffeId;

/// Calls of `IngestService`.
pub type Ingest = IngestServiceClient<InterceptedService<Channel, Statement>>;
/// Calls of `FeedService`.
pub type Feed = FeedServiceClient<InterceptedService<Channel, Statement>>;
/// Calls of `AuditService`.
pub type Audit = AuditServiceClient<InterceptedService<Channel, Statement>>;
/// Calls of `ProtectionService`.
pub type Protection = ProtectionServiceClient<InterceptedService<Channel, Statement>>;
/// Calls of `AdminService`.
pub type Admin = AdminServiceClient<InterceptedService<Channel, Statement>>;

/// One connection, and what every call on it states. A cheap clone.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(super) channel: Channel,
    statement: Statement,
}

impl Clients {
    /// Connects as [`connect`] does.
    ///
    /// # Errors
    /// What kept the connection from standing.
    pub async fn connect(
        address: &str,
        credentials: &Credentials,
        gateway: &SpiffeId,
        statement: Statement,
    ) -> Result<Self, ClientError> {
        Ok(Self { channel: connect(address, credentials, gateway).await?, statement })
    }

    /// What submitting systems call.
    pub fn ingest(&self) -> Ingest {
        IngestServiceClient::with_interceptor(self.channel.clone(), self.statement.clone())
    }

    /// What partner agencies call.
    pub fn feed(&self) -> Feed {
        FeedServiceClient::with_interceptor(self.channel.clone(), self.statement.clone())
    }

    /// What auditors call.
    pub fn audit(&self) -> Audit {
        AuditServiceClient::with_interceptor(self.channel.clone(), self.statement.clone())
    }

    /// What data-protection officers call.
    pub fn protection(&self) -> Protection {
        ProtectionServiceClient::with_interceptor(self.channel.clone(), self.statement.clone())
    }

    /// What the operator calls.
    pub fn admin(&self) -> Admin {
        AdminServiceClient::with_interceptor(self.channel.clone(), self.statement.clone())
    }
}

/// Why a call was refused, read back from its status.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The stable reason code; none where it was not the gateway that said so, but the connection that broke.
    pub reason: Option<String>,
    /// What to do, in words.
    pub message: String,
    /// The rules that a record breaks. Of very many, the first ones only.
    pub violations: Vec<Violation>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The request's id, which is in the gateway's log lines and in the entry: for whoever asks its operator.
    pub request_id: Option<String>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        let violation = |found: &tonic_types::FieldViolation| Violation {
            pointer: found.field.clone(),
            rule: found.description.clone(),
            reason: found.reason.clone(),
        };
        // A status without a reason is not the gateway's own, except for messages over the limit, which the codec refuses.
        let reason = details.error_info().map(|info| info.reason.clone());
        let too_long = status.code() == Code::OutOfRange && reason.is_none();
        Self {
            reason: reason.or_else(|| too_long.then(|| "message-too-long".to_owned())),
            message: status.message().to_owned(),
            violations: violations.iter().map(violation).collect(),
            request_id: details.request_info().map(|info| info.request_id.clone()),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}
