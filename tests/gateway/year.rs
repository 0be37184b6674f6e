//! Months of life simulated from a seed, through the real server over real TLS and storage, beside a plain reference model.
//!
//! Two partners with overlapping clauses, one of which begins with immediate releases and the other with daily ones. By chance:
//! profiles and routes are submitted, corrected, withdrawn, restricted and freed again, flagged at risk, erased with approvals, and
//! expire; agreements are narrowed, widened, put in other forms and other release periods, suspended, ended and resumed, each live and
//! with its approvals; a partner does not pull for weeks, or loses replies and pulls again from the same cursor; the gateway is
//! stopped and started, or its log fails in the middle of what it was doing, with what was being written on disk or not.
//!
//! Invariants, at every quiet point (the releaser has come to rest, and every partner that is there has pulled to the end):
//! - each partner's copy, made of nothing but the items of its feed, is the model's: the same records in the same version, each
//!   document the same but for the pseudonyms;
//! - a pseudonym stands for one person where the clause links, for one item otherwise, and for nothing in the other feed;
//! - whoever received a record is listed as its holder, with the versions received and the one shown now;
//!
//! and at every pull, quiet or not: positions are dense, chain, page digest and disclosure proof verify, a page that is pulled again
//! has the same items, and no record is shown that may not leave at that moment.
//!
//! Not failures: in which order and position anything comes; that a correction which waits for the end of its period leaves the
//! version before in a copy, or takes it out; what a copy holds, and may keep, of an agreement whose newest version was never pulled
//! while it was in force.
//!
//! `cargo test` runs two months of one seed. A year of each of twenty seeds:
//! `CAUSEWAY_YEAR_SEEDS=20 cargo test -p causeway-tests year -- --ignored`; beginning with another one: `CAUSEWAY_YEAR_FROM=7`; for
//! another number of days: `CAUSEWAY_YEAR_DAYS=60`. A failure prints its seed and the last things that happened.

mod act;
mod check;
mod desk;
mod draw;
mod facts;
mod model;
mod paper;
mod partner;
mod run;
mod story;

use run::Run;

#[tokio::test(flavor = "multi_thread")]
async fn two_months_leave_every_partner_with_what_the_model_says() {
    Run::begin(2026).await.live(60).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: a year of each seed"]
async fn a_year_leaves_every_partner_with_what_the_model_says() {
    let (seeds, first, days) = (stated("SEEDS", 3), stated("FROM", 1), stated("DAYS", 365));
    for seed in first..first + seeds {
        Run::begin(seed).await.live(days).await;
    }
}

/// A number from the environment.
fn stated(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(format!("CAUSEWAY_YEAR_{name}")).ok();
    text.map_or(otherwise, |text| text.parse().expect("a number"))
}
