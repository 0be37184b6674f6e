//! Reading frames: dense, each what its id says, from any copy of the log that has them.

use std::time::Instant;

use async_nats::Message;
use causeway_journal::{MAX_FRAME_BYTES, frame_id};
use causeway_model::FrameSeq;
use serde_json::json;
use tokio::time::sleep;

use super::connection::{Connection, NoAnswer};
use super::engine::{Engine, FIRST_PAUSE, LONGEST_PAUSE};
use crate::log::{EngineError, ReadError};

/// Most frames of one reading.
const MOST_FRAMES: usize = 1000;

/// Most bytes of one reading, whatever is asked for: the servers cut off a client that is slow to take more.
const MOST_BYTES: usize = 8 << 20;

/// What one copy gave.
#[derive(Debug)]
enum Got {
    Frames(Vec<(FrameSeq, Vec<u8>)>),
    /// It has nothing there yet.
    Nothing,
    Hole(FrameSeq, &'static str),
    /// It may not be asked: no other one may.
    Denied(EngineError),
    Failed(EngineError),
}

impl From<NoAnswer> for Got {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::Denied(_) => Self::Denied(error.into_error()),
            other => Self::Failed(other.into_error()),
        }
    }
}

/// A message of the stream as a copy holds it.
#[derive(Debug)]
struct Held {
    seq: Option<u64>,
    id: Option<String>,
    bytes: Vec<u8>,
}

impl Engine {
    pub(super) async fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        let from = from.max(FrameSeq(1));
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        let mut asked = 0_usize;
        // Believed in only once patience is over: which copy answers is the servers' to choose, whichever of them is asked, and one that
        // has just started answers nobody yet.
        let mut hole: Option<(FrameSeq, &'static str)> = None;
        loop {
            let connection = self.servers.at(asked);
            asked += 1;
            let failed = match self.read_from(connection, from, max_bytes).await {
                Got::Frames(frames) => {
                    if let Some((last, _)) = frames.last() {
                        self.knows(*last);
                    }
                    return Ok(frames);
                }
                Got::Nothing if from > self.known() => {
                    // Whoever mentioned more was wrong, or this copy lags: the next look is made by the clock.
                    self.hint.send_replace(self.known().0);
                    return Ok(Vec::new());
                }
                // Until there is a new leader, the copies that answer may all lag behind what was acknowledged. Where it was cut back
                // instead, the leader says so.
                Got::Nothing => Some(format!("no copy that answers has frame {from}, though it was there").into()),
                Got::Hole(at, what) => {
                    let server = connection.server();
                    tracing::error!(stream = %self.name, server, frame = at.0, what, "a copy of the shared log has a hole");
                    hole = Some((at, what));
                    None
                }
                Got::Denied(error) => return Err(ReadError::Engine(error)),
                Got::Failed(error) => Some(error),
            };
            if begun.elapsed() > self.patience {
                match (hole, failed) {
                    (Some((at, what)), _) => return Err(ReadError::Hole { at, what }),
                    (None, Some(error)) => return Err(ReadError::Engine(error)),
                    (None, None) => {}
                }
            }
            if asked.is_multiple_of(self.servers.all().len()) {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    async fn read_from(&self, connection: &Connection, from: FrameSeq, max_bytes: usize) -> Got {
        let max_bytes = max_bytes.clamp(1, MOST_BYTES);
        // A server looks for a whole batch at a time: where one frame is wanted, no more are.
        let batch = if max_bytes == 1 { 1 } else { MOST_FRAMES };
        let question = json!({ "seq": from.0, "batch": batch, "max_bytes": max_bytes });
        let subject = self.name.call("DIRECT.GET");
        let mut answers = match connection.ask_for_many(&subject, question.to_string().into_bytes()).await {
            Ok(answers) => answers,
            Err(error) => return error.into(),
        };
        let mut held = Vec::new();
        let end = loop {
            match answers.next().await {
                Ok(message) => match message.status.map_or(200, |status| status.as_u16()) {
                    200 => held.push(Held::of(message)),
                    // The end of the batch; nothing there.
                    204 | 404 => break None,
                    status => break Some(Got::Failed(format!("a read was answered with status {status}").into())),
                },
                Err(error) => break Some(error.into()),
            }
        };
        match (end, dense(from, held)) {
            // What came is good, whatever broke off after it.
            (_, Got::Frames(frames)) => Got::Frames(frames),
            (Some(broken), Got::Nothing) => broken,
            (_, got) => got,
        }
    }
}

impl Held {
    fn of(message: Message) -> Self {
        let header = |name: &str| message.headers.as_ref()?.get(name).map(|value| value.as_str().to_owned());
        Self {
            seq: header("Nats-Sequence").and_then(|seq| seq.parse().ok()),
            id: header("Nats-Msg-Id"),
            bytes: message.payload.to_vec(),
        }
    }
}

/// The frames up to the first that is not as it should be; a hole where that is the first of all.
fn dense(from: FrameSeq, held: Vec<Held>) -> Got {
    let mut frames: Vec<(FrameSeq, Vec<u8>)> = Vec::with_capacity(held.len());
    let mut next = from;
    for Held { seq, id, bytes } in held {
        let what = if seq != Some(next.0) {
            "it is missing"
        } else if bytes.len() > MAX_FRAME_BYTES {
            "it is longer than a frame may be"
        } else if id.is_none_or(|id| id != frame_id(&bytes).to_string()) {
            "its bytes are not those of its id"
        } else {
            frames.push((next, bytes));
            next = next.next();
            continue;
        };
        if frames.is_empty() {
            return Got::Hole(next, what);
        }
        break;
    }
    if frames.is_empty() { Got::Nothing } else { Got::Frames(frames) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(seq: u64, bytes: &[u8]) -> Held {
        Held { seq: Some(seq), id: Some(frame_id(bytes).to_string()), bytes: bytes.to_vec() }
    }

    fn count(from: u64, all: Vec<Held>) -> usize {
        match dense(FrameSeq(from), all) {
            Got::Frames(frames) => frames.len(),
            got => panic!("{got:?}"),
        }
    }

    #[test]
    fn what_is_given_is_dense_and_what_its_ids_say() {
        assert_eq!(count(4, vec![held(4, b"a"), held(5, b"b")]), 2);
        assert_eq!(count(4, vec![held(4, b"a"), held(6, b"b")]), 1, "up to the gap");
        assert!(matches!(dense(FrameSeq(5), vec![held(6, b"b")]), Got::Hole(FrameSeq(5), _)));
        assert!(matches!(dense(FrameSeq(5), vec![held(4, b"b")]), Got::Hole(FrameSeq(5), _)));
        let altered = Held { bytes: b"x".to_vec(), ..held(4, b"a") };
        assert!(matches!(dense(FrameSeq(4), vec![altered]), Got::Hole(FrameSeq(4), _)));
        let nameless = Held { id: None, ..held(4, b"a") };
        assert!(matches!(dense(FrameSeq(4), vec![nameless]), Got::Hole(FrameSeq(4), _)));
        assert!(matches!(dense(FrameSeq(4), Vec::new()), Got::Nothing));
        let long = held(4, &vec![0; MAX_FRAME_BYTES + 1]);
        assert!(matches!(dense(FrameSeq(4), vec![long]), Got::Hole(..)));
    }
}
