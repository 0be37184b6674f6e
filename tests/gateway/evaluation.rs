//! Re-evaluation: what becomes of a feed when another version of its agreement comes into force, when it ends, and when it is resumed.

use causeway_journal::v1::DocumentKind;
use causeway_model::AgreementId;
use causeway_proto::v1;
use serde_json::json;

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::governance::office::{Document, NCA, bring, evaluated, suspend, suspension};
use crate::harness::calls::{items, pull, released, submit, within};
use crate::harness::{Persist, World, documents};
use crate::minimum_cell::{next_day, profile, quiet};
use crate::suspension::routes_may_stay;

const SUBMITTER: &str = "gb-nca/case-management";

fn live(world: &World, agreement: &str) -> Vec<String> {
    let id: AgreementId = agreement.parse().expect("an agreement's id");
    world.journal().read(|state| {
        let feed = state.feed(&id).expect("a feed");
        feed.live_records().map(ToString::to_string).collect()
    })
}

fn is_live(world: &World, receipt: &v1::Receipt) -> bool {
    live(world, ALBANIA).contains(&receipt.record_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_takes_back_what_it_denies_changes_what_it_shows_otherwise_and_adds_what_it_grants() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let stays = submit(&mut ingest, "stays", &documents::route()).await.expect("accepted");
    let dated = profile("S-1", json!({ "referral_date": "2026-05-05" }));
    let shown = submit(&mut ingest, "shown", &dated).await.expect("accepted");
    let of_kosovo = profile("S-2", json!({ "nationalities": ["XK"] }));
    let gained = submit(&mut ingest, "gained", &of_kosovo).await.expect("accepted");
    released_in(&world, ALBANIA, &shown).await;
    quiet(&world, &mut ingest).await;
    assert!(!is_live(&world, &gained) && world.journal().positions(ALBANIA) == 2);

    let wider = |text: &str| {
        let text = text.replacen("nationalities = [\"AL\"]", "nationalities = [\"AL\", \"XK\"]", 1);
        text.replacen("\"referral_date\" = \"quarter\"", "\"referral_date\" = \"year\"", 1)
    };
    bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, wider)).await;
    evaluated(&world, ALBANIA, 2).await;
    quiet(&world, &mut ingest).await;
    assert!(is_live(&world, &gained) && is_live(&world, &shown) && is_live(&world, &stays));
    // The route is as it was; the profile was withdrawn and came again, coarser.
    assert_eq!(world.journal().positions(ALBANIA), 5);
    let mut feed = gateway.feed("al-police/feed").await;
    let all = items(&mut feed).await;
    let dates: Vec<_> = all.iter().filter_map(released).map(|document| document["referral_date"].clone()).collect();
    assert!(dates.contains(&json!("2026")) && !dates.contains(&json!("2026-Q2")), "{dates:?}");

    let narrower = |text: &str| text.replacen("nationalities = [\"AL\"]", "nationalities = [\"XK\"]", 1);
    bring(&world, &gateway, &Document::next(&world, ALBANIA, 3, narrower)).await;
    evaluated(&world, ALBANIA, 3).await;
    quiet(&world, &mut ingest).await;
    assert!(!is_live(&world, &shown) && is_live(&world, &gained) && is_live(&world, &stays));
    // A restart finds nothing to do.
    let before = world.journal().positions(ALBANIA);
    gateway.stop().await;
    let gateway = world.start().await;
    quiet(&world, &mut gateway.ingest(SUBMITTER).await).await;
    assert_eq!(world.journal().positions(ALBANIA), before);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_that_was_cut_short_is_gone_on_with_by_the_next_start() {
    // Before the withdrawals that the version calls for, and before the entry that closes it.
    for (lost, positions) in [("left-scope", 5), ("evaluated", 10)] {
        let world = World::new();
        let gateway = world.start().await;
        let mut ingest = gateway.ingest(SUBMITTER).await;
        let mut receipts = Vec::new();
        for number in 0..5 {
            let record = profile(&format!("S-{number}"), json!({}));
            receipts.push(submit(&mut ingest, &format!("r-{number}"), &record).await.expect("accepted"));
        }
        released_in(&world, ALBANIA, &receipts[4]).await;
        let document = Document::next(&world, ALBANIA, 2, |text| text.replacen("\"AL\"]", "\"XK\"]", 1));
        world.faults().fail_when(Persist::No, move |entries| entries.iter().any(|entry| entry.reason == lost));
        bring(&world, &gateway, &document).await;
        // The journal stops with the first frame that it cannot keep.
        let only = documents::with(documents::route(), json!({ "releasable_to": ["VN"] }));
        let mut tries = 0;
        within("the end of the journal", async {
            while submit(&mut ingest, &format!("try-{tries}"), &only).await.is_ok() {
                tries += 1;
            }
        })
        .await;
        gateway.stop().await;
        assert_eq!(world.journal().positions(ALBANIA), positions, "it was to be cut short here");
        world.faults().clear();
        let gateway = world.start().await;
        evaluated(&world, ALBANIA, 2).await;
        quiet(&world, &mut gateway.ingest(SUBMITTER).await).await;
        assert!(live(&world, ALBANIA).is_empty(), "what version 2 denies is still there");
        assert_eq!(world.journal().positions(ALBANIA), 10, "each left once");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_withdraws_but_what_may_stay_and_a_later_version_brings_it_back() {
    let world = World::with(|setup| setup.agreement(ALBANIA, routes_may_stay));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let route = submit(&mut ingest, "route", &documents::route()).await.expect("accepted");
    let person = submit(&mut ingest, "person", &profile("S-1", json!({}))).await.expect("accepted");
    released_in(&world, ALBANIA, &person).await;
    let had = pull(&mut gateway.feed("al-police/feed").await, "", 0).await.expect("a page");
    assert_eq!(had.items.len(), 2, "a copy is what has left");
    let unseen = documents::with(documents::route(), json!({ "confidence": 2 }));
    let unseen = submit(&mut ingest, "unseen", &unseen).await.expect("accepted");
    released_in(&world, ALBANIA, &unseen).await;
    suspend(&gateway, suspension(&world, DocumentKind::Agreement, ALBANIA, 1, NCA[0])).await.expect("suspended");
    let late = submit(&mut ingest, "late", &profile("S-2", json!({}))).await.expect("accepted");
    quiet(&world, &mut ingest).await;
    assert!(!is_live(&world, &person) && is_live(&world, &route) && !is_live(&world, &late));
    assert!(!is_live(&world, &unseen), "what nobody has is no copy");
    // Its partner reads on meanwhile, and must not miss what comes back.
    let cursor =
        pull(&mut gateway.feed("al-police/feed").await, &had.next_cursor, 0).await.expect("a page").next_cursor;
    // Suspended across a restart, it still takes nothing in.
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    quiet(&world, &mut ingest).await;
    assert!(!is_live(&world, &late) && is_live(&world, &route));
    bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, str::to_owned)).await;
    evaluated(&world, ALBANIA, 2).await;
    quiet(&world, &mut ingest).await;
    assert!(is_live(&world, &person) && is_live(&world, &late) && is_live(&world, &route));
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.iter().filter_map(released).count(), 4);
    let since = pull(&mut feed, &cursor, 0).await.expect("a page");
    assert_eq!(since.items.iter().filter_map(released).count(), 3, "all but the copy that stayed");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_condition_that_is_over_and_a_version_of_later_days_grant_nothing() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| {
            text.replacen(
                "transfer_condition = \"s75_instrument\"",
                "transfer_condition = \"s75_instrument\"\ntransfer_condition_until = 2026-11-22",
                1,
            )
        });
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let person = submit(&mut ingest, "person", &profile("S-1", json!({}))).await.expect("accepted");
    released_in(&world, ALBANIA, &person).await;
    let mut day = world.journal().read(|state| state.last_time().day());
    next_day(&world, &mut day, &mut ingest).await;
    assert!(is_live(&world, &person), "the last day is one of its days");
    next_day(&world, &mut day, &mut ingest).await;
    assert!(!is_live(&world, &person));
    // The next version begins two days later, and is evaluated then.
    let later = |text: &str| {
        let text = text.replacen("transfer_condition_until = 2026-11-22\n", "", 1);
        text.replacen("valid_from = 2026-01-01", "valid_from = 2026-11-25", 1)
    };
    bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, later)).await;
    next_day(&world, &mut day, &mut ingest).await;
    assert!(!is_live(&world, &person));
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    assert_eq!(world.journal().read(|state| state.feed(&id).map(|feed| feed.evaluated())), Some(1));
    next_day(&world, &mut day, &mut ingest).await;
    evaluated(&world, ALBANIA, 2).await;
    assert!(is_live(&world, &person));
    assert!(live(&world, VIET_NAM).len() >= 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weekly_batch_leaves_on_monday() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| {
            let weekly = text.lines().filter(|line| !line.starts_with("release_reason"));
            let text: String = weekly.map(|line| format!("{line}\n")).collect();
            text.replace("release = \"immediate\"", "release = \"weekly\"")
        });
    });
    // The world begins on a Saturday.
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let person = submit(&mut ingest, "person", &profile("S-1", json!({}))).await.expect("accepted");
    let mut day = world.journal().read(|state| state.last_time().day());
    next_day(&world, &mut day, &mut ingest).await;
    assert!(!is_live(&world, &person), "on Sunday");
    next_day(&world, &mut day, &mut ingest).await;
    assert!(is_live(&world, &person), "on Monday");
    gateway.stop().await;
}
