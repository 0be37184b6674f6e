//! Appending a frame: published with its id until it is known what became of it.

use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message};
use causeway_crypto::Digest;
use causeway_journal::frame_id;
use causeway_model::FrameSeq;
use serde_json::Value;
use tokio::time::sleep;

use super::connection::{NoAnswer, denial};
use super::engine::{CUT_BACK, Engine, FIRST_PAUSE, LONGEST_PAUSE};
use crate::log::{AppendError, EngineError, ReadError};

/// Bytes that are read at once when a frame is looked for.
const LOOK_BYTES: usize = 4 << 20;

/// Frames of which it is open whether they are stored. A writer that has more has lost the log, and is told so.
const MOST_UNSETTLED: usize = 1024;

/// A frame of which it is open whether it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsettled {
    /// The head before it was first sent: it can only be behind it.
    after: FrameSeq,
    /// When it was sent first since it was last looked for.
    since: Instant,
}

/// What became of one publication.
#[derive(Debug, PartialEq, Eq)]
enum Published {
    At { seq: FrameSeq, was_there: bool },
    WrongLast(FrameSeq),
    Refused(String),
    Unknown(String),
}

/// What one attempt came to.
enum Attempt {
    Ended(Result<FrameSeq, AppendError>),
    Open(EngineError),
}

impl Engine {
    pub(super) async fn append(
        &self,
        id: Digest,
        bytes: Vec<u8>,
        expect: Option<FrameSeq>,
    ) -> Result<FrameSeq, AppendError> {
        if frame_id(&bytes) != id {
            // The servers compare ids alone: other bytes under the same id would be acknowledged and gone.
            return Err(AppendError::Refused("the id is not the digest of the frame's bytes".into()));
        }
        let before = self.unsettled().get(&id).copied();
        if before.is_none() && self.unsettled().len() >= MOST_UNSETTLED {
            return Err(AppendError::Refused("too many frames are open".into()));
        }
        let mut sent = before.is_some();
        let mut frame = before.unwrap_or_else(|| Unsettled { after: self.known(), since: Instant::now() });
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let why = match self.attempt(&id, &bytes, expect, &mut frame, sent).await {
                Attempt::Ended(ended) => {
                    match &ended {
                        Err(AppendError::Unknown(_)) => self.unsettled().insert(id, frame),
                        _ => self.unsettled().remove(&id),
                    };
                    return ended;
                }
                Attempt::Open(why) => why,
            };
            sent = true;
            if begun.elapsed() > self.patience {
                self.unsettled().insert(id, frame);
                return Err(AppendError::Unknown(why));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Publishes once; a frame that was sent long ago is looked for in the log first.
    async fn attempt(
        &self,
        id: &Digest,
        bytes: &[u8],
        expect: Option<FrameSeq>,
        frame: &mut Unsettled,
        sent: bool,
    ) -> Attempt {
        // Of a frame that was sent before, nobody can say any more that it is surely not stored.
        let surely_not = |why: EngineError| {
            Attempt::Ended(Err(if sent { AppendError::Unknown(why) } else { AppendError::Refused(why) }))
        };
        if let Some(why) = self.broken() {
            return surely_not(why.into());
        }
        // The servers may have forgotten the id. Half of the time, for what is on its way.
        if sent && frame.since.elapsed() > self.window / 2 {
            match self.find(id, frame.after).await {
                Ok(Some(seq)) => return Attempt::Ended(Ok(seq)),
                Ok(None) => frame.since = Instant::now(),
                Err(error) => return Attempt::Open(Box::new(error)),
            }
        }
        match self.publish(id, bytes, expect).await {
            Published::At { seq, was_there } if was_there || seq > frame.after => {
                self.knows(seq);
                Attempt::Ended(Ok(seq))
            }
            Published::At { .. } => Attempt::Ended(Err(AppendError::Unknown(Box::new(self.break_off(CUT_BACK))))),
            Published::WrongLast(head) => Attempt::Ended(self.conflict(id, expect, head).await),
            Published::Refused(what) => surely_not(what.into()),
            Published::Unknown(what) => Attempt::Open(what.into()),
        }
    }

    /// Another head than expected: it may be this frame's own, sent before.
    async fn conflict(&self, id: &Digest, expect: Option<FrameSeq>, head: FrameSeq) -> Result<FrameSeq, AppendError> {
        let expected = expect.ok_or_else(|| AppendError::Refused("a conflict where nothing was expected".into()))?;
        self.knows(head);
        if head > expected {
            let place = expected.next();
            let there = self.read(place, 1).await.map_err(|error| AppendError::Unknown(Box::new(error)))?;
            if there.first().is_some_and(|(_, bytes)| frame_id(bytes) == *id) {
                return Ok(place);
            }
        }
        Err(AppendError::Conflict { head })
    }

    /// Looks for a frame behind a place, up to the head as it is now.
    async fn find(&self, id: &Digest, after: FrameSeq) -> Result<Option<FrameSeq>, ReadError> {
        let head = FrameSeq(self.info_in_full().await?.last());
        let mut next = after.next();
        while next <= head {
            let frames = self.read(next, LOOK_BYTES).await?;
            if let Some((seq, _)) = frames.iter().find(|(_, bytes)| frame_id(bytes) == *id) {
                return Ok(Some(*seq));
            }
            match frames.last() {
                Some((last, _)) => next = last.next(),
                None => sleep(Duration::from_millis(20)).await,
            }
        }
        Ok(None)
    }

    async fn publish(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Published {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id.to_string());
        headers.insert("Nats-Expected-Stream", self.name.as_str());
        if let Some(expect) = expect {
            headers.insert("Nats-Expected-Last-Sequence", expect.0.to_string());
        }
        match self.servers.ask(&self.name.frames(), Some(headers), bytes.to_vec()).await {
            Ok(answer) => outcome(&answer),
            Err(NoAnswer::Denied(subject)) => Published::Refused(denial(&subject)),
            Err(NoAnswer::TooLong(error)) => Published::Refused(error.to_string()),
            Err(NoAnswer::Failed(error)) => Published::Unknown(error.to_string()),
        }
    }
}

fn outcome(answer: &Message) -> Published {
    let Ok(answer) = serde_json::from_slice::<Value>(&answer.payload) else {
        return Published::Unknown("the acknowledgement is no JSON".into());
    };
    let error = &answer["error"];
    if !error.is_null() {
        let words = super::error_in_words(error);
        return match error["err_code"].as_u64() {
            // Wrong last sequence.
            Some(10071) => {
                last_number(&words).map_or(Published::Unknown(words), |last| Published::WrongLast(FrameSeq(last)))
            }
            // Resources, message too long, another stream, JetStream not enabled, maximum bytes.
            Some(10047 | 10054 | 10060 | 10076 | 10077) => Published::Refused(words),
            // 10158 says that the same id is being stored; all others leave it open, and are tried again.
            _ => Published::Unknown(words),
        };
    }
    match answer["seq"].as_u64() {
        Some(seq) if seq > 0 => {
            Published::At { seq: FrameSeq(seq), was_there: answer["duplicate"].as_bool().unwrap_or(false) }
        }
        _ => Published::Unknown("the acknowledgement names no place".into()),
    }
}

/// The head that stands in the words of a conflict: `wrong last sequence: 5 (error 10071)`.
fn last_number(words: &str) -> Option<u64> {
    let (_, rest) = words.split_once("sequence: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(payload: &str) -> Published {
        let payload = payload.to_owned();
        outcome(&Message {
            subject: "_INBOX.1".into(),
            reply: None,
            length: payload.len(),
            payload: payload.into(),
            headers: None,
            status: None,
            description: None,
        })
    }

    #[test]
    fn acknowledgements_and_errors_mean_what_was_measured() {
        let at = |seq, was_there| Published::At { seq: FrameSeq(seq), was_there };
        assert_eq!(of(r#"{"stream":"LOG","seq":5}"#), at(5, false));
        assert_eq!(of(r#"{"stream":"LOG","seq":2,"duplicate":true}"#), at(2, true));
        let error = |code: u32, words: &str| {
            of(&format!(
                r#"{{"error":{{"code":400,"err_code":{code},"description":"{words}"}},"stream":"LOG","seq":0}}"#
            ))
        };
        assert_eq!(error(10071, "wrong last sequence: 5"), Published::WrongLast(FrameSeq(5)));
        assert!(matches!(error(10077, "maximum bytes exceeded"), Published::Refused(_)));
        assert!(matches!(error(10158, "duplicate message id is in process"), Published::Unknown(_)));
        assert!(matches!(error(10008, "temporarily unavailable"), Published::Unknown(_)));
        assert!(matches!(of("what"), Published::Unknown(_)));
        assert!(matches!(of(r#"{"stream":"LOG","seq":0}"#), Published::Unknown(_)));
    }
}
