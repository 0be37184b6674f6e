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

use crate::access::{self, Access};
use crate::finish::Finish;
use crate::peer::Peer;
use crate::standing::{Standing, Standings};
use crate::status::{self, Fault};
use crate::{lapse, metadata};

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
}

impl Gate {
    pub(crate) const fn new(standings: Arc<Standings>) -> Self {
        Self { standings }
    }

    /// Puts our own status in the place of the codec's, and counts what a peer sent that was no request, or for no method
    /// that is served.
    fn answered(&self, peer: Option<Peer>, response: http::Response<Body>) -> http::Response<Body> {
        let is_served =
            Status::from_header_map(response.headers()).is_none_or(|status| !status::is_not_served(&status));
        if let (false, Some(peer)) = (is_served, &peer) {
            self.standings.exchange.tally("", Some(peer.system()), Tallied::NotServed, 1);
        }
        match (status::of_codec(response.headers()), peer) {
            (Some(fault), Some(peer)) => {
                self.standings.exchange.tally("", Some(peer.system()), Tallied::Malformed, 1);
                Status::from(fault).into_http()
            }
            (Some(_), None) | (None, _) => response,
        }
    }

    /// Admits a request or not; gives back the standing of a peer whose call goes to a service that does not look after it.
    async fn admit(
        &self,
        request: &mut http::Request<Body>,
        request_id: RequestId,
    ) -> Result<Option<Standing>, Status> {
        // The acceptor attaches a peer to every connection; without one there is nobody to answer to.
        let peer = request.extensions().get::<Peer>().cloned().ok_or(Fault::Bug)?;
        let exchange = &self.standings.exchange;
        let malformed = |fault: Fault| {
            exchange.tally("", Some(peer.system()), Tallied::Malformed, 1);
            Status::from(fault)
        };
        let row = access::row(request.uri().path()).ok_or_else(|| malformed(Fault::UnknownMethod))?;
        let role = match row.access {
            Access::Role(role) => Some(role),
            Access::AnySystem => None,
        };
        let basis = Arc::clone(&self.standings);
        let while_suspended = row.while_suspended;
        let standing = Standing { basis, peer: peer.clone(), role, while_suspended, request_id };
        standing.check().await?;
        if role.is_none() {
            return Ok(Some(standing));
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
        request.extensions_mut().insert(Call { caller: Arc::new(caller), standing });
        Ok(None)
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
        let finish = Finish::new(span.clone());
        let peer = request.extensions().get::<Peer>().cloned();
        let answer = async move {
            let mut response = match gate.admit(&mut request, request_id).await {
                Ok(None) => gate.answered(peer, inner.call(request).await?),
                Ok(Some(standing)) => lapse::follow(standing, inner.call(request).await?),
                Err(status) => status.into_http(),
            };
            if let Ok(value) = HeaderValue::try_from(request_id.to_string()) {
                response.headers_mut().insert(metadata::REQUEST_ID, value);
            }
            Ok(finish.follow(response))
        };
        Box::pin(answer.instrument(span))
    }
}

/// The span of a request: its id in every line, whatever the level; its method by the table's own name and never the peer's.
fn span(request: &http::Request<Body>, request_id: RequestId) -> tracing::Span {
    let method = access::row(request.uri().path()).map_or("unknown", |row| row.path);
    match request.extensions().get::<Peer>() {
        Some(peer) => tracing::error_span!("request", request_id = %request_id, method, system = %peer.system()),
        None => tracing::error_span!("request", request_id = %request_id, method),
    }
}
