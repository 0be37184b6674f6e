//! Making the stream, once, by an administrator's certificate: with the settings that every start asks for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::connection::NoAnswer;
use super::engine::{FIRST_PAUSE, LONGEST_PAUSE};
use super::names::StreamName;
use super::servers::Servers;
use super::stream_info::StreamInfo;
use super::{JetStreamSettings, runtime, wait_for};
use crate::log::EngineError;

/// For so long the servers know a frame again by its id.
const WINDOW: Duration = Duration::from_secs(600);

/// Makes the stream that the settings name, for at most so many bytes on each server. One that is there with the same settings is left
/// as it is, with its frames.
///
/// # Errors
/// Settings that the servers refuse, or a stream of that name with other settings; no answer.
pub fn create_stream(settings: &JetStreamSettings, max_bytes: u64) -> Result<(), EngineError> {
    let (settings, config) = (settings.clone(), config(&settings.stream, max_bytes));
    let runtime = runtime()?;
    let made = wait_for(runtime.handle(), async move { create(&settings, &config).await });
    runtime.shutdown_background();
    made.unwrap_or_else(|| Err("the call was broken off".into()))
}

async fn create(settings: &JetStreamSettings, config: &Value) -> Result<(), EngineError> {
    let servers = Servers::connect(&settings.servers, &settings.files).await?;
    let subject = settings.stream.call("STREAM.CREATE");
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let error: EngineError = match servers.ask(&subject, None, config.to_string().into_bytes()).await {
            Ok(answer) => match StreamInfo::read(&answer.payload) {
                Ok(_) => return Ok(()),
                // Name in use with other settings; too few servers, or no room on them; JSON that they do not take.
                Err(what)
                    if ["10058", "10074", "10047", "10023", "10025", "10052"]
                        .iter()
                        .any(|code| what.contains(code)) =>
                {
                    return Err(what.into());
                }
                // While there is no leader for such calls yet, or it has not heard of every server (10005).
                Err(what) => what.into(),
            },
            Err(NoAnswer::Failed(error)) => error,
            Err(other) => return Err(other.into_error()),
        };
        if begun.elapsed() > settings.patience {
            return Err(error);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn config(name: &StreamName, max_bytes: u64) -> Value {
    json!({
        "name": name.as_str(),
        "subjects": [name.taken()],
        "retention": "limits",
        "storage": "file",
        "num_replicas": 3,
        "discard": "new",
        "max_bytes": max_bytes,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "max_msg_size": -1,
        "max_consumers": -1,
        "max_age": 0,
        "duplicate_window": u64::try_from(WINDOW.as_nanos()).expect("ten minutes"),
        "deny_delete": true,
        "deny_purge": true,
        "allow_direct": true,
        "republish": { "src": name.taken(), "dest": name.tail(), "headers_only": true },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_created_is_what_a_start_asks_for() {
        let name: StreamName = "LOG".parse().expect("a name");
        let info = json!({ "config": config(&name, 1 << 30), "created": "now", "state": {} });
        let info = StreamInfo::read(info.to_string().as_bytes()).expect("an answer");
        assert_eq!(info.faults(&name), Vec::<String>::new());
    }
}
