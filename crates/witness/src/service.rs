//! The two resources of a witness (C2SP tlog-witness): `POST /add-checkpoint`, and the newest checkpoint of each log for
//! monitors. Each request ends in one answer, and each refusal in a log line of a bounded number of them.

use std::sync::Arc;
use std::time::Duration;

use causeway_journal::witness::{AddCheckpoint, SIZE_CONTENT_TYPE, WitnessRefusal};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::body;
use crate::config::Limits;
use crate::evidence::Suspicion;
use crate::held::Held;
use crate::memory::Memory;
use crate::notices::Notices;
use crate::refusal::Refusal;
use crate::server::Clock;
use crate::watched_log::{Refused, Suspected, WatchedLog};

const ADD_CHECKPOINT: &str = "/add-checkpoint";

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// That of the size in a conflict.
const SIZE: HeaderValue = HeaderValue::from_static(SIZE_CONTENT_TYPE);

/// What answers requests.
#[derive(Debug)]
pub(crate) struct Service {
    memory: Memory,
    clock: Clock,
    body_time: Duration,
    /// Requests that may be decided and written at a time.
    places: Arc<Semaphore>,
    notices: Notices,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    AddCheckpoint,
    /// The checkpoint of the log whose file has this name.
    Checkpoint(&'a str),
}

impl Route<'_> {
    fn of(path: &str) -> Option<Route<'_>> {
        if path == ADD_CHECKPOINT {
            return Some(Route::AddCheckpoint);
        }
        let name = path.strip_prefix('/')?.strip_suffix("/checkpoint")?;
        let is_name = name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_name.then_some(Route::Checkpoint(name))
    }
}

impl Service {
    pub(crate) fn new(memory: Memory, clock: Clock, limits: &Limits) -> Self {
        let places = Arc::new(Semaphore::new(limits.requests));
        Self { memory, clock, body_time: limits.body, places, notices: Notices::default() }
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Answers one request. What is written goes on where whoever asked has gone away.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<String> {
        let (head, body) = request.into_parts();
        match (Route::of(head.uri.path()), head.method) {
            (None, _) => plain(StatusCode::NOT_FOUND, "there is nothing here\n".into()),
            (Some(Route::AddCheckpoint), Method::POST) => self.add_checkpoint(body).await,
            (Some(Route::Checkpoint(name)), Method::GET) => self.checkpoint(name.to_owned()).await,
            (Some(Route::AddCheckpoint), _) => not_allowed("POST"),
            (Some(Route::Checkpoint(_)), _) => not_allowed("GET"),
        }
    }

    async fn add_checkpoint(self: Arc<Self>, body: Incoming) -> Response<String> {
        let bytes = match tokio::time::timeout(self.body_time, body::read(body)).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(refusal)) => return self.refuse(&refusal, None),
            Err(_) => return self.refuse(&Refusal::TooSlow, None),
        };
        let service = Arc::clone(&self);
        // The place goes with the work, which is not stopped where whoever asked hangs up.
        match self.blocking(move || service.add(&bytes)).await {
            Ok(answer) => answer,
            Err(refusal) => self.refuse(&refusal, None),
        }
    }

    async fn checkpoint(self: Arc<Self>, name: String) -> Response<String> {
        let service = Arc::clone(&self);
        let found = self.blocking(move || service.memory.checkpoint(&name)).await;
        match found {
            Ok(Ok(Some(note))) => plain(StatusCode::OK, note),
            Ok(Ok(None)) => plain(StatusCode::NOT_FOUND, "no checkpoint of such a log\n".into()),
            Ok(Err(refused)) => self.refused(&refused, None),
            Err(refusal) => self.refuse(&refusal, None),
        }
    }

    /// Runs what waits for the disk on a thread that may, where there is a place for it.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return Err(Refusal::Busy) };
        let work = spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        // A panic is a bug; it has been reported, and nothing was signed.
        work.await.map_err(|_| Refusal::NotStored)
    }

    fn add(&self, bytes: &[u8]) -> Response<String> {
        let request = match AddCheckpoint::parse(bytes) {
            Ok(request) => request,
            Err(error) => return self.refuse(&Refusal::Rules(error.into()), None),
        };
        let log = match self.memory.log(&request) {
            Ok(log) => log,
            Err(refusal) => return self.refuse(&Refusal::Rules(refusal), None),
        };
        match self.memory.add(log, &request, self.clock.seconds()) {
            Ok(cosigned) => {
                let (old_size, size) = (cosigned.old_size, cosigned.held.checkpoint.size);
                if size == old_size {
                    tracing::debug!(log = log.origin(), size, "cosigned again");
                } else {
                    tracing::info!(log = log.origin(), old_size, size, "cosigned");
                    self.settle(log, &cosigned.held);
                }
                plain(StatusCode::OK, cosigned.line)
            }
            Err(refused) => self.refused(&refused, Some(log)),
        }
    }

    /// Looks again at what was suspected of the checkpoint that has now been cosigned.
    fn settle(&self, log: &WatchedLog, held: &Held) {
        let what = "the log has signed two histories of one size";
        match self.memory.evidence().settle(log.name(), held) {
            Ok(None) => {}
            Ok(Some(path)) => {
                tracing::error!(log = log.origin(), size = held.checkpoint.size, evidence = %path.display(), "{what}");
            }
            Err(error) => {
                if let Some(left_out) = self.notices.admit("evidence") {
                    tracing::error!(log = log.origin(), %error, left_out, "evidence could not be written");
                }
            }
        }
    }

    fn refused(&self, refused: &Refused, log: Option<&WatchedLog>) -> Response<String> {
        let origin = log.map_or("", WatchedLog::origin);
        match refused {
            Refused::Rules(_) => {}
            Refused::Suspected(suspected) => self.report(suspected, log),
            Refused::Disk { what, source } => {
                if let Some(left_out) = self.notices.admit(what) {
                    tracing::error!(log = origin, error = %source, left_out, "could not {what}; nothing was signed");
                }
            }
        }
        self.refuse(&refused.refusal(), log)
    }

    /// Keeps the two notes, and says so.
    fn report(&self, suspected: &Suspected, log: Option<&WatchedLog>) {
        let Suspected { suspicion, held, offered, .. } = suspected;
        let (origin, name) = (log.map_or("", WatchedLog::origin), log.map_or("", WatchedLog::name));
        let kept = self.memory.evidence().keep(name, held, offered, *suspicion);
        let (held, offered) = (held.checkpoint.size, offered.checkpoint.size);
        let what = match suspicion {
            Suspicion::Split => "the log has signed two histories of one size",
            Suspicion::Unproven => "a signed checkpoint came with a proof that fails: perhaps a second history",
        };
        if let Some(left_out) = self.notices.admit(what) {
            let evidence = kept.as_ref().ok().and_then(Option::as_deref).map(|path| path.display().to_string());
            tracing::error!(log = origin, held, offered, evidence, left_out, "{what}");
        }
        if let Some((error, left_out)) = kept.err().and_then(|error| Some((error, self.notices.admit("evidence")?))) {
            tracing::error!(log = origin, %error, left_out, "evidence could not be written");
        }
    }

    /// The answer of a refusal, and its log line.
    fn refuse(&self, refusal: &Refusal, log: Option<&WatchedLog>) -> Response<String> {
        let (reason, status) = (refusal.reason(), refusal.status());
        if let Some(left_out) = self.notices.admit(reason) {
            let log = log.map(WatchedLog::origin);
            tracing::warn!(reason, status = status.as_u16(), log, left_out, "refused");
        }
        let mut response = plain(status, refusal.body());
        if matches!(refusal, Refusal::Rules(WitnessRefusal::Conflict { .. })) {
            response.headers_mut().insert(CONTENT_TYPE, SIZE);
        }
        if *refusal == Refusal::Busy {
            with(&mut response, RETRY_AFTER, "1");
        }
        response
    }
}

fn plain(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response
}

fn not_allowed(method: &'static str) -> Response<String> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, format!("only {method}\n"));
    with(&mut response, ALLOW, method);
    response
}

fn with(response: &mut Response<String>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_forms_of_path_lead_somewhere() {
        let name = "0123456789abcdef".repeat(4);
        assert_eq!(Route::of("/add-checkpoint"), Some(Route::AddCheckpoint));
        assert_eq!(Route::of(&format!("/{name}/checkpoint")), Some(Route::Checkpoint(&name)));
        let (upper, short) = (format!("/{}/checkpoint", name.to_uppercase()), format!("/{}/checkpoint", &name[1..]));
        for nowhere in
            ["/", "", "*", "/add-checkpoint/", "//add-checkpoint", "/checkpoint", &upper, &short, "/é/checkpoint"]
        {
            assert_eq!(Route::of(nowhere), None, "{nowhere}");
        }
    }
}
