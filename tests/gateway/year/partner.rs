//! A partner: it pulls page after page, checks each by itself, and keeps a copy of what its feed says.

use std::collections::{BTreeMap, BTreeSet};

use causeway_crypto::pseudonym_is_well_formed;
use causeway_model::{AgreementId, Position};
use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::item::Content;
use serde_json::Value;

use super::draw::Draw;
use super::paper::PSEUDONYM;
use crate::feed::evidence;
use crate::harness::{Mirror, Stated};

/// The fields that hold pseudonyms wherever they are listed.
const LINKS: [&str; 3] = ["nrm_reference", "subject_reference", "route_reference"];

/// What a partner is, and what it holds.
#[derive(Debug)]
pub(super) struct Partner {
    agreement: AgreementId,
    checker: evidence::Partner,
    cursor: String,
    /// By item id.
    copy: BTreeMap<String, Copied>,
    /// Every pseudonym that it ever saw.
    pub(super) pseudonyms: BTreeSet<String>,
    /// Which versions of which records it ever received.
    pub(super) received: BTreeMap<String, BTreeSet<u32>>,
    /// It does not pull before this day.
    pub(super) away_until: u64,
}

/// A document that the partner holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Copied {
    /// The owner's id of the record, which the partner does not know: from the log, by position.
    pub(super) record: String,
    pub(super) version: u32,
    /// With the mark in the place of each pseudonym.
    pub(super) document: Value,
    /// By field.
    pub(super) pseudonyms: BTreeMap<&'static str, String>,
}

impl Partner {
    pub(super) fn new(agency: &'static str, agreement: &str, verifier_key: &str) -> Self {
        Self {
            agreement: agreement.parse().expect("an agreement"),
            checker: evidence::Partner::new(agency, verifier_key),
            cursor: String::new(),
            copy: BTreeMap::new(),
            pseudonyms: BTreeSet::new(),
            received: BTreeMap::new(),
            away_until: 0,
        }
    }

    /// Up to where it has read.
    pub(super) fn position(&self) -> u64 {
        self.checker.position
    }

    /// What it holds, by record; the feed may never leave it with two items of one record.
    pub(super) fn holds(&self) -> BTreeMap<&str, &Copied> {
        let mut by_record = BTreeMap::new();
        for copied in self.copy.values() {
            let earlier = by_record.insert(copied.record.as_str(), copied);
            assert!(earlier.is_none(), "two items of one record: {earlier:?} and {copied:?}");
        }
        by_record
    }

    /// Pulls to the end, in pages of a size drawn by chance; now and then a reply is lost, and its page is pulled again. Gives the
    /// records that were shown.
    pub(super) async fn pull(
        &mut self,
        client: &mut FeedServiceClient<Stated>,
        log: &Mirror,
        draw: &mut Draw,
    ) -> Vec<String> {
        let mut shown = Vec::new();
        loop {
            let limit = u32::try_from(draw.up_to(1, 40)).expect("small");
            let lost = if draw.once_in(4) { Some(self.page(client, limit).await) } else { None };
            let page = self.page(client, limit).await;
            if let Some(lost) = &lost {
                assert_repeated(lost, &page);
                self.note_received(lost, log);
            }
            self.checker.read(&page).unwrap_or_else(|fault| panic!("{}: {fault}", self.agreement));
            self.note_received(&page, log);
            for item in &page.items {
                shown.extend(self.take(item, log));
            }
            self.cursor.clone_from(&page.next_cursor);
            if !page.more {
                return shown;
            }
        }
    }

    async fn page(&self, client: &mut FeedServiceClient<Stated>, limit: u32) -> v1::Page {
        let (agreement, cursor) = (self.agreement.to_string(), self.cursor.clone());
        let answer = client.pull(v1::PullRequest { agreement, cursor, limit }).await;
        answer.unwrap_or_else(|status| panic!("{}: {status:?}", self.agreement)).into_inner().page.expect("a page")
    }

    /// The record and version that the log has at an item's position.
    fn named(&self, item: &v1::Item, log: &Mirror) -> (String, u32) {
        log.read(|state| {
            let known = state.feed(&self.agreement).and_then(|feed| feed.item(Position(item.position)));
            let known = known.expect("what was served is in the log");
            assert_eq!(known.item_id.to_string(), item.item_id, "position {}", item.position);
            (known.record_id.to_string(), known.version.0)
        })
    }

    fn note_received(&mut self, page: &v1::Page, log: &Mirror) {
        for item in page.items.iter().filter(|item| matches!(item.content, Some(Content::Released(_)))) {
            let (record, version) = self.named(item, log);
            self.received.entry(record).or_default().insert(version);
        }
    }

    /// Keeps what an item says; gives the record that it shows.
    fn take(&mut self, item: &v1::Item, log: &Mirror) -> Option<String> {
        match item.content.as_ref().expect("an item has its content") {
            Content::Withdrawn(withdrawn) => {
                self.copy.remove(&withdrawn.item_id);
                None
            }
            Content::Deferred(_) => panic!("no agreement of this simulation has a quota"),
            Content::Released(released) => {
                self.copy.remove(&released.replaces_item_id);
                let (record, version) = self.named(item, log);
                let mut document: Value = serde_json::from_slice(&released.document).expect("a document is JSON");
                let pseudonyms = taken_out(&mut document);
                self.pseudonyms.extend(pseudonyms.values().cloned());
                let copied = Copied { record: record.clone(), version, document, pseudonyms };
                self.copy.insert(item.item_id.clone(), copied);
                Some(record)
            }
        }
    }
}

/// A page that is pulled again has the same items, each with the same content or none, and maybe newer ones behind them.
fn assert_repeated(lost: &v1::Page, again: &v1::Page) {
    let ids = |page: &v1::Page| page.items.iter().map(|item| (item.position, item.item_id.clone())).collect::<Vec<_>>();
    assert!(ids(again).starts_with(&ids(lost)), "a page that is pulled again has other items: {lost:?} and {again:?}");
    for (first, second) in lost.items.iter().zip(&again.items) {
        let same = first.content == second.content || matches!(second.content, Some(Content::Withdrawn(_)));
        assert!(same, "position {} has other content when it is pulled again", first.position);
    }
}

/// Puts the mark in the place of every pseudonym, and gives them by field.
fn taken_out(document: &mut Value) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    for field in LINKS {
        if let Some(Value::String(text)) = document.get_mut(field) {
            assert!(pseudonym_is_well_formed(text), "{field} is no pseudonym");
            found.insert(field, std::mem::replace(text, PSEUDONYM.to_owned()));
        }
    }
    found
}
