//! Methods of later versions: authenticated and authorised like all others, then told that they are not served yet.

use causeway_proto::v1;
use causeway_proto::v1::admin_service_server::AdminService;
use causeway_proto::v1::protection_service_server::ProtectionService;
use tonic::{Request, Response, Status};

use crate::status::Fault;

type Answer<T> = Result<Response<T>, Status>;

/// What every such method answers.
pub(crate) fn not_served<T>() -> Answer<T> {
    Err(Fault::NotServed.into())
}

/// Erasure, holds and re-identification.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protection;

#[tonic::async_trait]
impl ProtectionService for Protection {
    async fn erase(&self, _: Request<v1::EraseRequest>) -> Answer<v1::EraseResponse> {
        not_served()
    }
    async fn plan_erasure(&self, _: Request<v1::PlanErasureRequest>) -> Answer<v1::PlanErasureResponse> {
        not_served()
    }
    async fn run_retention(&self, _: Request<v1::RunRetentionRequest>) -> Answer<v1::RunRetentionResponse> {
        not_served()
    }
    async fn list_identity_requests(&self, _: Request<v1::ListIdentityRequestsRequest>) -> Answer<v1::ListIdentityRequestsResponse> {
        not_served()
    }
    async fn refuse_identity(&self, _: Request<v1::RefuseIdentityRequest>) -> Answer<v1::RefuseIdentityResponse> {
        not_served()
    }
    async fn release_identity(&self, _: Request<v1::ReleaseIdentityRequest>) -> Answer<v1::ReleaseIdentityResponse> {
        not_served()
    }
    async fn deliver_identity(&self, _: Request<v1::DeliverIdentityRequest>) -> Answer<v1::DeliverIdentityResponse> {
        not_served()
    }
    async fn hold(&self, _: Request<v1::HoldRequest>) -> Answer<v1::HoldResponse> {
        not_served()
    }
    async fn request_identity(&self, _: Request<v1::RequestIdentityRequest>) -> Answer<v1::RequestIdentityResponse> {
        not_served()
    }
    async fn approve_identity(&self, _: Request<v1::ApproveIdentityRequest>) -> Answer<v1::ApproveIdentityResponse> {
        not_served()
    }
    async fn collect_identity(&self, _: Request<v1::CollectIdentityRequest>) -> Answer<v1::CollectIdentityResponse> {
        not_served()
    }
    async fn list_retention(&self, _: Request<v1::ListRetentionRequest>) -> Answer<v1::ListRetentionResponse> {
        not_served()
    }
}

/// Governed documents and keys, live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admin;

#[tonic::async_trait]
impl AdminService for Admin {
    async fn activate_document(&self, _: Request<v1::ActivateDocumentRequest>) -> Answer<v1::ActivateDocumentResponse> {
        not_served()
    }
    async fn suspend(&self, _: Request<v1::SuspendRequest>) -> Answer<v1::SuspendResponse> {
        not_served()
    }
    async fn rotate_key(&self, _: Request<v1::RotateKeyRequest>) -> Answer<v1::RotateKeyResponse> {
        not_served()
    }
}
