//! One connection to one server: requests that end in time, and what the server does not permit.

use std::collections::HashSet;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::client::Request;
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, HeaderMap, Message, RequestErrorKind, ServerError, Subscriber};
use futures_util::StreamExt;
use tokio::sync::Notify;

use crate::log::EngineError;

/// How long an answer may take. An election takes longer; whoever asks tries again.
const ANSWER: Duration = Duration::from_secs(2);

/// A server that does not answer pings of this distance is given up: the client's own default is a minute.
const PING: Duration = Duration::from_secs(2);

/// Longest pause between two attempts to reach a server again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Messages that may wait of one subscription: more than one reading asks for.
const WAITING_MESSAGES: usize = 4096;

/// Files that a client proves itself with, and knows servers by.
#[derive(Debug, Clone)]
pub struct ClientFiles {
    /// The roots of the servers' certificates, PEM. No others are trusted.
    pub ca: PathBuf,
    /// The client's certificate (chain), PEM. Read again at every connection.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The server does not permit this client to use the subject: nothing was done.
    Denied(String),
    /// The message is longer than the server takes: nothing was done.
    TooLong(EngineError),
    /// None came. What was asked for may have been done.
    Failed(EngineError),
}

impl NoAnswer {
    pub(super) fn into_error(self) -> EngineError {
        match self {
            Self::Denied(subject) => denial(&subject).into(),
            Self::TooLong(error) | Self::Failed(error) => error,
        }
    }
}

/// A denial in words.
pub(super) fn denial(subject: &str) -> String {
    format!("this certificate has no permission for {subject}: see the servers' accounts (docs/cluster.md)")
}

/// A connection that the client makes again by itself whenever it is lost.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    server: String,
    heard: Arc<Heard>,
}

/// What the server has said beside its answers: a denied subject is otherwise silence.
#[derive(Debug, Default)]
struct Heard {
    denied: Mutex<HashSet<String>>,
    last: Mutex<Option<String>>,
    news: Notify,
}

impl Connection {
    /// Begins to connect to a server (`host:port`), by mutual TLS.
    pub(super) async fn begin(server: &str, files: &ClientFiles) -> Result<Self, EngineError> {
        let heard = Arc::new(Heard::default());
        let theirs = Arc::clone(&heard);
        let options = ConnectOptions::new()
            .name("causeway")
            .require_tls(true)
            .add_root_certificates(files.ca.clone())
            .add_client_certificate(files.certificate.clone(), files.key.clone())
            .ping_interval(PING)
            .connection_timeout(ANSWER)
            .request_timeout(Some(ANSWER))
            .subscription_capacity(WAITING_MESSAGES)
            .retry_on_initial_connect()
            .ignore_discovered_servers()
            .reconnect_delay_callback(|attempt| {
                let doubled = Duration::from_millis(50).saturating_mul(1 << attempt.min(6));
                doubled.min(LONGEST_PAUSE)
            })
            .event_callback(move |event| {
                theirs.take(&event);
                std::future::ready(())
            });
        let client = options.connect(format!("tls://{server}")).await?;
        Ok(Self { client, server: server.to_owned(), heard })
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) fn is_up(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// What is sent while it is not up would be sent once it is, whenever that is.
    fn must_be_up(&self) -> Result<(), NoAnswer> {
        if self.is_up() { Ok(()) } else { Err(NoAnswer::Failed(format!("{} is not connected", self.server).into())) }
    }

    /// What was heard last of why it is not up.
    pub(super) fn last_heard(&self) -> Option<String> {
        self.heard.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the server has denied a subject since it was last asked for.
    pub(super) fn is_denied(&self, subject: &str) -> bool {
        self.heard.is_denied(subject)
    }

    /// Asks, and waits for the one answer.
    pub(super) async fn ask(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Vec<u8>,
    ) -> Result<Message, NoAnswer> {
        self.must_be_up()?;
        let mut request = Request::new().payload(payload.into()).timeout(Some(ANSWER));
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        self.heard.forget(subject);
        let mut news = pin!(self.heard.news.notified());
        news.as_mut().enable();
        let mut answer = pin!(self.client.send_request(subject.to_owned(), request));
        loop {
            tokio::select! {
                answered = &mut answer => {
                    return answered.map_err(|error| match error.kind() {
                        _ if self.is_denied(subject) => NoAnswer::Denied(subject.to_owned()),
                        RequestErrorKind::MaxPayloadExceeded => NoAnswer::TooLong(Box::new(error)),
                        _ => NoAnswer::Failed(Box::new(error)),
                    });
                }
                () = &mut news => {
                    if self.is_denied(subject) {
                        return Err(NoAnswer::Denied(subject.to_owned()));
                    }
                    news.set(self.heard.news.notified());
                }
            }
        }
    }

    /// Asks where several answers come, and gives them as they come.
    pub(super) async fn ask_for_many(&self, subject: &str, payload: Vec<u8>) -> Result<Answers<'_>, NoAnswer> {
        self.must_be_up()?;
        self.heard.forget(subject);
        let inbox = self.client.new_inbox();
        let failed = |error: EngineError| NoAnswer::Failed(error);
        let incoming = self.client.subscribe(inbox.clone()).await.map_err(|error| failed(Box::new(error)))?;
        self.client
            .publish_with_reply(subject.to_owned(), inbox, payload.into())
            .await
            .map_err(|error| failed(Box::new(error)))?;
        Ok(Answers { connection: self, subject: subject.to_owned(), incoming })
    }

    /// What is published on a subject from now on. Where that is not permitted, nothing ever comes.
    pub(super) async fn listen(&self, subject: &str) -> Result<Subscriber, EngineError> {
        Ok(self.client.subscribe(subject.to_owned()).await?)
    }
}

/// Answers to one question.
#[derive(Debug)]
pub(super) struct Answers<'c> {
    connection: &'c Connection,
    subject: String,
    incoming: Subscriber,
}

impl Answers<'_> {
    pub(super) async fn next(&mut self) -> Result<Message, NoAnswer> {
        match tokio::time::timeout(ANSWER, self.incoming.next()).await {
            Ok(Some(message)) => Ok(message),
            _ if self.connection.is_denied(&self.subject) => Err(NoAnswer::Denied(self.subject.clone())),
            Ok(None) => Err(NoAnswer::Failed("the connection was closed".into())),
            Err(elapsed) => Err(NoAnswer::Failed(Box::new(elapsed))),
        }
    }
}

impl Heard {
    fn take(&self, event: &Event) {
        if let Event::ServerError(ServerError::Other(words)) = event
            && let Some(subject) = denied_subject(words)
        {
            self.denied().insert(subject);
        }
        if matches!(event, Event::ServerError(_) | Event::ClientError(_)) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(event.to_string());
        }
        self.news.notify_waiters();
    }

    fn forget(&self, subject: &str) {
        self.denied().remove(&subject.to_ascii_lowercase());
    }

    fn is_denied(&self, subject: &str) -> bool {
        self.denied().contains(&subject.to_ascii_lowercase())
    }

    fn denied(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subject of `Permissions Violation for Publish to "log.0"`, in small letters.
fn denied_subject(words: &str) -> Option<String> {
    let words = words.to_ascii_lowercase();
    let (_, rest) = words.split_once("permissions violation")?;
    let (_, rest) = rest.split_once('"')?;
    let (subject, _) = rest.split_once('"')?;
    Some(subject.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_its_subject() {
        let words = "Permissions Violation for Publish to \"$JS.API.STREAM.INFO.LOG\"";
        assert_eq!(denied_subject(words).as_deref(), Some("$js.api.stream.info.log"));
        let words = "permissions violation for subscription to \"logtail.>\"";
        assert_eq!(denied_subject(words).as_deref(), Some("logtail.>"));
        assert_eq!(denied_subject("Stale Connection"), None);
    }
}
