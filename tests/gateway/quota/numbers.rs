//! Numbers under a quota and under a later version: only what the version in force states.

use causeway_model::Date;
use causeway_proto::v1;
use serde_json::json;
use tonic::Code;

use crate::feed::{ALBANIA, submit_each};
use crate::governance::office::{self, Document};
use crate::harness::World;
use crate::harness::calls::reason;
use crate::minimum_cell::{profile, quiet};

const TABLE: &str = "\n[[tables]]\nid = \"t1\"\nclause = \"c3.1\"\nkind = \"victim-profile\"\ndimensions = [\"gender\"]\nperiod = \"month\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_the_version_in_force_does_not_state_is_not_given_out() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| format!("{text}{TABLE}"));
        setup.now = Date::new(2026, 11, 29).expect("a day").start();
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let records: Vec<_> =
        (0..23).map(|number| profile(&format!("S-{number}"), json!({ "gender": "female" }))).collect();
    submit_each(&mut ingest, &records).await;
    world.clock().set(Date::new(2026, 12, 1).expect("a day").start());
    quiet(&world, &mut ingest).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let ask = || v1::CountRequest { table: "t1".into(), ..v1::CountRequest::default() };
    let listed = feed.list_tables(v1::ListTablesRequest::default()).await.expect("listed").into_inner().tables;
    assert_eq!(listed.iter().map(|table| table.period.as_str()).collect::<Vec<_>>(), ["2026-11"]);
    feed.count(ask()).await.expect("it is published and agreed");
    office::bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, |text| text.replacen(TABLE, "", 1))).await;
    let refused = feed.count(ask()).await.expect_err("it is agreed no more");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "unknown-table"));
    let listed = feed.list_tables(v1::ListTablesRequest::default()).await.expect("listed").into_inner().tables;
    assert_eq!(listed, []);
    gateway.stop().await;
}
