//! When and in what form records are released: the protective defaults of a clause, and what each of them takes to relax.

use std::collections::BTreeSet;

use causeway_model::{Date, Position, Timestamp};
use causeway_proto::v1;
use serde_json::{Value, json};

use crate::feed::{ALBANIA, VIET_NAM, released_in, submit_all, submit_each};
use crate::harness::calls::{items, pull, released, request, send, submit};
use crate::harness::{Setup, World, documents};

/// Records of one day's batch: that a shuffle leaves them in order has one chance in 24!.
const BATCH: usize = 24;

/// Takes a stated relaxation and its reason away from every clause of a text.
fn without(text: &str, key: &str) -> String {
    let stays = |line: &&str| !line.starts_with(&format!("{key} = ")) && !line.starts_with(&format!("{key}_reason = "));
    text.lines().filter(stays).map(|line| format!("{line}\n")).collect()
}

fn listing(text: &str, after: &str, fields: &[&str]) -> String {
    assert!(text.contains(after), "the agreement lists {after}");
    let listed: String = fields.iter().map(|field| format!("\n\"{field}\" = \"pseudonym\"")).collect();
    text.replacen(after, &format!("{after}{listed}"), 1)
}

fn at(year: u16, month: u8, day: u8, hour: u64) -> Timestamp {
    Date::new(year, month, day).expect("a day").start().plus_seconds(hour * 3600)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stated_release_a_days_records_leave_the_next_day_and_shuffled() {
    let world = World::with(|setup: &mut Setup| {
        setup.agreement(ALBANIA, |text| without(text, "release"));
        setup.now = at(2026, 11, 21, 9);
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let route = |confidence: usize| documents::with(documents::route(), json!({ "confidence": confidence }));
    submit_each(&mut ingest, &(0..BATCH).map(route).collect::<Vec<_>>()).await;
    let mut feed = gateway.feed("al-police/feed").await;
    // The other agreement releases at once: when it has the newest record, the releaser has considered all of them.
    let considered = submit(&mut ingest, "at-nine", &documents::route()).await.expect("accepted");
    released_in(&world, VIET_NAM, &considered).await;
    assert_eq!(pull(&mut feed, "", 0).await.expect("a page").items, [], "something left on the same day");
    world.clock().set(Timestamp(at(2026, 11, 22, 0).0 - 1));
    let considered = submit(&mut ingest, "before-midnight", &documents::route()).await.expect("accepted");
    released_in(&world, VIET_NAM, &considered).await;
    assert_eq!(pull(&mut feed, "", 0).await.expect("a page").items, [], "something left before midnight");

    world.clock().set(at(2026, 11, 22, 0));
    world.journal().settle(ALBANIA, BATCH as u64 + 2).await;
    let late = submit(&mut ingest, "after-midnight", &documents::route()).await.expect("accepted");
    released_in(&world, VIET_NAM, &late).await;
    let order: Vec<Option<u64>> = items(&mut feed).await.iter().map(confidence).collect();
    assert_eq!(order.len(), BATCH + 2, "the new day's record waits for its own batch");
    let order: Vec<u64> = order.into_iter().flatten().collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..BATCH as u64).collect::<Vec<_>>(), "the batch is complete");
    assert_ne!(order, sorted, "the batch is in the order of submission");
    // What waits for its day outlives a restart.
    gateway.stop().await;
    let gateway = world.start().await;
    world.clock().set(at(2026, 11, 23, 1));
    released_in(&world, ALBANIA, &late).await;
    assert_eq!(world.journal().positions(ALBANIA), BATCH as u64 + 3, "and nothing leaves twice");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_a_feed_together_leaves_shuffled() {
    let world = World::with(|setup: &mut Setup| {
        setup.agreement(ALBANIA, |text| text.replace("2028-12-31", "2026-11-25"));
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut records = Vec::new();
    for number in 0..BATCH {
        let receipt = submit(&mut ingest, &format!("r-{number}"), &documents::route()).await.expect("accepted");
        records.push(receipt.record_id);
    }
    world.journal().settle(ALBANIA, BATCH as u64).await;
    world.clock().set(at(2026, 11, 26, 0));
    world.journal().settle(ALBANIA, 2 * BATCH as u64).await;
    let id = ALBANIA.parse().expect("an agreement");
    let order: Vec<String> = world.journal().read(|state| {
        let feed = state.feed(&id).expect("it has items");
        let at = |position| feed.item(Position(position)).expect("there").record_id.to_string();
        (BATCH as u64 + 1..=2 * BATCH as u64).map(at).collect()
    });
    assert_ne!(order, records, "in the order of their submission");
    records.sort();
    let mut sorted = order;
    sorted.sort();
    assert_eq!(sorted, records);
    gateway.stop().await;
}

fn confidence(item: &v1::Item) -> Option<u64> {
    released(item).expect("released")["confidence"].as_u64()
}

/// The pseudonyms of one field in a feed, in the order of its items.
fn pseudonyms(items: &[v1::Item], field: &str) -> Vec<String> {
    let one = |item| match &released(item).expect("released")[field] {
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => values.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    items.iter().filter_map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn persons_are_linked_within_a_feed_only_where_its_clause_says_so() {
    let fields = ["nrm_reference", "phones[]"];
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| listing(text, "\"gender\" = \"female-male\"", &fields));
        setup.agreement(VIET_NAM, |text| listing(text, "\"gender\" = \"female-male\"", &fields));
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    // The same person three times, each time spelt otherwise, then another person.
    let person = |subject: &str, nrm: &str, phone: &str| {
        let members = json!({ "subject_reference": subject, "nrm_reference": nrm, "phones": [phone] });
        documents::with(documents::profile(), members)
    };
    let records = [
        person("SUBJECT-7", "NRM 2026/1", "+355691234567"),
        person("subject 7", "nrm-2026-1", "355691234567"),
        person("Subject/7", "NRM20261", "+355691234567"),
        person("SUBJECT-8", "NRM 2026/2", "+355691234568"),
    ];
    let receipts = submit_each(&mut ingest, &records).await;
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, receipts.last().expect("four")).await;
    }
    let albania = items(&mut gateway.feed("al-police/feed").await).await;
    let viet_nam = items(&mut gateway.feed("vn-police/feed").await).await;
    let mut all = BTreeSet::new();
    for field in ["subject_reference", "nrm_reference", "phones"] {
        let [a, b, c, other] = &pseudonyms(&albania, field)[..] else { panic!("{field} is in every item") };
        assert!(a == b && b == c && c != other, "{field}: the clause links one person's records, and no other's");
        assert!(all.insert(a.clone()), "{field}: two schemes share a pseudonym");
    }
    assert_eq!(pseudonyms(&viet_nam, "subject_reference"), [""; 0], "without linking it cannot be listed");
    for field in ["nrm_reference", "phones"] {
        let apart = pseudonyms(&viet_nam, field);
        assert_eq!(apart.len(), 4);
        for pseudonym in apart {
            assert!(all.insert(pseudonym), "{field}: linked with another item, or with the other feed");
        }
    }
    // A page that is read again shows the same pseudonyms, linked or not.
    assert_eq!(items(&mut gateway.feed("vn-police/feed").await).await, viet_nam);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_records_never_link() {
    // The shipped schema lets an anonymous record hold nothing that could link it; were it to, it would not link.
    let world = World::with(|setup| {
        for version in ["1.0", "1.1"] {
            setup.edit(&format!("config/schemas/victim-profile-{version}.json"), |text| {
                text.replace("\"nrm_reference\": false,", "").replace(",\n          \"route_refs\": false", "")
            });
        }
        setup.agreement(ALBANIA, |text| listing(text, "\"gender\" = \"female-male\"", &["nrm_reference"]));
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let named = documents::with(documents::profile(), json!({ "nrm_reference": "NRM-1" }));
    let anonymous = documents::with(named.clone(), json!({ "anonymous": true, "subject_reference": null }));
    let records = [anonymous.clone(), anonymous, named.clone(), named];
    let receipts = submit_each(&mut ingest, &records).await;
    released_in(&world, ALBANIA, receipts.last().expect("four")).await;
    let items = items(&mut gateway.feed("al-police/feed").await).await;
    let [one, two, a, b] = &pseudonyms(&items, "nrm_reference")[..] else { panic!("it is in every item") };
    assert_eq!(a, b, "the clause links named persons' records");
    assert!(one != two && one != a && two != a, "an anonymous record is linked");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_states_no_cell_of_one_is_refused_at_the_start() {
    for (what, change) in [
        ("none", without as fn(&str, &str) -> String),
        ("eleven", |text, _| text.replace("minimum_cell = 1\n", "minimum_cell = 11\n")),
        ("one without its reason", |text, _| {
            text.lines().filter(|line| !line.starts_with("minimum_cell_reason")).map(|l| format!("{l}\n")).collect()
        }),
    ] {
        let world = World::new();
        // After the approvals were made for the good text: the fault is found before anybody looks at them.
        world.edit(&format!("config/agreements/{VIET_NAM}.toml"), |text| change(text, "minimum_cell"));
        let refused = world.try_start().await.err().unwrap_or_else(|| panic!("{what}: it starts"));
        let message = refused.to_string();
        let faults: Vec<&str> = message.lines().filter(|line| line.contains("minimum_cell")).collect();
        assert!(faults.len() >= 2, "{what}: each of the two clauses is named: {message}");
        assert!(faults.iter().all(|fault| fault.contains(VIET_NAM)), "{what}: {message}");
        assert!(!world.path("data/journal/checkpoint").exists() || world.journal().size() == 0, "{what}: it began");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_agreement_serves_withdrawals_only() {
    let world = World::with(|setup| {
        // Ends with the day after the world's first.
        setup.agreement(VIET_NAM, |text| text.replace("valid_until = 2029-02-28", "valid_until = 2026-11-22"));
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let requests = (0..3).map(|index| request(&format!("record-{index}"), &documents::profile()));
    submit_all(&mut ingest, requests.collect()).await;
    world.journal().settle(VIET_NAM, 3).await;
    let mut feed = gateway.feed("vn-police/feed").await;
    let before = items(&mut feed).await;
    world.clock().set(Timestamp(at(2026, 11, 23, 0).0 - 1));
    assert_eq!(items(&mut feed).await, before, "the last day is one of its days");

    // The pull decides by itself: held up, the releaser cannot withdraw anything before the page has been made.
    let mut other = gateway.feed("al-police/feed").await;
    let end = pull(&mut other, "", 0).await.expect("a page").next_cursor;
    let size = world.journal().size();
    let hold = world.faults().hold();
    world.clock().set(at(2026, 11, 23, 0));
    let mut held = feed.clone();
    let pulled = tokio::spawn(async move { pull(&mut held, "", 0).await });
    for _ in 0..20 {
        assert_eq!(pull(&mut other, &end, 0).await.expect("an empty page needs no entry").items, []);
    }
    drop(hold);
    let page = pulled.await.expect("no panic").expect("an ex-partner may still pull");
    assert!(page.items.iter().all(|item| released(item).is_none()), "a record left after the end");
    let disclosed = world.journal().entries_from(size).into_iter().filter(|seen| seen.entry.page.is_some());
    let counts: Vec<u64> = disclosed.map(|seen| seen.entry.count).collect();
    assert!(!counts.is_empty() && counts.iter().all(|count| *count == 0), "a page was made with records: {counts:?}");
    // Each record has its withdrawal, and what comes now does not come in; the other agreement goes on.
    world.journal().settle(VIET_NAM, 6).await;
    let late = submit(&mut ingest, "late", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &late).await;
    let after = items(&mut feed).await;
    assert_eq!(after.len(), 6);
    assert!(after.iter().all(|item| released(item).is_none()));
    let withdrawn: BTreeSet<_> = after[3..].iter().map(|item| format!("{:?}", item.content)).collect();
    let old: BTreeSet<_> = after[..3].iter().map(|item| format!("{:?}", item.content)).collect();
    assert_eq!(withdrawn, old, "the withdrawals are of what had been released");
    let request = v1::AcknowledgeRequest { agreement: String::new(), up_to_position: 6, item_position: 0 };
    assert_eq!(feed.acknowledge(request).await.expect("taken note of").into_inner().acknowledged_position, 6);
    // A restart on a later day changes nothing more.
    gateway.stop().await;
    world.clock().set(at(2026, 11, 25, 0));
    let gateway = world.start().await;
    let late = submit(&mut gateway.ingest("gb-nca/case-management").await, "later", &documents::profile()).await;
    released_in(&world, ALBANIA, &late.expect("accepted")).await;
    assert_eq!(world.journal().positions(VIET_NAM), 6);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_an_earlier_schema_version_leaves_in_the_newest_with_the_same_pseudonym() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| {
            let text = listing(text, "\"gender\" = \"female-male\"", &["nrm_reference"]);
            text.replacen(
                "\"gender\" = \"female-male\"",
                "\"gender\" = \"female-male\"\n\"several_situations\" = \"exact\"",
                1,
            )
        });
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = documents::with(documents::profile(), json!({ "nrm_reference": "NRM-1", "gender": "female" }));
    let newer = documents::with(record.clone(), json!({ "several_situations": "yes", "deceased": true }));
    let mut of_1_1 = request("newer", &newer);
    of_1_1.record.as_mut().expect("set").schema_version = "1.1".into();
    let status = submit(&mut ingest, "not-yet", &newer).await.expect_err("1.0 has no such field");
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    submit(&mut ingest, "older", &record).await.expect("accepted");
    let last = send(&mut ingest, of_1_1).await.expect("accepted");
    released_in(&world, ALBANIA, &last).await;
    let items = items(&mut gateway.feed("al-police/feed").await).await;
    let version = |item: &v1::Item| match &item.content {
        Some(v1::item::Content::Released(released)) => released.schema_version.clone(),
        other => panic!("not released: {other:?}"),
    };
    assert_eq!(items.iter().map(version).collect::<Vec<_>>(), ["1.1", "1.1"]);
    let [older, newer] = &pseudonyms(&items, "nrm_reference")[..] else { panic!("it is in both items") };
    assert_eq!(older, newer, "one person in both versions");
    let shown: Vec<Value> = items.iter().map(|item| released(item).expect("released")).collect();
    assert_eq!((&shown[0]["several_situations"], &shown[1]["several_situations"]), (&Value::Null, &json!("yes")));
    assert!(shown.iter().all(|document| document["gender"] == "female" && document.get("deceased").is_none()));
    gateway.stop().await;
}
