//! OpenTAXII's side: the same records as STIX objects, posted one by one and in envelopes of many, and pulled by pages.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_rig::Failed;
use serde_json::Value;
use tokio::task::JoinSet;

use super::https::{Answer, Connection, Target};
use super::server::{Server, Strength};
use super::stix;
use super::venv::Environment;
use crate::latency::Latency;
use crate::numbers::Numbers;
use crate::peer::cluster::Cluster;
use crate::peer::family;
use crate::peer::job::{Job, Round};
use crate::peer::side;

/// An eighth of a round's envelopes are sent one after the other.
const ALONE_SHARE: usize = 8;

/// Callers side by side send so many requests each, at least.
const CALLS_EACH: usize = 2;

/// Of every version of an object, of which there is one: to find out which is the last, it goes through the whole collection for each page.
const EVERY_VERSION: &str = "match%5Bversion%5D=all";

/// After so long no further page is pulled in a round: a page takes longer the more there are.
const PULL_TIME: Duration = Duration::from_secs(20);

/// What is asked before the clock runs, so that the connection stands: the server's description.
const DESCRIPTION: &str = "/taxii2/";

/// What a round is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) singles: usize,
    pub(super) envelope: usize,
    pub(super) envelopes: usize,
    pub(super) in_flight: usize,
    pub(super) page: u32,
    pub(super) pages: usize,
}

/// OpenTAXII on one storage, with its jobs. The server ends before its database does.
#[derive(Debug)]
pub(super) struct Taxii {
    name: &'static str,
    server: Server,
    cluster: Option<Cluster>,
    single: Job,
    singles: Job,
    envelope: Job,
    envelopes: Job,
    pulled: Job,
}

impl Taxii {
    /// Serves on a database server, or on a file where there is none.
    pub(super) fn start(
        name: &'static str,
        environment: &Environment,
        dir: &Path,
        certs: &Path,
        cluster: Option<Cluster>,
        strength: Strength,
    ) -> Result<Self, Failed> {
        let database = cluster.as_ref().map(|cluster| cluster.address_for_python("postgres"));
        let server = Server::start(environment, dir, certs, database.as_deref(), strength)?;
        let job = |job: &str| Job::new(format!("peer opentaxii: {name}, {job}"));
        Ok(Self {
            name,
            server,
            cluster,
            single: job("one by one"),
            singles: job("one by one, many in flight"),
            envelope: job("envelopes one by one"),
            envelopes: job("envelopes, many in flight"),
            pulled: job("pulled"),
        })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Those of gunicorn and, where there is one, of the database server.
    pub(super) fn processes(&self) -> Vec<u32> {
        std::iter::once(self.server.id()).chain(self.cluster.as_ref().map(Cluster::id)).collect()
    }

    pub(super) fn jobs(&self) -> [&Job; 5] {
        [&self.single, &self.singles, &self.envelope, &self.envelopes, &self.pulled]
    }

    /// Records a second, in whichever way is the fastest.
    pub(super) fn submitted(&self) -> f64 {
        [&self.single, &self.singles, &self.envelope, &self.envelopes].map(Job::rate).into_iter().fold(0.0, f64::max)
    }

    /// Records a second, one in a request, at best.
    pub(super) fn submitted_singly(&self) -> f64 {
        self.single.rate().max(self.singles.rate())
    }

    /// Records a second by pages.
    pub(super) fn pulled(&self) -> f64 {
        self.pulled.rate()
    }

    pub(super) async fn round(&mut self, round: usize, load: &Load) -> Result<(), Failed> {
        let (processes, server) = (self.processes(), &self.server);
        let mut objects = Objects { round, numbers: Numbers::from_seed(round as u64 ^ 0x7a11) };
        let (one, many) = (load.singles, load.singles.max(load.in_flight * CALLS_EACH));
        let alone = (load.envelopes / ALONE_SHARE).max(1);
        for (job, size, envelopes, in_flight) in [
            (&mut self.single, 1, one, 1),
            (&mut self.singles, 1, many, load.in_flight),
            (&mut self.envelope, load.envelope, alone, 1),
            (&mut self.envelopes, load.envelope, load.envelopes, load.in_flight),
        ] {
            let envelopes = objects.envelopes(envelopes, size)?;
            let callers = callers(&server.target, in_flight.min(envelopes.len())).await?;
            family::settled(&processes).await;
            job.round(&processes, post(callers, &server.objects, envelopes, size)).await?;
        }
        let mut reader = callers(&server.target, 1).await?;
        let reader = reader.first_mut().ok_or("no connection")?;
        family::settled(&processes).await;
        self.pulled.round(&processes, pull(reader, &server.objects, load)).await
    }
}

/// Makes objects that no round and job share.
struct Objects {
    round: usize,
    numbers: Numbers,
}

impl Objects {
    /// Envelopes of so many objects each.
    fn envelopes(&mut self, count: usize, size: usize) -> Result<Vec<String>, Failed> {
        let requests = side::requests(self.round, "taxii", count * size);
        let records = requests.iter().filter_map(|request| request.record.as_ref());
        let objects = records.map(|record| stix::object(record, &mut self.numbers)).collect::<Result<Vec<_>, _>>()?;
        Ok(objects.chunks(size.max(1)).map(stix::envelope).collect())
    }
}

/// Connections that stand, and have been used once.
async fn callers(target: &Target, count: usize) -> Result<Vec<Connection>, Failed> {
    let mut callers = Vec::with_capacity(count);
    for _ in 0..count {
        let mut caller = target.connect().await?;
        expect(&caller.ask(DESCRIPTION, None).await?, 200)?;
        callers.push(caller);
    }
    Ok(callers)
}

/// Posts envelopes of so many objects each, every caller one after the other.
async fn post(callers: Vec<Connection>, objects: &str, envelopes: Vec<String>, size: usize) -> Result<Round, Failed> {
    let records = envelopes.len() * size;
    let mut shares: Vec<(Connection, Vec<String>)> = callers.into_iter().map(|caller| (caller, Vec::new())).collect();
    let count = shares.len().max(1);
    for (number, envelope) in envelopes.into_iter().enumerate() {
        shares[number % count].1.push(envelope);
    }
    let (mut running, mut latency, begun) = (JoinSet::new(), Latency::new(), Instant::now());
    for (mut caller, envelopes) in shares {
        let objects = objects.to_owned();
        running.spawn(async move {
            let mut taken = Vec::with_capacity(envelopes.len());
            for envelope in envelopes {
                let begun = Instant::now();
                let answer = caller.ask(&objects, Some(envelope)).await?;
                taken.push(begun.elapsed());
                accepted(&answer, size)?;
            }
            Ok::<_, Failed>(taken)
        });
    }
    while let Some(caller) = running.join_next().await {
        caller??.into_iter().for_each(|taken| latency.add(taken));
    }
    Ok(Round { records, took: begun.elapsed(), latency: Some(latency) })
}

/// Pulls pages from the start, as many as are wanted or there are.
async fn pull(reader: &mut Connection, objects: &str, load: &Load) -> Result<Round, Failed> {
    let (mut latency, mut records, begun) = (Latency::new(), 0, Instant::now());
    let first = format!("{objects}?limit={}&{EVERY_VERSION}", load.page);
    let mut resource = first.clone();
    for _ in 0..load.pages {
        let asked = Instant::now();
        let answer = reader.ask(&resource, None).await?;
        latency.add(asked.elapsed());
        expect(&answer, 200)?;
        let page: Value = serde_json::from_slice(&answer.body)?;
        records += page["objects"].as_array().map_or(0, Vec::len);
        let Some(next) = page["next"].as_str().filter(|_| page["more"] == true && begun.elapsed() < PULL_TIME) else {
            break;
        };
        resource = format!("{first}&next={}", escaped(next));
    }
    Ok(Round { records, took: begun.elapsed(), latency: Some(latency) })
}

/// What base64 has and a query has other uses for.
fn escaped(base64: &str) -> String {
    base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// Whether all objects were taken.
fn accepted(answer: &Answer, size: usize) -> Result<(), Failed> {
    expect(answer, 202)?;
    let status: Value = serde_json::from_slice(&answer.body)?;
    if status["success_count"] == size { Ok(()) } else { Err("OpenTAXII did not take all objects".into()) }
}

fn expect(answer: &Answer, status: u16) -> Result<(), Failed> {
    if answer.status == status {
        return Ok(());
    }
    let said: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    Err(format!("OpenTAXII answered {} in the place of {status}: {said}", answer.status).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_whole_is_no_success() {
        let answer = |status, body: &str| Answer { status, body: body.into() };
        assert!(accepted(&answer(202, r#"{"success_count": 2}"#), 2).is_ok());
        assert!(accepted(&answer(202, r#"{"success_count": 1}"#), 2).is_err());
        assert!(accepted(&answer(400, "{}"), 1).is_err());
    }

    #[test]
    fn a_cursor_stays_one_word_of_a_query() {
        assert_eq!(escaped("a+b/c=="), "a%2Bb%2Fc%3D%3D");
    }
}
