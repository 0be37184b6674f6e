//! `ProtectionService`: erasure, holds, retention and re-identification.

use causeway_exchange::Exchange;
use causeway_proto::v1;
use causeway_proto::v1::protection_service_server::ProtectionService;
use tonic::{Request, Response, Status};

use crate::gate::Call;
use crate::services::{erasure, identity};

type Answer<T> = Result<Response<T>, Status>;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Protection {
    pub(crate) exchange: Exchange,
}

#[tonic::async_trait]
impl ProtectionService for Protection {
    async fn plan_erasure(&self, request: Request<v1::PlanErasureRequest>) -> Answer<v1::PlanErasureResponse> {
        erasure::plan(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn erase(&self, request: Request<v1::EraseRequest>) -> Answer<v1::EraseResponse> {
        erasure::erase(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn hold(&self, request: Request<v1::HoldRequest>) -> Answer<v1::HoldResponse> {
        erasure::hold(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn list_retention(&self, request: Request<v1::ListRetentionRequest>) -> Answer<v1::ListRetentionResponse> {
        erasure::list_retention(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn run_retention(&self, request: Request<v1::RunRetentionRequest>) -> Answer<v1::RunRetentionResponse> {
        erasure::run_retention(&self.exchange, Call::of(&request)?).await
    }

    async fn request_identity(
        &self,
        request: Request<v1::RequestIdentityRequest>,
    ) -> Answer<v1::RequestIdentityResponse> {
        identity::request(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn list_identity_requests(
        &self,
        request: Request<v1::ListIdentityRequestsRequest>,
    ) -> Answer<v1::ListIdentityRequestsResponse> {
        identity::list(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn approve_identity(
        &self,
        request: Request<v1::ApproveIdentityRequest>,
    ) -> Answer<v1::ApproveIdentityResponse> {
        identity::approve(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn refuse_identity(&self, request: Request<v1::RefuseIdentityRequest>) -> Answer<v1::RefuseIdentityResponse> {
        identity::refuse(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn release_identity(
        &self,
        request: Request<v1::ReleaseIdentityRequest>,
    ) -> Answer<v1::ReleaseIdentityResponse> {
        identity::release(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn deliver_identity(
        &self,
        request: Request<v1::DeliverIdentityRequest>,
    ) -> Answer<v1::DeliverIdentityResponse> {
        identity::deliver(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }

    async fn collect_identity(
        &self,
        request: Request<v1::CollectIdentityRequest>,
    ) -> Answer<v1::CollectIdentityResponse> {
        identity::collect(&self.exchange, Call::of(&request)?, request.into_inner()).await
    }
}
