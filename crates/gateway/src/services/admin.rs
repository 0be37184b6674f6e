//! `AdminService`: agency files and keys, live.

use std::sync::Arc;

use causeway_agreement::AgencyFile;
use causeway_exchange::{Error, Exchange, ProposedDocument};
use causeway_journal::v1::{Approval, DocumentKind};
use causeway_model::AgencyId;
use causeway_proto::v1;
use causeway_proto::v1::admin_service_server::AdminService;
use prost::Message;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::config::Config;
use crate::gate::Call;
use crate::server;
use crate::services::unserved::not_served;
use crate::standing::Standings;
use crate::status::{self, Fault};
use crate::wire;

/// Most approvals of one document.
const MAX_APPROVALS: usize = 16;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) exchange: Exchange,
    pub(crate) config: Arc<Config>,
    pub(crate) standings: Arc<Standings>,
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn activate_document(
        &self,
        request: Request<v1::ActivateDocumentRequest>,
    ) -> Result<Response<v1::ActivateDocumentResponse>, Status> {
        let call = Call::of(&request)?;
        let document = agency_file(request.into_inner()).map_err(|fault| call.malformed(fault))?;
        let admin = self.clone();
        let activated = to_its_end(async move {
            let fits = |files: &[AgencyFile]| server::faults_with(&admin.config, files, true, &admin.standings.clock);
            let leaf = admin.exchange.activate_agency(&call.caller, document, &fits).await?;
            for file in admin.exchange.agencies() {
                admin.standings.authority.renew(&file);
            }
            Ok(leaf)
        });
        Ok(Response::new(v1::ActivateDocumentResponse { leaf_index: activated.await?.0 }))
    }

    async fn propose_document(
        &self,
        _: Request<v1::ProposeDocumentRequest>,
    ) -> Result<Response<v1::ProposeDocumentResponse>, Status> {
        not_served()
    }

    async fn compare_agreement(
        &self,
        _: Request<v1::CompareAgreementRequest>,
    ) -> Result<Response<v1::CompareAgreementResponse>, Status> {
        not_served()
    }

    async fn suspend(&self, _: Request<v1::SuspendRequest>) -> Result<Response<v1::SuspendResponse>, Status> {
        not_served()
    }

    async fn rotate_key(
        &self,
        request: Request<v1::RotateKeyRequest>,
    ) -> Result<Response<v1::RotateKeyResponse>, Status> {
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
}

/// Runs what must not end in the middle because its caller has gone.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Status> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done.map_err(status::of),
        Err(_panicked) => Err(Fault::Bug.into()),
    }
}

fn agency_file(request: v1::ActivateDocumentRequest) -> Result<ProposedDocument, Fault> {
    let v1::ActivateDocumentRequest { kind, id, version, text, approvals } = request;
    match kind.as_str() {
        "agency" => {}
        "agreement" | "schema" | "code-list" => return Err(Fault::KindNotServed),
        _ => return Err(Fault::Field("kind")),
    }
    let id: AgencyId = wire::required("id", &id)?;
    if version == 0 {
        return Err(Fault::Field("version"));
    }
    if approvals.len() > MAX_APPROVALS {
        return Err(Fault::Field("approvals"));
    }
    let approvals = approvals.iter().map(|bytes| Approval::decode(bytes.as_slice()));
    let approvals = approvals.collect::<Result<Vec<_>, _>>().map_err(|_| Fault::Field("approvals"))?;
    Ok(ProposedDocument { kind: DocumentKind::Agency, id: id.to_string(), version, text, approvals })
}
