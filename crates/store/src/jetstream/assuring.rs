//! What the servers enforce, and whether this client may do what it has to and no more.

use std::collections::BTreeMap;
use std::time::Instant;

use async_nats::HeaderMap;
use causeway_model::FrameSeq;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::connection::{Connection, NoAnswer, denial};
use super::engine::{Engine, FIRST_PAUSE, LONGEST_PAUSE};
use super::names::StreamName;
use super::stream_info::StreamInfo;
use crate::clock::Clock;
use crate::log::ReadError;
use crate::shared_log::{Assurance, AssureError};

/// The answer to what is published for another stream: it has reached this one, and nothing is stored.
const OTHER_STREAM: u64 = 10060;

impl Engine {
    pub(super) async fn assure(&self) -> Result<Assurance, AssureError> {
        if let Some(why) = self.broken() {
            return Err(AssureError::Faults(vec![why.to_owned()]));
        }
        let info = self.info_in_full().await?;
        let clock_fault = info.clock_fault(Clock::system().now());
        let mut faults = info.faults(&self.name);
        faults.extend(clock_fault);
        faults.extend(info.losses(&format!("stream {}", self.name)));
        faults.extend(self.permission_faults().await);
        let said = self.ask_servers().await?;
        let (checked, away) = copies(&self.name, &info, &said, &mut faults);
        // Says where it is another log, or an older one.
        match self.head().await {
            Ok(_) => {}
            Err(ReadError::Hole { at, what }) => faults.push(format!("the log has a hole at frame {at}: {what}")),
            Err(error) => return Err(error.into()),
        }
        if !faults.is_empty() {
            return Err(AssureError::Faults(faults));
        }
        let max_bytes = Some(info.max_bytes());
        Ok(Assurance { head: FrameSeq(info.last()), checked, away, bytes: info.bytes(), max_bytes })
    }

    /// What this client may not do and has to, or may do and should not. Nothing is stored or changed by it. While somebody is silent it is
    /// asked again: a stream that was just made, or has no leader for the moment, has nobody who answers.
    async fn permission_faults(&self) -> Vec<String> {
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let mut found = Permissions::default();
            for connection in self.servers.all().iter().filter(|connection| connection.is_up()) {
                self.permissions_at(connection, &mut found).await;
            }
            if found.silent.is_empty() || begun.elapsed() > self.patience {
                return [found.faults, found.silent].concat();
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn permissions_at(&self, connection: &Connection, found: &mut Permissions) {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Stream", format!("NOT_{}", self.name));
        match connection.ask(&self.name.frames(), Some(headers), Vec::new()).await {
            Ok(answer) => {
                let answer: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
                if answer["error"]["err_code"].as_u64() != Some(OTHER_STREAM) {
                    let frames = self.name.frames();
                    found.fault(connection, format!("what is published on {frames} is not taken by the stream"));
                }
            }
            Err(error) => found.no_answer(connection, error),
        }
        let question = json!({ "seq": 1, "batch": 1, "max_bytes": 1 }).to_string().into_bytes();
        let read = match connection.ask_for_many(&self.name.call("DIRECT.GET"), question).await {
            Ok(mut answers) => answers.next().await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            found.no_answer(connection, error);
        }
        if connection.is_denied(&self.name.tail()) {
            found.fault(connection, denial(&self.name.tail()));
        }
        for forbidden in ["STREAM.UPDATE", "STREAM.PURGE"] {
            let subject = self.name.call(forbidden);
            // No JSON, which is refused; but whoever is refused for that is permitted to ask.
            if connection.ask(&subject, None, b"{".to_vec()).await.is_ok() {
                let fault =
                    format!("this certificate is permitted {subject}: it must not be able to change the stream");
                found.fault(connection, fault);
            }
        }
    }

    /// What each server says of itself and of its copy, by its name.
    async fn ask_servers(&self) -> Result<BTreeMap<String, Value>, AssureError> {
        let subject = self.name.servers();
        let question = json!({ "accounts": true, "streams": true, "config": true }).to_string().into_bytes();
        let copies = self.info_in_full().await?.copies();
        let mut said = BTreeMap::new();
        let connection = self.servers.at(0);
        let mut answers = match connection.ask_for_many(&subject, question).await {
            Ok(answers) => answers,
            Err(error) => return Err(AssureError::Engine(error.into_error())),
        };
        while !copies.iter().all(|(name, is_away)| *is_away || said.contains_key(name)) {
            match answers.next().await {
                Ok(message) if message.status.is_some() => break,
                Ok(message) => {
                    let answer: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
                    if let Some(name) = answer["server"]["name"].as_str() {
                        said.insert(name.to_owned(), answer["data"].clone());
                    }
                }
                Err(NoAnswer::Denied(subject)) => return Err(AssureError::Faults(vec![denial(&subject)])),
                Err(_) => break,
            }
        }
        Ok(said)
    }
}

/// What was found of what servers permit.
#[derive(Debug, Default)]
struct Permissions {
    faults: Vec<String>,
    /// Who did not answer, which may mean nothing.
    silent: Vec<String>,
}

impl Permissions {
    fn fault(&mut self, connection: &Connection, fault: String) {
        self.faults.push(format!("server {}: {fault}", connection.server()));
    }

    fn no_answer(&mut self, connection: &Connection, error: NoAnswer) {
        match error {
            NoAnswer::Failed(error) => self.silent.push(format!("server {}: {error}", connection.server())),
            other => self.fault(connection, other.into_error().to_string()),
        }
    }
}

/// Looks at what each server said of its copy; gives those that said it, and those that are away.
fn copies(
    name: &StreamName,
    info: &StreamInfo,
    said: &BTreeMap<String, Value>,
    faults: &mut Vec<String>,
) -> (Vec<String>, Vec<String>) {
    let (mut checked, mut away) = (Vec::new(), Vec::new());
    for (server, is_away) in info.copies() {
        let Some(data) = said.get(&server) else {
            match is_away {
                true => away.push(server),
                false => faults.push(format!(
                    "server {server} does not say how it keeps the log: {} has to be imported from the system account",
                    name.servers()
                )),
            }
            continue;
        };
        if data["config"]["sync_always"] != true {
            faults.push(format!(
                "server {server}: sync_interval has to be always: it acknowledges what a power cut takes back"
            ));
        }
        let accounts = data["account_details"].as_array().into_iter().flatten();
        let mut streams = accounts.flat_map(|account| account["stream_detail"].as_array().into_iter().flatten());
        let copy = streams.find(|stream| stream["name"] == name.as_str() && stream["created"] == info.created());
        match copy {
            Some(copy) => faults.extend(StreamInfo::of_copy(copy).losses(&format!("server {server}"))),
            None => faults.push(format!("server {server} has no copy of stream {name}")),
        }
        checked.push(server);
    }
    if checked.len() <= away.len() {
        faults.push("less than a majority of the servers is there".to_owned());
    }
    (checked, away)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(sync_always: bool, deleted: u64) -> Value {
        json!({
            "config": { "sync_always": sync_always },
            "account_details": [{ "name": "LOG", "stream_detail": [
                { "name": "LOG", "created": "then", "state": { "messages": 5 - deleted, "first_seq": 1, "last_seq": 5, "num_deleted": deleted } },
            ] }],
        })
    }

    fn look(n1: Option<Value>, is_n3_away: bool, n3: Option<Value>) -> (usize, usize, Vec<String>) {
        let info = json!({
            "config": {}, "created": "then",
            "cluster": { "leader": "n2", "replicas": [{ "name": "n1" }, { "name": "n3", "offline": is_n3_away }] },
        });
        let info = StreamInfo::read(info.to_string().as_bytes()).expect("an answer");
        let all = [("n1", n1), ("n2", Some(server(true, 0))), ("n3", n3)];
        let said = all.into_iter().filter_map(|(name, data)| Some((name.to_owned(), data?))).collect();
        let mut faults = Vec::new();
        let (checked, away) = copies(&"LOG".parse().expect("a name"), &info, &said, &mut faults);
        (checked.len(), away.len(), faults)
    }

    #[test]
    fn every_copy_has_to_say_that_it_syncs_and_lacks_nothing() {
        let good = || Some(server(true, 0));
        assert_eq!(look(good(), false, good()), (3, 0, vec![]));
        assert_eq!(look(good(), true, None), (2, 1, vec![]), "one may be away");
        for (n1, n3, word) in [
            (Some(server(false, 0)), good(), "sync_interval"),
            (Some(server(true, 2)), good(), "2 of 5"),
            (good(), None, "n3 does not say"),
            (Some(json!({ "config": { "sync_always": true } })), good(), "no copy"),
        ] {
            let (_, _, faults) = look(n1, false, n3);
            assert!(faults.len() == 1 && faults[0].contains(word), "{word}: {faults:?}");
        }
        let (_, _, faults) = look(None, true, None);
        assert_eq!(faults.len(), 2, "n1 is silent, and no majority is left: {faults:?}");
    }
}
