//! An administrator's calls to the log's servers, which no gateway may make.

use std::thread::sleep;
use std::time::Duration;

use causeway_store::JetStreamSettings;
use serde_json::Value;

use crate::Failed;

/// How often a call is made again while the servers find each other, and how soon.
const ATTEMPTS: usize = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// Makes a call of JetStream's (`STREAM.INFO.LOG`) with a payload, none where it is null; gives the answer. It is made again while the
/// servers find each other.
///
/// # Errors
/// When nobody answers, or not with JSON.
pub fn administer(settings: &JetStreamSettings, call: &str, payload: &Value) -> Result<Value, Failed> {
    for _ in 0..ATTEMPTS {
        let answer = ask(settings, call, payload)?;
        // A leader that has not heard of every server; no leader.
        if ![10005, 10008].map(Value::from).contains(&answer["error"]["err_code"]) {
            return Ok(answer);
        }
        sleep(PAUSE);
    }
    Err("the servers do not find each other".into())
}

fn ask(settings: &JetStreamSettings, call: &str, payload: &Value) -> Result<Value, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = async_nats::ConnectOptions::new()
            .require_tls(true)
            .add_root_certificates(settings.files.ca.clone())
            .add_client_certificate(settings.files.certificate.clone(), settings.files.key.clone())
            .connect(settings.servers.first().ok_or("no server is named")?.as_str())
            .await?;
        let payload = if payload.is_null() { Vec::new() } else { payload.to_string().into_bytes() };
        let answer = client.request(format!("$JS.API.{call}"), payload.into()).await?;
        Ok(serde_json::from_slice(&answer.payload)?)
    })
}
