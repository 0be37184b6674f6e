//! Submitting: what is accepted, what is proven about it, corrections, withdrawals, checks without storage, and schemas.

use crate::harness::calls::{released, submit};
use crate::harness::{World, calls, documents};

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_are_accepted_and_reach_both_partners() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for (id, record) in [("profile", documents::profile()), ("route", documents::route())] {
        let receipt = submit(&mut ingest, id, &record).await.expect("a valid record is accepted");
        assert_eq!(receipt.version, 1);
    }
    for (partner, agreement) in [("al-police/feed", "ISA-AL-2026-014"), ("vn-police/feed", "ISA-VN-2026-021")] {
        world.journal().settle(agreement, 2).await;
        let items = calls::items(&mut gateway.feed(partner).await).await;
        assert_eq!(items.len(), 2, "{partner}");
        assert!(items.iter().all(|item| released(item).is_some()), "{partner}");
    }
    gateway.stop().await;
}
