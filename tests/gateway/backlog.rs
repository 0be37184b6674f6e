//! What a later version of an agreement grants for the first time: the backlog goes at once, what is of this day waits for its end.

use causeway_proto::v1;
use serde_json::json;

use crate::feed::ALBANIA;
use crate::governance::office::{Document, bring, evaluated};
use crate::harness::World;
use crate::harness::calls::submit;
use crate::minimum_cell::{next_day, profile, quiet};

const SUBMITTER: &str = "gb-nca/case-management";

fn is_live(world: &World, receipt: &v1::Receipt) -> bool {
    let id = ALBANIA.parse().expect("an agreement's id");
    let record = receipt.record_id.parse().expect("a record's id");
    world.journal().read(|state| state.feed(&id).is_some_and(|feed| feed.live(&record).is_some()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_today_waits_for_the_end_of_the_day_however_it_came_to_be_granted() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut day = world.journal().read(|state| state.last_time().day());
    let of_kosovo = |number: u32| profile(&format!("S-{number}"), json!({ "nationalities": ["XK"] }));
    let early = submit(&mut ingest, "early", &of_kosovo(1)).await.expect("accepted");
    next_day(&world, &mut day, &mut ingest).await;
    let late = submit(&mut ingest, "late", &of_kosovo(2)).await.expect("accepted");
    let wider_and_daily = |text: &str| {
        let text = text.replacen("nationalities = [\"AL\"]", "nationalities = [\"AL\", \"XK\"]", 1);
        let immediate = text.find("release = \"immediate\"").expect("the first clause is immediate");
        let next = text[immediate..].find("link_persons").expect("what follows") + immediate;
        format!("{}{}", &text[..immediate], &text[next..])
    };
    bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, wider_and_daily)).await;
    evaluated(&world, ALBANIA, 2).await;
    quiet(&world, &mut ingest).await;
    assert!(is_live(&world, &early) && !is_live(&world, &late));
    // A restart knows no other day.
    gateway.stop().await;
    let gateway = world.start().await;
    quiet(&world, &mut gateway.ingest(SUBMITTER).await).await;
    assert!(!is_live(&world, &late));
    next_day(&world, &mut day, &mut gateway.ingest(SUBMITTER).await).await;
    assert!(is_live(&world, &late));
    gateway.stop().await;
}
