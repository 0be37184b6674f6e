//! The shared log on NATS JetStream: one stream of three copies, each synced before it is acknowledged.
//!
//! A message is a frame, its id (the SHA-256 of its bytes) the message's id, by which the servers know it again for ten minutes, and its
//! place the stream's sequence. What the servers are trusted with is checked: density and digests at every reading, what they enforce by
//! [`SharedLog::assure`], which log it is by the id in its frames. Measured faults and the settings: docs/cluster.md.

mod appending;
mod assuring;
mod connection;
mod creating;
mod engine;
mod names;
mod reading;
mod servers;
mod stream_info;
mod waiting;

use std::fmt;
use std::future::Future;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;
use serde_json::Value;
use tokio::runtime::{Handle, Runtime};

pub use connection::ClientFiles;
pub use creating::create_stream;
pub use names::StreamName;

use crate::error::StoreError;
use crate::log::{AppendError, EngineError, ReadError};
use crate::shared_log::{Assurance, AssureError, Head, SharedLog};
use engine::Engine;

/// Where the log is, and how it is reached.
#[derive(Debug, Clone)]
pub struct JetStreamSettings {
    /// The servers, each as `host:port`; all of those that keep a copy.
    pub servers: Vec<String>,
    /// What this client proves itself with, and knows the servers by.
    pub files: ClientFiles,
    /// The stream.
    pub stream: StreamName,
    /// The id of the log that it has to hold; none where any will do, which is then the one that it has to stay.
    pub log_id: Option<[u8; 16]>,
    /// How long a call goes on trying while nobody answers: more than the ten seconds that an election may take.
    pub patience: Duration,
}

/// What a call goes on trying for, by itself.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The log, connected.
pub struct JetStreamLog {
    engine: Arc<Engine>,
    /// None once closed.
    runtime: Mutex<Option<Runtime>>,
}

impl JetStreamLog {
    /// Connects, and finds the stream. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Engine`] where no server is reached or there is no such stream; [`StoreError::Read`] where the stream holds
    /// another log.
    pub fn open(settings: JetStreamSettings) -> Result<Self, StoreError> {
        let runtime = runtime().map_err(StoreError::Engine)?;
        let started = wait_for(runtime.handle(), async move {
            let engine = Arc::new(Engine::start(settings).await?);
            engine.listen();
            Ok::<_, EngineError>(engine)
        });
        let started = started.unwrap_or_else(|| Err("the start was broken off".into()));
        match started {
            Ok(engine) => Ok(Self { engine, runtime: Mutex::new(Some(runtime)) }),
            Err(error) => {
                runtime.shutdown_background();
                Err(match error.downcast::<ReadError>() {
                    Ok(error) => StoreError::Read(*error),
                    Err(error) => StoreError::Engine(error),
                })
            }
        }
    }

    /// Runs a call on the engine's own runtime; none once the log is closed.
    fn call<T: Send + 'static, F>(&self, work: impl FnOnce(Arc<Engine>) -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let handle = self.runtime().as_ref().map(|runtime| runtime.handle().clone())?;
        wait_for(&handle, work(Arc::clone(&self.engine)))
    }

    fn runtime(&self) -> std::sync::MutexGuard<'_, Option<Runtime>> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedLog for JetStreamLog {
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        let (id, bytes) = (*id, bytes.to_vec());
        let done = self.call(|engine| async move { engine.append(id, bytes, expect).await });
        // A call that the closing broke off may have stored it.
        done.unwrap_or_else(|| Err(AppendError::Unknown("the log is closed".into())))
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        let done = self.call(|engine| async move { engine.read(from, max_bytes).await });
        done.unwrap_or(Err(ReadError::Closed))
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        let done = self.call(|engine| async move { engine.wait(after, until).await });
        done.unwrap_or_else(|| self.engine.known())
    }

    fn head(&self) -> Result<Head, ReadError> {
        self.call(|engine| async move { engine.head().await }).unwrap_or(Err(ReadError::Closed))
    }

    fn assure(&self) -> Result<Assurance, AssureError> {
        self.call(|engine| async move { engine.assure().await }).unwrap_or(Err(AssureError::Closed))
    }

    fn close(&self) -> Result<(), ReadError> {
        if let Some(runtime) = self.runtime().take() {
            runtime.shutdown_background();
        }
        Ok(())
    }
}

impl Drop for JetStreamLog {
    fn drop(&mut self) {
        // A runtime that is dropped within another one panics; this does not wait.
        let _ = self.close();
    }
}

impl fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stream, known) = (&self.engine.name, self.engine.known());
        f.debug_struct("JetStreamLog").field("stream", stream).field("known", &known).finish_non_exhaustive()
    }
}

/// One thread is enough for what waits on the network.
fn runtime() -> Result<Runtime, EngineError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(1).thread_name("shared-log").enable_all().build()?)
}

/// Runs `work` there and waits for it here, which may be a thread of another runtime. None where it was broken off.
fn wait_for<T: Send + 'static>(runtime: &Handle, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let (done, result) = sync_channel(1);
    runtime.spawn(async move {
        // Whoever asked waits for it.
        let _ = done.send(work.await);
    });
    result.recv().ok()
}

/// An error of the servers in words, with its number.
fn error_in_words(error: &Value) -> String {
    let words = error["description"].as_str().unwrap_or("an error without words");
    format!("{words} (error {})", error["err_code"])
}
