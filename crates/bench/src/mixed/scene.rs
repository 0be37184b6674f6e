//! The gateway of the mix, those who call it, and what they call for.

use std::path::Path;
use std::time::Duration;

use causeway_gateway::client::Clients;
use causeway_rig::Failed;

use super::Arguments;
use super::call::{Caller, Work};
use super::kind::{Kind, Paces};
use crate::numbers::Numbers;
use crate::pull::{Arrivals, Follow, PURPOSE, Partner, Reader, Shares, Stage, release_to};
use crate::{ground, pacing, records};

/// Items of a page that is pulled.
const PAGE: u32 = 100;

/// Percent of the records that the partner who pulls has been released.
const PULLED: usize = 90;

/// Everyone on a connection of their own.
#[derive(Debug)]
pub(super) struct Scene {
    stage: Stage,
    system: Clients,
    /// Submits what is watched for.
    watched_system: Clients,
    reader: Reader,
    /// Of all pages of its feed.
    cursors: Vec<String>,
    auditor: Clients,
    watched: Partner,
    watchers: Vec<Clients>,
    /// Where the watched feed has come to.
    follow: Follow,
    numbers: Numbers,
    /// Records that were made for turns so far.
    made: u64,
    size: usize,
}

impl Scene {
    pub(super) async fn prepared(arguments: &Arguments, dir: &Path) -> Result<Self, Failed> {
        // The second partner is released nothing yet: it is the one who watches.
        let shares = Shares::of(&[PULLED, 0]);
        let stage = Stage::prepared(dir, &shares, arguments.records, arguments.size).await?;
        let [(pulling, _), (watched, _)] = shares.all() else { return Err("two partners are two".into()) };
        let reader = Reader::connect(&stage.reach, pulling, PAGE).await?;
        let reach = stage.reach.clone();
        let system = || reach.clients(ground::SUBMITTER, ground::PURPOSE);
        let mut watchers = Vec::with_capacity(arguments.watches);
        for _ in 0..arguments.watches {
            watchers.push(reach.clients(&watched.system(), PURPOSE).await?);
        }
        let follow = Follow { feed: 0, agreement: watched.agreement.clone(), cursor: String::new() };
        Ok(Self {
            stage,
            system: system().await?,
            watched_system: system().await?,
            cursors: reader.cursors().await?,
            reader,
            auditor: reach.clients("gb-nca/audit", "lawfulness").await?,
            watched: watched.clone(),
            watchers,
            follow,
            numbers: Numbers::from_seed(0x313),
            made: 0,
            size: arguments.size,
        })
    }

    pub(super) fn gateway(&self) -> u32 {
        self.stage.gateway.id()
    }

    pub(super) fn caller(&self, kind: Kind) -> Caller {
        match kind {
            Kind::Submit => Caller::System(self.system.clone()),
            Kind::Watch => Caller::System(self.watched_system.clone()),
            Kind::Pull => Caller::Partner(self.reader.clone()),
            Kind::Audit => Caller::Auditor(self.auditor.clone()),
        }
    }

    /// What is called for in a turn of so long.
    pub(super) fn work(&mut self, kind: Kind, paces: &Paces, lasting: Duration) -> Vec<Work> {
        let count = pacing::calls_in(paces.of(kind), lasting);
        match kind {
            Kind::Submit => self.submissions(count, false),
            Kind::Watch => self.submissions(count, true),
            Kind::Pull => (0..count).map(|_| Work::Pull(self.drawn(|scene| &scene.cursors))).collect(),
            Kind::Audit => (0..count).map(|_| Work::Ask(self.drawn(|scene| &scene.stage.ids))).collect(),
        }
    }

    /// Records that are new in every turn, watched for or not.
    pub(super) fn submissions(&mut self, count: usize, is_watched: bool) -> Vec<Work> {
        self.made += 1;
        let (prefix, agency) = (format!("mixed-{}", self.made), self.watched.agency.clone());
        let requests = records::requests_with(self.made, count, self.size, &prefix, |_, record| {
            if is_watched {
                release_to(record, &[&agency]);
            }
        });
        requests.into_iter().map(Work::Submit).collect()
    }

    fn drawn(&mut self, from: impl Fn(&Self) -> &Vec<String>) -> String {
        let place = self.numbers.below(from(self).len());
        from(self)[place].clone()
    }

    /// Opens all watches, from where the last ones came to.
    pub(super) async fn watch(&self) -> Result<Arrivals, Failed> {
        let mut arrivals = Arrivals::none();
        for clients in &self.watchers {
            arrivals.open(clients, self.follow.clone()).await?;
        }
        Ok(arrivals)
    }

    /// Goes on from where these came to.
    pub(super) fn watched(&mut self, arrivals: &Arrivals) {
        if let Some(follow) = arrivals.first() {
            self.follow = follow.clone();
        }
    }
}
