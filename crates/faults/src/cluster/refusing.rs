//! What a gateway says that is cut off from the log.

use std::time::{Duration, Instant};

use causeway_cli::sample;
use causeway_gateway::client::Refusal;
use causeway_proto::v1;
use tokio::time::{sleep, timeout};

use super::stand::Stand;
use crate::Failed;

const SUBMITTER: &str = "gb-nca/case-management";
const PAUSE: Duration = Duration::from_millis(100);

/// How long a node may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// The refusal that means: nothing was accepted here, and another node may.
const NOT_REACHED: &str = "log-not-reached";

/// Whether a node refuses a record whose log is not what it was.
///
/// # Errors
/// Where it accepts one, or nothing is answered.
pub(super) fn refuses(stand: &Stand, node: usize) -> Result<(), Failed> {
    let reach = stand.reach(node)?;
    let asking = async {
        let clients = reach.clients(SUBMITTER, "investigation").await?;
        match timeout(SILENCE, clients.ingest().submit(request(0, "refused")?)).await {
            Ok(Ok(_)) => Err("a record was accepted into a log that is another one".into()),
            Ok(Err(_)) => Ok(()),
            Err(_) => Err("a node says nothing where its log is another one".into()),
        }
    };
    stand.ask(node, asking)?
}

fn request(number: usize, name: &str) -> Result<v1::SubmitRequest, Failed> {
    let record = sample::clean(77, number + 1).nth(number).ok_or("no record")?;
    Ok(v1::SubmitRequest {
        submission_id: format!("{name}-{number}"),
        record: Some(v1::Record {
            kind: record.schema.kind.to_string(),
            schema_version: record.schema.version.to_string(),
            document: record.document,
        }),
        ..v1::SubmitRequest::default()
    })
}

/// Submits to a node, as a client on its own host, until it refuses as one that does not reach the log; says after how long.
///
/// # Errors
/// Where it accepts, says something else in the end, or says nothing within `patience`.
pub(super) fn refused_within(stand: &Stand, node: usize, patience: Duration) -> Result<String, Failed> {
    let reach = stand.reach(node)?;
    let began = Instant::now();
    let asking = async {
        let mut last = "nothing".to_owned();
        for number in 0.. {
            if began.elapsed() > patience {
                break;
            }
            let request = request(number, "cut-off")?;
            let answer = async {
                Ok::<_, Failed>(reach.clients(SUBMITTER, "investigation").await?.ingest().submit(request).await)
            };
            match timeout(patience, answer).await {
                Ok(Ok(Ok(_))) => return Err("a node that is cut off has accepted a record".into()),
                Ok(Ok(Err(status))) => {
                    let Refusal { reason, message, .. } = Refusal::from(status);
                    if reason.as_deref() == Some(NOT_REACHED) {
                        return Ok(format!("after {} ms: {message}", began.elapsed().as_millis()));
                    }
                    last = format!("{}: {message}", reason.unwrap_or_default());
                }
                Ok(Err(error)) => last = error.to_string(),
                Err(_) => break,
            }
            sleep(PAUSE).await;
        }
        Err(format!("a node that is cut off did not refuse in time; it said {last}").into())
    };
    stand.ask(node, asking)?
}
