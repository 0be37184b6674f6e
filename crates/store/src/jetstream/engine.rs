//! The part of the log that runs on its own runtime: what is known of the stream, and whether it is still the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use causeway_crypto::Digest;
use causeway_model::FrameSeq;
use tokio::sync::watch;
use tokio::time::sleep;

use super::JetStreamSettings;
use super::appending::Unsettled;
use super::connection::NoAnswer;
use super::names::StreamName;
use super::servers::Servers;
use super::stream_info::StreamInfo;
use crate::log::{EngineError, ReadError};
use crate::shared_log::{Head, log_id_of};

/// Pauses between two attempts.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A new leader may not have applied all that was acknowledged before it; longer than this it does not take.
const BEHIND: Duration = Duration::from_secs(5);

pub(super) const CUT_BACK: &str =
    "the stream is shorter than what was acknowledged of it: it was cut back, or an old copy was put back";
const CREATED_ANEW: &str = "the stream was deleted and created again under the same name";
const FOREIGN: &str = "the stream holds another journal's log than this one's";

#[derive(Debug)]
pub(super) struct Engine {
    pub(super) name: StreamName,
    pub(super) servers: Servers,
    pub(super) patience: Duration,
    /// For how long the servers know a frame again by its id.
    pub(super) window: Duration,
    created: String,
    expected: Option<[u8; 16]>,
    log_id: OnceLock<[u8; 16]>,
    /// The newest place that was surely there.
    known: AtomicU64,
    /// The newest place that somebody has mentioned.
    pub(super) hint: watch::Sender<u64>,
    /// Why nothing is appended any more.
    broken: OnceLock<&'static str>,
    pub(super) unsettled: Mutex<HashMap<Digest, Unsettled>>,
}

impl Engine {
    pub(super) async fn start(settings: JetStreamSettings) -> Result<Self, EngineError> {
        let servers = Servers::connect(&settings.servers, &settings.files).await?;
        let name = settings.stream;
        let info = ask_patiently(&servers, &name, settings.patience).await?;
        let engine = Self {
            window: Duration::from_nanos(info.window_nanos()),
            created: info.created().to_owned(),
            known: AtomicU64::new(info.last()),
            name,
            servers,
            patience: settings.patience,
            expected: settings.log_id,
            log_id: OnceLock::new(),
            hint: watch::Sender::new(info.last()),
            broken: OnceLock::new(),
            unsettled: Mutex::default(),
        };
        if info.last() > 0 {
            engine.identify().await?;
        }
        Ok(engine)
    }

    pub(super) fn known(&self) -> FrameSeq {
        FrameSeq(self.known.load(Ordering::SeqCst))
    }

    pub(super) fn knows(&self, last: FrameSeq) {
        self.known.fetch_max(last.0, Ordering::SeqCst);
    }

    /// Ends all appending: what is stored is not what was acknowledged.
    pub(super) fn break_off(&self, why: &'static str) -> ReadError {
        let why = self.broken.get_or_init(|| why);
        tracing::error!(stream = %self.name, why, "the shared log is broken: nothing is appended to it any more");
        ReadError::Damaged(why)
    }

    pub(super) fn broken(&self) -> Option<&'static str> {
        self.broken.get().copied()
    }

    /// What the stream's leader says of it, once; it may be behind by a moment.
    pub(super) async fn info(&self) -> Result<StreamInfo, ReadError> {
        let asked = self.servers.ask(&self.name.call("STREAM.INFO"), None, Vec::new()).await;
        let answer = asked.map_err(|error| ReadError::Engine(error.into_error()))?;
        let info = StreamInfo::read(&answer.payload).map_err(|what| ReadError::Engine(what.into()))?;
        if info.created() != self.created {
            return Err(self.break_off(CREATED_ANEW));
        }
        Ok(info)
    }

    /// The same with patience for an election, and for a leader that has not applied everything yet.
    pub(super) async fn info_in_full(&self) -> Result<StreamInfo, ReadError> {
        let known = self.known().0;
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        let mut behind_since = None;
        loop {
            match self.info().await {
                Ok(info) if info.last() >= known => {
                    self.knows(FrameSeq(info.last()));
                    return Ok(info);
                }
                Ok(_) if behind_since.get_or_insert_with(Instant::now).elapsed() > BEHIND => {
                    return Err(self.break_off(CUT_BACK));
                }
                Err(ReadError::Engine(error)) if begun.elapsed() > self.patience => {
                    return Err(ReadError::Engine(error));
                }
                Ok(_) | Err(ReadError::Engine(_)) => {}
                Err(error) => return Err(error),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    pub(super) async fn head(&self) -> Result<Head, ReadError> {
        let info = self.info_in_full().await?;
        let log = if info.last() == 0 { None } else { Some(self.identify().await?) };
        Ok(Head { log, last: FrameSeq(info.last()) })
    }

    /// The id of the log that the stream holds: it must be the one that is expected, and stay it.
    async fn identify(&self) -> Result<[u8; 16], ReadError> {
        if let Some(known) = self.log_id.get() {
            return Ok(*known);
        }
        let first = self.read(FrameSeq(1), 1).await?;
        let (_, bytes) = first.first().ok_or(ReadError::Hole { at: FrameSeq(1), what: "nobody has it" })?;
        let found = log_id_of(bytes)?;
        if self.expected.is_some_and(|expected| expected != found) {
            return Err(self.break_off(FOREIGN));
        }
        Ok(*self.log_id.get_or_init(|| found))
    }

    pub(super) fn unsettled(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Unsettled>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first look at the stream: after a start of the servers there is no leader for some seconds.
async fn ask_patiently(servers: &Servers, name: &StreamName, patience: Duration) -> Result<StreamInfo, EngineError> {
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let asked = servers.ask(&name.call("STREAM.INFO"), None, Vec::new()).await;
        let error: EngineError = match asked.map(|answer| StreamInfo::read(&answer.payload)) {
            Ok(Ok(info)) => return Ok(info),
            Ok(Err(what)) if what.contains("10059") => {
                return Err(format!("there is no stream {name}: create it first (causeway cluster create)").into());
            }
            Ok(Err(what)) => what.into(),
            Err(denied @ NoAnswer::Denied(_)) => return Err(denied.into_error()),
            Err(other) => other.into_error(),
        };
        if begun.elapsed() > patience {
            return Err(error);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
