//! The demonstration of a cluster: the main job through three gateways of one log, while the log's leader and a gateway are killed. At its
//! end all three have the same journal and the same feeds.

mod account;
mod equal;
mod erasing;
mod process;
mod site;
mod submitting;

use std::collections::BTreeMap;
use std::time::Instant;

use causeway_journal::VerifierKey;
use causeway_store::Clock;
use serde::Serialize;
use tokio::task::block_in_place;

use super::expectation::Rules;
use super::{AUDITOR, PARTNERS, SUBMITTER, auditor, owner, partner, show};
use crate::command::demo::Options;
use crate::output::note;
use crate::session::Doing;
use crate::signals::Signals;
use crate::trial_nodes::node_name;
use crate::{Failure, certs};
use account::Account;
use site::{NODES, Site};
use submitting::Submitted;

/// What `--json` prints: the members are the demonstration's contract with whoever runs it in a script.
#[derive(Debug, Serialize)]
struct Figures {
    nodes: usize,
    submitted: u64,
    accepted: u64,
    rejected: u64,
    /// Sent again through another gateway after the first was killed; each got the receipt that it had.
    sent_again: u64,
    pulled: BTreeMap<&'static str, u64>,
    entries: u64,
    tree_size: u64,
    /// Of each node, over the same entries.
    roots: BTreeMap<String, String>,
    proofs_verified: u64,
    seconds: f64,
}

/// Runs the demonstration as the options say.
pub(super) async fn run(options: &Options) -> Result<(), Failure> {
    let began = Instant::now();
    let mut signals = Signals::catch()?;
    certs::issue(&options.certs_dir, &options.config_dir, Clock::system().now())?;
    let rules = Rules::load(&options.config_dir)?;
    note("starting three log servers and three gateways");
    let mut site = block_in_place(|| Site::start(options))?;
    let told = tokio::select! {
        told = tell(options, &mut site, &rules, began) => told,
        () = signals.wait() => Err(Failure::usage("stopped before the end")),
    };
    if let Ok(account) = &told {
        let next = account.next(&site);
        show(options, &account.figures, &account.lines(), &next, "The cluster", &mut signals).await;
    }
    let stopped = block_in_place(|| site.stop());
    told.map(drop).and(stopped)
}

/// The story itself, with everything checked on the way.
async fn tell(options: &Options, site: &mut Site, rules: &Rules, began: Instant) -> Result<Account, Failure> {
    let count = usize::try_from(options.count).expect("a count is small");
    let sample: Vec<_> = crate::sample::records(options.seed, count).collect();
    let expected = rules.expect(&sample, Clock::system().now())?;
    let key = one_key(site).await?;

    let (mut submitted, mut leader) = (Submitted::default(), 0);
    let mut sample = (0..).zip(sample);
    let first: Vec<_> = sample.by_ref().take(count / 2).collect();
    submitted
        .submit(site, 0, first.into_iter(), |site| {
            leader = block_in_place(|| site.kill_leader())?;
            Ok(())
        })
        .await?;
    block_in_place(|| site.heal())?;
    let kill = |site: &mut Site| {
        block_in_place(|| site.kill(1));
        Ok(())
    };
    submitted.submit(site, 1, sample, kill).await?;
    if submitted.again == 0 {
        return Err(Failure::does_not_hold("the gateway that was killed had accepted nothing before"));
    }

    let mut pulled = Vec::new();
    for (agency, node) in PARTNERS.into_iter().zip([2, 0]) {
        pulled.push(partner::pull(&site.clients(node), agency, &expected, &key).await?);
    }
    block_in_place(|| site.heal())?;
    let place = expected.shown_to(&pulled[0].agreement);
    let shown = place.and_then(|place| Some((place, submitted.accepted.get(&place)?.0.clone())));
    let (place, shown) = shown.ok_or_else(|| Failure::does_not_hold("no record at all was for the first partner"))?;
    // What the other gateways have acknowledged is read at the one that was away, which had to read it before it served.
    let submitter = site.session(1, SUBMITTER, Doing::Submitting).await?;
    let told = owner::ask(&submitter, &shown, place, &expected, &pulled).await?;
    let mut proofs = pulled.iter().map(|partner| partner.pages).sum::<u64>();
    for (partner, node) in pulled.iter().zip([1, 2]) {
        erasing::acknowledge(&site.clients(node), partner).await?;
    }

    let erased = erasing::erase(site, 2, &options.certs_dir, &shown).await?;
    erasing::pull_withdrawal(&site.clients(0), &mut pulled[0], &key).await?;
    let session = site.session(1, AUDITOR, Doing::Auditing).await?;
    let audit = auditor::audit(&session, &shown, &key).await?;
    proofs += audit.proofs + 1;
    let roots = equal::roots(site, &audit.checkpoint, &key).await?;
    let feeds = equal::feeds(site, &pulled, &key).await?;
    let figures = Figures {
        nodes: NODES,
        submitted: (submitted.accepted.len() + submitted.refusals.len()) as u64,
        accepted: submitted.accepted.len() as u64,
        rejected: submitted.refusals.len() as u64,
        sent_again: submitted.again,
        pulled: PARTNERS.iter().copied().zip(pulled.iter().map(|partner| partner.records)).collect(),
        entries: audit.entries,
        tree_size: audit.checkpoint.size,
        roots: (0..NODES).map(node_name).zip(roots.iter().map(ToString::to_string)).collect(),
        proofs_verified: proofs,
        seconds: (began.elapsed().as_secs_f64() * 100.0).round() / 100.0,
    };
    Ok(Account { figures, submitted, leader, pulled, told, erased, audit, feeds })
}

/// The journal's key, of which every node has to tell the same.
async fn one_key(site: &Site) -> Result<VerifierKey, Failure> {
    let mut known = None;
    for node in 0..NODES {
        let key = auditor::pin_key(&site.session(node, AUDITOR, Doing::Auditing).await?).await?;
        if known.get_or_insert_with(|| key.clone()) != &key {
            return Err(Failure::does_not_hold(format!("{} tells of another checkpoint key", node_name(node))));
        }
    }
    known.ok_or_else(|| Failure::does_not_hold("there is no node"))
}
