//! `IngestService`: submit, correct, withdraw, validate, and what a submitter asks about its own.

use std::sync::Arc;

use causeway_exchange::{Exchange, Pressure, Receipt};
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_server::IngestService;
use tonic::{Request, Response, Status, Streaming};

use crate::answers::Answers;
use crate::config::Limits;
use crate::gate::Call;
use crate::live::Live;
use crate::services::ingest_stream::SubmissionStream;
use crate::shutdown::Stopping;
use crate::{status, wire};

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    pub(crate) exchange: Exchange,
    pub(crate) stopping: Stopping,
    pub(crate) limits: Arc<Live<Limits>>,
}

/// A receipt as it is sent, with its inclusion proof where that was asked for.
pub(crate) async fn receipt(exchange: &Exchange, receipt: Receipt, proved: bool) -> Result<v1::Receipt, Status> {
    let proof = if proved {
        let hashes = exchange.inclusion_proof(receipt.leaf, receipt.tree_size).await.map_err(status::of)?;
        Some(wire::inclusion_proof(receipt.leaf, receipt.tree_size, hashes))
    } else {
        None
    };
    Ok(wire::receipt(receipt, proof))
}

#[tonic::async_trait]
impl IngestService for Ingest {
    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Result<Response<v1::SubmitResponse>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let proved = request.with_inclusion_proof;
        let submission = wire::submission(request).map_err(|fault| call.malformed(fault))?;
        let submission = call.limited(submission);
        let room = call.record()?;
        let accepted = self.exchange.submit(&call.caller, submission, Pressure::Refuse).await.map_err(status::of)?;
        room.taken_by(&accepted);
        let receipt = receipt(&self.exchange, accepted, proved).await?;
        Ok(Response::new(v1::SubmitResponse { receipt: Some(receipt) }))
    }

    type SubmitStreamStream = Answers<v1::SubmitStreamResponse>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<v1::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let call = Call::of(&request)?;
        let window = self.limits.now().stream_window;
        let stream = SubmissionStream::new(self, call.clone(), window);
        let submissions = request.into_inner();
        Ok(Response::new(Answers::from(&call, window, |sink| stream.run(submissions, sink))))
    }

    async fn withdraw(&self, request: Request<v1::WithdrawRequest>) -> Result<Response<v1::WithdrawResponse>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let withdrawal = wire::withdrawal(&request).map_err(|fault| call.malformed(fault))?;
        let withdrawn = self.exchange.withdraw(&call.caller, withdrawal).await.map_err(status::of)?;
        let receipt = receipt(&self.exchange, withdrawn, request.with_inclusion_proof).await?;
        Ok(Response::new(v1::WithdrawResponse { receipt: Some(receipt) }))
    }

    async fn validate(&self, request: Request<v1::ValidateRequest>) -> Result<Response<v1::ValidateResponse>, Status> {
        let call = Call::of(&request)?;
        let (schema, document) = wire::record(request.into_inner().record).map_err(|fault| call.malformed(fault))?;
        let violations = self.exchange.validate(&call.caller, schema, document).await.map_err(status::of)?;
        let violations = violations.into_iter().map(status::wire_violation).collect();
        Ok(Response::new(v1::ValidateResponse { violations }))
    }

    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        let call = Call::of(&request)?;
        let id = request.into_inner().submission_id;
        let id = wire::required("submission_id", &id).map_err(|fault| call.malformed(fault))?;
        let found = self.exchange.receipt(&call.caller, id).await.map_err(status::of)?;
        let receipt = receipt(&self.exchange, found, true).await?;
        Ok(Response::new(v1::GetReceiptResponse { receipt: Some(receipt) }))
    }

    async fn list_schemas(
        &self,
        request: Request<v1::ListSchemasRequest>,
    ) -> Result<Response<v1::ListSchemasResponse>, Status> {
        let call = Call::of(&request)?;
        let schemas = self.exchange.schemas(&call.caller).await.map_err(status::of)?;
        let schemas = schemas.into_iter().map(|(id, digest)| wire::schema(id, digest)).collect();
        Ok(Response::new(v1::ListSchemasResponse { schemas }))
    }

    async fn get_schema(
        &self,
        request: Request<v1::GetSchemaRequest>,
    ) -> Result<Response<v1::GetSchemaResponse>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let id = wire::schema_id(&request.kind, &request.schema_version).map_err(|fault| call.malformed(fault))?;
        let (digest, text) = self.exchange.schema(&call.caller, id).await.map_err(status::of)?;
        let text = text.as_bytes().to_vec();
        Ok(Response::new(v1::GetSchemaResponse { schema: Some(wire::schema(id, digest)), text }))
    }

    async fn restrict(&self, request: Request<v1::RestrictRequest>) -> Result<Response<v1::RestrictResponse>, Status> {
        let call = Call::of(&request)?;
        let restriction = wire::restriction(&request.into_inner()).map_err(|fault| call.malformed(fault))?;
        let recorded = self.exchange.restrict(&call.caller, restriction).await.map_err(status::of)?;
        let receipt = receipt(&self.exchange, recorded, false).await?;
        Ok(Response::new(v1::RestrictResponse { receipt: Some(receipt) }))
    }

    async fn list_holders(
        &self,
        request: Request<v1::ListHoldersRequest>,
    ) -> Result<Response<v1::ListHoldersResponse>, Status> {
        let call = Call::of(&request)?;
        let record =
            wire::required("record_id", &request.get_ref().record_id).map_err(|fault| call.malformed(fault))?;
        let holders = self.exchange.holders(&call.caller, record).await.map_err(status::of)?;
        Ok(Response::new(v1::ListHoldersResponse { holders: holders.into_iter().map(wire::holder).collect() }))
    }

    async fn flag_at_risk(
        &self,
        request: Request<v1::FlagAtRiskRequest>,
    ) -> Result<Response<v1::FlagAtRiskResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::FlagAtRiskRequest { submission_id, record_id } = request.into_inner();
        let submission = wire::required("submission_id", &submission_id).map_err(|fault| call.malformed(fault))?;
        let record = wire::required("record_id", &record_id).map_err(|fault| call.malformed(fault))?;
        let flagged = self.exchange.flag_at_risk(&call.caller, submission, record).await;
        let (flag, holders) = flagged.map_err(status::of)?;
        let receipt = Some(receipt(&self.exchange, flag, false).await?);
        let holders = holders.into_iter().map(wire::holder).collect();
        Ok(Response::new(v1::FlagAtRiskResponse { receipt, holders }))
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Result<Response<v1::ExplainResponse>, Status> {
        let call = Call::of(&request)?;
        let question = wire::owners_question(request.get_ref()).map_err(|fault| call.malformed(fault))?;
        let explanations = self.exchange.explain(&call.caller, question).await.map_err(status::of)?;
        let explanations = explanations.into_iter().map(wire::explanation).collect();
        Ok(Response::new(v1::ExplainResponse { explanations }))
    }
}
