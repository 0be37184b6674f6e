//! One simulated stretch of time: days, what happens on them, stops and crashes of the gateway, and the points at which all is
//! quiet and every copy is compared with the model.

use causeway_model::AgreementId;
use causeway_proto::v1;
use causeway_proto::v1::admin_service_client::AdminServiceClient;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::protection_service_client::ProtectionServiceClient;
use serde_json::json;
use tonic::{Code, Status};

use super::act::{Act, YEARS};
use super::check;
use super::draw::Draw;
use super::facts::date;
use super::model::{Feed, Model};
use super::paper::{Paper, Period};
use super::partner::Partner;
use super::story::Story;
use crate::feed::{ALBANIA, VIET_NAM, released_in, verifier_key};
use crate::harness::calls::{reason, submit};
use crate::harness::{Gateway, Persist, Stated, World, documents};

/// The agreement that only markers are released under: nothing of the simulation touches it.
const MARKERS: &str = "ISA-VN-2026-099";

const SYSTEMS: [&str; 5] =
    ["gb-nca/case-management", "gb-nca/protection", "gb-nca/operations", "al-police/feed", "vn-police/feed"];

/// A world in the course of its days.
pub(super) struct Run {
    world: World,
    gateway: Option<Gateway>,
    clients: Clients,
    pub(super) model: Model,
    partners: Vec<Partner>,
    draw: Draw,
    today: u64,
    /// Submission ids used so far.
    used: u32,
    story: Story,
}

/// Everybody who calls the gateway; anew after each start.
pub(super) struct Clients {
    pub(super) ingest: IngestServiceClient<Stated>,
    pub(super) office: ProtectionServiceClient<Stated>,
    pub(super) admin: AdminServiceClient<Stated>,
    feeds: Vec<FeedServiceClient<Stated>>,
}

impl Clients {
    async fn of(gateway: &Gateway) -> Self {
        Self {
            ingest: gateway.ingest("gb-nca/case-management").await,
            office: gateway.protection("gb-nca/protection").await,
            admin: gateway.admin("gb-nca/operations").await,
            feeds: vec![gateway.feed("al-police/feed").await, gateway.feed("vn-police/feed").await],
        }
    }
}

impl Run {
    /// The first day: both agreements in force, one of which begins with immediate releases and the other with daily ones.
    pub(super) async fn begin(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let mut first_day = 0;
        let mut papers = Vec::new();
        let world = World::with(|setup| {
            first_day = setup.now.day();
            papers = vec![
                Paper::draw(&mut draw, (ALBANIA, "al-police"), first_day + YEARS, Period::Immediate),
                Paper::draw(&mut draw, (VIET_NAM, "vn-police"), first_day + YEARS, Period::Daily),
            ];
            for paper in &papers {
                setup.agreement(paper.id, |_| paper.text());
            }
        });
        let markers = Paper::of_markers(MARKERS, first_day + YEARS);
        std::fs::write(world.path(&format!("config/agreements/{MARKERS}.toml")), markers).expect("writable");
        world.reissue();
        SYSTEMS.iter().for_each(|system| world.lasting(system));
        let gateway = world.start().await;
        let key = verifier_key(&gateway).await;
        let partners = papers.iter().map(|paper| Partner::new(paper.recipient, paper.id, &key)).collect();
        let feeds = papers.into_iter().map(|paper| Feed::new(paper, first_day)).collect();
        let clients = Clients::of(&gateway).await;
        let model = Model { records: Vec::new(), feeds };
        let (gateway, story) = (Some(gateway), Story::of(seed));
        Self { world, gateway, clients, model, partners, draw, today: first_day, used: 0, story }
    }

    /// So many days, and then the end.
    pub(super) async fn live(mut self, days: u64) {
        for paper in self.model.feeds.iter().map(|feed| feed.paper.text()) {
            self.story.tell(format!("in force from the beginning:\n{paper}"));
        }
        for _ in 0..days {
            self.day().await;
            self.next_morning().await;
        }
        self.gateway.take().expect("it runs").stop().await;
    }

    /// What happens in the course of a day.
    async fn day(&mut self) {
        for _ in 0..self.draw.below(8) {
            self.world.clock().advance(self.draw.up_to(60, 6_000));
            match self.draw.below(40) {
                0 => self.restart().await,
                1 => self.crash().await,
                2..4 => self.glance().await,
                4..7 => self.quiet().await,
                _ => {
                    let act = Act::draw(&mut self.draw, &self.model, self.today);
                    self.perform(act).await;
                }
            }
        }
        for partner in &mut self.partners {
            if partner.away_until <= self.today && self.draw.once_in(25) {
                partner.away_until = self.today + self.draw.up_to(3, 25);
            }
        }
    }

    /// The next day begins: what is over is erased, and batches leave.
    async fn next_morning(&mut self) {
        self.today += 1;
        self.world.clock().set(date(self.today).start().plus_seconds(self.draw.up_to(0, 600)));
        self.story.tell(format!("it is {}", date(self.today)));
        self.perform(Act::Expire).await;
        self.quiet().await;
        for _ in 0..2 {
            self.check_holders().await;
        }
    }

    /// Does one thing, again and again where the gateway stops on the way.
    async fn perform(&mut self, act: Act) {
        self.used += 1;
        let (id, mut failed) = (format!("act-{}", self.used), false);
        self.story.tell(act.told(&self.model));
        let receipt = loop {
            match act.attempt(&self.world, &mut self.clients, &self.model, &id).await {
                Ok(receipt) => break receipt,
                Err(status) if is_stopped(&status) => {
                    failed = true;
                    self.story.tell(format!("the gateway has stopped: {}", status.message()));
                    self.start_again().await;
                }
                Err(status) if failed && is_done(&status) => break None,
                Err(status) => panic!("refused: {status:?}"),
            }
        };
        act.done(&mut self.model, receipt, self.today);
    }

    async fn restart(&mut self) {
        self.story.tell("the gateway is stopped and started".to_owned());
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        self.world.faults().clear();
        self.gateway.take().expect("it runs").stop().await;
        let gateway = self.world.start().await;
        self.clients = Clients::of(&gateway).await;
        self.gateway = Some(gateway);
    }

    /// The log fails under one of the next appends, which may be on disk or not; then a start as after a crash.
    async fn crash(&mut self) {
        let (after, persist) = (self.draw.below(6), self.draw.pick(&[Persist::No, Persist::Yes]));
        self.story.tell(format!("the log fails after {after} appends: {persist:?}"));
        self.world.fail_appends(after, persist);
        for _ in 0..3 {
            let act = Act::draw(&mut self.draw, &self.model, self.today);
            self.perform(act).await;
        }
        self.start_again().await;
    }

    /// A partner pulls while the releaser may still be at work.
    async fn glance(&mut self) {
        let feed = self.draw.below(self.partners.len());
        if self.partners[feed].away_until <= self.today {
            self.pull(feed).await;
            self.model.glanced(feed, self.today);
        }
    }

    /// The releaser comes to rest, everybody who is there pulls, and every copy is what the model says.
    async fn quiet(&mut self) {
        self.settle().await;
        for feed in 0..self.partners.len() {
            if self.partners[feed].away_until > self.today {
                continue;
            }
            self.pull(feed).await;
            let expected = self.model.pulled(feed, self.today);
            check::copy(&self.model.records, &expected, &self.partners[feed]);
            if self.draw.once_in(3) {
                self.acknowledge(feed).await;
            }
        }
        let [albania, viet_nam] = &self.partners[..] else { panic!("there are two partners") };
        let common: Vec<_> = albania.pseudonyms.intersection(&viet_nam.pseudonyms).collect();
        assert!(common.is_empty(), "two feeds share pseudonyms: {common:?}");
    }

    async fn pull(&mut self, feed: usize) {
        let known = &self.model.feeds[feed];
        let force = if known.is_in_force(self.today) { "in force" } else { "not in force" };
        self.story.tell(format!(
            "{}, {force}, is pulled from position {}",
            known.paper.id,
            self.partners[feed].position()
        ));
        let client = &mut self.clients.feeds[feed];
        let shown = self.partners[feed].pull(client, self.world.journal(), &mut self.draw).await;
        for id in shown {
            let record = self.model.records.iter().position(|record| record.id == id);
            let record = record.unwrap_or_else(|| panic!("a record that nobody submitted: {id}"));
            assert!(self.model.may_be_shown(feed, record, self.today), "record {record} ({id}) may not be shown");
        }
    }

    async fn acknowledge(&mut self, feed: usize) {
        let (agreement, up_to_position) = (self.model.feeds[feed].paper.id.to_owned(), self.partners[feed].position());
        if up_to_position > 0 {
            let request = v1::AcknowledgeRequest { agreement, up_to_position, item_position: 0 };
            self.clients.feeds[feed].acknowledge(request).await.expect("it has been disclosed");
        }
    }

    /// Waits until the releaser has done all there is to do. It works in rounds, each as of one moment: a marker that is released says
    /// that a round has begun after all that was done, and a second one that this round has come to its end.
    async fn settle(&mut self) {
        for feed in self.model.feeds.iter().filter(|feed| feed.is_in_force(self.today)) {
            let (id, version) = (feed.paper.id.parse::<AgreementId>().expect("an agreement"), feed.paper.version);
            let evaluated =
                |state: &causeway_journal::State| state.feed(&id).is_some_and(|known| known.evaluated() >= version);
            self.world.journal().until("the end of an evaluation", evaluated).await;
        }
        for _ in 0..2 {
            self.used += 1;
            let leg = json!({ "seq": 1, "role": "Transit", "from": { "country": "RO" }, "to": { "country": "RO" } });
            let marker = documents::with(documents::route(), json!({ "legs": [leg], "releasable_to": ["VN"] }));
            let marked = submit(&mut self.clients.ingest, &format!("marker-{}", self.used), &marker).await;
            released_in(&self.world, MARKERS, &marked.expect("accepted")).await;
        }
    }

    /// Who holds one of the records is who received it.
    async fn check_holders(&mut self) {
        let erased = |place: &usize| self.model.records[*place].is_erased;
        let places: Vec<usize> = (0..self.model.records.len()).filter(|place| !erased(place)).collect();
        if places.is_empty() {
            return;
        }
        let record = self.draw.pick(&places);
        let record_id = self.model.records[record].id.clone();
        let answer = self.clients.ingest.list_holders(v1::ListHoldersRequest { record_id }).await;
        let holders = answer.expect("the owner may know").into_inner().holders;
        check::holders(&self.model, record, self.today, &self.partners, &holders);
    }
}

fn is_stopped(status: &Status) -> bool {
    status.code() == Code::Unavailable && reason(status) == "journal-unavailable"
}

/// What is refused since the attempt before was stored, and could not say so. A record that is erased cannot be found any more.
fn is_done(status: &Status) -> bool {
    matches!(status.code(), Code::AlreadyExists | Code::NotFound)
}
