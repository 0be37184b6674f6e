//! A withdrawal does not say why: whatever took a record out of a feed, its partner gets the same page.

use causeway_journal::v1::Entry;
use causeway_model::{Date, Timestamp};
use causeway_proto::v1;
use prost::Message;
use serde_json::json;

use crate::feed::{ALBANIA, released_in};
use crate::frozen::office::{amend, suspend};
use crate::harness::calls::{pull, released, request, send, submit, withdraw};
use crate::harness::{Gateway, World};
use crate::identity::desk::Desk;
use crate::minimum_cell::profile;

/// What takes the record out of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Withdrawn,
    Erased,
    Expired,
    Restricted,
    AtRisk,
    Corrected,
    Narrowed,
    Suspended,
    Ended,
}

const CAUSES: [Cause; 9] = [
    Cause::Withdrawn,
    Cause::Erased,
    Cause::Expired,
    Cause::Restricted,
    Cause::AtRisk,
    Cause::Corrected,
    Cause::Narrowed,
    Cause::Suspended,
    Cause::Ended,
];

impl Cause {
    /// Makes it so, with the submitter's name of the act that the others have, too.
    async fn befall(self, world: &World, gateway: &Gateway, record_id: &str) {
        let mut ingest = gateway.ingest("gb-nca/case-management").await;
        let submission_id = String::from("act");
        match self {
            Self::Withdrawn => drop(withdraw(&mut ingest, "act", record_id, 1).await.expect("withdrawn")),
            Self::Erased => Desk::of(world, gateway, "gb-nca").await.erase(record_id).await,
            Self::Expired => world.clock().set(start_of(23)),
            Self::Restricted => {
                let record_id = record_id.to_owned();
                let request = v1::RestrictRequest { submission_id, record_id, expected_version: 1, restricted: true };
                ingest.restrict(request).await.expect("restricted");
            }
            Self::AtRisk => {
                let request = v1::FlagAtRiskRequest { submission_id, record_id: record_id.to_owned() };
                ingest.flag_at_risk(request).await.expect("flagged");
            }
            Self::Corrected => {
                let mut correction = request("act", &profile("S-1", json!({ "nationalities": ["XK"] })));
                (correction.record_id, correction.expected_version) = (record_id.to_owned(), 1);
                send(&mut ingest, correction).await.expect("corrected");
            }
            Self::Narrowed => {
                let narrower = |text: &str| text.replacen("nationalities = [\"AL\"]", "nationalities = [\"XK\"]", 1);
                amend(world, gateway, ALBANIA, 2, narrower).await;
            }
            Self::Suspended => drop(suspend(world, gateway, ("agreement", ALBANIA, 1)).await.expect("suspended")),
            Self::Ended => world.clock().set(start_of(25)),
        }
    }
}

fn start_of(day: u8) -> Timestamp {
    Date::new(2026, 11, day).expect("a day").start()
}

/// What the partner is told of one withdrawal, without what is of one item or one moment.
#[derive(Debug, PartialEq)]
struct Told {
    /// The page behind what the partner had, and the page with all from the feed's start on.
    pages: [Page; 2],
    acknowledged: v1::AcknowledgeResponse,
}

#[derive(Debug, PartialEq)]
struct Page {
    page: v1::Page,
    items: Vec<Vec<u8>>,
    disclosure: Entry,
}

/// Bytes of the same length that say nothing.
fn blank(bytes: &[u8]) -> Vec<u8> {
    vec![0; bytes.len()]
}

fn blank_text(text: &str) -> String {
    "0".repeat(text.len())
}

impl Page {
    fn of(mut page: v1::Page) -> Self {
        let evidence = page.evidence.take().expect("a page with items has its evidence");
        for item in &mut page.items {
            item.item_id = blank_text(&item.item_id);
            item.position = 0;
            let Some(v1::item::Content::Withdrawn(withdrawn)) = &mut item.content else { panic!("{item:?}") };
            withdrawn.item_id = blank_text(&withdrawn.item_id);
        }
        // These are of the agreement and not of a record: they are on each of its pages, whatever is in it.
        (page.agreement_version, page.in_force) = (0, false);
        page.chain_before = blank(&page.chain_before);
        page.chain_after = blank(&page.chain_after);
        page.digest_salt = blank(&page.digest_salt);
        page.next_cursor = blank_text(&page.next_cursor);
        let items = page.items.iter().map(Message::encode_to_vec).collect();
        Self { page, items, disclosure: disclosure(&evidence.entry) }
    }
}

/// The entry of a page's disclosure, which the partner gets with it.
fn disclosure(bytes: &[u8]) -> Entry {
    let mut entry = Entry::decode(bytes).expect("an entry");
    entry.time_micros = 0;
    entry.entry_id = blank(&entry.entry_id);
    entry.request_id = blank(&entry.request_id);
    if let Some(actor) = &mut entry.actor {
        actor.certificate_digest = blank(&actor.certificate_digest);
    }
    if let Some(recipient) = &mut entry.recipient {
        recipient.agreement_version = 0;
    }
    if let Some(commitments) = &mut entry.commitments {
        commitments.operator = blank(&commitments.operator);
        commitments.source_address = blank(&commitments.source_address);
    }
    if let Some(page) = &mut entry.page {
        page.digest = blank(&page.digest);
    }
    entry
}

/// A partner that has one record, and is told that it is gone.
async fn told(cause: Cause) -> Told {
    let world = World::with(|setup| {
        if cause == Cause::Ended {
            setup.agreement(ALBANIA, |text| text.replacen("valid_until = 2028-12-31", "valid_until = 2026-11-24", 1));
        }
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let expires = if cause == Cause::Expired { json!({ "retain_until": "2026-11-22" }) } else { json!({}) };
    let receipt = submit(&mut ingest, "record", &profile("S-1", expires)).await.expect("accepted");
    released_in(&world, ALBANIA, &receipt).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let had = pull(&mut feed, "", 0).await.expect("a page");
    assert!(had.items.len() == 1 && released(&had.items[0]).is_some(), "{cause:?}: {had:?}");
    cause.befall(&world, &gateway, &receipt.record_id).await;
    world.journal().settle(ALBANIA, 2).await;
    let behind = pull(&mut feed, &had.next_cursor, 0).await.expect("the withdrawal");
    let whole = pull(&mut feed, "", 0).await.expect("the feed");
    assert_eq!((behind.items.len(), whole.items.len()), (1, 2), "{cause:?}");
    assert_eq!(whole.items[1], behind.items[0], "{cause:?}");
    let deleted = v1::item::Content::Withdrawn(v1::WithdrawnItem { item_id: had.items[0].item_id.clone() });
    assert!(whole.items.iter().all(|item| item.content.as_ref() == Some(&deleted)), "{cause:?}: {whole:?}");
    let up_to = v1::AcknowledgeRequest { up_to_position: 2, ..v1::AcknowledgeRequest::default() };
    let acknowledged = feed.acknowledge(up_to).await.expect("taken note of").into_inner();
    gateway.stop().await;
    Told { pages: [Page::of(behind), Page::of(whole)], acknowledged }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_takes_a_record_out_of_a_feed_the_partner_is_told_the_same() {
    let plain = told(CAUSES[0]).await;
    assert_eq!(plain.acknowledged.acknowledged_position, 2);
    for cause in &CAUSES[1..] {
        assert_eq!(told(*cause).await, plain, "{cause:?}");
    }
}
