//! `FeedService`: pages of a feed, a watch that goes on live, and acknowledgements.

use std::sync::Arc;
use std::time::Duration;

use causeway_exchange::{Exchange, PullRequest, Reading};
use causeway_model::{AgreementId, Timestamp};
use causeway_proto::v1;
use causeway_proto::v1::feed_service_server::FeedService;
use tonic::{Request, Response, Status};

use crate::answers::{Answers, Gone, Sink, put};
use crate::config::Limits;
use crate::gate::Call;
use crate::live::Live;
use crate::shutdown::Stopping;
use crate::standing::LOOK;
use crate::status::{self, Fault};
use crate::wire;

/// How long what comes to a feed is gathered before its page is made: each page has a disclosure of its own in the log.
const GATHERING: Duration = Duration::from_millis(10);

/// Pages that a watch makes before the client has taken those before: what is made has been disclosed.
const PAGES_AHEAD: usize = 1;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) exchange: Exchange,
    pub(crate) stopping: Stopping,
    pub(crate) limits: Arc<Live<Limits>>,
}

pub(crate) fn pull_request(agreement: &str, cursor: String, limit: u32) -> Result<PullRequest, Fault> {
    let cursor = (!cursor.is_empty()).then_some(cursor);
    Ok(PullRequest { agreement: wire::optional("agreement", agreement)?, cursor, limit, reading: Reading::Call })
}

#[tonic::async_trait]
impl FeedService for Feed {
    async fn pull(&self, request: Request<v1::PullRequest>) -> Result<Response<v1::PullResponse>, Status> {
        let call = Call::of(&request)?;
        let v1::PullRequest { agreement, cursor, limit } = request.into_inner();
        let wanted = pull_request(&agreement, cursor, limit).map_err(|fault| call.malformed(fault))?;
        let leave = call.page().await?;
        let page = self.exchange.pull(&call.caller, wanted).await.map_err(status::of)?;
        let response = v1::PullResponse { page: Some(wire::page(page)) };
        call.made(leave, &response);
        Ok(Response::new(response))
    }

    type WatchStream = Answers<v1::WatchResponse>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let call = Call::of(&request)?;
        let v1::WatchRequest { agreement, cursor, limit } = request.into_inner();
        let wanted = pull_request(&agreement, cursor, limit).map_err(|fault| call.malformed(fault))?;
        let wanted = PullRequest { reading: Reading::Watch, ..wanted };
        self.exchange.admit_watch(&call.caller, wanted.agreement.as_ref()).map_err(status::of)?;
        let lost = self.clone().lost(call.clone(), wanted.agreement.clone());
        let feed = self.clone();
        Ok(Response::new(Answers::until(&call.clone(), lost, PAGES_AHEAD, |sink| feed.follow(call, wanted, sink))))
    }

    async fn acknowledge(
        &self,
        request: Request<v1::AcknowledgeRequest>,
    ) -> Result<Response<v1::AcknowledgeResponse>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let agreement = wire::optional("agreement", &request.agreement).map_err(|fault| call.malformed(fault))?;
        let what = wire::acknowledged(&request).map_err(|fault| call.malformed(fault))?;
        let position = self.exchange.acknowledge(&call.caller, agreement, what).await.map_err(status::of)?;
        Ok(Response::new(v1::AcknowledgeResponse { acknowledged_position: position.0 }))
    }

    async fn count(&self, request: Request<v1::CountRequest>) -> Result<Response<v1::CountResponse>, Status> {
        let call = Call::of(&request)?;
        let question = wire::count_question(request.into_inner()).map_err(|fault| call.malformed(fault))?;
        let numbers = self.exchange.count(&call.caller, question).await.map_err(status::of)?;
        Ok(Response::new(wire::numbers(numbers)))
    }

    async fn list_tables(
        &self,
        request: Request<v1::ListTablesRequest>,
    ) -> Result<Response<v1::ListTablesResponse>, Status> {
        let call = Call::of(&request)?;
        let named = wire::optional("agreement", &request.get_ref().agreement).map_err(|fault| call.malformed(fault))?;
        let tables = self.exchange.tables(&call.caller, named).await.map_err(status::of)?;
        Ok(Response::new(v1::ListTablesResponse { tables: tables.into_iter().map(wire::table_summary).collect() }))
    }
}

/// Where a watch goes back to, and when: what the day's quota puts off is read again from there.
#[derive(Debug)]
struct PutOff {
    cursor: String,
    until: Timestamp,
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
        let answer = |page| v1::WatchResponse { page: Some(wire::page(page)) };
        let mut last_sent = tokio::time::Instant::now();
        let mut put_off: Option<PutOff> = None;
        loop {
            let is_over = |until| {
                until <= call.standing.basis.clock.now() && self.exchange.discloses_to(&call.caller.system.agency)
            };
            if let Some(renewed) = put_off.take_if(|put_off| is_over(put_off.until)) {
                wanted.cursor = Some(renewed.cursor);
            }
            let leave = match call.page().await {
                Ok(leave) => leave,
                Err(status) => return put(sink, Err(status)).await,
            };
            let page = match self.exchange.pull(&call.caller, wanted.clone()).await {
                Ok(page) => page,
                Err(error) => return put(sink, Err(status::of(error))).await,
            };
            if let Some(until) = page.quota_renewed {
                // The first of all that is put off, however many pages of it there are.
                put_off.get_or_insert_with(|| PutOff { cursor: page.next_cursor.clone(), until });
            }
            // It goes ahead of what is put off, so that withdrawals are heard of.
            wanted.cursor = Some(page.ahead_cursor.as_ref().unwrap_or(&page.next_cursor).clone());
            let news = !page.items.is_empty();
            let seen = (page.agreement.clone(), page.agreement_version, page.newest);
            let heartbeat = self.limits.now().heartbeat;
            if news || last_sent.elapsed() >= heartbeat {
                let answer = answer(page);
                call.made(leave, &answer);
                put(sink, Ok(answer)).await?;
                last_sent = tokio::time::Instant::now();
            } else {
                // Others make their pages while this one waits for news.
                drop(leave);
            }
            if news {
                continue;
            }
            tokio::select! {
                () = async { self.exchange.news(&seen.0, seen.1, seen.2).await; tokio::time::sleep(GATHERING).await } => {}
                () = tokio::time::sleep_until(last_sent + heartbeat) => {}
                // The quota's clock is the journal's, and nothing else tells of its midnight.
                () = tokio::time::sleep(LOOK), if put_off.is_some() => {}
                () = sink.closed() => return Err(Gone),
            }
        }
    }

    /// Returns once a watch may not go on: its peer has lost its standing, or its agreement was in force and grants nothing any more. One
    /// that is opened after that goes on: it serves withdrawals, which a partner still has to hear.
    async fn lost(self, call: Call, agreement: Option<AgreementId>) -> Status {
        let ended = async {
            let in_force = || self.exchange.feed_in_force(&call.caller, agreement.as_ref());
            while !in_force() {
                tokio::time::sleep(LOOK).await;
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
