//! Clients of a cluster: each has one way to every node, and goes to the next where one refuses, is silent or has gone. What it wants it
//! asks for until it has it, under the same id.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use causeway_cli::sample;
use causeway_gateway::client::{Clients, Refusal};
use causeway_proto::v1;
use causeway_rig::Reach;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Failed;
use crate::load::{Kept, Ledger, PARTNERS, Partner};

const SUBMITTER: &str = "gb-nca/case-management";

/// How long a connection and a call may take before the next node is tried.
const CONNECT: Duration = Duration::from_secs(3);
const CALL: Duration = Duration::from_secs(15);

/// Before the next node is tried, and between two looks at a feed.
const PAUSE: Duration = Duration::from_millis(30);

/// What takes longer than this is not to be had at all.
const GIVE_UP: Duration = Duration::from_secs(180);

/// Items of a page.
const ITEMS: u32 = 20;

/// Where the nodes are now; none where one does not run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ways(Arc<Mutex<Vec<Option<Reach>>>>);

impl Ways {
    /// Says where a node is.
    pub(crate) fn set(&self, node: usize, reach: Option<Reach>) {
        let mut ways = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ways.len() <= node {
            ways.resize(node + 1, None);
        }
        ways[node] = reach;
    }

    /// The way to a node; they are counted round.
    pub(crate) fn to(&self, node: usize) -> Option<Reach> {
        let ways = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ways.get(node % ways.len().max(1)).cloned().flatten()
    }
}

/// A client's place among the nodes.
#[derive(Debug)]
struct Traveller {
    ways: Ways,
    system: &'static str,
    node: usize,
    connected: Option<Clients>,
}

impl Traveller {
    const fn new(ways: Ways, system: &'static str, node: usize) -> Self {
        Self { ways, system, node, connected: None }
    }

    /// A connection with the node that it is at, or with the next that there is.
    async fn clients(&mut self) -> Option<Clients> {
        if self.connected.is_none() {
            let reach = self.ways.to(self.node);
            let connecting = async { reach?.clients(self.system, "investigation").await.ok() };
            self.connected = timeout(CONNECT, connecting).await.ok().flatten();
        }
        if self.connected.is_none() {
            self.go_on().await;
        }
        self.connected.clone()
    }

    /// Turns to the next node.
    async fn go_on(&mut self) {
        self.connected = None;
        self.node += 1;
        sleep(PAUSE).await;
    }
}

/// The clients at work.
#[derive(Debug)]
pub(crate) struct Work {
    tasks: JoinSet<Result<Duration, Failed>>,
    is_over: Arc<AtomicBool>,
}

impl Work {
    /// Begins it, on the runtime that this is called on: `submitters` who submit and correct, and each partner. `name` makes their
    /// submission ids.
    pub(crate) fn begin(ways: &Ways, name: &str, submitters: u64, ledger: &Ledger) -> Self {
        let (mut tasks, is_over) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for number in 0..submitters {
            let node = usize::try_from(number).expect("few");
            let traveller = Traveller::new(ways.clone(), SUBMITTER, node);
            let name = format!("{name}-{number}");
            tasks.spawn(submitter(traveller, name, number, ledger.clone(), Arc::clone(&is_over)));
        }
        for (node, partner) in PARTNERS.into_iter().enumerate() {
            let traveller = Traveller::new(ways.clone(), partner.system, node);
            tasks.spawn(pulling(traveller, partner, ledger.clone(), Arc::clone(&is_over)));
        }
        Self { tasks, is_over }
    }

    /// Tells them to end with what they are at, and waits until they have; gives the longest that one waited for an acceptance.
    pub(crate) async fn end(mut self) -> Result<Duration, Failed> {
        self.is_over.store(true, Ordering::SeqCst);
        let mut longest = Duration::ZERO;
        while let Some(ended) = self.tasks.join_next().await {
            longest = longest.max(ended??);
        }
        Ok(longest)
    }
}

/// Submits record after record, each until it is accepted; every third is corrected.
async fn submitter(
    mut at: Traveller,
    name: String,
    seed: u64,
    ledger: Ledger,
    is_over: Arc<AtomicBool>,
) -> Result<Duration, Failed> {
    let mut longest = Duration::ZERO;
    for (number, record) in sample::clean(seed + 1, usize::MAX).enumerate() {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let request = v1::SubmitRequest {
            submission_id: format!("{name}-{number}"),
            record: Some(v1::Record {
                kind: record.schema.kind.to_string(),
                schema_version: record.schema.version.to_string(),
                document: record.document,
            }),
            ..v1::SubmitRequest::default()
        };
        let began = Instant::now();
        let receipt = until_accepted(&mut at, &request, &ledger).await?;
        longest = longest.max(began.elapsed());
        if number % 3 == 2 {
            let correction = v1::SubmitRequest {
                submission_id: format!("{name}-{number}-correction"),
                record_id: receipt.record_id,
                expected_version: receipt.version,
                ..request
            };
            let began = Instant::now();
            until_accepted(&mut at, &correction, &ledger).await?;
            longest = longest.max(began.elapsed());
        }
    }
    Ok(longest)
}

/// Submits one, at whatever node takes it.
async fn until_accepted(
    at: &mut Traveller,
    request: &v1::SubmitRequest,
    ledger: &Ledger,
) -> Result<v1::Receipt, Failed> {
    let began = Instant::now();
    let mut last = "no node answered".to_owned();
    while began.elapsed() < GIVE_UP {
        let Some(clients) = at.clients().await else { continue };
        match timeout(CALL, clients.ingest().submit(request.clone())).await {
            Ok(Ok(answer)) => {
                let receipt = answer.into_inner().receipt.ok_or("an answer without its receipt")?;
                let submission_id = request.submission_id.clone();
                ledger.keep(Kept::Submitted { submission_id, receipt: Box::new(receipt.clone()) });
                return Ok(receipt);
            }
            Ok(Err(status)) => {
                let refusal = Refusal::from(status);
                if refusal.reason.as_deref() == Some("schema-violation") {
                    return Err(format!("a good record was refused: {}", refusal.message).into());
                }
                last = format!("{}: {}", refusal.reason.unwrap_or_default(), refusal.message);
            }
            Err(_) => "no answer".clone_into(&mut last),
        }
        at.go_on().await;
    }
    Err(format!("{} was never accepted: {last}", request.submission_id).into())
}

/// Pulls page after page, each from the next node, and acknowledges it there.
async fn pulling(
    mut at: Traveller,
    partner: Partner,
    ledger: Ledger,
    is_over: Arc<AtomicBool>,
) -> Result<Duration, Failed> {
    let mut cursor = String::new();
    while !is_over.load(Ordering::SeqCst) {
        let Some(clients) = at.clients().await else { continue };
        let mut feed = clients.feed();
        let request = v1::PullRequest { agreement: partner.agreement.into(), cursor: cursor.clone(), limit: ITEMS };
        let Ok(Ok(answer)) = timeout(CALL, feed.pull(request)).await else {
            at.go_on().await;
            continue;
        };
        let page = answer.into_inner().page.ok_or("an answer without its page")?;
        let Some(last) = page.items.last().map(|item| item.position) else {
            at.go_on().await;
            continue;
        };
        let next = page.next_cursor.clone();
        ledger.keep(Kept::Disclosed { partner, cursor: cursor.clone(), limit: ITEMS, page: Box::new(page) });
        let taken = v1::AcknowledgeRequest {
            agreement: partner.agreement.into(),
            up_to_position: last,
            ..v1::AcknowledgeRequest::default()
        };
        if let Ok(Ok(answer)) = timeout(CALL, feed.acknowledge(taken)).await {
            let position = answer.into_inner().acknowledged_position;
            ledger.keep(Kept::Acknowledged { partner, position });
        }
        cursor = next;
        at.go_on().await;
    }
    Ok(Duration::ZERO)
}
