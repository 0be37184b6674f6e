//! Published tables: once for each period that is over, with small cells suppressed, never again and never changed.

use causeway_exchange::PublishedTable;
use causeway_journal::v1::Operation;
use causeway_journal::{REASON_TABLE_PUBLISHED, table_digest};
use causeway_model::{AgreementId, Date};
use serde_json::json;

use crate::feed::{ALBANIA, submit_each};
use crate::governance::office::{Document, bring};
use crate::harness::World;
use crate::harness::calls::submit;
use crate::minimum_cell::{profile, quiet};

/// A table a month of what the first clause grants, to be put behind an agreement's text.
pub(crate) const TABLE: &str = "\n[[tables]]\nid = \"t1\"\nclause = \"c3.1\"\nkind = \"victim-profile\"\ndimensions = [\"gender\", \"exploitation_type\"]\nperiod = \"month\"\n";

fn text(world: &World, period: &str) -> Option<String> {
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    let table = "t1".parse().expect("a table's id");
    world.journal().read(|state| state.table(&id, &table, period).map(|published| published.text.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_over_is_published_once_and_small_cells_are_not_told() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| format!("{text}{TABLE}"));
        setup.now = Date::new(2026, 11, 29).expect("a day").start();
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut records = Vec::new();
    for (gender, persons) in [("female", 23), ("male", 4)] {
        records.extend((0..persons).map(|number| profile(&format!("{gender}-{number}"), json!({ "gender": gender }))));
    }
    // A person is counted once, by the newest record.
    records.push(profile("female-0", json!({ "gender": "female" })));
    submit_each(&mut ingest, &records).await;
    quiet(&world, &mut ingest).await;
    assert_eq!(text(&world, "2026-11"), None, "the month is not over");
    world.clock().set(Date::new(2026, 12, 1).expect("a day").start());
    let of_december = submit(&mut ingest, "december", &profile("later", json!({ "gender": "male" }))).await;
    of_december.expect("accepted");
    quiet(&world, &mut ingest).await;
    let published = text(&world, "2026-11").expect("it is published");
    let table = PublishedTable::parse(&published).expect("it reads");
    assert_eq!(
        (table.from, table.to),
        (Date::new(2026, 11, 1).expect("a day"), Date::new(2026, 11, 30).expect("a day"))
    );
    let seen: Vec<_> =
        world.journal().entries().into_iter().filter(|seen| seen.entry.reason == REASON_TABLE_PUBLISHED).collect();
    assert_eq!(seen.len(), 1, "months before the journal have no table");
    assert_eq!(seen[0].entry.operation(), Operation::Combination);
    assert_eq!(seen[0].entry.subject_digest, table_digest(published.as_bytes()).0);
    assert!(!published.contains(",4]") && !published.contains(",23]") && !published.contains(",27]"), "{published}");
    // All 27 are shown as records: what is not seen is none, and the four are still not told.
    let gender = table.numbers.dimensions().iter().position(|dimension| dimension.name == "gender");
    assert_eq!(gender, Some(0));
    gateway.stop().await;
    let gateway = world.start().await;
    quiet(&world, &mut gateway.ingest("gb-nca/case-management").await).await;
    assert_eq!(text(&world, "2026-11"), Some(published), "a table never changes");
    world.clock().set(Date::new(2027, 1, 1).expect("a day").start());
    quiet(&world, &mut gateway.ingest("gb-nca/case-management").await).await;
    let december = text(&world, "2026-12").expect("it is published");
    let december = PublishedTable::parse(&december).expect("it reads");
    assert!(december.numbers.is_empty(), "one person is too few for any number");
    let categories = |place: usize| december.numbers.dimensions()[place].categories.clone();
    assert_eq!((categories(0), categories(1)), (vec!["withheld".to_owned()], vec!["withheld".to_owned()]));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_of_an_earlier_version_and_those_that_overlap_a_published_one_have_no_table() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| format!("{text}{TABLE}"));
        setup.now = Date::new(2026, 10, 1).expect("a day").start();
    });
    world.lasting("gb-nca/case-management");
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    world.clock().set(Date::new(2026, 12, 2).expect("a day").start());
    quiet(&world, &mut ingest).await;
    assert!(text(&world, "2026-10").is_some() && text(&world, "2026-11").is_some());
    // By quarters from now on. The first one less two months would be the third month, unprotected.
    let quarterly = |text: &str| text.replacen("period = \"month\"", "period = \"quarter\"", 1);
    bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, quarterly)).await;
    quiet(&world, &mut ingest).await;
    let published = || {
        let all = world.journal().entries().into_iter().filter(|seen| seen.entry.reason == REASON_TABLE_PUBLISHED);
        let named = all.map(|seen| seen.entry.table.expect("it names a table"));
        named.map(|table| format!("{} {}", table.table, table.period)).collect::<Vec<_>>()
    };
    assert_eq!(published(), ["t1 2026-10", "t1 2026-11"], "a period that was over before the version has a table");
    world.clock().set(Date::new(2027, 1, 1).expect("a day").start());
    for _ in 0..3 {
        quiet(&world, &mut ingest).await;
    }
    assert_eq!(published(), ["t1 2026-10", "t1 2026-11"], "not even in a void entry");
    world.clock().set(Date::new(2027, 4, 1).expect("a day").start());
    for _ in 0..2 {
        quiet(&world, &mut ingest).await;
    }
    assert_eq!(published(), ["t1 2026-10", "t1 2026-11", "t1 2027-Q1"]);
    gateway.stop().await;
}
