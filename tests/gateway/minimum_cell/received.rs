//! What a partner has received of a feed, ever, as it reads page by page: in each group the persons that it knows there.

use std::collections::{BTreeMap, BTreeSet};

use causeway_model::{AgreementId, Position};
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::item::Content;
use serde_json::Value;

use super::CELL;
use crate::feed::ALBANIA;
use crate::harness::calls::{pull, reason, released, submit};
use crate::harness::{Gateway, Stated, World};

/// What the items of a group have in common: their clause and their document.
type Group = (String, String);

#[derive(Default)]
pub(super) struct Received {
    /// Whom each version of each record is of, as it was submitted.
    persons: BTreeMap<(String, u32), String>,
    pub(super) groups: BTreeMap<Group, BTreeSet<String>>,
    cursor: String,
    /// How many items showed a record.
    pub(super) shown: usize,
}

impl Received {
    pub(super) async fn submit(
        &mut self,
        ingest: &mut IngestServiceClient<Stated>,
        name: &str,
        record: &Value,
    ) -> v1::Receipt {
        let receipt = submit(ingest, name, record).await.expect("accepted");
        self.note(&receipt.record_id, 1, record);
        receipt
    }

    pub(super) fn note(&mut self, record_id: &str, version: u32, record: &Value) {
        let person = record["subject_reference"].as_str().expect("it names its person").to_owned();
        self.persons.insert((record_id.to_owned(), version), person);
    }

    /// Takes all that the feed shows now; the documents that it shows.
    pub(super) async fn pull_all(&mut self, world: &World, gateway: &Gateway) -> Vec<Value> {
        self.begin_anew();
        self.read_on(world, gateway, 100, false).await.iter().filter_map(released).collect()
    }

    pub(super) fn begin_anew(&mut self) {
        self.cursor.clear();
    }

    /// Reads on in pages of `limit`, to the end or until the day's quota is used up; past what is put off where it looks `ahead`. After
    /// each page every group of which it shows something has to be as large as the version in force asks for.
    pub(super) async fn read_on(&mut self, world: &World, gateway: &Gateway, limit: u32, ahead: bool) -> Vec<v1::Item> {
        let mut feed = gateway.feed("al-police/feed").await;
        let mut all = Vec::new();
        loop {
            let page = match pull(&mut feed, &self.cursor, limit).await {
                Ok(page) => page,
                Err(status) => {
                    assert_eq!(reason(&status), "quota-exceeded", "{status:?}");
                    return all;
                }
            };
            let least = if page.agreement_version == 1 { CELL } else { CELL + 1 };
            let touched = self.take(world, &page);
            for group in touched {
                let persons = &self.groups[&group];
                assert!(persons.len() >= least, "{persons:?} of {group:?} at version {}", page.agreement_version);
            }
            let is_put_off = !page.ahead_cursor.is_empty();
            all.extend(page.items);
            self.cursor = if is_put_off && ahead { page.ahead_cursor } else { page.next_cursor };
            if !page.more || is_put_off && !ahead {
                return all;
            }
        }
    }

    fn take(&mut self, world: &World, page: &v1::Page) -> BTreeSet<Group> {
        let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
        let mut touched = BTreeSet::new();
        for item in &page.items {
            let Some(Content::Released(record)) = &item.content else { continue };
            let of = world.journal().read(|state| {
                let held = state.feed(&id).and_then(|feed| feed.item(Position(item.position))).expect("it was served");
                (held.record_id.to_string(), held.version.0)
            });
            let document = released(item).expect("it is released").to_string();
            let group = (record.clause.clone(), document);
            self.groups.entry(group.clone()).or_default().insert(self.persons[&of].clone());
            touched.insert(group);
            self.shown += 1;
        }
        touched
    }

    pub(super) fn smallest(&self) -> usize {
        self.groups.values().map(BTreeSet::len).min().unwrap_or(CELL)
    }
}
