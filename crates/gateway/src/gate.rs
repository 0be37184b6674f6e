//! The gate that every request passes before any service sees it: who, whether that still holds, which method, which role,
//! why, and which person acts. What is refused here leaves its entry or is summed up; no service is reached around it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use causeway_exchange::{Caller, Tallied};
use causeway_model::RequestId;
use http::HeaderValue;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::access::{self, Access, Answerer};
use crate::config::Limits;
use crate::finish::{Counted, Finish};
use crate::live::Live;
use crate::log_files::{LogFiles, Wanted};
use crate::metrics::{Open, Traffic};
use crate::peer::Peer;
use crate::standing::{Standing, Standings};
use crate::status::{self, Fault};
use crate::{lapse, log_files, metadata};

/// One admitted call, for the service that serves it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Who calls, and why.
    pub(crate) caller: Arc<Caller>,
    /// For calls that last.
    pub(crate) standing: Standing,
}

impl Call {
    /// The call of a request.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Result<Self, Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(|| Fault::Bug.into())
    }

    /// A request that is not one: summed up, since a peer can send it at will.
    pub(crate) fn malformed(&self, fault: Fault) -> Fault {
        let exchange = &self.standing.basis.exchange;
        exchange.tally("", Some(&self.caller.system), Tallied::Malformed, 1);
        fault
    }
}

/// Puts the gate before a service.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    standings: Arc<Standings>,
    files: LogFiles,
    #[expect(dead_code, reason = "what a request is held to by limits that change")]
    limits: Arc<Live<Limits>>,
    traffic: Traffic,
}

/// What was admitted, and who answers it.
#[derive(Debug)]
enum Admitted {
    /// A service, which looks after the call.
    Call,
    /// A service that does not look after the standing of whoever calls it.
    Unattended(Standing),
    /// The log's files, for hashes.
    Hashes(Peer),
    /// The log's files, for entries.
    Entries(Arc<Caller>),
}

impl Gate {
    pub(crate) fn new(standings: Arc<Standings>, limits: Arc<Live<Limits>>, traffic: Traffic) -> Self {
        let files = LogFiles::of(standings.exchange.clone());
        Self { standings, files, limits, traffic }
    }

    /// Puts our own status in the place of the codec's, and counts what a peer sent that was no request.
    fn answered(&self, peer: Option<Peer>, response: http::Response<Body>) -> http::Response<Body> {
        match (status::of_codec(response.headers()), peer) {
            (Some(fault), Some(peer)) => {
                self.standings.exchange.tally("", Some(peer.system()), Tallied::Malformed, 1);
                Status::from(fault).into_http()
            }
            (Some(_), None) | (None, _) => response,
        }
    }

    /// Admits a request or not.
    async fn admit(&self, request: &mut http::Request<Body>, request_id: RequestId) -> Result<Admitted, Status> {
        // The acceptor attaches a peer to every connection; without one there is nobody to answer to.
        let peer = request.extensions().get::<Peer>().cloned().ok_or(Fault::Bug)?;
        let exchange = &self.standings.exchange;
        let malformed = |fault: Fault| {
            exchange.tally("", Some(peer.system()), Tallied::Malformed, 1);
            Status::from(fault)
        };
        let row = access::row(request.uri().path()).ok_or_else(|| malformed(Fault::UnknownMethod))?;
        if !row.while_halted && exchange.halted().is_some() {
            return Err(status::of(exchange.unavailable()));
        }
        let basis = Arc::clone(&self.standings);
        let (access, while_suspended) = (row.access, row.while_suspended);
        let standing = Standing { basis, peer: peer.clone(), access, while_suspended, request_id };
        standing.check().await?;
        match (access, row.answerer) {
            (Access::AnySystem, _) => return Ok(Admitted::Unattended(standing)),
            (Access::Roles(_), Answerer::Hashes) => return Ok(Admitted::Hashes(peer)),
            (Access::Roles(_), Answerer::Service | Answerer::Entries) => {}
        }
        let (purpose, operator) = metadata::read(request.headers()).map_err(malformed)?;
        let caller = Caller {
            system: peer.system().clone(),
            certificate_digest: peer.certificate_digest(),
            purpose,
            operator,
            source: Some(peer.source()),
            request_id,
        };
        let caller = Arc::new(caller);
        if row.answerer == Answerer::Entries {
            return Ok(Admitted::Entries(caller));
        }
        request.extensions_mut().insert(Call { caller, standing });
        Ok(Admitted::Call)
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;
    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.clone(), inner }
    }
}

/// A service behind the gate.
#[derive(Debug, Clone)]
pub(crate) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S> Service<http::Request<Body>> for Gated<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let gate = self.gate.clone();
        // The service that was polled ready is the one to call; its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let request_id = RequestId::from_bytes(causeway_crypto::random());
        let span = span(&request, request_id);
        let peer = request.extensions().get::<Peer>().cloned();
        let open: Option<Open> = peer.as_ref().map(|peer| gate.traffic.call(&peer.system().agency));
        let finish =
            Finish::new(span.clone(), Counted { traffic: gate.traffic.clone(), method: method(&request), _open: open });
        let answer = async move {
            let wanted = Wanted::of(&request);
            let mut response = match (gate.admit(&mut request, request_id).await, &wanted) {
                (Ok(Admitted::Unattended(standing)), _) => lapse::follow(standing, inner.call(request).await?),
                (Ok(Admitted::Hashes(peer)), Some(wanted)) => gate.files.hashes(wanted, peer.system()).await,
                (Ok(Admitted::Entries(caller)), Some(wanted)) => gate.files.entries(wanted, &caller).await,
                (Ok(Admitted::Call | Admitted::Hashes(_) | Admitted::Entries(_)), _) => {
                    gate.answered(peer, inner.call(request).await?)
                }
                (Err(status), Some(_)) => log_files::refusal(&status),
                (Err(status), None) => status.into_http(),
            };
            if let Ok(value) = HeaderValue::try_from(request_id.to_string()) {
                response.headers_mut().insert(metadata::REQUEST_ID, value);
            }
            if wanted.is_some() {
                finish.file(response.status());
                return Ok(response);
            }
            Ok(finish.follow(response))
        };
        Box::pin(answer.instrument(span))
    }
}

/// The method by the table's own name, never the peer's.
fn method(request: &http::Request<Body>) -> &'static str {
    access::row(request.uri().path()).map_or("unknown", |row| row.path)
}

/// The span of a request: its id in every line, whatever the level; its method by the table's own name and never the peer's.
fn span(request: &http::Request<Body>, request_id: RequestId) -> tracing::Span {
    let method = method(request);
    match request.extensions().get::<Peer>() {
        Some(peer) => tracing::error_span!("request", request_id = %request_id, method, system = %peer.system()),
        None => tracing::error_span!("request", request_id = %request_id, method),
    }
}
