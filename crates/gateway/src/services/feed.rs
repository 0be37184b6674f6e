//! `FeedService`: pages of a feed, a watch that goes on live, and acknowledgements.

use std::time::Duration;

use causeway_exchange::{Exchange, Pressure, PullRequest};
use causeway_model::{AgreementId, Position};
use causeway_proto::v1;
use causeway_proto::v1::feed_service_server::FeedService;
use tonic::{Request, Response, Status};

use crate::answers::{Answers, Gone, Sink, put};
use crate::gate::Call;
use crate::services::unserved::not_served;
use crate::shutdown::Stopping;
use crate::standing::LOOK;
use crate::status::{self, Fault};
use crate::wire;

/// Least time between two looks at a feed without news, since other writers' entries wake a watch as well.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// Pages that a watch makes before the client has taken those before: what is made has been disclosed.
const PAGES_AHEAD: usize = 1;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) exchange: Exchange,
    pub(crate) stopping: Stopping,
    /// Time between two empty pages of a watch.
    pub(crate) heartbeat: Duration,
}

fn pull_request(agreement: &str, cursor: String, limit: u32) -> Result<PullRequest, Fault> {
    let cursor = (!cursor.is_empty()).then_some(cursor);
    Ok(PullRequest { agreement: wire::optional("agreement", agreement)?, cursor, limit, pressure: Pressure::Refuse })
}

#[tonic::async_trait]
impl FeedService for Feed {
    async fn pull(&self, request: Request<v1::PullRequest>) -> Result<Response<v1::PullResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::PullRequest { agreement, cursor, limit } = request.into_inner();
        let wanted = pull_request(&agreement, cursor, limit).map_err(|fault| call.malformed(fault))?;
        let page = self.exchange.pull(&call.caller, wanted).await.map_err(status::of)?;
        Ok(Response::new(v1::PullResponse { page: Some(wire::page(page)) }))
    }

    type WatchStream = Answers<v1::WatchResponse>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let call = Call::of(&request)?;
        let v1::WatchRequest { agreement, cursor, limit } = request.into_inner();
        let wanted = pull_request(&agreement, cursor, limit).map_err(|fault| call.malformed(fault))?;
        let wanted = PullRequest { pressure: Pressure::Wait, ..wanted };
        let lost = self.clone().lost(call.clone(), wanted.agreement.clone());
        let feed = self.clone();
        Ok(Response::new(Answers::until(lost, PAGES_AHEAD, |sink| feed.follow(call, wanted, sink))))
    }

    async fn acknowledge(
        &self,
        request: Request<v1::AcknowledgeRequest>,
    ) -> Result<Response<v1::AcknowledgeResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::AcknowledgeRequest { agreement, up_to_position, item_position: _ } = request.into_inner();
        let agreement = wire::optional("agreement", &agreement).map_err(|fault| call.malformed(fault))?;
        let position = Position(up_to_position);
        let position = self.exchange.acknowledge(&call.caller, agreement, position).await.map_err(status::of)?;
        Ok(Response::new(v1::AcknowledgeResponse { acknowledged_position: position.0 }))
    }

    async fn count(&self, _: Request<v1::CountRequest>) -> Result<Response<v1::CountResponse>, Status> {
        not_served()
    }

    async fn list_tables(&self, _: Request<v1::ListTablesRequest>) -> Result<Response<v1::ListTablesResponse>, Status> {
        not_served()
    }
}

impl Feed {
    /// Pages as `pull` gives them, then on as items come, until a pull fails, the client goes or the gateway stops.
    async fn follow(self, call: Call, wanted: PullRequest, sink: Sink<v1::WatchResponse>) -> Result<(), Gone> {
        tokio::select! {
            biased;
            () = self.stopping.wait() => put(&sink, Err(Fault::Stopping.into())).await,
            ended = self.pages(&call, wanted, &sink) => ended,
        }
    }

    async fn pages(&self, call: &Call, mut wanted: PullRequest, sink: &Sink<v1::WatchResponse>) -> Result<(), Gone> {
        let answer = |page| Ok(v1::WatchResponse { page: Some(wire::page(page)) });
        let mut last_sent = tokio::time::Instant::now();
        loop {
            // Made before the look, so that what comes between the look and the wait wakes it.
            let changed = self.exchange.changed();
            let page = match self.exchange.pull(&call.caller, wanted.clone()).await {
                Ok(page) => page,
                Err(error) => return put(sink, Err(status::of(error))).await,
            };
            wanted.cursor = Some(page.next_cursor.clone());
            let news = !page.items.is_empty();
            if news || last_sent.elapsed() >= self.heartbeat {
                put(sink, answer(page)).await?;
                last_sent = tokio::time::Instant::now();
            }
            if news {
                continue;
            }
            tokio::select! {
                () = async { changed.await; tokio::time::sleep(LOOK_PAUSE).await } => {}
                () = tokio::time::sleep_until(last_sent + self.heartbeat) => {}
                () = sink.closed() => return Err(Gone),
            }
        }
    }

    /// Returns once a watch may not go on: its peer has lost its standing, or its agreement, in force when it was opened, has
    /// ended. One that is opened after that end goes on: it serves withdrawals, which a partner still has to hear.
    async fn lost(self, call: Call, agreement: Option<AgreementId>) -> Status {
        let ended = async {
            let in_force = || self.exchange.feed_in_force(&call.caller, agreement.as_ref());
            if !in_force() {
                return std::future::pending().await;
            }
            while in_force() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            status = call.standing.lost() => status,
            () = ended => call.standing.deny(Fault::AgreementEnded).await,
        }
    }
}
