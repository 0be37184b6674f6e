//! The gate that every request passes before any service sees it: who, whether that still holds, which method, which role,
//! why, and which person acts. What is refused here leaves its entry or is summed up; no service is reached around it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use causeway_exchange::{Caller, Class, LogPosition, Submission, Tallied};
use causeway_model::RequestId;
use http::HeaderValue;
use prost::Message;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::access::{self, Access, Answerer};
use crate::cut_off::cut_off;
use crate::finish::{Counted, Finish};
use crate::limits::{Attached, Manner, Pages, Place, Room};
use crate::log_files::{LogFiles, Wanted};
use crate::metrics::{Open, Traffic};
use crate::panics::{At, Probe, contained};
use crate::peer::Peer;
use crate::standing::{Standing, Standings};
use crate::status::{self, Fault};
use crate::{lapse, log_files, metadata};

/// How long a request waits until this node has come to the position that it carries: a node that is well is there within milliseconds.
const POSITION_WAIT: Duration = Duration::from_secs(5);

/// One admitted call, for the service that serves it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Who calls, and why.
    pub(crate) caller: Arc<Caller>,
    /// For calls that last.
    pub(crate) standing: Standing,
    attached: Attached,
    pages: Pages,
    probe: Probe,
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

    /// Room for one record more of those that may be accepted today.
    pub(crate) fn record(&self) -> Result<Room, Status> {
        self.attached.party.record().map_err(|over| Fault::OverLimit(over).into())
    }

    /// A submission that says how many of its day may be accepted: of several nodes' at once the log decides.
    pub(crate) fn limited(&self, mut submission: Submission) -> Submission {
        submission.limits = Some(self.attached.party.daily_limits());
        submission
    }

    /// Leave to make a page that may be large: so many at a time wait to be taken.
    pub(crate) async fn page(&self) -> Result<OwnedSemaphorePermit, Status> {
        self.attached.party.page().await.map_err(|over| Fault::OverLimit(over).into())
    }

    /// Such a page is made; the leave is given back when it has been taken.
    pub(crate) fn made(&self, leave: OwnedSemaphorePermit, page: &impl Message) {
        self.pages.made(leave, page.encoded_len());
    }

    /// Says where the call is.
    pub(crate) fn at(&self, at: At) {
        self.probe.at(at);
    }

    /// A task of the call panicked: what it was about leaves its entry, and the caller an opaque refusal.
    pub(crate) async fn panicked(&self) -> Status {
        self.attached.party.panicked();
        self.standing.deny(Fault::Bug).await
    }
}

/// Puts the gate before a service.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    standings: Arc<Standings>,
    files: LogFiles,
    traffic: Traffic,
    probe: Probe,
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
    pub(crate) fn new(standings: Arc<Standings>, traffic: Traffic, probe: Probe) -> Self {
        let files = LogFiles::of(standings.exchange.clone());
        Self { standings, files, traffic, probe }
    }

    /// Puts our own status in the place of the codec's, and counts what a peer sent that was no request.
    fn answered(&self, peer: &Peer, response: http::Response<Body>) -> http::Response<Body> {
        match status::of_codec(response.headers()) {
            Some(fault) => {
                self.standings.exchange.tally("", Some(peer.system()), Tallied::Malformed, 1);
                Status::from(fault).into_http()
            }
            None => response,
        }
    }

    /// A place for the request among those of its party, before anything else is done about it.
    fn place(attached: Option<&Attached>, request: &http::Request<Body>) -> Result<Place, Status> {
        // The acceptor attaches a peer to every connection; without one there is nobody to answer to.
        let attached = attached.ok_or(Fault::Bug)?;
        let row = access::row(request.uri().path());
        let manner = Manner {
            protects: row.is_some_and(|row| row.while_suspended),
            streams: row.is_some_and(|row| row.streams),
        };
        attached.request(manner).map_err(|over| Fault::OverLimit(over).into())
    }

    /// Answers a request that has its place.
    async fn serve<S: Inner>(
        &self,
        mut inner: S,
        request: http::Request<Body>,
        wanted: Option<&Wanted>,
        attached: &Attached,
        request_id: RequestId,
        pages: &Pages,
    ) -> http::Response<Body> {
        self.probe.at(At::Call);
        let streams = access::row(request.uri().path()).is_some_and(|row| row.streams);
        let mut request = attached.arriving(request, streams);
        match (self.admit(&mut request, attached, request_id, pages).await, wanted) {
            (Ok(Admitted::Unattended(standing)), _) => lapse::follow(standing, answer(&mut inner, request).await),
            (Ok(Admitted::Hashes(peer)), Some(wanted)) => self.files.hashes(wanted, peer.system()).await,
            (Ok(Admitted::Entries(caller)), Some(wanted)) => self.files.entries(wanted, &caller).await,
            (Ok(Admitted::Call | Admitted::Hashes(_) | Admitted::Entries(_)), _) => {
                tokio::select! {
                    biased;
                    response = answer(&mut inner, request) => self.answered(&attached.peer, response),
                    left_open = cut_off(&self.standings.exchange) => left_open.into_http(),
                }
            }
            (Err(status), wanted) => refused(&status, wanted),
        }
    }

    /// Waits, for a moment, until this node has applied what the caller has seen at another one.
    async fn comes_to(&self, position: LogPosition, peer: &Peer) -> Result<(), Status> {
        let exchange = &self.standings.exchange;
        let tally = |what| exchange.tally("", Some(peer.system()), what, 1);
        match tokio::time::timeout(POSITION_WAIT, exchange.comes_to(position)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tally(if error.class == Class::Invalid { Tallied::Malformed } else { Tallied::Overload });
                Err(status::of(error))
            }
            Err(_elapsed) => {
                tally(Tallied::Overload);
                Err(status::of(exchange.not_at(position)))
            }
        }
    }

    /// A request ended in a panic: what is left of it is an entry, a line and an opaque refusal.
    async fn panicked(&self, peer: &Peer, request_id: RequestId) -> Status {
        self.traffic.panicked();
        let (basis, peer) = (Arc::clone(&self.standings), peer.clone());
        let standing = Standing { basis, peer, access: Access::AnySystem, while_suspended: false, request_id };
        standing.deny(Fault::Bug).await
    }

    /// Admits a request or not.
    async fn admit(
        &self,
        request: &mut http::Request<Body>,
        attached: &Attached,
        request_id: RequestId,
        pages: &Pages,
    ) -> Result<Admitted, Status> {
        let peer = &attached.peer;
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
            (Access::Roles(_), Answerer::Hashes) => return Ok(Admitted::Hashes(peer.clone())),
            (Access::Roles(_), Answerer::Service | Answerer::Entries) => {}
        }
        let (purpose, operator) = metadata::read(request.headers()).map_err(malformed)?;
        if let Some(position) = metadata::position(request.headers()).map_err(malformed)? {
            self.comes_to(position, peer).await?;
        }
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
        let (attached, pages, probe) = (attached.clone(), pages.clone(), self.probe.clone());
        request.extensions_mut().insert(Call { caller, standing, attached, pages, probe });
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

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let gate = self.gate.clone();
        // The service that was polled ready is the one to call; its clone waits for the next request.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let request_id = RequestId::from_bytes(causeway_crypto::random());
        let span = span(&request, request_id);
        let attached = request.extensions().get::<Attached>().cloned();
        let open: Option<Open> = attached.as_ref().map(|own| gate.traffic.call(&own.peer.system().agency));
        let finish =
            Finish::new(span.clone(), Counted { traffic: gate.traffic.clone(), method: method(&request), _open: open });
        let finish = finish.telling(gate.standings.exchange.clone());
        let answer = async move {
            let (wanted, pages) = (Wanted::of(&request), Pages::default());
            let mut response = match (Gate::place(attached.as_ref(), &request), &attached) {
                (Ok(place), Some(attached)) => {
                    let served = gate.serve(inner, request, wanted.as_ref(), attached, request_id, &pages);
                    let response = match contained(served).await {
                        Ok(response) => response,
                        Err(_) => refused(&gate.panicked(&attached.peer, request_id).await, wanted.as_ref()),
                    };
                    attached.leaving(response, pages, place)
                }
                (Ok(_), None) => refused(&Fault::Bug.into(), wanted.as_ref()),
                (Err(status), _) => refused(&status, wanted.as_ref()),
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

/// What the gate stands before.
trait Inner:
    Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send> + Send
{
}

impl<S> Inner for S where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send> + Send
{
}

async fn answer(inner: &mut impl Inner, request: http::Request<Body>) -> http::Response<Body> {
    let Ok(response) = inner.call(request).await;
    response
}

/// A refusal, as a call or as a file is refused.
fn refused(status: &Status, wanted: Option<&Wanted>) -> http::Response<Body> {
    match wanted {
        Some(_) => log_files::refusal(status),
        None => status.clone().into_http(),
    }
}

/// The method by the table's own name, never the peer's.
fn method(request: &http::Request<Body>) -> &'static str {
    access::row(request.uri().path()).map_or("unknown", |row| row.path)
}

/// The span of a request: its id in every line, whatever the level; its method by the table's own name and never the peer's.
fn span(request: &http::Request<Body>, request_id: RequestId) -> tracing::Span {
    let method = method(request);
    match request.extensions().get::<Attached>() {
        Some(own) => tracing::error_span!("request", request_id = %request_id, method, system = %own.peer.system()),
        None => tracing::error_span!("request", request_id = %request_id, method),
    }
}
