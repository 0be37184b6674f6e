//! Two agreements, two times for acknowledging: each recall is overdue by its own agreement's, and the log says of which feed.

use causeway_journal::REASON_OVERDUE;
use causeway_model::Timestamp;
use causeway_proto::v1;
use serde_json::{Value, json};

use crate::feed::{ALBANIA, VIET_NAM, released_in, submit_each};
use crate::harness::calls::{items, withdraw};
use crate::harness::{World, documents};
use crate::minimum_cell::quiet;

/// Records that are recalled. No other test has so many recalls overdue, so its lines are told from theirs.
const RECORDS: usize = 23;

/// The feeds of which entries say that recalls are overdue, with the number of them.
fn noted(world: &World) -> Vec<(String, usize)> {
    let entries = world.journal().entries().into_iter().filter(|seen| seen.entry.reason == REASON_OVERDUE);
    entries.filter_map(|seen| seen.entry.overdue).map(|overdue| (overdue.feed, overdue.positions.len())).collect()
}

/// The feeds of the lines that only this test's world can have written.
fn said() -> Vec<String> {
    let lines = World::log_lines();
    let fields =
        lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|line| line["fields"].clone());
    let own = json!([RECORDS, RECORDS + 1]);
    fields
        .filter(|fields| json!([fields["count"], fields["oldest_position"]]) == own)
        .filter(|fields| {
            fields["message"].as_str().is_some_and(|said| said.contains("not acknowledged recalls in time"))
        })
        .filter_map(|fields| fields["feed"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_agreement_has_its_own_time_for_acknowledging() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| text.replacen("version = 1\n", "version = 1\nacknowledge_hours = 24\n", 1));
        setup.agreement(VIET_NAM, |text| text.replacen("version = 1\n", "version = 1\nacknowledge_hours = 72\n", 1));
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipts = submit_each(&mut ingest, &vec![documents::profile(); RECORDS]).await;
    for (agreement, system) in [(ALBANIA, "al-police/feed"), (VIET_NAM, "vn-police/feed")] {
        released_in(&world, agreement, receipts.last().expect("some")).await;
        assert_eq!(items(&mut gateway.feed(system).await).await.len(), RECORDS);
    }
    for v1::Receipt { record_id, .. } in &receipts {
        withdraw(&mut ingest, &format!("gone-{record_id}"), record_id, 1).await.expect("withdrawn");
    }
    quiet(&world, &mut ingest).await;
    let recalled = world.journal().read(|state| state.last_time());
    assert_eq!(said(), Vec::<String>::new());
    let (albania, viet_nam) = ((ALBANIA.to_owned(), RECORDS), (VIET_NAM.to_owned(), RECORDS));
    for (hours, short, expected) in [
        (24, 1, vec![]),
        (24, 0, vec![albania.clone()]),
        (72, 1, vec![albania.clone()]),
        (72, 0, vec![albania, viet_nam]),
    ] {
        world.clock().set(Timestamp(recalled.plus_seconds(hours * 3600).0 - short * 1_000_000));
        quiet(&world, &mut ingest).await;
        assert_eq!(noted(&world), expected, "after {hours} hours less {short} seconds");
        assert_eq!(said(), expected.into_iter().map(|(feed, _)| feed).collect::<Vec<_>>(), "after {hours} hours");
    }
    gateway.stop().await;
}
