//! Published numbers as a partner asks for them: what is counted, what is not told, and what each refusal says.

mod command;
mod dimensions;

use std::collections::BTreeMap;

use causeway_journal::REASON_TABLE_PUBLISHED;
use causeway_journal::v1::{Decision, Operation};
use causeway_model::Date;
use causeway_proto::v1;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::feed::{ALBANIA, VIET_NAM, submit_all};
use crate::harness::calls::{reason, request};
use crate::harness::{Gateway, World, documents};
use crate::minimum_cell::{profile, quiet};

/// Profiles by two dimensions, and routes by two of which only one is published.
const TABLES: &str = r#"
[[tables]]
id = "t1"
clause = "c3.1"
dimensions = ["gender", "exploitation_type"]
period = "month"

[[tables]]
id = "t2"
clause = "c3.2"
dimensions = ["route_corridor", "exploitation_type"]
levels = [[], ["route_corridor"]]
period = "month"
"#;

/// A table of the other partner.
const OTHERS: &str = r#"
[[tables]]
id = "t9"
clause = "c2.1"
dimensions = ["gender"]
period = "month"
"#;

/// Persons by gender and type of exploitation: 153, and one group of four.
const PERSONS: [(&str, [(&str, usize); 3]); 3] = [
    ("female", [("ForcedLabour", 23), ("Servitude", 14), ("SexualExploitation", 12)]),
    ("male", [("ForcedLabour", 31), ("Servitude", 4), ("SexualExploitation", 13)]),
    ("", [("ForcedLabour", 16), ("Servitude", 19), ("SexualExploitation", 21)]),
];

/// An agreement whose releases wait for Monday, so that its tables are made of persons whom the partner does not see, and these tables.
fn weekly(text: &str, tables: &str) -> String {
    let stays = |line: &&str| !line.starts_with("release_reason = ");
    let lines = text.lines().filter(stays).map(|line| match line.starts_with("release = ") {
        true => "release = \"weekly\"\n".to_owned(),
        false => format!("{line}\n"),
    });
    lines.chain([tables.to_owned()]).collect()
}

/// A world on Monday, 30 November 2026: the month is over before the week is.
fn world(tables: &str, change: impl Fn(&str) -> String) -> World {
    World::with(|setup| {
        setup.agreement(ALBANIA, |text| weekly(&change(text), tables));
        setup.agreement(VIET_NAM, |text| format!("{text}{OTHERS}"));
        setup.now = Date::new(2026, 11, 30).expect("a day").start().plus_seconds(12 * 3600);
    })
}

/// Submits the records of November, and publishes its tables in December.
async fn published(world: &World, gateway: &Gateway, records: &[Value]) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let requests = records.iter().enumerate().map(|(number, record)| request(&format!("number-{number}"), record));
    submit_all(&mut ingest, requests.collect()).await;
    world.clock().set(Date::new(2026, 12, 1).expect("a day").start());
    quiet(world, &mut ingest).await;
}

fn persons() -> Vec<Value> {
    let mut records = Vec::new();
    for (gender, types) in PERSONS {
        for (kind, count) in types {
            records.extend((0..count).map(|number| {
                let mut members = json!({ "exploitation_types": [kind] });
                if !gender.is_empty() {
                    members["gender"] = json!(gender);
                }
                profile(&format!("{gender}-{kind}-{number}"), members)
            }));
        }
    }
    records
}

/// A route from one country to another, or one of which only the legs say so.
fn route(origin: &str, destination: &str) -> Value {
    let leg = json!({"seq": 1, "role": "Exploitation", "from": {"country": origin}, "to": {"country": destination}, "mode": "air"});
    let members = json!({
        "legs": [leg], "origin_country": origin, "destination_country": destination, "releasable_to": ["AL"]
    });
    documents::with(documents::route(), members)
}

fn routes() -> Vec<Value> {
    let unknown = documents::with(documents::route(), json!({ "releasable_to": ["AL"] }));
    let mut all = vec![route("AL", "GB"); 17];
    all.extend(vec![route("XK", "GB"); 23]);
    all.extend(vec![unknown; 12]);
    all
}

fn asked(table: &str, period: &str, dimensions: &[&str]) -> v1::CountRequest {
    let dimensions = dimensions.iter().map(|name| (*name).to_owned()).collect();
    v1::CountRequest { agreement: String::new(), table: table.into(), period: period.into(), dimensions }
}

/// The numbers of an answer by their values; none where a number is not given.
fn cells(response: &v1::CountResponse) -> BTreeMap<Vec<&str>, Option<u64>> {
    let cells = response.cells.iter();
    cells.map(|cell| (cell.values.iter().map(String::as_str).collect(), cell.count)).collect()
}

fn by<const N: usize>(cells: [(&'static [&'static str], Option<u64>); N]) -> BTreeMap<Vec<&'static str>, Option<u64>> {
    cells.into_iter().map(|(values, count)| (values.to_vec(), count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_gets_rounded_numbers_and_marks_in_the_place_of_small_ones() {
    let world = world(TABLES, str::to_owned);
    let gateway = world.start().await;
    published(&world, &gateway, &persons()).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let listed = feed.list_tables(v1::ListTablesRequest::default()).await.expect("listed").into_inner().tables;
    let listed: Vec<_> =
        listed.iter().map(|table| (table.table.as_str(), table.period.as_str(), &table.kind[..])).collect();
    assert_eq!(listed, [("t1", "2026-11", "victim-profile"), ("t2", "2026-11", "trafficking-route")]);
    let expected = [
        (&[][..], by([(&[], Some(155))])),
        (&["gender"], by([(&["female"], Some(50)), (&["male"], Some(50)), (&["unknown"], Some(55))])),
        (
            &["exploitation_type"],
            by([(&["ForcedLabour"], Some(70)), (&["Servitude"], Some(35)), (&["SexualExploitation"], Some(45))]),
        ),
        // The four, and as few others as it takes that no difference gives the four away.
        (
            &["exploitation_type", "gender"],
            by([
                (&["female", "ForcedLabour"], Some(25)),
                (&["female", "Servitude"], None),
                (&["female", "SexualExploitation"], None),
                (&["male", "ForcedLabour"], Some(30)),
                (&["male", "Servitude"], None),
                (&["male", "SexualExploitation"], None),
                (&["unknown", "ForcedLabour"], Some(15)),
                (&["unknown", "Servitude"], Some(20)),
                (&["unknown", "SexualExploitation"], Some(20)),
            ]),
        ),
    ];
    let entries = world.journal().entries();
    let entry = entries.iter().find(|seen| {
        seen.entry.reason == REASON_TABLE_PUBLISHED
            && seen.entry.table.as_ref().is_some_and(|table| table.table == "t1")
    });
    let entry = entry.expect("it was published");
    for (dimensions, expected) in expected {
        let size = world.journal().size();
        let answer = feed.count(asked("t1", "2026-11", dimensions)).await.expect("published").into_inner();
        assert_eq!(cells(&answer), expected, "{dimensions:?}");
        assert_eq!((answer.threshold, answer.rounding), (11, 5));
        assert_eq!((answer.leaf_index, &answer.digest), (entry.leaf, &entry.entry.subject_digest), "{dimensions:?}");
        let left = world.journal().entries_from(size);
        let [disclosed] = &left[..] else { panic!("one entry: {left:?}") };
        let disclosed = &disclosed.entry;
        assert_eq!((disclosed.operation(), disclosed.decision()), (Operation::Disclosure, Decision::Allowed));
        assert_eq!((&disclosed.reason[..], disclosed.count), ("count-disclosed", answer.cells.len() as u64));
        let recipient = disclosed.recipient.as_ref().expect("whom it was told");
        assert_eq!((&recipient.agency[..], &recipient.agreement[..]), ("al-police", ALBANIA));
        // Without a period it is the newest one.
        assert_eq!(feed.count(asked("t1", "", dimensions)).await.expect("published").into_inner(), answer);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corridors_of_routes_are_counted_and_what_is_not_published_is_not_told() {
    let world = world(TABLES, str::to_owned);
    let gateway = world.start().await;
    published(&world, &gateway, &routes()).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let total = feed.count(asked("t2", "2026-11", &[])).await.expect("published").into_inner();
    assert_eq!(cells(&total), by([(&[], Some(50))]));
    let corridors = feed.count(asked("t2", "2026-11", &["route_corridor"])).await.expect("published").into_inner();
    assert_eq!(cells(&corridors), by([(&["AL>GB"], Some(15)), (&["XK>GB"], Some(25)), (&["unknown"], Some(10))]));
    let told = |status: &Status| (status.code(), reason(status), status.message().to_owned());
    let of_others = |agreement: &str| v1::CountRequest { agreement: agreement.into(), ..asked("t9", "2026-11", &[]) };
    let five = ["gender", "age_band", "stage", "quarter", "nationality"];
    let size = world.journal().size();
    let mut said = Vec::new();
    for (request, code, expected) in [
        (asked("t2", "2026-11", &["shoe_size"]), Code::InvalidArgument, "unknown-dimension"),
        (asked("t2", "2026-11", &["gender"]), Code::InvalidArgument, "unknown-dimension"),
        (asked("t2", "2026-11", &five), Code::InvalidArgument, "too-many-dimensions"),
        (asked("t2", "2026-11", &["exploitation_type"]), Code::InvalidArgument, "level-not-published"),
        (
            asked("t2", "2026-11", &["route_corridor", "exploitation_type"]),
            Code::InvalidArgument,
            "level-not-published",
        ),
        // Neither of these says whether somebody else has it.
        (asked("t7", "2026-11", &[]), Code::NotFound, "unknown-table"),
        (asked("t9", "2026-11", &[]), Code::NotFound, "unknown-table"),
        (asked("t2", "2026-10", &[]), Code::NotFound, "table-not-published"),
        (asked("t2", "1999-Q3", &[]), Code::NotFound, "table-not-published"),
        (of_others(VIET_NAM), Code::NotFound, "unknown-feed"),
        (of_others("ISA-XX-2026-999"), Code::NotFound, "unknown-feed"),
    ] {
        let status = feed.count(request).await.expect_err(expected);
        assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{}", status.message());
        said.push(told(&status));
    }
    assert_eq!(said[5], said[6], "another partner's table is no table");
    assert_eq!(said[7], said[8], "a period without a table is as one that has never been");
    assert_eq!(said[9], said[10], "another partner's agreement is no agreement");
    let denied = world.journal().entries_from(size);
    assert!(denied.iter().all(|seen| seen.entry.decision() == Decision::Denied), "{denied:?}");
    let reasons: Vec<&str> = denied.iter().map(|seen| seen.entry.reason.as_str()).collect();
    assert_eq!(reasons, said.iter().map(|(_, reason, _)| reason.as_str()).collect::<Vec<_>>());
    // To whom it belongs it is there.
    let theirs = gateway.feed("vn-police/feed").await.list_tables(v1::ListTablesRequest::default()).await;
    let theirs = theirs.expect("listed").into_inner().tables;
    assert_eq!(theirs.iter().map(|table| table.table.as_str()).collect::<Vec<_>>(), ["t9"]);
    gateway.stop().await;
}
