//! `AuditService`: checkpoints, proofs, tiles and raw ranges; what answers a question is in `audit_query`.

use causeway_exchange::{Exchange, Range};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_proto::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use crate::answers::{Answers, Gone, Sink, put};
use crate::gate::Call;
use crate::services::audit_query;
use crate::{status, wire};

/// Parts of a range that are ready before the client has taken those before: up to 4 MiB each.
const PARTS_AHEAD: usize = 1;

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
        let which = wire::which_checkpoint(request.get_ref()).map_err(|fault| call.malformed(fault))?;
        let found = self.exchange.published_checkpoint(&call.caller, which).await.map_err(status::of)?;
        Ok(Response::new(wire::published_checkpoint(found)))
    }

    async fn list_checkpoints(
        &self,
        request: Request<v1::ListCheckpointsRequest>,
    ) -> Result<Response<v1::ListCheckpointsResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::ListCheckpointsRequest { from_size, limit } = *request.get_ref();
        let found = self.exchange.checkpoints(&call.caller, from_size, limit).await.map_err(status::of)?;
        let next_from_size = found.next.unwrap_or(0);
        Ok(Response::new(v1::ListCheckpointsResponse { checkpoints: found.notes, next_from_size }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::GetInclusionProofRequest { leaf_index, tree_size } = *request.get_ref();
        let proved = self.exchange.prove_at(&call.caller, LeafIndex(leaf_index), tree_size).await;
        let proved = proved.map_err(status::of)?;
        Ok(Response::new(v1::GetInclusionProofResponse {
            entry: proved.entry,
            inclusion_proof: Some(wire::inclusion_proof(proved.leaf, proved.tree_size, proved.proof)),
            checkpoint: proved.checkpoint.to_string(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::GetConsistencyProofRequest { first_size, second_size } = *request.get_ref();
        let proof = self.exchange.consistency_proof(&call.caller, first_size, second_size).await;
        let hashes = proof.map_err(status::of)?.into_iter().map(|hash| hash.0.to_vec()).collect();
        Ok(Response::new(v1::GetConsistencyProofResponse { hashes }))
    }

    type StreamEntriesStream = Answers<v1::StreamEntriesResponse>;

    async fn stream_entries(
        &self,
        request: Request<v1::StreamEntriesRequest>,
    ) -> Result<Response<Self::StreamEntriesStream>, Status> {
        let call = Call::of(&request)?;
        let v1::StreamEntriesRequest { from_leaf_index, to_leaf_index } = *request.get_ref();
        let (from, to) = (LeafIndex(from_leaf_index), LeafIndex(to_leaf_index));
        let range = self.exchange.open_range(&call.caller, from, to).await.map_err(status::of)?;
        let sender = call.clone();
        Ok(Response::new(Answers::from(&call, PARTS_AHEAD, |sink| send(sender, range, sink))))
    }

    async fn get_tile(&self, request: Request<v1::GetTileRequest>) -> Result<Response<v1::GetTileResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::GetTileRequest { level, index, width } = *request.get_ref();
        let hashes = self.exchange.tile(&call.caller, level, index, width).await.map_err(status::of)?;
        Ok(Response::new(v1::GetTileResponse { hashes }))
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
}

/// Part after part, each read when the client has taken the one before it.
async fn send(call: Call, mut range: Range, sink: Sink<v1::StreamEntriesResponse>) -> Result<(), Gone> {
    loop {
        let leave = match call.page().await {
            Ok(leave) => leave,
            Err(status) => return put(&sink, Err(status)).await,
        };
        match range.next().await {
            Ok(Some(bundle)) => {
                let part = wire::entries_part(bundle);
                call.made(leave, &part);
                put(&sink, Ok(part)).await?;
            }
            Ok(None) => return Ok(()),
            Err(error) => return put(&sink, Err(status::of(error))).await,
        }
    }
}
