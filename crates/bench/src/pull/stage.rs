//! A gateway with records in it, and partners that have been released a share of them each.

use std::path::Path;

use causeway_proto::v1;
use causeway_rig::{Failed, Process, Reach};
use tokio::sync::mpsc;

use super::feed::Reader;
use super::partner::{Partner, release_to};
use crate::ground::{self, Ground};
use crate::{records, say};

/// Records that are made and submitted at a time, while the next are made.
const BATCH: usize = 10_000;

/// Ids that are kept: enough to ask about many records by chance.
const KEPT_IDS: usize = 10_000;

/// Chooses, of each hundred records, those that a share has; any number that has no factor of 100 spreads them.
const SPREAD: usize = 37;

/// Partners of the bench's own and their shares of the records, in percent.
#[derive(Debug, Clone)]
pub(crate) struct Shares(Vec<(Partner, usize)>);

impl Shares {
    /// One partner for each share.
    pub(crate) fn of(percents: &[usize]) -> Self {
        let partners = percents.iter().enumerate();
        Self(partners.map(|(number, percent)| (Partner::new(number), *percent)).collect())
    }

    /// The partners with their shares.
    pub(crate) fn all(&self) -> &[(Partner, usize)] {
        &self.0
    }

    fn add_to(&self, config: &Path) -> Result<(), Failed> {
        self.0.iter().try_for_each(|(partner, _)| partner.add_to(config))
    }

    /// The records from one number on, each of which names those whose share it is in.
    fn requests(&self, first: usize, count: usize, size: usize) -> Vec<v1::SubmitRequest> {
        let (seed, prefix) = (first as u64 + 1, format!("bench-{first}"));
        records::requests_with(seed, count, size, &prefix, |number, record| {
            let named = self.0.iter().filter(|(_, percent)| is_in(*percent, first + number));
            let named: Vec<&str> = named.map(|(partner, _)| partner.agency.as_str()).collect();
            release_to(record, &named);
        })
    }
}

/// Whether a share has the record of this number.
const fn is_in(percent: usize, number: usize) -> bool {
    number % 100 * SPREAD % 100 < percent
}

/// How many of so many records a share has.
pub(crate) fn released(percent: usize, records: usize) -> u64 {
    (0..records).filter(|number| is_in(percent, *number)).count() as u64
}

/// A gateway that runs, with records that have been released to whoever is to have them. The gateway goes before its folder.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) gateway: Process,
    pub(crate) reach: Reach,
    pub(crate) ground: Ground,
    pub(crate) records: usize,
    /// The ids of some of them.
    pub(crate) ids: Vec<String>,
}

impl Stage {
    /// Submits so many records of about `size` bytes, and waits until the releaser has come to the end of them.
    pub(crate) async fn prepared(dir: &Path, shares: &Shares, records: usize, size: usize) -> Result<Self, Failed> {
        let ground = Ground::prepared_within(dir, |config| shares.add_to(config))?;
        let (gateway, reach) = ground.start()?;
        say(format_args!("submitting {records} records"));
        let ids = submit(&reach, shares, records, size).await?;
        for (partner, percent) in shares.all() {
            let expected = released(*percent, records);
            say(format_args!("waiting for the {expected} items of {}", partner.agreement));
            Reader::connect(&reach, partner, 1).await?.settled(expected).await?;
        }
        Ok(Self { gateway, reach, ground, records, ids })
    }
}

async fn submit(reach: &Reach, shares: &Shares, count: usize, size: usize) -> Result<Vec<String>, Failed> {
    let clients = reach.clients(ground::SUBMITTER, ground::PURPOSE).await?;
    let (made, mut batches) = mpsc::channel(1);
    let shares = shares.clone();
    tokio::task::spawn_blocking(move || {
        for first in (0..count).step_by(BATCH) {
            // Whoever submits them has failed, which is said there.
            if made.blocking_send(shares.requests(first, BATCH.min(count - first), size)).is_err() {
                return;
            }
        }
    });
    let (mut ids, mut taken) = (Vec::new(), 0);
    while let Some(batch) = batches.recv().await {
        let receipts = records::submit_all(&clients, batch).await?;
        taken += receipts.len();
        let room = KEPT_IDS - ids.len();
        ids.extend(receipts.into_iter().take(room).map(|receipt| receipt.record_id));
    }
    if taken == count { Ok(ids) } else { Err("not all records were made".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_so_many_of_every_hundred_records() {
        for percent in [0, 5, 90, 100] {
            assert_eq!(released(percent, 1_000), percent as u64 * 10);
        }
        let in_a_row = (0..100).map(|number| is_in(5, number)).collect::<Vec<_>>();
        assert!(!in_a_row.windows(2).any(|pair| pair[0] && pair[1]), "they are spread");
    }

    #[test]
    fn records_name_those_whose_share_they_are_in() {
        let shares = Shares::of(&[90, 5]);
        let requests = shares.requests(10_000, 100, records::DESIGN_BYTES);
        let named = |agency: &str| {
            let names = |request: &&v1::SubmitRequest| {
                let document = &request.record.as_ref().expect("a record").document;
                String::from_utf8_lossy(document).contains(&format!("\"{agency}\""))
            };
            requests.iter().filter(names).count()
        };
        assert_eq!([named("fr-bench-0"), named("fr-bench-1"), named("fr-bench-2")], [90, 5, 0]);
    }
}
