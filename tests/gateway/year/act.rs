//! What can happen to records and agreements on a day: drawn by chance, sent to the gateway, and told to the model.

use causeway_proto::v1;
use tonic::Status;

use super::desk;
use super::draw::Draw;
use super::facts::Facts;
use super::model::Model;
use super::paper::Paper;
use super::run::Clients;
use crate::harness::World;
use crate::harness::calls::{request, send, withdraw};

/// Agreements are made for this long, where they are not to end soon.
pub(super) const YEARS: u64 = 1_000;

/// One thing that is done, with all that it takes to do it again after a failure.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Submit(Facts),
    Correct(usize, Facts),
    Withdraw(usize),
    Restrict(usize, bool),
    AtRisk(usize),
    Erase(usize),
    /// The daily look at what is over.
    Expire,
    Activate(usize, Paper),
    Suspend(usize),
}

impl Act {
    /// What might happen next.
    pub(super) fn draw(draw: &mut Draw, model: &Model, today: u64) -> Self {
        match draw.below(100) {
            0..40 => None,
            40..60 => open(draw, model, today, None).map(|record| {
                let facts = model.records[record].facts.corrected(draw, today);
                Self::Correct(record, facts)
            }),
            60..65 => open(draw, model, today, None).map(Self::Withdraw),
            65..72 => open(draw, model, today, Some(false)).map(|record| Self::Restrict(record, true)),
            72..79 => open(draw, model, today, Some(true)).map(|record| Self::Restrict(record, false)),
            79..82 => open(draw, model, today, Some(false)).map(Self::AtRisk),
            82..85 => open(draw, model, today, None).map(Self::Erase),
            85..96 => {
                let feed = draw.below(model.feeds.len());
                let last_day = if draw.once_in(6) { today + draw.up_to(2, 9) } else { today + YEARS };
                Some(Self::Activate(feed, model.feeds[feed].paper.amended(draw, last_day)))
            }
            _ => {
                let feed = draw.below(model.feeds.len());
                (!model.feeds[feed].is_suspended).then_some(Self::Suspend(feed))
            }
        }
        .unwrap_or_else(|| Self::Submit(Facts::draw(draw, today)))
    }

    /// Tries it. Under the same submission id it is the same act again.
    pub(super) async fn attempt(
        &self,
        world: &World,
        clients: &mut Clients,
        model: &Model,
        submission_id: &str,
    ) -> Result<Option<v1::Receipt>, Status> {
        let of = |record: &usize| &model.records[*record];
        match self {
            Self::Submit(facts) => send(&mut clients.ingest, request(submission_id, &facts.document)).await.map(Some),
            Self::Correct(record, facts) => {
                let (record_id, expected_version) = (of(record).id.clone(), of(record).version);
                let submission = request(submission_id, &facts.document);
                let correction = v1::SubmitRequest { record_id, expected_version, ..submission };
                send(&mut clients.ingest, correction).await.map(Some)
            }
            Self::Withdraw(record) => {
                let known = of(record);
                withdraw(&mut clients.ingest, submission_id, &known.id, known.version).await.map(Some)
            }
            Self::Restrict(record, restricted) => {
                let request = v1::RestrictRequest {
                    submission_id: submission_id.into(),
                    record_id: of(record).id.clone(),
                    expected_version: of(record).version,
                    restricted: *restricted,
                };
                clients.ingest.restrict(request).await.map(|answer| answer.into_inner().receipt)
            }
            Self::AtRisk(record) => {
                let record_id = of(record).id.clone();
                let request = v1::FlagAtRiskRequest { submission_id: submission_id.into(), record_id };
                clients.ingest.flag_at_risk(request).await.map(|answer| answer.into_inner().receipt)
            }
            Self::Erase(record) => desk::erase(world, &mut clients.office, &of(record).id).await.map(|()| None),
            Self::Expire => clients.office.run_retention(v1::RunRetentionRequest {}).await.map(|_| None),
            Self::Activate(_, paper) => desk::activate(world, &mut clients.admin, paper).await.map(|()| None),
            Self::Suspend(feed) => {
                let paper = &model.feeds[*feed].paper;
                desk::suspend(world, &mut clients.admin, (paper.id, paper.version)).await.map(|()| None)
            }
        }
    }

    /// Tells the model that it has been done.
    pub(super) fn done(self, model: &mut Model, receipt: Option<v1::Receipt>, today: u64) {
        match self {
            Self::Submit(facts) => {
                model.submitted(receipt.expect("a submission has a receipt").record_id, facts, today)
            }
            Self::Correct(record, facts) => {
                model.corrected(record, facts, today);
                let version = receipt.expect("a correction has a receipt").version;
                assert_eq!(version, model.records[record].version, "a correction makes the next version");
            }
            Self::Withdraw(record) => model.withdrawn(record),
            Self::Restrict(record, true) | Self::AtRisk(record) => model.restricted(record),
            Self::Restrict(record, false) => model.freed(record, today),
            Self::Erase(record) => model.erased(record),
            Self::Expire => model.expire(today),
            Self::Activate(feed, paper) => model.feeds[feed].activated(paper, today),
            Self::Suspend(feed) => model.feeds[feed].is_suspended = true,
        }
    }

    /// A line of the story.
    pub(super) fn told(&self, model: &Model) -> String {
        let id = |record: &usize| format!("record {record} ({})", model.records[*record].id);
        match self {
            Self::Submit(facts) => format!("record {} is submitted: {}", model.records.len(), facts.told()),
            Self::Correct(record, facts) => format!("{} is corrected: {}", id(record), facts.told()),
            Self::Withdraw(record) => format!("{} is withdrawn", id(record)),
            Self::Restrict(record, true) => format!("{} is restricted", id(record)),
            Self::Restrict(record, false) => format!("{} is freed", id(record)),
            Self::AtRisk(record) => format!("a person in {} is in danger", id(record)),
            Self::Erase(record) => format!("{} is erased", id(record)),
            Self::Expire => "what is over is erased".to_owned(),
            Self::Activate(_, paper) => format!("an agreement comes into force:\n{}", paper.text()),
            Self::Suspend(feed) => format!("{} is suspended", model.feeds[*feed].paper.id),
        }
    }
}

/// One of the records that their owner can still change; of those restricted or not, where that is asked for.
fn open(draw: &mut Draw, model: &Model, today: u64, restricted: Option<bool>) -> Option<usize> {
    let all = model.records.iter().enumerate().filter(|(_, record)| record.is_open(today));
    let wanted = all.filter(|(_, record)| restricted.is_none_or(|restricted| record.is_restricted == restricted));
    let places: Vec<usize> = wanted.map(|(place, _)| place).collect();
    (!places.is_empty()).then(|| draw.pick(&places))
}
