//! The demonstration: a gateway on a temporary journal, and its clients, each over its own mutual TLS connection. Every
//! stage checks what it sees against what the sample, the agreements and the schemas say must come of it.

mod account;
mod auditor;
mod cluster;
mod expectation;
mod gateway;
mod owner;
mod partner;
mod submitter;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use causeway_store::Clock;
use serde::Serialize;

use crate::client_options::ClientOptions;
use crate::command::demo::Options;
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};
use crate::signals::Signals;
use crate::{Failure, certs};

use account::Account;
use expectation::Rules;
use gateway::DemoGateway;

/// The submitting system.
const SUBMITTER: &str = "gb-nca/case-management";
/// The auditor that asks who saw a record.
const AUDITOR: &str = "gb-nca/audit";
/// The partners, in the order in which they pull.
const PARTNERS: [&str; 2] = ["al-police", "vn-police"];

/// What `--json` prints: the members are the demonstration's contract with whoever runs it in a script.
#[derive(Debug, Serialize)]
struct Figures {
    submitted: u64,
    accepted: u64,
    rejected: u64,
    pulled: BTreeMap<&'static str, u64>,
    entries: u64,
    tree_size: u64,
    root: String,
    proofs_verified: u64,
    seconds: f64,
}

/// Who calls which gateway, for every client of the demonstration.
#[derive(Debug)]
struct Clients<'a> {
    certs_dir: &'a Path,
    gateway: String,
}

impl Clients<'_> {
    async fn session(&self, identity: &str, doing: Doing) -> Result<Session, Failure> {
        Session::open(&ClientOptions::development(identity, self.certs_dir, &self.gateway), doing).await
    }
}

/// Runs the demonstration as the options say.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    match options.cluster {
        true => cluster::run(options).await,
        false => run_alone(options).await,
    }
}

async fn run_alone(options: &Options) -> Result<(), Failure> {
    let began = Instant::now();
    let mut signals = Signals::catch()?;
    let made = certs::issue(&options.certs_dir, &options.config_dir, Clock::system().now())?;
    if !made.written.is_empty() {
        note(format_args!("made development identities in {}", options.certs_dir.display()));
    }
    let rules = Rules::load(&options.config_dir)?;
    let gateway = DemoGateway::start(&options.config_dir, &options.certs_dir, options.listen).await?;
    let clients = Clients { certs_dir: &options.certs_dir, gateway: gateway.address() };
    // However the story ends, the gateway is stopped in order and its folder goes.
    let told = tokio::select! {
        told = tell(options, &clients, &rules, began) => told,
        () = signals.wait() => Err(Failure::usage("stopped before the end")),
    };
    if let Ok(account) = &told {
        let next = account.next(&clients);
        show(options, &account.figures, &account.lines(), &next, "The gateway", &mut signals).await;
    }
    let stopped = gateway.stop().await;
    told.and(stopped)
}

/// Says what came of it, and waits to be stopped where it is to stay up.
async fn show(
    options: &Options,
    figures: &impl Serialize,
    lines: &[String],
    next: &[String],
    what: &str,
    signals: &mut Signals,
) {
    match options.json {
        true => say_json(figures),
        false => lines.iter().for_each(say),
    }
    if !options.once {
        next.iter().for_each(say);
        say(format_args!("\n{what} stays up until Ctrl-C; its journal is then deleted."));
        signals.wait().await;
    }
}

/// The story itself, with everything checked on the way.
async fn tell(options: &Options, clients: &Clients<'_>, rules: &Rules, began: Instant) -> Result<Account, Failure> {
    let count = usize::try_from(options.count).expect("a count is small");
    let sample: Vec<_> = crate::sample::records(options.seed, count).collect();
    let expected = rules.expect(&sample, Clock::system().now())?;
    let auditor = clients.session(AUDITOR, Doing::Auditing).await?;
    let key = auditor::pin_key(&auditor).await?;
    let submitter = clients.session(SUBMITTER, Doing::Submitting).await?;
    let submitted = submitter::submit(&submitter, sample, options.json).await?;
    let mut proofs = 0;
    let mut pulled = Vec::new();
    for agency in PARTNERS {
        let partner = partner::pull(clients, agency, &expected, &key).await?;
        proofs += partner.pages;
        pulled.push(partner);
    }
    // One record that the first partner was shown: its submitter knows the record's id, the partner never does.
    let place = expected.shown_to(&pulled[0].agreement);
    let shown = place.and_then(|place| Some((place, submitted.records.get(&place)?)));
    let (place, shown) = shown.ok_or_else(|| Failure::does_not_hold("no record at all was for the first partner"))?;
    let told = owner::ask(&submitter, shown, place, &expected, &pulled).await?;
    let audit = auditor::audit(&auditor, shown, &key).await?;
    proofs += audit.proofs;
    for partner in &pulled {
        partner::check_no_more(clients, partner).await?;
    }
    let figures = Figures {
        submitted: submitted.totals.all(),
        accepted: submitted.totals.accepted,
        rejected: submitted.totals.refused,
        pulled: PARTNERS.iter().copied().zip(pulled.iter().map(|partner| partner.records)).collect(),
        entries: audit.entries,
        tree_size: audit.checkpoint.size,
        root: audit.checkpoint.root.to_string(),
        proofs_verified: proofs,
        seconds: (began.elapsed().as_secs_f64() * 100.0).round() / 100.0,
    };
    Ok(Account { figures, submitted, expected, pulled, told, audit, key })
}
