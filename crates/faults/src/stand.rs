//! A gateway whose disk and clock can be made to fail: on an address that stays when it opens its journal again, and watched as its
//! operator's monitoring watches it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use causeway_proto::v1;

use crate::Failed;
use crate::failing::Failing;
use crate::load::{Ledger, everything};
use crate::table::Row;
use causeway_rig::{Installation, Process, Reach};

/// How long anything may take to be seen, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// An installation, and how it is made to fail.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) installation: Installation,
    pub(crate) failing: Failing,
    monitoring: SocketAddr,
}

impl Stand {
    /// An installation in a temporary folder.
    pub(crate) fn new() -> Result<Self, Failed> {
        Self::of(Installation::new()?)
    }

    /// An installation in a folder of this one.
    pub(crate) fn within(parent: &Path) -> Result<Self, Failed> {
        Self::of(Installation::within(parent)?)
    }

    fn of(installation: Installation) -> Result<Self, Failed> {
        let (serving, monitoring) = (free_address()?, free_address()?);
        installation.edit(|settings| {
            settings
                .replace("127.0.0.1:0", &serving.to_string())
                .replace("[metrics]\n", &format!("[metrics]\nlisten = \"{monitoring}\"\n"))
                .replace("[disk]\n", "[disk]\nheadroom_mib = 16\nreopen_seconds = 1\ngive_up_seconds = 15\n")
                // A clock that is a year ahead is past the lists' time too, which is another matter.
                .replace("# required = true\n", "required = false\n")
        })?;
        let data = installation.path("data");
        fs::create_dir_all(&data)?;
        Ok(Self { failing: Failing::below(&data)?, installation, monitoring })
    }

    /// Starts the gateway and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Process, Failed> {
        let process = self.installation.start(&self.failing.launch())?;
        self.until_ready()?;
        Ok(process)
    }

    /// The way to it.
    pub(crate) fn reach(&self, process: &Process) -> Reach {
        self.installation.reach(process)
    }

    /// Waits until it says that it is ready; how long that took.
    pub(crate) fn until_ready(&self) -> Result<Duration, Failed> {
        self.until("ready", |said| said == Some("ready"))
    }

    /// Waits until it lives and says that it is not ready.
    pub(crate) fn until_not_ready(&self) -> Result<Duration, Failed> {
        self.until("not ready", |said| said.is_some_and(|said| said != "ready"))
    }

    /// Whether it says that it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.readiness().as_deref() == Some("ready")
    }

    fn until(&self, what: &str, wanted: impl Fn(Option<&str>) -> bool) -> Result<Duration, Failed> {
        let begun = Instant::now();
        loop {
            let said = self.readiness();
            if wanted(said.as_deref()) {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the gateway did not come to be {what}: it says {said:?}").into());
            }
            sleep(PAUSE);
        }
    }

    /// What it says of its readiness, in a word; none where nobody answers.
    fn readiness(&self) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.monitoring, ANSWER).ok()?;
        stream.set_read_timeout(Some(ANSWER)).ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, word) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 ").then(|| word.trim().to_owned())
    }

    /// Looks for all that was acknowledged, and adds what is found and how long the gateway took to a row.
    pub(crate) async fn check(
        &self,
        process: &Process,
        ledger: &Ledger,
        took: Duration,
        row: &mut Row,
    ) -> Result<(), Failed> {
        let checked = everything(&self.reach(process), &ledger.all()).await?;
        row.injected += 1;
        row.acknowledged += checked.acknowledged;
        row.lost += checked.lost();
        row.recovered_ms = row.recovered_ms.max(Some(u64::try_from(took.as_millis())?));
        checked.lost.iter().take(10).for_each(crate::complain_of);
        Ok(())
    }
}

/// What a submission is told; none where it was accepted or nobody answers.
pub(crate) async fn refusal_of_a_submission(reach: &Reach, id: &str) -> Option<String> {
    let clients = reach.clients("gb-nca/case-management", "investigation").await.ok()?;
    let record = causeway_cli::sample::clean(7, 1).next()?;
    let document = v1::Record {
        kind: record.schema.kind.to_string(),
        schema_version: record.schema.version.to_string(),
        document: record.document,
    };
    let request =
        v1::SubmitRequest { submission_id: id.into(), record: Some(document), ..v1::SubmitRequest::default() };
    let refused = clients.ingest().submit(request).await.err()?;
    causeway_gateway::client::Refusal::from(refused).reason
}

/// An address of the loopback that nobody listens on.
fn free_address() -> Result<SocketAddr, Failed> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
