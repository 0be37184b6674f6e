//! What a partner gets: what its agreement grants and nothing else, in pages that it can check by itself.

pub(crate) mod evidence;
pub(crate) mod records;
pub(crate) mod reference;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use causeway_gateway::client::Statement;
use causeway_model::{AgreementId, Position, RecordId};
use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::submit_stream_response::Verdict;
use prost::Message;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::calls::{pull, pull_all, reason, request, submit, without_request_id};
use crate::harness::{Gateway, Setup, Stated, World, documents};
use evidence::Partner;
use records::{MARKS, Seeded};
use reference::Paper;

pub(crate) const ALBANIA: &str = "ISA-AL-2026-014";
pub(crate) const VIET_NAM: &str = "ISA-VN-2026-021";

/// Records of the large test: enough that every gate of both agreements stops some and lets others pass.
const RECORDS: usize = 600;

/// Submits all on one stream and gives the receipts; every record must be accepted. They share commits and take their
/// places in the journal in no order.
pub(crate) async fn submit_all(
    client: &mut IngestServiceClient<Stated>,
    requests: Vec<v1::SubmitRequest>,
) -> Vec<v1::Receipt> {
    let wrapped = requests.into_iter().map(|submission| v1::SubmitStreamRequest { submission: Some(submission) });
    let mut verdicts = client.submit_stream(tokio_stream::iter(wrapped)).await.expect("a stream").into_inner();
    let mut receipts = Vec::new();
    while let Some(response) = verdicts.message().await.expect("the stream goes on") {
        match response.verdict.expect("a verdict says something") {
            Verdict::Receipt(receipt) => receipts.push(receipt),
            Verdict::Refusal(refusal) => panic!("record {} was refused: {refusal:?}", response.index),
        }
    }
    receipts
}

/// Submits one after the other, so that they are in the journal, and in feeds, in this order.
pub(crate) async fn submit_each(client: &mut IngestServiceClient<Stated>, records: &[Value]) -> Vec<v1::Receipt> {
    let mut receipts = Vec::new();
    for (index, record) in records.iter().enumerate() {
        receipts.push(submit(client, &format!("each-{index}"), record).await.expect("accepted"));
    }
    receipts
}

/// Waits until this record version's release is the live one in a feed, and is served: then everything before it was
/// considered too.
pub(crate) async fn released_in(world: &World, agreement: &str, receipt: &v1::Receipt) {
    let id: AgreementId = agreement.parse().expect("an agreement's id");
    let record: RecordId = receipt.record_id.parse().expect("a record id");
    let what = format!("the release of version {} in {agreement}", receipt.version);
    let live = |state: &causeway_journal::State| {
        let feed = state.feed(&id)?;
        feed.item(feed.live(&record)?).map(|item| item.version.0)
    };
    world.journal().until(&what, |state| live(state) == Some(receipt.version)).await;
}

/// The key that verifies this gateway's checkpoints.
pub(crate) async fn verifier_key(gateway: &Gateway) -> String {
    let answer = gateway.audit("gb-nca/audit").await.get_checkpoint(v1::GetCheckpointRequest::default()).await;
    answer.expect("a checkpoint").into_inner().verifier_key
}

/// Both agreements with pseudonyms of the same references, and with linking, so that the two feeds could be compared.
fn with_pseudonyms(setup: &mut Setup) {
    let add = |text: &str, after: &str, field: &str| {
        assert!(text.contains(after), "the agreement lists {after}");
        text.replacen(after, &format!("{after}\n\"{field}\" = \"pseudonym\""), 1)
    };
    setup.agreement(ALBANIA, |text| add(text, "\"gender\" = \"female-male\"", "nrm_reference"));
    setup.agreement(VIET_NAM, |text| {
        let linked = "link_persons = true\nlink_persons_reason = \"to compare the feeds\"\nminimum_cell = 1";
        let text = text.replacen("minimum_cell = 1", linked, 1);
        let text = add(&text, "\"gender\" = \"female-male\"", "nrm_reference");
        let text = add(&text, "\"route_status\" = \"exact\"", "route_reference");
        add(&text, "\"route_status\" = \"exact\"", "vehicles[].registration")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_gets_what_its_clauses_grant_and_nothing_else() {
    let world = World::with(with_pseudonyms);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut seeded = Seeded::new(2026);
    let mut records: Vec<Value> = (0..RECORDS).map(|_| seeded.record()).collect();
    let requests = records.iter().enumerate().map(|(index, record)| request(&format!("record-{index}"), record));
    let mut receipts = submit_all(&mut ingest, requests.collect()).await;
    // Both partners get this one: when they have it, all others have been considered.
    records.push(documents::profile());
    receipts.push(submit(&mut ingest, "last", &records[RECORDS]).await.expect("accepted"));
    assert_eq!(receipts.len(), records.len());
    let by_id: BTreeMap<&str, &Value> =
        receipts.iter().map(|receipt| receipt.record_id.as_str()).zip(&records).collect();
    let ids: HashSet<Vec<u8>> = receipts.iter().flat_map(|receipt| spellings(&receipt.record_id)).collect();
    let key = verifier_key(&gateway).await;
    let mut pseudonyms: Vec<BTreeSet<String>> = Vec::new();
    let mut seen_by_all: BTreeSet<usize> = (0..records.len()).collect();
    for (agreement, agency) in [(ALBANIA, "al-police"), (VIET_NAM, "vn-police")] {
        released_in(&world, agreement, receipts.last().expect("the last one")).await;
        let text = std::fs::read_to_string(world.path(&format!("config/agreements/{agreement}.toml")));
        let paper = Paper::read(&text.expect("the agreement's text"));
        let mut partner = Partner::new(agency, &key);
        let mut met = Vec::new();
        let mut count = 0;
        for page in pull_all(&mut gateway.feed(&format!("{agency}/feed")).await).await {
            partner.read(&page).unwrap_or_else(|fault| panic!("{agreement}: {fault}"));
            assert_holds_no_identifier(&page.encode_to_vec(), &ids);
            for item in &page.items {
                check_item(&world, &paper, &by_id, item, &mut met);
                count += 1;
            }
        }
        seen_by_all.retain(|index| paper.covers(documents::kind(&records[*index]), &records[*index]));
        let granted = records.iter().filter(|record| paper.covers(documents::kind(record), record)).count();
        assert_eq!(count, granted, "{agreement} misses records, or has too many");
        assert!((30..RECORDS - 30).contains(&granted), "{agreement} grants {granted}: the records test too little");
        assert!(met.len() > 20, "{agreement} shows too few pseudonyms to compare");
        pseudonyms.push(met.into_iter().collect());
    }
    assert!(seen_by_all.len() > 10, "too few records are in both feeds to compare them");
    assert!(pseudonyms[0].is_disjoint(&pseudonyms[1]), "one partner has another's pseudonym");
    gateway.stop().await;
}

/// The item is of a record that the agreement's text grants, and shows exactly what the text lists.
fn check_item(
    world: &World,
    paper: &Paper,
    records: &BTreeMap<&str, &Value>,
    item: &v1::Item,
    pseudonyms: &mut Vec<String>,
) {
    let agreement: AgreementId = paper.id.parse().expect("an agreement's id");
    let (record, known_id) = world.journal().read(|state| {
        let found = state.feed(&agreement).and_then(|feed| feed.item(Position(item.position)));
        let found = found.expect("the log has this position");
        (found.record_id.to_string(), found.item_id.to_string())
    });
    assert_eq!(item.item_id, known_id, "position {}", item.position);
    assert_eq!(item.kind(), v1::ItemKind::Release, "nothing was withdrawn");
    let document = records[record.as_str()];
    let kind = documents::kind(document);
    let Some((clause, expected)) = paper.grants(kind, document) else {
        panic!("{} shows a record that it does not cover: {document}", paper.id);
    };
    let Some(v1::item::Content::Released(released)) = &item.content else {
        panic!("{} withholds a record that it covers: {document}", paper.id);
    };
    assert_eq!((released.kind.as_str(), released.schema_version.as_str()), (kind, "1.1"));
    assert_eq!((released.clause.as_str(), released.replaces_item_id.as_str()), (clause.as_str(), ""));
    let served: Value = serde_json::from_slice(&released.document).expect("a document is JSON");
    assert!(
        reference::matches(&expected, &served, pseudonyms),
        "{}: of {document}\nthis was expected: {expected}\nand this was served: {served}",
        paper.id
    );
}

/// A record id as bytes and as text.
fn spellings(record_id: &str) -> [Vec<u8>; 2] {
    let id: RecordId = record_id.parse().expect("a record id");
    [id.as_bytes().to_vec(), record_id.as_bytes().to_vec()]
}

fn assert_holds_no_identifier(page: &[u8], record_ids: &HashSet<Vec<u8>>) {
    let lower = page.to_ascii_lowercase();
    for mark in MARKS {
        assert!(!lower.windows(mark.len()).any(|window| window == mark.as_bytes()), "an identifier is in a page");
    }
    let named = |length| page.windows(length).any(|window| record_ids.contains(window));
    assert!(!named(16) && !named(32), "a record id is in a page");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_as_long_as_asked_and_prove_what_was_recorded() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let requests = (0..23).map(|index| request(&format!("record-{index}"), &documents::profile()));
    submit_all(&mut ingest, requests.collect()).await;
    world.journal().settle(ALBANIA, 23).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let key = verifier_key(&gateway).await;
    let (mut partner, mut cursor, mut lengths) = (Partner::new("al-police", &key), String::new(), Vec::new());
    loop {
        let page = pull(&mut feed, &cursor, 7).await.expect("a page");
        for (what, tampered) in tampered(&page) {
            partner.clone().read(&tampered).expect_err(what);
        }
        partner.read(&page).expect("the page proves itself");
        assert_eq!(page.newest_position, 23);
        lengths.push(page.items.len());
        if page.items.is_empty() {
            assert_eq!(page.next_cursor, cursor, "an empty page leaves the reader where it was");
            break;
        }
        cursor = page.next_cursor;
    }
    assert_eq!(lengths, [7, 7, 7, 2, 0]);
    for (limit, length) in [(0, 23), (1, 1), (u32::MAX, 23)] {
        assert_eq!(pull(&mut feed, "", limit).await.expect("a page").items.len(), length, "limit {limit}");
    }
    gateway.stop().await;
}

/// The page with one thing changed, for each thing that a partner can check.
fn tampered(page: &v1::Page) -> Vec<(&'static str, v1::Page)> {
    let mut all = vec![("another chain before", v1::Page { chain_before: vec![7; 32], ..page.clone() })];
    let mut change = |what, change: &dyn Fn(&mut v1::Page)| {
        let mut changed = page.clone();
        change(&mut changed);
        all.push((what, changed));
    };
    change("another chain after", &|page| page.chain_after[0] ^= 1);
    if page.items.is_empty() {
        return all;
    }
    let released = |page: &mut v1::Page, change: &dyn Fn(&mut v1::ReleasedRecord)| match &mut page.items[0].content {
        Some(v1::item::Content::Released(record)) => change(record),
        _ => panic!("the first item is released"),
    };
    change("another document", &|page| released(page, &|record| record.document[1] ^= 1));
    change("another clause", &|page| released(page, &|record| record.clause.push('1')));
    change("another item", &|page| page.items[0].item_id = "0".repeat(32));
    change("an item less", &|page| drop(page.items.pop()));
    change("an item twice", &|page| page.items.push(page.items[0].clone()));
    change("a withdrawal for a release", &|page| page.items[0].set_kind(v1::ItemKind::Withdrawal));
    change("another version of the agreement", &|page| page.agreement_version += 1);
    change("another condition", &|page| page.onward_transfer = "none".into());
    change("another salt", &|page| page.digest_salt[0] ^= 1);
    change("no evidence", &|page| page.evidence = None);
    let evidence = |page: &mut v1::Page, change: &dyn Fn(&mut v1::DisclosureEvidence)| {
        change(page.evidence.as_mut().expect("evidence"));
    };
    change("another entry", &|page| evidence(page, &|evidence| *evidence.entry.last_mut().expect("bytes") ^= 1));
    change("another proof", &|page| {
        evidence(page, &|evidence| evidence.inclusion_proof.as_mut().expect("a proof").hashes[0][0] ^= 1);
    });
    change("another checkpoint", &|page| {
        evidence(page, &|evidence| evidence.checkpoint = evidence.checkpoint.replacen('\n', "\n1", 1));
    });
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_page_is_no_disclosure() {
    let world = World::new();
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let before = world.journal().size();
    let page = pull(&mut feed, "", 0).await.expect("an empty page");
    assert!(page.items.is_empty() && page.evidence.is_none() && !page.more && page.newest_position == 0);
    assert_eq!((page.chain_before, page.chain_after), (vec![0; 32], vec![0; 32]));
    let submitted = submit(&mut gateway.ingest("gb-nca/case-management").await, "one", &documents::profile()).await;
    released_in(&world, ALBANIA, &submitted.expect("accepted")).await;
    let page = pull(&mut feed, &page.next_cursor, 0).await.expect("a page");
    assert_eq!(page.items.len(), 1, "the cursor of an empty feed goes on from its start");
    let disclosed = world.journal().entries_from(before).into_iter().filter(|seen| seen.entry.page.is_some()).count();
    assert_eq!(disclosed, 1, "a disclosure for the page that held something, and none for the other");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_agreement_looks_like_none() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let submitted = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &submitted).await;
    let mut feed = gateway.feed("vn-police/feed").await;
    let before = world.journal().size();
    let mut refusals = Vec::new();
    for agreement in [ALBANIA, "ISA-XX-2026-999"] {
        let (agreement, limit) = (agreement.to_owned(), 10);
        let pull = v1::PullRequest { agreement: agreement.clone(), limit, ..v1::PullRequest::default() };
        let watch = v1::WatchRequest { agreement: agreement.clone(), limit, ..v1::WatchRequest::default() };
        let acknowledge = v1::AcknowledgeRequest { agreement, up_to_position: 1, item_position: 0 };
        let watched = match feed.watch(watch).await {
            Ok(stream) => stream.into_inner().message().await.expect_err("refused"),
            Err(status) => status,
        };
        let pulled = feed.pull(pull).await.expect_err("refused");
        let acknowledged = feed.acknowledge(acknowledge).await.expect_err("refused");
        assert_eq!((pulled.code(), reason(&pulled).as_str()), (Code::NotFound, "unknown-feed"));
        refusals.push([&pulled, &watched, &acknowledged].map(without_request_id));
    }
    assert_eq!(refusals[0], refusals[1], "a partner can tell whether another's agreement exists");
    let denied = world.journal().entries_from(before);
    let denied = denied.iter().filter(|seen| seen.entry.decision() == causeway_journal::v1::Decision::Denied);
    assert_eq!(denied.count(), 6, "each refusal is an entry");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_read_for_agreed_purposes_only() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = gateway.channel("vn-police/feed").await;
    for (purpose, agreed) in [("prevention", true), ("investigation: case 7", true), ("reintegration", false)] {
        let stated = Statement::new(purpose, "test.operator").expect("well formed");
        let mut feed = FeedServiceClient::with_interceptor(channel.clone(), stated);
        match pull(&mut feed, "", 0).await {
            Ok(_) => assert!(agreed, "{purpose}"),
            Err(status) => {
                assert!(!agreed, "{purpose}: {status:?}");
                assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "purpose-not-agreed"));
            }
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gate_stops_a_record_by_itself() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let profile = |members| documents::with(documents::profile(), members);
    let stopped = [
        json!({ "nationalities": ["RO"] }),
        json!({ "nationalities": null }),
        json!({ "tlp": "RED" }),
        json!({ "tlp": "AMBER+STRICT" }),
        json!({ "processing_restricted": true }),
        json!({ "releasable_to": [] }),
        json!({ "releasable_to": ["VN", "RO"] }),
        json!({ "is_minor": "yes" }),
        json!({ "is_minor": "not_sure" }),
        json!({ "source_grade": "3" }),
        json!({ "info_grade": "D" }),
        json!({ "handling": "C", "action_code": "A1", "sanitisation_code": "S1" }),
        json!({ "europol_handling": ["H0", "H2"] }),
        json!({ "europol_handling": ["H3"], "europol_handling_text": "ask first" }),
    ];
    let mut requests: Vec<_> = stopped.iter().map(|members| profile(members.clone())).collect();
    for members in [
        json!({ "victim_groups": [{ "group": "women" }, { "group": "girls" }] }),
        json!({ "victim_groups": [{ "group": "transgender" }] }),
        json!({ "exploitation_types": ["ForcedLabour", "ChildLabour"] }),
        json!({ "means_of_recruitment": ["child_fostering"] }),
    ] {
        requests.push(documents::with(documents::route(), members));
    }
    requests.push(profile(json!({ "releasable_to": ["al-police"], "tlp": "AMBER", "info_grade": "C" })));
    let receipts = submit_each(&mut ingest, &requests).await;
    released_in(&world, ALBANIA, receipts.last().expect("the last one")).await;
    assert_eq!(world.journal().positions(ALBANIA), 1, "one of the gates let a record pass");
    gateway.stop().await;
}
