//! `AuditService`: entries by their subject, the newest checkpoint, and proofs.

use causeway_exchange::Exchange;
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_proto::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use crate::answers::Answers;
use crate::gate::Call;
use crate::services::audit_query;
use crate::services::unserved::not_served;
use crate::{status, wire};

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    pub(crate) exchange: Exchange,
}

#[tonic::async_trait]
impl AuditService for Audit {
    type QueryStream = Answers<v1::QueryResponse>;

    async fn query(&self, request: Request<v1::QueryRequest>) -> Result<Response<Self::QueryStream>, Status> {
        audit_query::query(&self.exchange, request).await
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let call = Call::of(&request)?;
        let (checkpoint, verifier_key) = self.exchange.checkpoint(&call.caller).await.map_err(status::of)?;
        let checkpoint = checkpoint.to_string();
        Ok(Response::new(v1::GetCheckpointResponse {
            checkpoint,
            verifier_key,
            ..v1::GetCheckpointResponse::default()
        }))
    }

    async fn list_checkpoints(
        &self,
        _: Request<v1::ListCheckpointsRequest>,
    ) -> Result<Response<v1::ListCheckpointsResponse>, Status> {
        not_served()
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        let call = Call::of(&request)?;
        let leaf = LeafIndex(request.get_ref().leaf_index);
        let proved = self.exchange.prove(&call.caller, leaf).await.map_err(status::of)?;
        Ok(Response::new(v1::GetInclusionProofResponse {
            entry: proved.entry,
            inclusion_proof: Some(wire::inclusion_proof(proved.leaf, proved.tree_size, proved.proof)),
            checkpoint: proved.checkpoint.to_string(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        _: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        not_served()
    }

    type StreamEntriesStream = Answers<v1::StreamEntriesResponse>;

    async fn stream_entries(
        &self,
        _: Request<v1::StreamEntriesRequest>,
    ) -> Result<Response<Self::StreamEntriesStream>, Status> {
        not_served()
    }

    async fn explain(
        &self,
        request: Request<v1::AuditServiceExplainRequest>,
    ) -> Result<Response<v1::AuditServiceExplainResponse>, Status> {
        let call = Call::of(&request)?;
        let question = wire::audit_question(request.get_ref()).map_err(|fault| call.malformed(fault))?;
        let explanations = self.exchange.explain_to_auditor(&call.caller, question).await.map_err(status::of)?;
        let explanations = explanations.into_iter().map(wire::explanation).collect();
        Ok(Response::new(v1::AuditServiceExplainResponse { explanations }))
    }

    async fn get_tile(&self, _: Request<v1::GetTileRequest>) -> Result<Response<v1::GetTileResponse>, Status> {
        not_served()
    }
}
