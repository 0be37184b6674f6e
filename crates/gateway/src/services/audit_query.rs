//! `AuditService/Query`: one answer, row after row as they are read.

use causeway_exchange::{Answer, Exchange};
use causeway_proto::v1;
use tonic::{Request, Response, Status};

use crate::answers::{Answers, Gone, Sink, put};
use crate::gate::Call;
use crate::{status, wire};

/// Rows that are ready before the client has taken those before.
const ROWS_AHEAD: usize = 16;

/// Answers a question.
pub(crate) async fn query(
    exchange: &Exchange,
    request: Request<v1::QueryRequest>,
) -> Result<Response<Answers<v1::QueryResponse>>, Status> {
    let call = Call::of(&request)?;
    let wanted = wire::query(request.get_ref()).map_err(|fault| call.malformed(fault))?;
    let answer = exchange.query(&call.caller, wanted).await.map_err(status::of)?;
    Ok(Response::new(Answers::from(&call, ROWS_AHEAD, |sink| send(answer, sink))))
}

/// The beginning, row after row, then the end. What does not read ends the answer with its status, so that nobody takes part of an
/// answer for the whole.
async fn send(mut answer: Answer, sink: Sink<v1::QueryResponse>) -> Result<(), Gone> {
    put(&sink, Ok(wire::query_begin(answer.begin()))).await?;
    loop {
        match answer.next().await {
            Ok(Some(row)) => put(&sink, Ok(wire::query_row(row))).await?,
            Ok(None) => return put(&sink, Ok(wire::query_end(answer.end()))).await,
            Err(error) => return put(&sink, Err(status::of(error))).await,
        }
    }
}
