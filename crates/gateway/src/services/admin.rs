//! `AdminService`: governed documents and keys, live.

use std::sync::Arc;

use causeway_exchange::{Error, Exchange};
use causeway_proto::v1;
use causeway_proto::v1::admin_service_server::AdminService;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::config::Config;
use crate::gate::Call;
use crate::services::{backup, documents};
use crate::standing::Standings;
use crate::status::{self, Fault};

type Answer<T> = Result<Response<T>, Status>;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) exchange: Exchange,
    pub(crate) config: Arc<Config>,
    pub(crate) standings: Arc<Standings>,
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn propose_document(
        &self,
        request: Request<v1::ProposeDocumentRequest>,
    ) -> Answer<v1::ProposeDocumentResponse> {
        documents::propose(self, Call::of(&request)?, request.into_inner()).await
    }

    async fn activate_document(
        &self,
        request: Request<v1::ActivateDocumentRequest>,
    ) -> Answer<v1::ActivateDocumentResponse> {
        documents::activate(self, Call::of(&request)?, request.into_inner()).await
    }

    async fn compare_agreement(
        &self,
        request: Request<v1::CompareAgreementRequest>,
    ) -> Answer<v1::CompareAgreementResponse> {
        documents::compare(self, Call::of(&request)?, request.into_inner()).await
    }

    async fn suspend(&self, request: Request<v1::SuspendRequest>) -> Answer<v1::SuspendResponse> {
        documents::suspend(self, Call::of(&request)?, request.into_inner()).await
    }

    async fn rotate_key(&self, request: Request<v1::RotateKeyRequest>) -> Answer<v1::RotateKeyResponse> {
        let call = Call::of(&request)?;
        let v1::RotateKeyRequest { key, compromised } = request.into_inner();
        let exchange = self.exchange.clone();
        let rotated = to_its_end(async move { exchange.rotate_key(&call.caller, &key, compromised).await }).await?;
        Ok(Response::new(v1::RotateKeyResponse {
            epoch: rotated.epoch,
            leaf_index: rotated.leaf.0,
            verifier_key: rotated.verifier_key.unwrap_or_default(),
        }))
    }

    type BackupStream = backup::Parts;

    async fn backup(&self, request: Request<v1::BackupRequest>) -> Answer<Self::BackupStream> {
        backup::backup(self, Call::of(&request)?, request.into_inner()).await
    }
}

/// Runs what must not end in the middle because its caller has gone.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Status> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done.map_err(status::of),
        Err(_panicked) => Err(Fault::Bug.into()),
    }
}
