//! Waiting for more: the stream publishes the place of what it has committed, and a look by the clock finds what that missed.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Message;
use causeway_model::FrameSeq;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};

use super::engine::Engine;

/// How often the stream is looked at without a hint.
const LOOK: Duration = Duration::from_millis(250);

impl Engine {
    /// Listens on every connection for as long as this engine is there.
    pub(super) fn listen(self: &Arc<Self>) {
        for index in 0..self.servers.all().len() {
            let engine = Arc::clone(self);
            // Ends with the runtime.
            tokio::spawn(async move {
                let connection = &engine.servers.all()[index];
                match connection.listen(&engine.name.tail()).await {
                    Ok(mut tail) => {
                        while let Some(message) = tail.next().await {
                            engine.heard_of(&message);
                        }
                    }
                    Err(error) => tracing::warn!(
                        server = connection.server(),
                        error = error.as_ref() as &dyn std::error::Error,
                        "no hints of new frames come from there"
                    ),
                }
            });
        }
    }

    fn heard_of(&self, message: &Message) {
        let seq = message.headers.as_ref().and_then(|headers| headers.get("Nats-Sequence"));
        let Some(seq) = seq.and_then(|seq| seq.as_str().parse::<u64>().ok()) else { return };
        self.hint.send_if_modified(|hint| {
            let is_news = seq > *hint;
            *hint = seq.max(*hint);
            is_news
        });
    }

    pub(super) async fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        let end = Instant::now() + until;
        let mut hint = self.hint.subscribe();
        loop {
            let newest = (*hint.borrow_and_update()).max(self.known().0);
            if newest > after.0 || Instant::now() >= end {
                return FrameSeq(newest);
            }
            let look = (Instant::now() + LOOK).min(end);
            tokio::select! {
                _ = hint.changed() => {}
                () = sleep_until(look) => {
                    // Whatever is wrong with the stream is told by whoever reads or assures.
                    if let Ok(Ok(info)) = tokio::time::timeout_at(end.max(look), self.info()).await {
                        self.knows(FrameSeq(info.last()));
                    }
                }
            }
        }
    }
}
